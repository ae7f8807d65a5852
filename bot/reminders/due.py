"""When a wait becomes a reminder, for a person and for a conversation. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.reminders.people import Roster, Someone
from bot.reminders.rules import (
    HEADS_UP,
    OF_REVIEWERS,
    SWITCH_OF,
    ReminderWishes,
    Rule,
    personal_rules,
)
from bot.reminders.seen import Seen
from bot.reminders.waiting import Wait
from bot.working_time import Calendar

FIRST_REVIEWS = frozenset({Rule.FIRST_REVIEW, Rule.FIRST_REVIEW_MISSED})


@dataclass(frozen=True, slots=True)
class Due:
    """A reminder that will be due, or is.

    ``names`` are those who are waited for, ``spent`` the calendar by which the time counts.
    ``stand_in`` reviews instead of the absent one. ``hours`` are the rule's.
    """

    rule: Rule
    identity_id: str
    since: datetime
    due_at: datetime
    hours: float
    spent: Calendar
    names: tuple[str, ...] = ()
    stand_in: Someone | None = None
    ends_at: datetime | None = None

    def is_over(self, now: datetime) -> bool:
        """Whether it is too late for a heads-up: the goal is missed."""
        return self.ends_at is not None and self.ends_at <= now


def is_muted(person: Someone, seen: Seen) -> bool:
    """Whether the person wants to hear nothing of this pull request."""
    return person.preferences.mutes(pull_request=seen.key, repository=seen.repository_key)


def for_person(person: Someone, seen: Seen, roster: Roster, now: datetime) -> Iterator[Due]:
    """What of one pull request a person will be reminded of: as reviewer, or as its author."""
    rules = personal_rules(person.preferences.reminders)
    if not rules or is_muted(person, seen):
        return
    author = roster.author_of(seen)
    for wait in seen.waits:
        hours = rules.get(wait.rule)
        if hours is None:
            continue
        if person.id not in roster.concerned(seen, wait.identity_id or seen.state.author.id):
            continue
        if wait.rule in OF_REVIEWERS and author is not None and author.id == person.id:
            continue
        due = _due(wait, hours, person.calendar)
        if not due.is_over(now):
            yield due


def for_conversation(
    wishes: Sequence[ReminderWishes], seen: Seen, roster: Roster, now: datetime
) -> list[Due]:
    """What of one pull request a conversation will be reminded of.

    ``wishes`` are of those of its subscriptions that cover it; the one that is due first counts. A
    goal is the pull request's, so there is one heads-up, by the reviewer whose time is up first.
    """
    found: dict[tuple[Rule, str], Due] = {}
    for wish in wishes:
        for wait in seen.waits:
            hours = wish.rules.get(SWITCH_OF.get(wait.rule, wait.rule))
            if hours is None:
                continue
            due = _in_conversation(wait, hours, wish, seen, roster, now)
            key = (due.rule, due.identity_id)
            known = found.get(key)
            found[key] = due if known is None else _sooner(known, due)
    return [due for due in found.values() if not due.is_over(now)]


def _in_conversation(
    wait: Wait, hours: float, wish: ReminderWishes, seen: Seen, roster: Roster, now: datetime
) -> Due:
    state = seen.state
    concerned = roster.of(state.connection, wait.identity_id or state.author.id)
    stand_in = None
    if wish.passes_on and wait.rule is Rule.REVIEW and concerned and concerned.is_away(now):
        assert wait.reviewer is not None  # a review is somebody's
        stand_in = roster.stand_in(seen, wait.reviewer, now)
    counted = stand_in or concerned
    due = _due(wait, hours, counted.calendar if counted else wish.calendar)
    return Due(
        rule=due.rule,
        identity_id="" if wait.rule in FIRST_REVIEWS else due.identity_id,
        since=due.since,
        due_at=wish.calendar.next_working(due.due_at),
        hours=hours,
        spent=due.spent,
        names=due.names,
        stand_in=stand_in,
        ends_at=due.ends_at,
    )


def _due(wait: Wait, hours: float, calendar: Calendar) -> Due:
    length = timedelta(hours=hours)
    ends_at = calendar.add(wait.since, length)
    is_heads_up = wait.rule is Rule.FIRST_REVIEW
    at = calendar.add(wait.since, length * HEADS_UP) if is_heads_up else ends_at
    return Due(
        rule=wait.rule,
        identity_id=wait.identity_id,
        since=wait.since,
        due_at=calendar.next_working(at),
        hours=hours,
        spent=calendar,
        names=(wait.reviewer.identity.display_name,) if wait.reviewer else (),
        ends_at=ends_at if is_heads_up else None,
    )


def _sooner(one: Due, other: Due) -> Due:
    """The one that is due first, with everybody who is waited for, and since the first of them."""
    first = min(one, other, key=lambda due: due.due_at)
    names = tuple(dict.fromkeys((*one.names, *other.names)))
    return Due(
        rule=first.rule,
        identity_id=first.identity_id,
        since=min(one.since, other.since),
        due_at=first.due_at,
        hours=first.hours,
        spent=first.spent,
        names=names,
        stand_in=first.stand_in,
        ends_at=first.ends_at,
    )
