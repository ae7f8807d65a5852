"""When a person works, in moments of UTC: working hours, public holidays and absence together.

Only this module knows time zones. Every moment that comes in or goes out is aware and UTC. Working
time is real time, so a night in which the clocks are changed is an hour shorter or longer.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from bot.preferences import Preferences, WorkingHours

_COUNTRY = re.compile(r"[A-Z]{2}")
ONE_DAY = timedelta(days=1)
LOOK_AHEAD = timedelta(days=800)  # nobody plans further; ends the search of one who never works


@dataclass(frozen=True, slots=True)
class Calendar:
    """The working time of one person.

    A shift whose end is not after its start ends the next day and counts as the day it begins; so
    "00:00 to 00:00" is the whole day. ``away_until`` is the first day back, and ``away_from`` the
    first day away, None if the absence has already begun. Without ``away_until`` there is none.
    """

    zone: ZoneInfo
    hours: WorkingHours
    away_from: date | None = None
    away_until: date | None = None

    def is_working(self, at: datetime) -> bool:
        """Whether the person works at this moment; the end of a shift is no longer work."""
        return any(begin <= at < end for begin, end in self._shifts(at, at))

    def next_working(self, at: datetime) -> datetime:
        """The first moment of work that is not before ``at``: ``at`` itself during work.

        One who never works (no days chosen) gets ``at`` plus 800 days instead of no answer.
        """
        for begin, end in self._shifts(at, self._search_ends(at)):
            if end > at:
                return max(begin, at)
        return self._search_ends(at)

    def working_time(self, start: datetime, end: datetime) -> timedelta:
        """How much of the time between two moments is work; zero if ``end`` is not after."""
        spans = (
            min(shift_end, end) - max(shift_begin, start)
            for shift_begin, shift_end in self._shifts(start, end)
        )
        return sum((span for span in spans if span > timedelta()), timedelta())

    def add(self, start: datetime, length: timedelta) -> datetime:
        """The moment at which ``length`` of working time has passed since ``start``.

        With nothing to pass it is ``start`` itself. As ``next_working`` it gives up 800 days
        after the first moment that could be work.
        """
        left = length
        if left <= timedelta():
            return start
        for begin, end in self._shifts(start, self._search_ends(start)):
            first = max(begin, start)
            if end - first >= left:
                return first + left
            left -= max(end - first, timedelta())
        return self._search_ends(start)

    def day_of(self, at: datetime) -> date:
        """The date on the person's own clock."""
        return at.astimezone(self.zone).date()

    def moment(self, day: date, at: time) -> datetime:
        """When the person's own clock shows this; of an hour that comes twice, the first."""
        return datetime.combine(day, at, self.zone).astimezone(UTC)

    def is_working_day(self, day: date) -> bool:
        """Whether a shift begins on this day: a chosen weekday, no holiday, not away."""
        return day.weekday() in self.hours.days and not self.is_off(day)

    def is_off(self, day: date) -> bool:
        """Whether there is no work although it is a chosen weekday: a holiday, or absence."""
        if self.is_away(day):
            return True
        return day in (_public_holidays(self.hours.holidays, day.year) or ())

    def is_away(self, day: date) -> bool:
        """Whether the person said that he is absent on this day."""
        if self.away_until is None or day >= self.away_until:
            return False
        return self.away_from is None or day >= self.away_from

    def _shifts(self, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
        """The shifts that may touch this stretch, in order, none overlapping another."""
        day = self.day_of(start) - ONE_DAY  # last night's shift may still go on
        last = self.day_of(end)
        free_from = datetime.min.replace(tzinfo=UTC)
        while day <= last:
            if self.away_until is not None and self.is_away(day):
                day = self.away_until
                continue
            if self.is_working_day(day):
                shift_begin, shift_end = self._shift_of(day)
                shift_begin = max(shift_begin, free_from)
                if shift_end > shift_begin:
                    free_from = shift_end
                    yield shift_begin, shift_end
            day += ONE_DAY

    def _shift_of(self, day: date) -> tuple[datetime, datetime]:
        last_day = day if self.hours.end > self.hours.start else day + ONE_DAY
        return self.moment(day, self.hours.start), self.moment(last_day, self.hours.end)

    def _search_ends(self, at: datetime) -> datetime:
        """Where the search for work ends: an absence, however long, does not shorten it."""
        if self.away_until is None or not self.is_away(self.day_of(at)):
            return at + LOOK_AHEAD
        return max(at, self.moment(self.away_until, time())) + LOOK_AHEAD


def calendar_of(preferences: Preferences, teams_timezone: str) -> Calendar:
    """The calendar of a person.

    The zone is the one chosen, else the one that Teams told (IANA), else UTC. A name that the time
    zone database does not know (any more) is passed over in the same way.
    """
    chosen = timezone_named(preferences.hours.timezone) or timezone_named(teams_timezone)
    return Calendar(
        zone=chosen or ZoneInfo("UTC"),
        hours=preferences.hours,
        away_from=preferences.away_from,
        away_until=preferences.away_until,
    )


def calendar_of_hours(hours: WorkingHours) -> Calendar:
    """The calendar of hours that are nobody's, such as a channel's; without a zone it is UTC."""
    return Calendar(timezone_named(hours.timezone) or ZoneInfo("UTC"), hours)


def timezone_named(name: str) -> ZoneInfo | None:
    """The time zone of this IANA name, None if there is none. Names are data from outside."""
    if not name:
        return None
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown; a path that leads outside; a folder's name
        return None


def has_holidays(place: str) -> bool:
    """Whether public holidays are known for a country ("DE") or a part of it ("DE-BY")."""
    return _public_holidays(place, datetime.now(UTC).year) is not None


@lru_cache(maxsize=1024)
def _public_holidays(place: str, year: int) -> frozenset[date] | None:
    """The public holidays, None for a place that the library does not know.

    Countries are two letters (ISO 3166-1), the parts mostly ISO 3166-2. Other names are not
    looked up, because the library would find its own modules under them.
    """
    # Here only, because its 25 megabytes are of use only to those who chose a country.
    import holidays  # noqa: PLC0415

    country, separator, part = place.partition("-")
    if not _COUNTRY.fullmatch(country) or (separator and not part):
        return None
    try:
        found = holidays.country_holidays(country, subdiv=part or None, years=year)
    except NotImplementedError:  # the library's word for a country or a part unknown to it
        return None
    return frozenset(day for day in found if day.year == year)
