"""Activities: stored first, handled once and in order, resumed after a crash."""

import asyncio
import logging
from dataclasses import replace
from typing import Any

import pytest
from sqlmodel import Session

from adapters.sandbox.teams import render_text
from bot.cards.answers import text_card
from bot.commands.command import Command, CommandRefused, Invocation, Reply
from bot.commands.registry import Registry
from bot.ports import Rejected
from bot.teams_model import (
    CardActionPressed,
    Conversation,
    ConversationKind,
    MessageReceived,
    TeamsUser,
)
from bot.turns import ON_IT, Turns, activity_key
from storage.engine import CannotStore
from storage.queues import LEASE
from tests.bot.talking import TENANT_ID, Talk


class Counted:
    """A command of the test that counts its runs and can be held or made to fail."""

    def __init__(self, name: str = "count", **more: Any) -> None:
        self.runs: list[str] = []
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.began = asyncio.Event()
        self.error: Exception | None = None
        self._ran = asyncio.Condition()
        self.command = Command(
            name=name,
            usage=name,
            summary="Counts.",
            examples=(name,),
            parse=str,
            run=self.run,
            **more,
        )

    async def run(self, invocation: Invocation, arguments: str) -> Reply:
        self.began.set()
        await self.go_on.wait()
        async with self._ran:
            self.runs.append(arguments)
            self._ran.notify_all()
        if self.error is not None:
            raise self.error
        return Reply((text_card(f"Counted {len(self.runs)} {arguments}".strip(), []),))

    async def until(self, runs: int) -> None:
        async with self._ran:
            await self._ran.wait_for(lambda: len(self.runs) >= runs)


@pytest.fixture
def counted(talk: Talk) -> Counted:
    made = Counted(is_slow=True)
    talk.turns = Turns(talk.services, Registry([made.command]))
    return made


def message(talk: Talk, text: str, activity_id: str = "100", **more: Any) -> MessageReceived:
    return MessageReceived(
        activity_id=activity_id,
        conversation=Conversation(
            talk.chat(talk.maya).id, ConversationKind.PERSONAL, talk.teams.service_url, TENANT_ID
        ),
        sender=TeamsUser(talk.maya.id, "Maya Sample"),
        text=text,
        **more,
    )


async def test_the_same_activity_twice_runs_once_with_one_reply(
    talk: Talk, counted: Counted
) -> None:
    """CHECKS 4."""
    sent = await talk.teams.say(talk.maya, talk.chat(talk.maya), "count")
    again = await talk.teams.resend(sent.activity)
    await talk.settle()
    later = await talk.teams.resend(sent.activity)
    await talk.settle()
    assert {sent.status, again.status, later.status} <= {200, 202}
    assert counted.runs == [""]
    assert len(talk.heard()) == 1


async def test_the_same_activity_fifty_times_side_by_side_runs_once(
    talk: Talk, counted: Counted
) -> None:
    """CHECKS 4."""
    said = message(talk, "count")
    await asyncio.gather(*(talk.turns(said) for _ in range(50)))
    await asyncio.gather(talk.turns.work_off(), talk.turns.work_off())
    await talk.settle()
    assert counted.runs == [""]
    assert len(talk.heard()) == 1


async def test_an_activity_is_answered_before_it_is_handled(talk: Talk, counted: Counted) -> None:
    counted.go_on.clear()
    sent = await talk.teams.say(talk.maya, talk.chat(talk.maya), "count")
    assert sent.status in (200, 202)
    assert counted.runs == []
    (stored,) = [row for row in await talk.activities() if row.state == "pending"]
    assert stored.event["text"].strip() == "count"
    counted.go_on.set()
    await talk.settle()
    assert "Counted 1" in talk.text()


async def test_an_activity_that_cannot_be_stored_is_not_taken(talk: Talk, counted: Counted) -> None:
    await talk.db.close()
    with pytest.raises(CannotStore):
        await talk.turns(message(talk, "count"))


async def test_a_restart_resumes_what_was_in_hand(talk: Talk, counted: Counted) -> None:
    counted.go_on.clear()
    await talk.teams.say(talk.maya, talk.chat(talk.maya), "count")
    killed = asyncio.create_task(talk.turns.run())
    await counted.began.wait()
    killed.cancel()  # as SIGKILL: nothing is given back
    for task in list(talk.turns._in_hand.values()):
        task.cancel()
    await asyncio.gather(killed, return_exceptions=True)
    counted.go_on.set()
    talk.turns = Turns(talk.services, Registry([counted.command]))
    resumed = asyncio.create_task(talk.turns.run())
    await counted.until(1)
    await talk.turns.drain()
    await resumed
    await talk.delivery.work_off()
    assert counted.runs == [""]
    assert talk.text().count("Counted") == 1


