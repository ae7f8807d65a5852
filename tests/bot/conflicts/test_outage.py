"""Azure DevOps cannot be reached for ten minutes while a conflict begins (CHECKS 6)."""

from datetime import timedelta

from tests.bot.conflicts.history_world import World
from tests.bot.conflicts.seen import seen, told


async def passes(world: World, minutes: float) -> None:
    """Time, in steps of five seconds; people are told what is to be told."""
    until = world.clock.now + timedelta(minutes=minutes)
    while world.clock.now < until:
        world.clock.now += timedelta(seconds=5)
        for part in (world.watch, world.statuses, world.held, world.delivery):
            await part.work_off()


async def test_a_conflict_in_an_outage_is_told_at_once_and_has_its_files_a_minute_after_CHECKS_6(
    world: World,
) -> None:
    world.azure.organization.remerge_on_target_push = True
    await world.azure.commit(
        world.repository, "mine", {"a.txt": "mine\n"}, world.authors["maya"], "Mine"
    )
    made = await world.azure.create_pull_request(
        world.repository, world.authors["maya"], "mine", title="Mine"
    )
    await world.happened()

    world.azure_devops_is_down(True)
    await world.azure.commit(world.repository, "main", {"a.txt": "ours\n"}, world.other, "Ours")
    await world.deliver(world.new_hooks())
    await world.intake.work_off()
    await passes(world, 0.6)
    found = await seen(world, made, "maya")
    assert (found.channel, found.author, found.card) == (*[told().channel] * 2, "blocked")
    assert "Azure DevOps could not be asked" in world.alert_texts(made, "a:maya")[0]

    await passes(world, 10)
    world.azure_devops_is_down(False)
    await passes(world, 1)
    assert "a.txt  both changed" in world.alert_texts(made, "a:maya")[0]
    world.clock.now += timedelta(minutes=11)  # the longest pause of the status
    await world.settle()
    assert await seen(world, made, "maya") == told()
