"""``start ticket``: what may be written, and the card that answers."""

import json
from dataclasses import replace
from typing import Any

import pytest
from sqlmodel import select

from bot.commands.command import Invocation, UsageError
from bot.commands.start_ticket import COMMAND, Order, parse, run
from bot.commands.text import Reference
from bot.teams_model import Conversation, ConversationKind, TeamsUser
from storage.tables import AuditRow, ConversationRow
from tests.bot.workflows.conftest import CHANNEL, World, world

__all__ = ["world"]


async def invocation(world: World, cause: str = "activity/1", thread_id: str = "") -> Invocation:
    row = await world.read(lambda s: s.get_one(ConversationRow, CHANNEL))
    return Invocation(
        services=world.services,
        conversation=Conversation(CHANNEL, ConversationKind.CHANNEL, "https://x", "tenant"),
        conversation_row=row,
        sender=TeamsUser("29:maya", "Maya Sample"),
        person=world.maya,
        cause=cause,
        thread_id=thread_id,
    )


async def say(world: World, arguments: str, cause: str = "activity/1") -> dict[str, Any]:
    reply = await run(await invocation(world, cause), parse(arguments))
    (message,) = reply.messages
    assert message.card is not None
    return message.card


def buttons(card: dict[str, Any]) -> dict[str, str]:
    return {
        action["title"]: action.get("data", {}).get("arguments", action.get("url", ""))
        for action in card.get("actions", [])
    }


@pytest.mark.parametrize(
    ("typed", "order"),
    [
        ("123", Order(Reference(123))),
        ("#123 in shop", Order(Reference(123), "shop")),
        ("AB#123 no pr", Order(Reference(123), wants_pull_request=False)),
        ("contoso:5 anyway", Order(Reference(5, "contoso"), anyway=True)),
        (
            "5 from refs/heads/release/2.0 in Web App no pr",
            Order(Reference(5), "Web App", "release/2.0", wants_pull_request=False),
        ),
        ('5 in "from here" anyway', Order(Reference(5), "from here", anyway=True)),
        ("5 IN Shop FROM Dev", Order(Reference(5), "Shop", "Dev")),
        (
            "https://dev.azure.com/contoso/Shop/_workitems/edit/7 in shop",
            Order(Reference(7, url="https://dev.azure.com/contoso/Shop/_workitems/edit/7"), "shop"),
        ),
    ],
)
def test_it_is_understood(typed: str, order: Order) -> None:
    assert parse(typed) == order


@pytest.mark.parametrize(
    "typed",
    ["", "pay later", "5 in", "5 from", "5 in a in b", "5 into shop", "0", "in shop 5"],
)
def test_what_is_not_right_gets_one_sentence(typed: str) -> None:
    with pytest.raises(UsageError, match=r"\.$"):
        parse(typed)


@pytest.mark.parametrize(
    "typed", ["5", "contoso:5 in Shop from dev no pr anyway", '5 in "Web App"']
)
def test_an_order_is_written_so_that_it_is_read_back(typed: str) -> None:
    order = parse(typed)
    assert parse(order.arguments()) == order


def test_examples_are_understood() -> None:
    for example in COMMAND.examples:
        parse(example.removeprefix(COMMAND.name))


async def test_a_started_ticket_is_told_step_by_step(world: World) -> None:
    ticket = world.ticket()
    card = await say(world, str(ticket))
    text = json.dumps(card, ensure_ascii=False)
    assert f"Started Ticket {ticket}: Pay later" in text
    assert f"feature/{ticket}-pay-later" in text.replace("\\\\", "")
    assert "Open pull request" in buttons(card)
    assert "Open ticket" in buttons(card)
    assert "Continue" not in buttons(card)


async def test_a_failure_tells_what_is_missing_and_a_button_continues(world: World) -> None:
    ticket = world.ticket()
    world.sandbox.faults.add("POST", "/pullrequests$", status=503)
    card = await say(world, str(ticket))
    text = json.dumps(card, ensure_ascii=False)
    assert f"Ticket {ticket} is only partly started" in text
    assert "Draft pull request: not done" in text
    assert "Why:" in text

    world.sandbox.faults.clear()
    again = buttons(card)["Continue"]
    card = await say(world, again, "activity/2")
    assert f"Started Ticket {ticket}" in json.dumps(card)


async def test_several_repositories_are_asked_with_buttons_that_rerun_the_order(
    world: World,
) -> None:
    other = await world.sandbox.add_repository(world.project, "Web App", files={"a": "a"})
    await world.db.write(lambda s: s.add(world.row_of(other)))
    ticket = world.ticket()
    card = await say(world, f"{ticket} no pr")
    offered = buttons(card)
    assert set(offered) == {"shop", "Web App"}
    expected = replace(parse(f"{ticket} no pr"), repository="Web App")
    assert parse(offered["Web App"]) == expected


async def test_what_was_started_without_a_pull_request_gets_one_by_a_button(world: World) -> None:
    ticket = world.ticket()
    offered = buttons(await say(world, f"{ticket} no pr"))
    assert world.sandbox.pull_requests == []
    await say(world, offered["Draft pull request"], "activity/2")
    assert [one.title for one in world.sandbox.pull_requests] == ["Pay later"]


async def test_an_unknown_repository_offers_those_that_are_there(world: World) -> None:
    offered = buttons(await say(world, f"{world.ticket()} in nowhere"))
    assert list(offered) == ["In shop"]


async def test_a_ticket_of_another_offers_to_take_it_over(world: World) -> None:
    ticket = world.ticket(assigned_to="jonas@example.com")
    card = await say(world, str(ticket))
    assert parse(buttons(card)["Take it over"]).anyway
    assert "Jonas Sample" in json.dumps(card)


async def test_a_refusal_is_in_the_audit_with_the_real_actor(world: World) -> None:
    """CHECKS 24: refused with a sentence; the audit has the actor and the cause."""
    ticket = world.ticket(assigned_to="jonas@example.com")
    await say(world, str(ticket), "activity/77")
    (entry,) = await world.read(
        lambda s: s.exec(select(AuditRow).where(AuditRow.action == "command.refused")).all()
    )
    assert entry.actor == "Maya Sample <maya@example.com>"
    assert entry.cause == "activity/77"
    assert entry.after is not None
    assert entry.after["ticket"] == ticket


async def test_text_from_azure_devops_is_not_markdown_in_the_card(world: World) -> None:
    """CHECKS 20: a title is plain text on the card."""
    ticket = world.ticket("[click](https://evil.example) <at>Maya</at>", state="New")
    card = await say(world, str(ticket))
    text = json.dumps(card)
    assert "](https://evil.example)" not in _markdown_texts(card)
    assert "evil" in text  # it is shown, as text


def _markdown_texts(card: Any) -> str:
    if isinstance(card, dict):
        own = card.get("text", "") if card.get("type") == "TextBlock" else ""
        return own + "".join(_markdown_texts(value) for value in card.values())
    if isinstance(card, list):
        return "".join(_markdown_texts(value) for value in card)
    return ""
