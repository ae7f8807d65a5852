"""``away until …``: no direct messages during an absence."""

from dataclasses import replace

from bot.cards.answers import command_button, text_card
from bot.commands.command import Command, Invocation, Reply, UsageError
from bot.commands.moments import read_day
from bot.commands.own_preferences import change_own, own_calendar
from bot.commands.text import split_words
from bot.roles import Role

Away = tuple[tuple[str, ...], tuple[str, ...]]
"""The words for the first day away (none: today) and for the first day back (none: here again)."""


def parse(arguments: str) -> Away:
    """``[from DAY] until DAY``, or ``off``.

    Raises:
        UsageError: If the day back is missing.
    """
    words = split_words(arguments)
    keys = [word.key for word in words]
    if keys in (["off"], ["over"], ["no"]):
        return (), ()
    split = next((i for i, key in enumerate(keys) if key in ("until", "till", "for")), None)
    if split is None:
        raise UsageError("Say the first day back: away until monday.")
    begins = tuple(word.text for word in words[:split] if word.key != "from")
    ends = tuple(word.text for word in words[split + 1 :])
    if not ends:
        raise UsageError("Say the first day back: away until monday.")
    return begins, ends


async def run(invocation: Invocation, wanted: Away) -> Reply:
    """Note the days. What comes meanwhile is told on the first day back, as one message."""
    begins, ends = wanted
    calendar, now = own_calendar(invocation), invocation.services.clock()
    if not ends:
        await change_own(invocation, lambda own: replace(own, away_from=None, away_until=None))
        lines = ["What waited comes now, during your hours."]
        button = command_button("My reviews", "reviews")
        return Reply((text_card("Welcome back", lines, [button]),))
    back = read_day(ends, calendar, now)
    first = read_day(begins, calendar, now) if begins else calendar.day_of(now)
    if back <= first:
        raise UsageError("The first day back must be after the first day away.")
    await change_own(invocation, lambda own: replace(own, away_from=first, away_until=back))
    lines = [
        f"From {first:%A, %d %B %Y} on, and until you are back on **{back:%A, %d %B %Y}**, I write "
        "you nothing. What waits comes then, as one message.",
        "Review requests for a group of which you are one pass you over.",
    ]
    return Reply((text_card("Away", lines, [command_button("I am here", "away", "off")]),))


COMMAND = Command(
    name="away",
    usage="away [from DAY] until DAY | off",
    summary="Get no direct messages until the first day back.",
    examples=("away until monday", "away from 2026-12-21 until 2027-01-04", "away off"),
    parse=parse,
    run=run,
    role=Role.READER,
)
