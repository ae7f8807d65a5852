"""The feed decays; the watch finds it, mends what it may, and says it once."""

from sqlmodel import Session

from adapters.sandbox.azure_devops import Subscription
from bot.conflicts.target_moved import TargetMoved
from bot.hooks.silence import PROOFS
from bot.intake import Intake
from storage import audit
from storage.queries import hooks
from tests.bot.hooks.feeding import ALL, Feeding
from tests.bot.workflows.conftest import CHANNEL, CONNECTION, World

MENDED = ("administrator", "I mended a webhook of contoso")
NEEDED = ("administrator", "Webhooks of contoso need an administrator")
WELL = ("administrator", "Webhooks of contoso are well again")
CUT_OFF = (CHANNEL, "Azure DevOps does not tell me what happens in Shop")
BACK = (CHANNEL, "Azure DevOps tells me again what happens in Shop")


def pull_request_hooks(feeding: Feeding) -> list[Subscription]:
    return [
        one
        for one in feeding.sandbox.hooks.subscriptions.values()
        if one.event_type.startswith("git.pullrequest.")
    ]


def read_history_from_its_beginning(session: Session) -> None:
    feed = hooks.feed(session, CONNECTION)
    feed.history_read_to = None
    session.add(feed)


async def test_a_good_feed_is_looked_at_in_silence(feeding: Feeding) -> None:
    await feeding.look()
    assert await feeding.told() == []
    assert await feeding.troubles() == []
    assert feeding.caught_up == []


async def test_without_any_hook_there_is_nothing_to_watch(world: World) -> None:
    feeding = Feeding(world)
    await feeding.look()
    assert await feeding.told() == []
    assert world.sandbox.hooks.subscriptions == {}


async def test_hooks_out_of_service_are_switched_on_and_said_once(feeding: Feeding) -> None:
    for status in ("onProbation", "disabledBySystem", "disabledByInactiveIdentity"):
        feeding.hook("git.push").status = status
        await feeding.look()
        assert feeding.hook("git.push").status == "enabled"
        feeding.world.clock.advance(hours=2)
        await feeding.look()
    assert await feeding.told() == [MENDED] * 3
    assert feeding.caught_up == [CONNECTION] * 3


async def test_hooks_that_may_not_be_seen_any_more_are_not_taken_for_dead(feeding: Feeding) -> None:
    """Azure DevOps shows an empty list to whoever lost the right, and the hooks still deliver."""
    (project,) = feeding.sandbox.organization.projects.values()
    (service,) = (
        one for one in feeding.sandbox.organization.people if "Pullcord" in one.display_name
    )
    feeding.sandbox.access.deny_hooks(service, project)
    for _ in range(2):
        await feeding.look()
    assert await feeding.told() == [NEEDED]
    feeding.sandbox.access.allow_hooks(service, project)
    await feeding.look()
    assert await feeding.told() == [NEEDED, WELL]
    assert len(feeding.sandbox.hooks.subscriptions) == ALL


async def test_one_that_goes_on_probation_again_and_again_is_said_once(feeding: Feeding) -> None:
    for _ in range(5):
        feeding.hook("git.push").status = "onProbation"
        await feeding.look()
    assert await feeding.told() == [MENDED]


async def test_what_a_person_did_is_undone_once_and_then_left(feeding: Feeding) -> None:
    feeding.hook("git.push").status = "disabledByUser"
    await feeding.look()
    assert feeding.hook("git.push").status == "enabled"
    feeding.world.clock.advance(hours=3)
    await feeding.look()
    feeding.hook("git.push").status = "disabledByUser"
    await feeding.look()
    await feeding.look()
    assert feeding.hook("git.push").status == "disabledByUser"
    assert await feeding.told() == [MENDED, NEEDED]
    (left,) = [each for each in await feeding.troubles() if each.ended_at is None]
    assert "so I leave it" in left.says


async def test_a_hook_that_was_deleted_is_made_again(feeding: Feeding) -> None:
    gone = feeding.hook("git.push")
    del feeding.sandbox.hooks.subscriptions[gone.id]
    await feeding.look()
    assert feeding.hook("git.push").id != gone.id
    assert len(await feeding.rows()) == ALL
    assert await feeding.told() == [MENDED]


async def test_a_hook_that_was_narrowed_is_widened(feeding: Feeding) -> None:
    feeding.hook("git.push").publisher_inputs["branch"] = "main"
    await feeding.look()
    assert feeding.hook("git.push").publisher_inputs.get("branch", "") == ""
    assert await feeding.told() == [MENDED]


async def test_hooks_made_by_hand_are_left_as_they_were_made(world: World) -> None:
    feeding = Feeding(world)
    mine = world.sandbox.add_hook(
        "https://pullcord.example.com/webhooks/ado/contoso",
        "git.push",
        project=world.project,
        repository=world.shop,
        secret="s" * 24,
    )
    await feeding.look()
    assert len(world.sandbox.hooks.subscriptions) == 1
    assert mine.publisher_inputs["repository"] == world.shop.id
    assert await feeding.told() == []


