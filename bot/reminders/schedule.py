"""When the next digest comes. Pure."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from bot.preferences import Preferences
from bot.reminders.rules import DigestWishes
from bot.working_time import Calendar

ON_TIME = timedelta(minutes=15)
"""So much late a digest still comes whatever the hour, because that hour was chosen."""
LONGEST_SEARCH_DAYS = 800


@dataclass(frozen=True, slots=True)
class Schedule:
    """When somebody's digest comes: at a time of his clock, on weekdays (0 is Monday)."""

    at: time
    days: frozenset[int]
    calendar: Calendar

    @property
    def label(self) -> str:
        """Different for schedules that are different."""
        hours = self.calendar.hours
        days = "".join(str(day) for day in sorted(self.days))
        away = f"{self.calendar.away_from}-{self.calendar.away_until}"
        return f"{self.at:%H:%M} {days} {self.calendar.zone.key} {hours.holidays} {away}"

    def next_after(self, moment: datetime) -> datetime:
        """The first digest after a moment: not on holidays, nor during an absence.

        Without any weekday it is 800 days away.
        """
        today = self.calendar.day_of(moment)
        for ahead in range(LONGEST_SEARCH_DAYS):
            day = today + timedelta(days=ahead)
            found = self.calendar.moment(day, self.at)
            if found > moment and day.weekday() in self.days and not self.calendar.is_off(day):
                return found
        return moment + timedelta(days=LONGEST_SEARCH_DAYS)

    def put_off(self, due_at: datetime, now: datetime) -> datetime | None:
        """When one that could not come in time comes; None: now.

        After a stall it comes when work goes on, or with the next one, if that is sooner.
        """
        if now - due_at <= ON_TIME or self.calendar.is_working(now):
            return None
        return min(self.calendar.next_working(now), self.next_after(now))


def schedule_of_person(preferences: Preferences, calendar: Calendar) -> Schedule | None:
    """A person's digest, None when there is none."""
    if preferences.digest_at is None:
        return None
    return Schedule(preferences.digest_at, preferences.digest_days, calendar)


def schedule_of_conversation(wishes: DigestWishes) -> Schedule:
    """A conversation's digest."""
    return Schedule(wishes.at, wishes.days, wishes.calendar)
