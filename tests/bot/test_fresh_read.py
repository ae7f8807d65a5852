"""Reading a pull request once for all who ask, and what the read repairs."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from bot.ports import NotFound
from storage.queries import open_pull_requests
from storage.tables import Link, TicketRow
from tests.bot.releasing import release_due
from tests.bot.workflows.conftest import CONNECTION, NOW, World, world

__all__ = ["world"]


def reads_of(world: World, number: int) -> int:
    return sum(call.endswith(f"/pullrequests/{number}") for call in map(str.lower, world.calls()))


async def test_requests_during_a_read_cause_exactly_one_more(world: World) -> None:
    number = await world.pull_request("one", world.maya_there)
    gate = asyncio.Event()
    fault = world.sandbox.faults.add("GET", f"pullrequests/{number}$", delay=gate, times=1)
    first = asyncio.create_task(world.reads.read(CONNECTION, number, cause="a"))
    await world.reached(fault)
    world.sandbox.calls.clear()
    later = [
        asyncio.create_task(world.reads.read(CONNECTION, number, cause=f"b{index}"))
        for index in range(5)
    ]
    await asyncio.sleep(0)
    gate.set()
    results = await asyncio.gather(first, *later)

    assert reads_of(world, number) == 2
    assert {result.pull_request_id for result in results} == {results[0].pull_request_id}


async def test_a_read_after_the_last_ended_is_a_new_one(world: World) -> None:
    number = await world.pull_request("one", world.maya_there)
    world.sandbox.calls.clear()
    for _ in range(3):
        await world.reads.read(CONNECTION, number, cause="a")
    assert reads_of(world, number) == 3


async def test_a_read_covers_what_happened_before_it_began_and_nothing_later(world: World) -> None:
    number = await world.pull_request("one", world.maya_there)
    time = asyncio.get_running_loop().time
    assert not world.reads.covers(CONNECTION, number, time())
    before = time()
    gate = asyncio.Event()
    fault = world.sandbox.faults.add("GET", f"pullrequests/{number}$", delay=gate, times=1)
    reading = asyncio.create_task(world.reads.read(CONNECTION, number, cause="a"))
    await world.reached(fault)
    meanwhile = time()
    assert not world.reads.covers(CONNECTION, number, before), "it has not ended"
    gate.set()
    await reading

    assert world.reads.covers(CONNECTION, number, before)
    assert not world.reads.covers(CONNECTION, number, meanwhile)
    assert not world.reads.covers(CONNECTION, number + 1, before)


async def test_a_read_that_failed_covers_nothing(world: World) -> None:
    number = await world.pull_request("one", world.maya_there)
    before = asyncio.get_running_loop().time()
    world.sandbox.faults.add("GET", f"pullrequests/{number}$", status=404, times=1)
    with pytest.raises(NotFound):
        await world.reads.read(CONNECTION, number, cause="a")
    assert not world.reads.covers(CONNECTION, number, before)


async def test_a_failure_reaches_all_who_wait_and_the_next_read_works(world: World) -> None:
    number = await world.pull_request("one", world.maya_there)
    world.sandbox.faults.add("GET", f"pullrequests/{number}$", status=404, times=1)
    with pytest.raises(NotFound):
        await world.reads.read(CONNECTION, number, cause="a")
    assert (await world.reads.read(CONNECTION, number, cause="b")).state.number == number


async def test_one_who_gives_up_waiting_does_not_end_the_read_of_others(world: World) -> None:
    number = await world.pull_request("one", world.maya_there)
    gate = asyncio.Event()
    fault = world.sandbox.faults.add("GET", f"pullrequests/{number}$", delay=gate, times=1)
    impatient = asyncio.create_task(world.reads.read(CONNECTION, number, cause="a"))
    await world.reached(fault)
    leaving = asyncio.create_task(world.reads.read(CONNECTION, number, cause="b"))
    patient = asyncio.create_task(world.reads.read(CONNECTION, number, cause="c"))
    await asyncio.sleep(0)
    impatient.cancel()
    leaving.cancel()
    await asyncio.wait([impatient, leaving])
    gate.set()
    assert (await patient).state.number == number


async def test_links_come_from_azure_devops_text_and_branch(world: World) -> None:
    linked, named, branched = world.ticket("A"), world.ticket("B"), world.ticket("C")
    number = await world.pull_request(
        f"feature/{branched}-c",
        world.maya_there,
        title=f"Fix AB#{named} and #{99999}",
        work_items=[linked],
    )
    read = await world.reads.read_whole(CONNECTION, number, cause="a")

    assert set(read.links.added) == {linked, named, branched}
    origins = {link.ticket: link.origin for link in await world.links()}
    assert origins == {linked: "azure_devops", named: "text", branched: "branch_name"}
    titles = await world.read(lambda s: s.get(TicketRow, (CONNECTION, named)))
    assert titles is not None
    assert titles.title == "B"


async def test_a_link_taken_away_by_hand_is_not_made_again(world: World) -> None:
    ticket = world.ticket()
    number = await world.pull_request("one", world.maya_there, title=f"Fix #{ticket}")
    await world.reads.read(CONNECTION, number, cause="a")

    def take_away(session: object) -> None:
        (link,) = open_pull_requests.links_of(session, CONNECTION, number)  # type: ignore[arg-type]
        link.removed_at, link.removed_by = NOW, "Maya Sample <maya@example.com>"
        session.add(link)  # type: ignore[attr-defined]

    await world.db.write(take_away)
    again = await world.reads.read_whole(CONNECTION, number, cause="b")
    assert not again.links
    (link,) = await world.links()
    assert link.removed_at is not None


async def test_nothing_new_changes_nothing(world: World) -> None:
    number = await world.pull_request("one", world.maya_there)
    await world.reads.read(CONNECTION, number, cause="a")
    again = await world.reads.read_whole(CONNECTION, number, cause="b")
    assert (again.recorded.changes, bool(again.links), again.checks_changed) == ((), False, False)


async def test_checks_are_stored(world: World) -> None:
    number = await world.pull_request("one", world.maya_there)
    await world.reads.read(CONNECTION, number, cause="a")
    await world.sandbox.set_pull_request_status(number, world.maya_there, "failed", "build")
    read = await world.reads.read_whole(CONNECTION, number, cause="b")
    assert read.checks_changed
    checks = (await world.stored(number)).checks
    assert checks is not None
    assert [check["state"] for check in checks] == ["failed"]


async def test_without_tickets_and_checks_it_is_recorded_and_asked_for_again(world: World) -> None:
    ticket = world.ticket()
    number = await world.pull_request("one", world.maya_there, work_items=[ticket])
    await world.reads.read(CONNECTION, number, cause="a")
    world.sandbox.faults.add("GET", "workitems$", status=503)
    world.sandbox.faults.add("GET", "statuses", status=503)

    await world.reads.read(CONNECTION, number, cause="b")
    assert (await world.stored(number)).needs_read
    links: list[Link] = await world.links()
    assert [link.removed_at for link in links] == [None]

    world.sandbox.faults.clear()
    assert await world.sweep.read_waiting() == 1
    assert not (await world.stored(number)).needs_read


async def push(world: World, branch: str) -> str:
    content = {"more.txt": str(world.clock())}
    return await world.sandbox.commit(world.shop, branch, content, world.maya_there, "More")


LOUD = {"places": {"created": "thread", "commits": "thread"}}
"""What a channel sees on the card as a rule, below it."""


async def told(world: World) -> list[str]:
    await release_due(world.services.db, world.clock())
    rows = await world.outbox()
    return [row.payload["text"] for row in rows if row.kind == "message" and row.payload]


def distances(world: World) -> int:
    return sum("/diffs/" in call for call in world.calls())


async def test_a_push_is_counted_where_a_thread_hears_of_it(world: World) -> None:
    await world.subscribe(options=LOUD)
    number = await world.pull_request("one", world.maya_there)
    await world.reads.read(CONNECTION, number, cause="a")
    await world.reads.read(CONNECTION, number, cause="b")
    assert distances(world) == 0  # nothing was pushed

    await push(world, "one")
    tip = await push(world, "one")
    await world.reads.read(CONNECTION, number, cause="c")
    assert (await told(world))[-1] == f"2 new commits, now at {tip[:7]}"
    await world.reads.read(CONNECTION, number, cause="d")
    assert len(await told(world)) == 2  # opened, and the push


QUIET = {
    "nobody follows": None,
    "as it is by default": {},
    "off": {"places": {"commits": "off"}},
    "from another branch": {**LOUD, "filters": {"source": ["release/*"]}},
}


@pytest.mark.parametrize("options", QUIET.values(), ids=QUIET)
async def test_a_push_is_not_counted_where_nobody_is_told_of_it(
    world: World, options: dict[str, Any] | None
) -> None:
    if options is not None:
        await world.subscribe(options=options)
    number = await world.pull_request("one", world.maya_there)
    await world.reads.read(CONNECTION, number, cause="a")
    await push(world, "one")
    recorded = await world.reads.read(CONNECTION, number, cause="b")
    assert [type(change).__name__ for change in recorded.changes] == ["CommitsPushed"]
    assert distances(world) == 0


@pytest.mark.parametrize("place", ["thread", "channel", "direct"])
async def test_a_push_is_counted_once_in_whatever_words_it_is_told(
    world: World, place: str
) -> None:
    await world.subscribe(options={"places": {"commits": place}})
    number = await world.pull_request("one", world.maya_there)
    await world.reads.read(CONNECTION, number, cause="a")
    await push(world, "one")
    await world.reads.read(CONNECTION, number, cause="b")
    assert distances(world) == 1


async def test_a_push_that_cannot_be_counted_is_told_all_the_same(world: World) -> None:
    await world.subscribe(options=LOUD)
    number = await world.pull_request("one", world.maya_there)
    await world.reads.read(CONNECTION, number, cause="a")
    tip = await push(world, "one")
    world.sandbox.faults.add("GET", "/diffs/", status=404)
    await world.reads.read(CONNECTION, number, cause="b")
    assert (await told(world))[-1] == f"New commits, now at {tip[:7]}"


async def test_where_a_webhook_says_it_is_all_of_it_is_read_at_once(world: World) -> None:
    number = await world.pull_request("one", world.maya_there)
    told = (await (await world.services.azure_devops(CONNECTION)).pull_request(number)).repository
    gate = asyncio.Event()
    itself = world.sandbox.faults.add("GET", f"pullrequests/{number}$", delay=gate, times=1)
    statuses = world.sandbox.faults.add("GET", f"{number}/statuses", delay=gate, times=1)
    reading = asyncio.create_task(world.reads.read(CONNECTION, number, cause="a", told=told))
    await world.reached(itself)
    await world.reached(statuses)
    gate.set()
    assert (await reading).state.number == number


async def test_a_webhook_that_names_another_place_is_not_believed(world: World) -> None:
    ticket = world.ticket()
    number = await world.pull_request("one", world.maya_there, work_items=[ticket])
    told = (await (await world.services.azure_devops(CONNECTION)).pull_request(number)).repository
    elsewhere = replace(told, id="00000000-0000-4000-8000-000000000000")
    await world.reads.read(CONNECTION, number, cause="a", told=elsewhere)
    assert [link.ticket for link in await world.links()] == [ticket]
