"""What one person wants to be told of, and when. Stored as JSON in ``Person.preferences``."""

from dataclasses import dataclass, field
from datetime import date, datetime, time
from enum import StrEnum

from bot.notices.kinds import EventKind


class Delivery(StrEnum):
    """How a kind of event reaches a person: at once, with the next digest, or not at all."""

    ON = "on"
    DIGEST = "digest"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class WorkingHours:
    """When a person works, in ``timezone`` (IANA; "" is the one that Teams told, else UTC).

    ``days``: 0 is Monday. ``holidays`` is a country, with a subdivision if one is given ("DE",
    "DE-BY"), as the holidays library names them; "" knows none.
    """

    timezone: str = ""
    start: time = time(9)
    end: time = time(17)
    days: frozenset[int] = frozenset({0, 1, 2, 3, 4})
    holidays: str = ""


@dataclass(frozen=True, slots=True)
class Preferences:
    """One person's choices. Absent ones are the defaults, which are quiet.

    ``is_quiet_outside_hours`` holds what is not urgent until work begins; None is what the operator
    set (PULLCORD_QUIET_HOURS). ``urgent`` are the kinds that come at once all the same.
    ``away_until`` is the first day back. ``snoozed_until`` (UTC) holds everything,
    ``snoozed_pull_requests`` (``connection/NUMBER``: UTC) one pull request.
    ``muted_repositories`` are ``connection/REPOSITORY_ID``,
    ``muted_pull_requests`` ``connection/NUMBER``. ``digest_at`` is the local time of the digest,
    None for none.
    """

    kinds: dict[EventKind, Delivery] = field(default_factory=dict)
    hours: WorkingHours = WorkingHours()
    is_quiet_outside_hours: bool | None = None
    urgent: frozenset[EventKind] = frozenset()
    away_from: date | None = None
    away_until: date | None = None
    snoozed_until: datetime | None = None
    snoozed_pull_requests: dict[str, datetime] = field(default_factory=dict)
    muted_repositories: frozenset[str] = frozenset()
    muted_pull_requests: frozenset[str] = frozenset()
    digest_at: time | None = None
    digest_days: frozenset[int] = frozenset({0, 1, 2, 3, 4})
    reminders: dict[str, float] = field(default_factory=dict)

    def delivery(self, kind: EventKind) -> Delivery:
        """How this kind reaches the person."""
        return self.kinds.get(kind, Delivery.ON)

    def mutes(self, *, pull_request: str, repository: str) -> bool:
        """Whether the person wants to hear nothing of this one (both as they are named above)."""
        return pull_request in self.muted_pull_requests or repository in self.muted_repositories
