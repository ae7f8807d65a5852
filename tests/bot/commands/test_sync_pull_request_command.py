"""``sync pr``: what may be written, and what it repairs and says."""

import json
from typing import Any

import pytest
from sqlmodel import select

from bot.commands.command import CommandRefused, UsageError
from bot.commands.sync_pull_request import COMMAND, Wanted, parse, run
from bot.commands.text import Reference
from bot.ports import Unreachable
from storage.tables import AuditRow, PostedCard
from tests.bot.commands.test_start_ticket_command import invocation
from tests.bot.workflows.conftest import CHANNEL, CONNECTION, NOW, World, world

__all__ = ["world"]


async def say(world: World, arguments: str, thread_id: str = "") -> str:
    reply = await run(await invocation(world, thread_id=thread_id), parse(arguments))
    (message,) = reply.messages
    return json.dumps(message.card, ensure_ascii=False)


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("", Wanted()),
        ("ALL", Wanted(is_all=True)),
        ("!12", Wanted(Reference(12))),
        ("contoso:12", Wanted(Reference(12, "contoso"))),
    ],
)
def test_it_is_understood(typed: str, wanted: Wanted) -> None:
    assert parse(typed) == wanted


@pytest.mark.parametrize("typed", ["12 13", "mine", "x"])
def test_what_is_not_right_gets_one_sentence(typed: str) -> None:
    with pytest.raises(UsageError):
        parse(typed)


def test_examples_are_understood() -> None:
    for example in COMMAND.examples:
        parse(example.removeprefix(COMMAND.name))


async def test_an_unknown_pull_request_is_adopted(world: World) -> None:
    ticket = world.ticket()
    number = await world.pull_request("one", world.maya_there, title=f"Fix #{ticket}")
    said = await say(world, str(number))
    assert "I had not known it" in said
    assert f"Linked ticket {ticket}" in said
    assert (await world.stored(number)).status == "active"
    cards = [row.conversation_id for row in await world.outbox() if row.kind == "card"]
    assert cards == [CHANNEL]


async def test_it_says_what_changed_and_that_nothing_did(world: World) -> None:
    number = await world.pull_request("one", world.maya_there, reviewers=[world.jonas_there])
    assert "Checks" not in await say(world, str(number))  # it has none
    await world.sandbox.vote(number, world.jonas_there, 10)
    assert "Jonas Sample approved" in await say(world, str(number))
    assert "Nothing to change" in await say(world, str(number))


async def test_it_says_that_a_conflict_began_and_ended_by_azure_devops_word(world: World) -> None:
    number = await world.pull_request("one", world.maya_there)
    await say(world, str(number))
    theirs = {"one.txt": "ours\n"}
    await world.sandbox.commit(world.shop, "main", theirs, world.jonas_there, "Theirs")
    organization = world.sandbox.organization
    organization.merges.request_trial(organization.pull_requests[number], world.maya_there)
    await world.sandbox.settled()
    assert "Conflicts with main" in await say(world, str(number))
    assert "Nothing to change" in await say(world, str(number))


async def test_it_merges_on_trial_itself_where_azure_devops_has_not(world: World) -> None:
    number = await world.pull_request("one", world.maya_there)
    await say(world, str(number))
    theirs = {"one.txt": "ours\n"}
    await world.sandbox.commit(world.shop, "main", theirs, world.jonas_there, "Theirs")
    found = "Conflicts with the newest main, as my own trial merge found"
    assert found in await say(world, str(number))
    assert "Nothing to change" in await say(world, str(number))


async def test_a_number_that_is_not_there_is_told(world: World) -> None:
    with pytest.raises(CommandRefused, match="no pull request 4711"):
        await say(world, "4711")


async def test_azure_devops_down_is_told(world: World) -> None:
    """CHECKS 6: the registry answers Unreachable with what to do."""
    await world.sandbox.take_down()
    with pytest.raises(Unreachable):
        await say(world, "1")


async def test_in_a_thread_that_pull_request_is_meant(world: World) -> None:
    number = await world.pull_request("one", world.jonas_there)
    read = await world.reads.read(CONNECTION, number, cause="a")
    card = PostedCard(
        conversation_id=CHANNEL,
        pull_request_id=read.pull_request_id,
        activity_id="1700000000000",
        posted_at=NOW,
    )
    await world.db.write(lambda s: s.add(card))
    assert f"#{number}" in await say(world, "", thread_id="1700000000000")


async def test_without_argument_ones_own_open_ones_are_meant(world: World) -> None:
    mine = await world.pull_request("one", world.maya_there)
    other = await world.pull_request("two", world.jonas_there)
    for number in (mine, other):
        await world.reads.read(CONNECTION, number, cause="a")
    await world.sandbox.edit_pull_request(mine, world.maya_there, {"title": "Better"})
    await world.sandbox.edit_pull_request(other, world.jonas_there, {"title": "Other"})
    said = await say(world, "")
    assert "Synced your 1 open" in said
    assert "Better" in said
    assert (await world.stored(other)).title == "About two"


async def test_without_any_of_ones_own_it_says_how_to_go_on(world: World) -> None:
    with pytest.raises(CommandRefused, match="sync pr NUMBER"):
        await say(world, "")


async def test_all_compares_the_followed_repositories(world: World) -> None:
    await world.subscribe()
    kept = await world.pull_request("one", world.maya_there)
    closed = await world.pull_request("two", world.maya_there)
    await say(world, "all")
    await world.sandbox.abandon(closed, world.maya_there)
    said = await say(world, "all")
    assert "Abandoned by Maya Sample" in said
    assert (await world.stored(closed)).status == "abandoned"
    assert (await world.stored(kept)).status == "active"
    assert "Nothing to change" in await say(world, "all")


async def test_all_without_anything_followed_says_how_to_go_on(world: World) -> None:
    with pytest.raises(CommandRefused, match="subscribe"):
        await say(world, "all")


async def test_the_audit_names_who_ordered_it(world: World) -> None:
    number = await world.pull_request("one", world.maya_there, title="Fix #1")
    ticket = world.ticket()
    await say(world, str(number))
    await world.sandbox.edit_pull_request(number, world.maya_there, {"title": f"AB#{ticket}"})
    await say(world, str(number))

    def added(session: Any) -> list[str]:
        rows = session.exec(select(AuditRow).where(AuditRow.action == "link.added")).all()
        return [row.actor for row in rows]

    assert await world.read(added) == ["Maya Sample <maya@example.com>"]
