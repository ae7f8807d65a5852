"""Times of day, weekdays, lengths and places as people write them after a command."""

import re
from datetime import time

from bot.commands.command import UsageError
from bot.commands.text import shown
from bot.reminders.rules import HOURS_PER_DAY, LEAST_HOURS, MOST_HOURS
from bot.working_time import has_holidays, timezone_named

DAY_NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAYS_HINT = "Say days as mon-fri, or mon,wed,fri."

_CLOCK = re.compile(r"(\d{1,2})(?::(\d{2}))?")
_LENGTH = re.compile(r"(\d{1,4}(?:\.\d{1,2})?) ?(m|min|minutes?|h|hours?|d|days?)")


def read_clock(word: str) -> time:
    """``9:00``, ``09:30`` or ``17``.

    Raises:
        UsageError: it is no time of day.
    """
    found = _CLOCK.fullmatch(word)
    hour, minute = (int(found[1]), int(found[2] or 0)) if found else (24, 0)
    if hour > 23 or minute > 59:
        raise UsageError(f"{shown(word)} is no time of day. Say it as 9:00 or 16:30.")
    return time(hour, minute)


def read_span(word: str) -> tuple[time, time]:
    """``9:00-17:00``: when work begins and ends; an end before the beginning is on the next day.

    Raises:
        UsageError: it is no span.
    """
    begin, dash, end = word.partition("-")
    if not dash:
        raise UsageError(f"{shown(word)} are no hours. Say them as 9:00-17:00.")
    return read_clock(begin), read_clock(end)


def is_days(word: str) -> bool:
    """Whether a word begins like weekdays."""
    return word.casefold()[:3] in DAY_NAMES or word.casefold() == "daily"


def read_days(word: str) -> frozenset[int]:
    """``mon-fri``, ``mon,wed``, ``daily``; over the weekend too (``fri-mon``). 0 is Monday.

    Raises:
        UsageError: they are no days.
    """
    if word.casefold() == "daily":
        return frozenset(range(7))
    days: set[int] = set()
    for part in word.casefold().split(","):
        first, dash, last = part.partition("-")
        begin, end = _day(first), _day(last if dash else first)
        days |= {(begin + ahead) % 7 for ahead in range((end - begin) % 7 + 1)}
    return frozenset(days)


def days_text(days: frozenset[int]) -> str:
    """``mon-fri``, ``daily``, ``mon, wed``; the shortest that ``read_days`` takes."""
    ordered = sorted(days)
    if len(ordered) == 7:
        return "daily"
    if len(ordered) > 2 and ordered == list(range(ordered[0], ordered[-1] + 1)):
        return f"{DAY_NAMES[ordered[0]]}-{DAY_NAMES[ordered[-1]]}"
    return ",".join(DAY_NAMES[day] for day in ordered)


def read_length(words: str) -> float:
    """``8h``, ``30 min``, ``2 days`` (of eight hours) as hours of work.

    Raises:
        UsageError: it is no length, or too short or long.
    """
    found = _LENGTH.fullmatch(words.casefold())
    if found is None:
        raise UsageError(f"{shown(words)} is no length of time. Say it as 8h, 30m or 2d.")
    unit = {"m": 1 / 60, "h": 1.0, "d": HOURS_PER_DAY}[found[2][0]]
    hours = float(found[1]) * unit
    if not LEAST_HOURS <= hours <= MOST_HOURS:
        raise UsageError("Between 15 minutes and 100 days, please.")
    return hours


def read_timezone(word: str) -> str:
    """An IANA name.

    Raises:
        UsageError: there is no such time zone.
    """
    found = timezone_named(word) or timezone_named(word.title())
    if found is None:
        raise UsageError(f"{shown(word)} is no time zone. Say it as Europe/Berlin or UTC.")
    return found.key


def read_country(word: str) -> str:
    """A country, or a part of one, whose public holidays are known: ``DE``, ``DE-BY``.

    Raises:
        UsageError: there is none.
    """
    place = word.upper()
    if not has_holidays(place):
        raise UsageError(f"I know no public holidays of {shown(word)}. Say DE, US or DE-BY.")
    return place


def _day(word: str) -> int:
    for index, name in enumerate(DAY_NAMES):
        if word.startswith(name):
            return index
    raise UsageError(f"{shown(word)} is no weekday. {DAYS_HINT}")
