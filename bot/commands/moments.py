"""Moments as people write them: ``until tomorrow``, ``until 15:00``, ``for 3 days``."""

import re
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

from bot.commands.command import UsageError
from bot.commands.text import shown
from bot.working_time import Calendar

LONGEST = timedelta(days=366)
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
HOW = "Say until when: 15:00, tomorrow, monday, 2026-12-01, 2 h, 3 days."

_UNITS = {
    "m": timedelta(minutes=1),
    "min": timedelta(minutes=1),
    "minute": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "hour": timedelta(hours=1),
    "d": timedelta(days=1),
    "day": timedelta(days=1),
    "w": timedelta(weeks=1),
    "week": timedelta(weeks=1),
}
_LENGTH = re.compile(r"(\d{1,4}) ?([a-z]+)")
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_FILLERS = frozenset({"until", "till", "for", "at", "the"})


def read_moment(words: Sequence[str], calendar: Calendar, now: datetime) -> datetime:
    """The moment that words mean on a person's own clock; a day is when his work begins then.

    Raises:
        UsageError: they mean none, one that is over, or one more than a year away.
    """
    said = [word.casefold() for word in words if word.casefold() not in _FILLERS]
    if not said:
        raise UsageError(HOW)
    moment = _length(said, now) or _clock_or_day(said, calendar, now)
    if moment is None:
        raise UsageError(f"{shown(' '.join(words))} is no moment that I understand. {HOW}")
    if moment <= now:
        raise UsageError(f"{shown(' '.join(words))} is over already.")
    if moment - now > LONGEST:
        raise UsageError("That is more than a year away.")
    return moment


def read_day(words: Sequence[str], calendar: Calendar, now: datetime) -> date:
    """The day that words mean, today at the earliest.

    Raises:
        UsageError: they mean none, or one that is over.
    """
    said = [word.casefold() for word in words if word.casefold() not in _FILLERS]
    day = _day(said[0], calendar, now) if len(said) == 1 else None
    if day is None:
        length = _length(said, now)
        day = calendar.day_of(length) if length is not None else None
    if day is None:
        raise UsageError(f"{shown(' '.join(words))} is no day. Say tomorrow, monday or 2026-12-01.")
    if day < calendar.day_of(now):
        raise UsageError(f"{shown(' '.join(words))} is over already.")
    return day


def _length(said: Sequence[str], now: datetime) -> datetime | None:
    found = _LENGTH.fullmatch(" ".join(said))
    if found is None:
        return None
    unit = _UNITS.get(found[2]) or _UNITS.get(found[2].removesuffix("s"))
    return now + unit * int(found[1]) if unit is not None else None


def _clock_or_day(said: Sequence[str], calendar: Calendar, now: datetime) -> datetime | None:
    *days, last = said
    clock = _clock(last)
    if clock is None:
        days, clock = list(said), calendar.hours.start
        if len(days) != 1:
            return None
    if not days:
        today = calendar.moment(calendar.day_of(now), clock)
        return today if today > now else calendar.moment(_tomorrow(calendar, now), clock)
    day = _day(days[0], calendar, now) if len(days) == 1 else None
    return calendar.moment(day, clock) if day is not None else None


def _clock(word: str) -> time | None:
    found = _CLOCK.fullmatch(word)
    if found is None or int(found[1]) > 23 or int(found[2]) > 59:
        return None
    return time(int(found[1]), int(found[2]))


def _day(word: str, calendar: Calendar, now: datetime) -> date | None:
    if word == "today":
        return calendar.day_of(now)
    if word == "tomorrow":
        return _tomorrow(calendar, now)
    if len(word) >= 3:
        named = [index for index, name in enumerate(WEEKDAYS) if name.startswith(word)]
        if len(named) == 1:
            ahead = (named[0] - calendar.day_of(now).weekday() - 1) % 7 + 1
            return calendar.day_of(now) + timedelta(days=ahead)
    if _DATE.fullmatch(word) is None:
        return None
    try:
        return date.fromisoformat(word)
    except ValueError:
        return None


def _tomorrow(calendar: Calendar, now: datetime) -> date:
    return calendar.day_of(now) + timedelta(days=1)