async def test_drain_parks_what_does_not_end_and_another_start_takes_it_at_once(
    talk: Talk, counted: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.turns.DRAIN_WITHIN_S", 0.01)
    counted.go_on.clear()
    await talk.turns(message(talk, "count"))
    loop = asyncio.create_task(talk.turns.run())
    await counted.began.wait()
    await talk.turns.drain()
    await loop
    assert counted.runs == []
    (parked,) = [row for row in await talk.activities() if row.state == "pending"]
    assert parked.claimed_until is None
    counted.go_on.set()
    talk.turns = Turns(talk.services, Registry([counted.command]))
    await talk.settle()
    assert counted.runs == [""]


async def test_one_conversation_keeps_its_order_and_does_not_hold_up_others(
    talk: Talk, counted: Counted
) -> None:
    quick = Counted("quick")
    talk.turns = Turns(talk.services, Registry([counted.command, quick.command]))
    counted.go_on.clear()
    await talk.turns(message(talk, "count", "1"))
    await talk.turns(message(talk, "quick second", "2"))
    await talk.teams.say(talk.jonas, talk.chat(talk.jonas), "quick other")
    loop = asyncio.create_task(talk.turns.run())
    await quick.began.wait()
    assert counted.runs == []
    counted.go_on.set()
    await quick.until(2)
    await talk.turns.drain()
    await loop
    assert quick.runs == ["other", "second"]


async def test_replies_and_the_mark_are_stored_together(talk: Talk, counted: Counted) -> None:
    """A transaction that fails once leaves neither; the command is not run a second time."""
    failures = [CannotStore("disk full")]
    write = talk.db.write

    async def fails_once(fn: Any) -> Any:
        if fn.__name__ == "finish" and failures:

            def fail(session: Session) -> None:
                fn(session)
                raise failures.pop()

            return await write(fail)
        return await write(fn)

    talk.db.write = fails_once  # type: ignore[method-assign]
    await talk.turns(message(talk, "count"))
    await talk.settle()
    assert not failures
    assert counted.runs == [""]
    assert talk.text().count("Counted 1") == 1


async def test_two_that_handle_the_same_activity_store_its_effects_once(
    talk: Talk, counted: Counted
) -> None:
    """A replica that was taken for dead ends its turn after another has done it."""
    counted.error = CommandRefused("not now")
    counted.go_on.clear()
    await talk.turns(message(talk, "count"))
    slow = asyncio.create_task(talk.turns.work_off())
    await counted.began.wait()
    counted.began.clear()
    talk.clock.now += 2 * LEASE
    other = asyncio.create_task(Turns(talk.services, Registry([counted.command])).work_off())
    await counted.began.wait()
    counted.go_on.set()
    await asyncio.gather(slow, other)
    assert len(counted.runs) == 2
    await talk.settle()
    assert talk.text().count("not now") == 1
    assert len(await talk.audit("command.refused")) == 1


async def test_a_defect_is_told_with_a_reference_and_logged(
    talk: Talk, counted: Counted, caplog: pytest.LogCaptureFixture
) -> None:
    counted.error = RuntimeError("canary-detail")
    with caplog.at_level(logging.ERROR):
        said = await talk.say("count")
    assert "Something went wrong on our side" in said
    assert "canary-detail" not in said
    failed = next(row for row in await talk.activities() if row.state == "failed")
    reference = failed.reason.removeprefix("reference ")
    assert reference in said
    assert any(reference in record.getMessage() for record in caplog.records)


async def test_a_refusal_of_azure_devops_is_a_sentence_with_a_button(
    talk: Talk, counted: Counted
) -> None:
    counted.error = Rejected("TF401320: Rule Error for field State")
    card_ = await talk.say_and_see("count me")
    said = render_text(card_)
    assert "Azure DevOps refused the change. It says: TF401320" in said
    assert "[Try again]" in said


async def test_a_slow_command_shows_typing_and_does_not_need_it(
    talk: Talk, counted: Counted
) -> None:
    counted.go_on.clear()
    await talk.turns(message(talk, "count"))
    working = asyncio.create_task(talk.turns.work_off())
    await talk.teams.wait_for(lambda: talk.chat(talk.maya).typing)
    counted.go_on.set()
    await working
    await talk.settle()
    talk.heard()

    counted.go_on.clear()
    fault = talk.teams.faults.add(method="POST", path="activities", status=502, times=1)
    await talk.turns(message(talk, "count", "101"))
    working = asyncio.create_task(talk.turns.work_off())
    await fault.reached()
    counted.go_on.set()
    await working
    await talk.settle()
    assert "Counted 2" in talk.text()


# --- buttons --------------------------------------------------------------------------------


async def test_the_presser_sees_the_outcome_when_it_is_quick(talk: Talk, counted: Counted) -> None:
    loop = asyncio.create_task(talk.turns.run())
    answer = await talk.turns(pressed(talk, "count", {"arguments": "this"}))
    await talk.turns.drain()
    await loop
    assert answer is not None
    assert answer.message == "Counted 1 this"


async def test_the_presser_of_a_slow_button_is_told_that_it_follows(
    talk: Talk, counted: Counted
) -> None:
    """CHECKS 4 for buttons: pressed again by Teams, it still runs once."""
    counted.go_on.clear()
    talk.turns = Turns(talk.services, Registry([counted.command]), action_wait_s=0.01)
    press = pressed(talk, "count", {})
    loop = asyncio.create_task(talk.turns.run())
    assert await talk.turns(press) == ON_IT
    assert await talk.turns(press) == ON_IT
    counted.go_on.set()
    await talk.turns.drain()
    await loop
    assert counted.runs == [""]


@pytest.mark.parametrize(
    ("verb", "data"),
    [("nonsense", {}), ("", {"arguments": "x"}), ("count", {"arguments": 5}), ("x" * 9999, {})],
)
async def test_a_strange_button_is_not_understood(
    talk: Talk, counted: Counted, verb: str, data: dict[str, Any]
) -> None:
    talk.turns = Turns(talk.services, Registry([counted.command]), action_wait_s=0.01)
    await talk.turns(pressed(talk, verb, data))
    await talk.settle()
    assert "I do not understand" in talk.text()
    assert counted.runs == []


async def test_a_choice_takes_its_place_in_the_arguments(talk: Talk, counted: Counted) -> None:
    talk.turns = Turns(talk.services, Registry([counted.command]), action_wait_s=0.01)
    await talk.turns(pressed(talk, "count", {"arguments": "5 in {choice}", "choice": "shop"}))
    await talk.settle()
    assert counted.runs == ["5 in shop"]


async def test_a_card_that_refreshes_itself_and_other_bots_are_ignored(
    talk: Talk, counted: Counted
) -> None:
    before = len(await talk.activities())
    assert await talk.turns(replace(pressed(talk, "count", {}), trigger="automatic")) is None
    await talk.turns(replace(message(talk, "count"), sender=TeamsUser("28:other-bot")))
    assert len(await talk.activities()) == before


def pressed(talk: Talk, verb: str, data: dict[str, Any]) -> CardActionPressed:
    said = message(talk, "")
    return CardActionPressed("f:1", said.conversation, said.sender, verb, data)


# --- edits ----------------------------------------------------------------------------------


async def test_an_edit_of_what_was_not_understood_runs(talk: Talk, counted: Counted) -> None:
    sent = await talk.teams.say(talk.maya, talk.chat(talk.maya), "cuont")
    await talk.settle()
    assert "Did you mean" in talk.text()
    assert sent.message is not None
    await talk.teams.edit_message(talk.maya, sent.message, "count")
    await talk.settle()
    assert "Counted 1" in talk.text()
    await talk.teams.edit_message(talk.maya, sent.message, "count twice")
    await talk.settle()
    assert "do not run changed messages again" in talk.text()
    assert counted.runs == [""]


async def test_an_edit_of_what_ran_does_not_run_and_says_so(talk: Talk, counted: Counted) -> None:
    sent = await talk.teams.say(talk.maya, talk.chat(talk.maya), "count one")
    await talk.settle()
    talk.heard()
    assert sent.message is not None
    await talk.teams.edit_message(talk.maya, sent.message, "count&nbsp;one!")
    await talk.settle()
    assert talk.text() == ""
    await talk.teams.edit_message(talk.maya, sent.message, "count two")
    await talk.settle()
    assert "I did “count one” when you first wrote it" in talk.text()
    assert counted.runs == ["one"]


async def test_an_edit_of_a_question_asks_again(talk: Talk) -> None:
    asks = Counted(is_changing=False)
    talk.turns = Turns(talk.services, Registry([asks.command]))
    await talk.turns(message(talk, "count one"))
    await talk.turns(message(talk, "count two", is_edit=True))
    await talk.turns(message(talk, "count two", is_edit=True))
    await talk.settle()
    assert asks.runs == ["one", "two"]


async def test_an_edit_whose_first_version_was_never_seen_runs_once(
    talk: Talk, counted: Counted
) -> None:
    """In a channel the mention may be added by the edit."""
    await talk.turns(message(talk, "count one", is_edit=True))
    await talk.turns(message(talk, "count two", is_edit=True))
    await talk.settle()
    assert counted.runs == ["one"]


def test_keys_tell_edits_and_kinds_apart(talk: Talk) -> None:
    first = message(talk, "a")
    keys = {
        activity_key(first),
        activity_key(replace(first, is_edit=True)),
        activity_key(replace(first, is_edit=True, text="b")),
        activity_key(pressed(talk, "a", {})),
    }
    assert len(keys) == 4
    assert activity_key(first) == activity_key(replace(first, text="other"))
