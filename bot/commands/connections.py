"""``connections [test NAME]``: what is connected, and whether it works. For administrators."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from bot.cards.answers import Tone, command_button, escape, table_card, text_card
from bot.commands.command import Command, CommandRefused, Invocation, Reply, UsageError
from bot.commands.text import split_words
from bot.connections.conventions import conventions_of, switched_on
from bot.connections.telling import label_of
from bot.ports import NotFound
from bot.roles import Role
from storage.queries import connections
from storage.tables import Connection, Credential

MOST_BUTTONS = 5
TEXT_LENGTH = 300


@dataclass(frozen=True, slots=True)
class Asked:
    """The connection to test; empty: show all."""

    test: str = ""


def parse(arguments: str) -> Asked:
    """Nothing, or ``test NAME``.

    Raises:
        UsageError: If it is anything else.
    """
    words = split_words(arguments)
    if not words:
        return Asked()
    if words[0].key != "test" or len(words) != 2:
        raise UsageError("Say nothing more, or `test` and the name of a connection.")
    return Asked(words[1].text)


async def run(invocation: Invocation, asked: Asked) -> Reply:
    """Show what is connected, or try one."""
    if asked.test:
        return await _test(invocation, asked.test)
    services = invocation.services
    rows = await services.db.read(_all)
    if not rows:
        lines = ["No Azure DevOps is connected: an operator runs `pullcord connect`."]
        return Reply((text_card("Connections", lines, (), Tone.WARNING),))
    now = services.clock()
    table = [
        (
            f"**{escape(row.name)}** {escape(row.base_url.removeprefix('https://'))}",
            f"{escape(', '.join(row.projects) or 'all projects')}: {_services(row)}",
            "  ".join(_credential(each, now) for each in held) or "none",
        )
        for row, held in rows
    ]
    buttons = [
        command_button(f"Test {row.name}", COMMAND.name, f'test "{row.name}"')
        for row, _ in rows[:MOST_BUTTONS]
    ]
    paused = [
        f"{escape(row.name)}: {escape(row.paused_reason)}" for row, _ in rows if row.paused_reason
    ]
    tone = Tone.WARNING if paused else Tone.NEUTRAL
    columns = ("Connection", "Serves", "Credentials")
    note = f"Paused: {'; '.join(paused)}" if paused else ""
    return Reply((table_card("Connections", columns, table, buttons, tone, note=note),))


async def _test(invocation: Invocation, name: str) -> Reply:
    test = invocation.services.test_connection
    if test is None:
        raise CommandRefused("Connections cannot be tested from here.")
    try:
        checks = await test(name)
    except NotFound:
        raise CommandRefused(f"There is no connection “{name}”. `connections` shows all.") from None
    rows = [
        (
            "ok" if check.is_well else f"**{check.trouble}**",
            escape(check.what),
            escape(check.says, TEXT_LENGTH),
        )
        for check in checks
    ]
    wrong = [check for check in checks if not check.is_well]
    advice = list(dict.fromkeys(check.advice for check in wrong if check.advice))
    note = " ".join(escape(text, TEXT_LENGTH) for text in advice)
    title = f"{name} works" if not wrong else f"{name}: {len(wrong)} of {len(checks)} fail"
    again = command_button("Test again", COMMAND.name, f'test "{name}"')
    tone = Tone.BAD if wrong else Tone.GOOD
    return Reply(
        (table_card(title, ("", "What", "What came of it"), rows, [again], tone, note=note),)
    )


def _all(session: Session) -> list[tuple[Connection, list[Credential]]]:
    return [
        (row, list(connections.credentials(session, row.name)))
        for row in connections.all_connections(session)
    ]


def _services(row: Connection) -> str:
    return escape(", ".join(switched_on(conventions_of(row.settings))) or "nothing")


def _credential(credential: Credential, now: datetime) -> str:
    label = escape(label_of(credential))
    if credential.failed_at is not None:
        return f"{label}: **refused**"
    if credential.expires_at is None:
        return f"{label}: works"
    days = math.ceil((credential.expires_at - now) / timedelta(days=1))
    if days < 1:
        return f"{label}: **expired**"
    return f"{label}: expires in {days} {'day' if days == 1 else 'days'}"


COMMAND = Command(
    name="connections",
    usage="connections [test NAME]",
    summary="For administrators: show what is connected; try whether it works.",
    examples=("connections", "connections test contoso"),
    details="A test tries each thing that I need, and says what is missing.",
    parse=parse,
    run=run,
    is_slow=True,
    is_changing=False,
    role=Role.ADMINISTRATOR,
)
