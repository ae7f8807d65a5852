"""What people can be reminded of, after how long, and how that is stored."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from bot.preferences import WorkingHours
from bot.working_time import Calendar, calendar_of_hours

OPTION = "reminders"
"""Name in ``Subscription.options``."""

DIGEST_OPTION = "digest"
"""Name in ``Subscription.options``."""

LEAST_HOURS, MOST_HOURS = 0.25, 800.0
HOURS_PER_DAY = 8.0
"""``2d`` are two working days of eight hours, whoever's they are."""


class Rule(StrEnum):
    """What has waited too long."""

    REVIEW = "review"
    FIRST_REVIEW = "first review"
    FIRST_REVIEW_MISSED = "first review missed"
    NO_REVIEWER = "no reviewer"
    APPROVED = "approved"
    STALE = "stale"
    DRAFT = "draft"
    NUDGE = "nudge"


CHOSEN = (
    Rule.REVIEW,
    Rule.FIRST_REVIEW,
    Rule.NO_REVIEWER,
    Rule.APPROVED,
    Rule.STALE,
    Rule.DRAFT,
)
"""Those that are switched on and off; the others follow from them or from a button."""

OF_REVIEWERS = frozenset({Rule.REVIEW, Rule.FIRST_REVIEW, Rule.FIRST_REVIEW_MISSED, Rule.NUDGE})
"""Those that concern a reviewer; the others concern the author."""

SWITCH_OF = {Rule.FIRST_REVIEW_MISSED: Rule.FIRST_REVIEW}

SUGGESTED_HOURS = {
    Rule.REVIEW: 8.0,
    Rule.FIRST_REVIEW: 8.0,
    Rule.NO_REVIEWER: 2.0,
    Rule.APPROVED: 4.0,
    Rule.STALE: 40.0,
    Rule.DRAFT: 80.0,
}

TITLES = {
    Rule.REVIEW: "A review is waited for",
    Rule.FIRST_REVIEW: "Goal for the first review",
    Rule.NO_REVIEWER: "Nobody is asked for a review",
    Rule.APPROVED: "Approved, but not completed",
    Rule.STALE: "Nothing has happened",
    Rule.DRAFT: "Still a draft",
}

HEADS_UP = 0.75
"""Of a goal's time: then there is still some left to keep it."""

_Hours = Annotated[float, Field(ge=LEAST_HOURS, le=MOST_HOURS, allow_inf_nan=False)]


class BrokenReminders(ValueError):
    """What is stored of reminders cannot be read; ``str()`` names the field and the reason."""


@dataclass(frozen=True, slots=True)
class ReminderWishes:
    """What a subscription's conversation is reminded of.

    ``rules`` maps a rule to working hours; a rule that is not there is off. ``hours`` are when the
    conversation is told, and the working time of those whom Pullcord does not know.
    ``passes_on``: a review that waits for somebody who is away is asked of the next reviewer.
    """

    rules: dict[Rule, _Hours] = field(default_factory=dict)
    hours: WorkingHours = field(default_factory=WorkingHours)
    passes_on: bool = False

    @property
    def calendar(self) -> Calendar:
        """When the conversation may be told."""
        return calendar_of_hours(self.hours)


@dataclass(frozen=True, slots=True)
class DigestWishes:
    """When a conversation gets its digest: on its own clock, on these weekdays (0 is Monday)."""

    at: time
    days: frozenset[int] = frozenset({0, 1, 2, 3, 4})
    timezone: str = ""
    holidays: str = ""

    @property
    def calendar(self) -> Calendar:
        """The conversation's clock and holidays; its working hours are the usual ones."""
        hours = WorkingHours(timezone=self.timezone, days=self.days, holidays=self.holidays)
        return calendar_of_hours(hours)


_wishes = TypeAdapter(ReminderWishes)
_digest = TypeAdapter(DigestWishes)


def read_reminders(options: Mapping[str, Any]) -> ReminderWishes:
    """The reminders of a subscription's options; none when nothing is stored.

    Raises:
        BrokenReminders: they cannot be read.
    """
    try:
        return _wishes.validate_python(options.get(OPTION) or {})
    except ValidationError as error:
        raise BrokenReminders(_in_words(OPTION, error)) from None


def dump_reminders(wishes: ReminderWishes) -> dict[str, Any]:
    """As it is stored."""
    dumped: dict[str, Any] = _wishes.dump_python(wishes, mode="json")
    return dumped


def read_digest(options: Mapping[str, Any]) -> DigestWishes | None:
    """The digest of a subscription's options, None when there is none.

    Raises:
        BrokenReminders: it cannot be read.
    """
    stored = options.get(DIGEST_OPTION)
    if not stored:
        return None
    try:
        return _digest.validate_python(stored)
    except ValidationError as error:
        raise BrokenReminders(_in_words(DIGEST_OPTION, error)) from None


def dump_digest(wishes: DigestWishes) -> dict[str, Any]:
    """As it is stored."""
    dumped: dict[str, Any] = _digest.dump_python(wishes, mode="json")
    return dumped


def personal_rules(stored: Mapping[str, float]) -> dict[Rule, float]:
    """The rules in ``Preferences.reminders``; names that are no rule, and wild numbers, are off."""
    known = {rule.value: rule for rule in CHOSEN}
    return {
        known[name]: hours
        for name, hours in stored.items()
        if name in known and LEAST_HOURS <= hours <= MOST_HOURS
    }


def hours_text(hours: float) -> str:
    """``8 working hours``, ``30 working minutes``, ``5 working days``."""
    if hours < 1:
        return f"{round(hours * 60)} working minutes"
    if hours >= 2 * HOURS_PER_DAY and hours % HOURS_PER_DAY == 0:
        return f"{hours / HOURS_PER_DAY:g} working days"
    return "1 working hour" if hours == 1 else f"{hours:g} working hours"


def _in_words(option: str, error: ValidationError) -> str:
    first = error.errors(include_input=False, include_url=False)[0]
    place = ".".join(str(part) for part in (option, *first["loc"]))
    return f"{place}: {first['msg']}"
