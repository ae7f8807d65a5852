"""Twelve people in four time zones with what they chose, as plain data; and when they work.

Nothing of the product is used here: holidays are written down, and working hours are looked up on
the wall clock, minute by minute.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

BEGIN = datetime(2026, 11, 23, tzinfo=UTC)
"""A Monday, and Labour Thanksgiving Day in Japan; Thanksgiving is on the Thursday."""
FREE_DAYS = {"JP": frozenset({date(2026, 11, 23)}), "US": frozenset({date(2026, 11, 26)})}
MINUTE = timedelta(minutes=1)
DAY = 24 * 60
END = 7 * DAY + 20 * 60  # the Monday after, when everybody is back

BERLIN, NEW_YORK, TOKYO, KOLKATA = (
    "Europe/Berlin",
    "America/New_York",
    "Asia/Tokyo",
    "Asia/Kolkata",
)
WEEKDAYS = frozenset(range(5))


@cache  # people of one zone look at the same clock again and again
def wall_clock(zone: str, minute: int) -> datetime:
    """What the clocks of a zone show."""
    return (BEGIN + minute * MINUTE).astimezone(ZoneInfo(zone))


@dataclass(frozen=True, slots=True)
class Member:
    """One person. ``never``, ``later`` (with the digest) and ``urgent`` are kinds by their names.

    ``remind`` is after how many working hours he is reminded of a review. ``tells_zone``: Teams
    knows his zone, so that he did not choose it. ``is_loud``: he wants all of it at any hour.
    """

    key: str
    zone: str
    begins: int = 9
    ends: int = 17
    days: frozenset[int] = WEEKDAYS
    country: str = ""
    never: frozenset[str] = frozenset()
    later: frozenset[str] = frozenset()
    urgent: frozenset[str] = frozenset()
    digest: time | None = None
    remind: float | None = None
    tells_zone: bool = False
    is_loud: bool = False

    @property
    def name(self) -> str:
        return f"{self.key.title()} Sample"

    def clock(self, minute: int) -> datetime:
        """What his wall clock shows."""
        return wall_clock(self.zone, minute)

    def is_off(self, day: date, away: tuple[date, date] | None) -> bool:
        """A holiday, or a day of his absence (first day, first day back)."""
        is_away = away is not None and away[0] <= day < away[1]
        return is_away or day in FREE_DAYS.get(self.country, ())

    def works(self, minute: int, away: tuple[date, date] | None) -> bool:
        """Whether he is at work; a night shift belongs to the day on which it began."""
        now = self.clock(minute)
        if self.begins < self.ends:
            is_time, day = self.begins <= now.hour < self.ends, now.date()
        else:
            is_time = now.hour >= self.begins or now.hour < self.ends
            day = now.date() if now.hour >= self.begins else now.date() - timedelta(days=1)
        return is_time and day.weekday() in self.days and not self.is_off(day, away)


TEAM = (
    Member("maya", BERLIN),
    Member("jonas", BERLIN, digest=time(10, 30), later=frozenset({"comment"})),
    Member("lena", BERLIN, begins=8, ends=13, days=frozenset({0, 1, 3}), tells_zone=True),
    Member("priya", KOLKATA, begins=10, ends=18, urgent=frozenset({"review asked"})),
    Member("arjun", KOLKATA, never=frozenset({"vote"}), digest=time(11, 30)),
    Member("meera", KOLKATA, remind=4.0, tells_zone=True),
    Member("carol", NEW_YORK, country="US"),
    Member("david", NEW_YORK, country="US", digest=time(9, 30), remind=6.0),
    Member("erin", NEW_YORK, is_loud=True),
    Member("haruto", TOKYO, country="JP"),
    Member("yuki", TOKYO, country="JP", begins=22, ends=6),
    Member("sakura", TOKYO, country="JP", digest=time(9, 30), later=frozenset({"vote", "ready"})),
)
MEMBERS = {member.key: member for member in TEAM}
