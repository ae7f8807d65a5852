"""From a typed text or a pressed button to the reply, with every way in which it can go wrong."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlmodel import Session

from bot.cards.answers import CHOICE_INPUT, Tone, command_button, escape, text_card
from bot.commands.command import (
    Command,
    CommandRefused,
    Invocation,
    Reply,
    UsageError,
)
from bot.commands.failures import explain
from bot.commands.help import usage_card
from bot.commands.registry import (
    Meaning,
    NothingSaid,
    NotUnderstood,
    Registry,
    Understood,
    places,
    takes,
)
from bot.commands.standing import check_role, may
from bot.commands.text import one_line, tidy
from bot.held_roles import role_of
from bot.identities import actor_of
from bot.log_text import log_safe
from bot.metrics import COMMANDS
from bot.people import Sender, Standing
from bot.ports import AzureDevOpsError, TeamsError
from bot.project_role_reads import read_person
from bot.roles import Role
from bot.turn_result import CHANGED, TurnResult
from storage import audit

log = logging.getLogger(__name__)

TYPING_WITHIN_S = 3.0
REFUSAL_LENGTH = 1_200
CHOICE = "{choice}"
NOT_INPUTS = frozenset({"arguments", "verb", CHOICE_INPUT})
LONGEST_INPUT = 1_000
MOST_INPUTS = 60


def pressed(registry: Registry, verb: str, data: dict[str, Any]) -> Meaning:
    """What a button means: the command ``verb`` with ``data["arguments"]``, as if typed.

    A list's choice (``data["choice"]``) takes the place of ``{choice}`` in the arguments. What else
    is in ``data`` are the inputs of a form.
    """
    command = registry.named(verb)
    arguments = data.get("arguments", "")
    if command is None or not isinstance(arguments, str):
        return NotUnderstood(tidy(verb)[:60])
    choice = data.get(CHOICE_INPUT, "")
    if CHOICE in arguments and isinstance(choice, str):
        arguments = arguments.replace(CHOICE, choice)
    return Understood(command, tidy(arguments), _inputs(data))


def _inputs(data: Mapping[str, Any]) -> dict[str, str]:
    """What was filled in, in one line each; a client may send anything."""
    texts = {key: value for key, value in data.items() if isinstance(value, str)}
    filled = [key for key in texts if key not in NOT_INPUTS][:MOST_INPUTS]
    return {key: one_line(texts[key][:LONGEST_INPUT]) for key in filled}


async def answer(invocation: Invocation, standing: Standing, meaning: Meaning) -> TurnResult:
    """Run what is meant and say what became of it.

    Raises:
        Exception: What no one foresaw; the caller tells the person with a reference.
    """
    if isinstance(meaning, NothingSaid):
        return TurnResult(_nothing_said().messages)
    if isinstance(meaning, NotUnderstood):
        return TurnResult(_not_understood(meaning).messages)
    command = meaning.command
    outcome = "failed"
    try:
        result, outcome = await _run(invocation, standing, meaning)
        return result
    finally:
        COMMANDS.labels(name=command.name, outcome=outcome).inc()


async def _run(
    invocation: Invocation, standing: Standing, meaning: Understood
) -> tuple[TurnResult, str]:
    """The result, and in a word for the metrics what became of the command."""
    command = meaning.command
    parsed, problem = _parsed(meaning)
    only_shows = problem is None and command.shows is not None and command.shows(parsed)
    is_changing = command.is_changing and not only_shows
    try:
        _check_place(command, invocation)
        if not only_shows:
            invocation = await _with_newest_role(invocation, command, standing)
        await check_role(invocation, command, standing, only_shows=only_shows)
    except CommandRefused as refusal:
        return _refused(invocation, command, str(refusal)), "refused"
    if problem is not None:
        return TurnResult(usage_card(command, str(problem)).messages), "usage"
    try:
        async with _typing(invocation, command):
            reply = await command.run(invocation, parsed)
    except UsageError as problem:
        return TurnResult(usage_card(command, str(problem)).messages), "usage"
    except CommandRefused as refusal:
        return _refused(invocation, command, str(refusal)), "refused"
    except AzureDevOpsError as error:
        log.info("%s failed: %s", command.name, log_safe(str(error)))
        told = _azure_devops_failed(command, meaning.arguments, error)
        return TurnResult(told.messages, CHANGED if is_changing else ""), "azure_devops"
    return TurnResult(reply.messages, CHANGED if is_changing else ""), "done"


def _parsed(meaning: Understood) -> tuple[Any, UsageError | None]:
    """What was said, or what is wrong with it: who may not do it at all is told that first."""
    command = meaning.command
    try:
        if command.parse_form is not None and meaning.inputs:
            return command.parse_form(meaning.arguments, meaning.inputs), None
        return command.parse(meaning.arguments), None
    except UsageError as problem:
        return None, problem


async def _with_newest_role(
    invocation: Invocation, command: Command, standing: Standing
) -> Invocation:
    """Before somebody is refused: perhaps Azure DevOps made a maintainer of him a moment ago."""
    is_settled = may(invocation, command, standing) or command.needs > Role.MAINTAINER
    if is_settled or standing is not Standing.MEMBER:
        return invocation
    services, person = invocation.services, invocation.person
    if not await read_person(services, person.id or 0):
        return invocation
    held = await role_of(services, Sender(person, standing), invocation.conversation.id)
    return replace(invocation, role=held.role)


@contextlib.asynccontextmanager
async def _typing(invocation: Invocation, command: Command) -> AsyncIterator[None]:
    """Show that a slow command is at work. That Teams does not take it changes nothing."""
    if not command.is_slow:
        yield
        return

    async def show() -> None:
        try:
            async with asyncio.timeout(TYPING_WITHIN_S):
                await invocation.services.teams.typing(
                    invocation.conversation, thread_id=invocation.thread_id
                )
        except (TeamsError, TimeoutError) as error:
            log.info("typing could not be shown: %s", log_safe(str(error) or "no answer"))

    task = asyncio.create_task(show())
    try:
        yield
    finally:
        task.cancel()  # the answer is there: nobody need be told that it is coming
        await asyncio.wait([task])


def _check_place(command: Command, invocation: Invocation) -> None:
    if invocation.conversation.kind not in command.scopes:
        raise CommandRefused(f"“{command.name}” works only in {places(command)}.")


def _refused(invocation: Invocation, command: Command, why: str) -> TurnResult:
    """The reason as a card; that somebody tried to change something, or had no right to look, goes
    into the audit.
    """
    button = command_button("Help", "help", command.name)
    card = text_card(
        f"Not done: {command.name}", [escape(why, REFUSAL_LENGTH)], [button], Tone.WARNING
    )
    if not command.is_changing and may(invocation, command, Standing.MEMBER):
        return TurnResult((card,))
    now: datetime = invocation.services.clock()

    def record(session: Session) -> None:
        audit.append(
            session,
            at=now,
            actor=actor_of(invocation.person),
            action="command.refused",
            subject=f"conversation/{invocation.conversation.id}",
            before=None,
            after={"command": command.name, "reason": why},
            cause=invocation.cause,
        )

    return TurnResult((card,), record=record)


def _azure_devops_failed(command: Command, arguments: str, error: AzureDevOpsError) -> Reply:
    again = command_button("Try again", command.name, arguments)
    title = f"Not done: {command.name}"
    return Reply((text_card(title, [escape(explain(error), REFUSAL_LENGTH)], [again], Tone.BAD),))


def _nothing_said() -> Reply:
    lines = [
        "I keep pull request cards up to date here and take orders. The most used:",
        "**reviews** · **prs mine** · **start ticket 123** · **sync pr 12** · **subscribe Web**",
    ]
    buttons = [command_button("All commands", "help"), command_button("My reviews", "reviews")]
    return Reply((text_card("What can I do for you?", lines, buttons),))


def _not_understood(meaning: NotUnderstood) -> Reply:
    said = f"I do not understand “{escape(meaning.text, 60)}”."
    if meaning.suggestion is None:
        buttons = [command_button("All commands", "help")]
        return Reply((text_card("I did not get that", [said], buttons, Tone.WARNING),))
    command, arguments = meaning.suggestion, meaning.arguments
    buttons = [
        command_button("How it works", "help", command.name),
        command_button("All commands", "help"),
    ]
    if takes(command, arguments):
        instead = f"{command.name} {arguments}".strip()
        lines = [f"{said} Did you mean **{escape(instead, 120)}**?"]
        buttons.insert(0, command_button(instead, command.name, arguments))
    else:
        example = escape(command.examples[0], 120)
        lines = [f"{said} Did you mean **{escape(command.name)}**? For example: {example}"]
    return Reply((text_card("Did you mean …?", lines, buttons, Tone.WARNING),))