async def test_without_the_right_it_says_that_it_could_not_mend(feeding: Feeding) -> None:
    feeding.hook("git.push").status = "disabledBySystem"
    feeding.sandbox.faults.add("PUT", "hooks/subscriptions", status=403)
    await feeding.look()
    await feeding.look()
    assert await feeding.told() == [NEEDED]
    (trouble,) = await feeding.troubles()
    assert "the account may not edit service hooks" in trouble.says
    feeding.sandbox.faults.clear()
    await feeding.install()
    await feeding.look()
    assert await feeding.told() == [NEEDED, WELL]


async def test_a_dead_feed_is_said_where_it_is_followed_and_again_when_it_lives(
    feeding: Feeding,
) -> None:
    for hook in pull_request_hooks(feeding):
        hook.status = "disabledBySystem"
    feeding.sandbox.faults.add("PUT", "hooks/subscriptions", status=403)
    await feeding.look()
    await feeding.look()
    assert await feeding.told() == [NEEDED, CUT_OFF]
    feeding.sandbox.faults.clear()
    await feeding.install()
    await feeding.look()
    assert await feeding.told() == [NEEDED, CUT_OFF, WELL, BACK]


async def test_what_was_not_delivered_is_read_from_the_history_once(feeding: Feeding) -> None:
    """CHECKS 10: nobody listens at the hooks' address, so every delivery fails."""
    world = feeding.world
    for hook in feeding.sandbox.hooks.subscriptions.values():
        hook.consumer_inputs["url"] = "http://127.0.0.1:9/hook"
    number = await world.pull_request("one", world.maya_there)
    await feeding.sandbox.hooks.idle()
    world.clock.advance(hours=3)
    await feeding.look()
    rows = await feeding.inbox()
    failed = [
        note
        for hook in feeding.sandbox.hooks.subscriptions.values()
        for note in hook.notifications
        if note.result == "failed"
    ]
    assert len(rows) == len(failed) > 0
    assert {row.dedup_key for row in rows} == {f"n:{n.subscription.id}:{n.number}" for n in failed}
    feeding.sandbox.calls.clear()
    await world.db.write(read_history_from_its_beginning)
    await feeding.look()
    assert len(await feeding.inbox()) == len(rows)
    asked = [call.path for call in feeding.sandbox.calls]
    assert not any("/notifications/" in path for path in asked)

    intake = Intake(feeding.services, world.reads, TargetMoved(feeding.services))
    while await intake._start_due():
        while intake._in_hand:
            await next(iter(intake._in_hand))
    texts = [
        str((row.payload or {}).get("text", ""))
        for row in await world.outbox()
        if row.key.startswith("reply:")
    ]
    assert texts == ["Maya Sample opened this pull request (late: 3 h ago)"]
    assert (await world.stored(number)).status == "active"


async def test_a_refused_secret_is_replaced(feeding: Feeding) -> None:
    """Somebody typed another password: Azure DevOps is answered 401, and keeps the hook on."""
    hook = feeding.hook("git.push")
    await feeding.world.sandbox.commit(
        feeding.world.shop, "main", {"a": "a"}, feeding.world.maya_there, "a"
    )
    await feeding.sandbox.hooks.idle()
    for note in hook.notifications:
        note.result, note.response = "failed", "401\r\n{}"
    hook.status = "enabled"
    before = hook.consumer_inputs["basicAuthPassword"]
    await feeding.look()
    assert hook.consumer_inputs["basicAuthPassword"] != before


async def test_a_repository_is_called_silent_when_the_sweep_finds_what_no_hook_told(
    feeding: Feeding,
) -> None:
    world = feeding.world
    await world.reads.read(
        CONNECTION, await world.pull_request("one", world.maya_there), cause="webhook/1"
    )
    world.clock.advance(hours=2)

    def sweep_found(session: Session) -> None:
        for _ in range(PROOFS):
            audit.append(
                session,
                at=world.clock(),
                actor="unknown",
                action="vote_cast",
                connection=CONNECTION,
                subject=f"pull_request/{CONNECTION}/1",
                cause="sweep",
            )

    connection = await feeding.connection()
    await feeding.watch.look_for_silence(connection)
    assert await feeding.told() == []
    await world.db.write(sweep_found)
    world.clock.advance(hours=2)
    await feeding.watch.look_for_silence(connection)
    cut_off = (CHANNEL, "Azure DevOps does not tell me what happens in Shop/shop")
    assert await feeding.told() == [NEEDED, cut_off]
    world.clock.advance(hours=2)
    await world.db.write(
        lambda s: audit.append(
            s,
            at=world.clock(),
            actor="unknown",
            action="vote_cast",
            connection=CONNECTION,
            subject=f"pull_request/{CONNECTION}/1",
            cause="webhook/2",
        )
    )
    await feeding.watch.look_for_silence(connection)
    back = (CHANNEL, "Azure DevOps tells me again what happens in Shop/shop")
    assert await feeding.told() == [NEEDED, cut_off, WELL, back]
