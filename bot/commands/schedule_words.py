"""The words after a time: days, time zone and country, in any order."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.commands.text import Word
from bot.commands.times import is_days, read_country, read_days, read_timezone

_FILLERS = frozenset({"on", "at", "in", "for", "and", "holidays"})


@dataclass(frozen=True, slots=True)
class ScheduleWords:
    """What was said; None: nothing, so it stays as it is."""

    days: frozenset[int] | None = None
    timezone: str | None = None
    holidays: str | None = None


def read_schedule(words: Sequence[Word]) -> ScheduleWords:
    """Read ``mon-fri Europe/Berlin DE-BY``.

    Raises:
        UsageError: a word is none of these.
    """
    days: frozenset[int] | None = None
    timezone: str | None = None
    holidays: str | None = None
    for word in words:
        if word.key in _FILLERS:
            continue
        if is_days(word.text):
            days = (days or frozenset()) | read_days(word.text.rstrip(","))
        elif "/" in word.text or word.text.upper() == "UTC":
            timezone = read_timezone("UTC" if word.text.upper() == "UTC" else word.text)
        elif word.key == "none":
            holidays = ""
        else:
            holidays = read_country(word.text)
    return ScheduleWords(days, timezone, holidays)
