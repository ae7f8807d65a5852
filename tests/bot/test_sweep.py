"""The sweep: what service hooks missed is found, told once, and cheaply."""

from datetime import timedelta

from bot.fresh_read import FreshReads
from bot.sweep import FIRST_PAUSE, Sweep
from storage.tables import RepositoryRow
from tests.bot.releasing import release_due
from tests.bot.workflows.conftest import CONNECTION, World, world

__all__ = ["world"]


async def texts(world: World) -> list[str]:
    rows = await world.outbox()
    return [str((row.payload or {}).get("text", "")) for row in rows if row.kind == "message"]


async def test_what_was_missed_during_an_outage_is_told_once(world: World) -> None:
    """CHECKS 10: the sweep at start tells what was missed, once."""
    await world.subscribe()
    number = await world.pull_request("one", world.maya_there, reviewers=[world.jonas_there])
    await world.sweep.run()
    before = len(await world.outbox())
    await world.sandbox.vote(number, world.jonas_there, 10)
    missed = await world.pull_request("two", world.jonas_there)

    restarted = Sweep(world.services, FreshReads(world.services))
    report = await restarted.run()

    assert sorted(report.read) == [(CONNECTION, number), (CONNECTION, missed)]
    await release_due(world.services.db, world.services.clock())
    told = len(await world.outbox())
    assert told > before
    assert any("Jonas Sample approved" in text for text in await texts(world))

    again = Sweep(world.services, FreshReads(world.services))
    assert (await again.run()).read == []
    await release_due(world.services.db, world.services.clock())
    assert len(await world.outbox()) == told


async def sweeps(world: World) -> None:
    """A sweep, and what it found is told."""
    await world.sweep.run()
    await release_due(world.services.db, world.services.clock())


async def test_what_an_outage_hid_says_once_how_late_it_is(world: World) -> None:
    """CHECKS 10: what happened long ago is not told as if it were new."""
    await world.subscribe()
    number = await world.pull_request("one", world.maya_there, reviewers=[world.jonas_there])
    await sweeps(world)
    world.clock.advance(minutes=4)
    await world.sandbox.vote(number, world.jonas_there, 5)
    await sweeps(world)
    world.clock.advance(minutes=40)
    await world.sandbox.vote(number, world.jonas_there, -10)
    change = {"one.txt": "more\n"}
    await world.sandbox.commit(world.shop, "one", change, world.maya_there, "More")
    await sweeps(world)
    await world.sandbox.abandon(number, world.maya_there)
    world.clock.advance(hours=3)
    await sweeps(world)
    found = await texts(world)
    assert found.count("Jonas Sample approved with suggestions") == 1
    late = [text for text in found if "late:" in text]
    assert sorted(text[text.index("(") :] for text in late) == [
        "(late: 3 h ago)",
        "(late: in the last 40 min)",
    ]


async def test_a_sweep_without_news_is_one_list_call_and_one_look_at_the_target_branch(
    world: World,
) -> None:
    await world.subscribe()
    for name in ("one", "two", "three"):
        await world.pull_request(name, world.maya_there, reviewers=[world.jonas_there])
    await world.sweep.run()
    world.sandbox.calls.clear()

    report = await world.sweep.run()

    assert report.read == []
    assert [call.rpartition("/")[2] for call in world.calls()] == ["pullrequests", "commits"]


async def test_only_what_changed_is_read(world: World) -> None:
    await world.subscribe()
    numbers = [
        await world.pull_request(name, world.maya_there, reviewers=[world.jonas_there])
        for name in ("one", "two", "three")
    ]
    await world.sweep.run()
    await world.sandbox.vote(numbers[1], world.jonas_there, -5)
    assert (await world.sweep.run()).read == [(CONNECTION, numbers[1])]


async def test_one_closed_elsewhere_is_found_because_it_is_missing_from_the_list(
    world: World,
) -> None:
    await world.subscribe()
    number = await world.pull_request("one", world.maya_there)
    await world.sweep.run()
    await world.sandbox.abandon(number, world.maya_there)
    await world.sweep.run()
    assert (await world.stored(number)).status == "abandoned"


async def test_repositories_nobody_follows_are_not_asked(world: World) -> None:
    other = await world.sandbox.add_repository(world.project, "other", files={"a": "a"})
    await world.subscribe()
    await world.sweep.run()
    asked = " ".join(world.calls())
    assert world.shop.id in asked
    assert other.id not in asked
    found = await world.read(lambda s: s.get(RepositoryRow, (CONNECTION, other.id)))
    assert found is not None  # but known, for "start ticket N in other"


async def test_a_pause_that_azure_devops_asks_for_is_waited(world: World) -> None:
    """CHECKS 7: the next call waits as long as Retry-After says."""
    await world.subscribe()
    number = await world.pull_request("one", world.maya_there)
    world.sandbox.faults.rate_limit(20, path="pullrequests")
    report = await world.sweep.run()
    assert report.read == [(CONNECTION, number)]
    assert round(sum(world.slept)) >= 20


async def test_a_connection_that_is_down_is_left_alone_and_drained_when_it_is_back(
    world: World,
) -> None:
    """CHECKS 6: drained within 60 s of its return."""
    await world.subscribe()
    number = await world.pull_request("one", world.maya_there)
    await world.sandbox.take_down()
    down = await world.sweep.run()
    assert CONNECTION in down.failures

    await world.sandbox.bring_up()
    world.sandbox.calls.clear()
    assert (await world.sweep.run_failed()).repositories == 0
    assert world.calls() == []

    world.clock.advance(seconds=FIRST_PAUSE.total_seconds())
    assert timedelta(seconds=60) > FIRST_PAUSE
    back = await world.sweep.run_failed()
    assert back.read == [(CONNECTION, number)]
    assert (await world.sweep.run_failed()).repositories == 0


async def test_a_repository_that_is_gone_is_not_asked_again(world: World) -> None:
    await world.subscribe()
    await world.sweep.run()
    await world.sandbox.delete_repository(world.shop, world.maya_there)
    await world.sweep.run()
    world.sandbox.calls.clear()
    report = await world.sweep.run()
    assert report.failures == {}
    assert world.calls() == []


async def test_what_asks_for_a_read_is_read_and_one_that_is_gone_is_given_up(
    world: World,
) -> None:
    one = await world.pull_request("one", world.maya_there)
    two = await world.pull_request("two", world.maya_there)
    for number in (one, two):
        read = await world.reads.read(CONNECTION, number, cause="a")
        await world.ask_for_read(read.pull_request_id)
    world.sandbox.faults.add("GET", f"pullrequests/{two}$", status=404)

    assert await world.sweep.read_waiting() == 1
    assert not (await world.stored(one)).needs_read
    assert not (await world.stored(two)).needs_read


async def test_one_that_cannot_be_read_is_put_off_longer_each_time(world: World) -> None:
    number = await world.pull_request("one", world.maya_there)
    read = await world.reads.read(CONNECTION, number, cause="a")
    await world.ask_for_read(read.pull_request_id)
    world.sandbox.faults.add("GET", f"pullrequests/{number}$", status=403)
    assert await world.sweep.read_waiting() == 0
    world.sandbox.calls.clear()
    assert await world.sweep.read_waiting() == 0
    assert world.calls() == []

    world.sandbox.faults.clear()
    world.clock.advance(seconds=FIRST_PAUSE.total_seconds())
    assert await world.sweep.read_waiting() == 1
