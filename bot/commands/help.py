"""``help [command]``: what can be said here. Made from the other commands."""

import re
from collections.abc import Sequence

from bot.cards.answers import Tone, command_button, escape, table_card, text_card
from bot.commands.command import Command, CommandRefused, Invocation, Reply
from bot.commands.registry import NotUnderstood, Registry, Understood, places
from bot.roles import Role

TITLE = "What you can say"
DETAILS_LENGTH = 2_500
_CODE = re.compile(r"`([^`\n]+)`")
_FIRST_STEPS = (("My reviews", "reviews"), ("Open pull requests", "prs"), ("Who am I?", "whoami"))


def help_command(others: Sequence[Command]) -> Command:
    """The help for these commands; the help itself is listed first."""

    def parse(arguments: str) -> str:
        return arguments

    async def run(invocation: Invocation, about: str) -> Reply:
        registry = Registry([command, *others])
        if not about:
            return _all(registry, invocation)
        return _one(registry, about)

    command = Command(
        name="help",
        usage="help [COMMAND]",
        summary="Show what you can say to me, or how one command works.",
        examples=("help", "help subscribe"),
        parse=parse,
        run=run,
        aliases=("hello", "hi", "hey", "commands"),
        is_changing=False,
        role=Role.NOBODY,
    )
    return command


def usage_card(command: Command, problem: str = "") -> Reply:
    """How a command is used, with examples; ``problem`` says first what was not right."""
    lines = [escape(problem)] if problem else []
    lines.append(f"**{escape(command.usage)}**")
    lines.append(escape(command.summary))
    if command.details:
        lines.append(escape(_quoted(command.details), DETAILS_LENGTH))
    lines.append("For example: " + escape("; ".join(command.examples), 1_000))
    if len(command.scopes) == 1:
        lines.append(f"Only in {places(command)}.")
    if command.needs > Role.NOBODY:
        own = f"; for readers {command.readers_may}" if command.readers_may else ""
        lines.append(f"For {command.needs.label}s{_and_above(command.needs)}{own}.")
    title = f"How to use “{command.name}”"
    button = command_button("All commands", "help")
    return Reply((text_card(title, lines, [button], Tone.WARNING if problem else Tone.NEUTRAL),))


def _quoted(text: str) -> str:
    """Commands in backticks as cards show them; ``escape`` would hide the backticks."""
    return _CODE.sub(r"“\1”", text)


def _all(registry: Registry, invocation: Invocation) -> Reply:
    kind = invocation.conversation.kind
    there = registry.available(kind)
    role = invocation.role
    listed = [
        each for each in there if role >= each.needs_in(kind, only_shows=each.shows is not None)
    ]
    rows = [(f"**{escape(each.usage)}**", escape(each.summary)) for each in listed]
    names = {each.name for each in listed}
    buttons = [command_button(title, name) for title, name in _FIRST_STEPS if name in names]
    note = "help and a command's name shows more. Numbers may be pasted addresses, too."
    if len(listed) < len(there):
        hidden = len(there) - len(listed)
        note += (
            f" Your role here is {role.label}; {hidden} more "
            f"{'command needs' if hidden == 1 else 'commands need'} another: try one, and I say "
            "whom to ask."
        )
    heads = ("Say", "What happens")
    return Reply((table_card(TITLE, heads, rows, buttons, note=note, most_rows=len(rows)),))


def _and_above(role: Role) -> str:
    return "" if role is Role.ADMINISTRATOR else " and above"


def _one(registry: Registry, about: str) -> Reply:
    meaning = registry.understand(about)
    if isinstance(meaning, Understood):
        return usage_card(meaning.command)
    if isinstance(meaning, NotUnderstood) and meaning.suggestion is not None:
        return usage_card(meaning.suggestion, f"I know no command “{about[:60]}”. The nearest:")
    raise CommandRefused(f"I know no command “{about[:60]}”. `help` shows all of them.")
