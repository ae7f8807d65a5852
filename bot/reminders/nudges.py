"""An author's nudge: a reminder that is due at once, or when the reviewer's work begins.

It is a row like any other reminder, so it is told once. Its key has the working day, so there is
at most one per reviewer and working day. Inside ``Database.write``.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlmodel import Session

from bot.model import Reviewer
from bot.reminders.due import is_muted
from bot.reminders.owners import person_owner
from bot.reminders.people import Someone, load_roster
from bot.reminders.rules import Rule
from bot.reminders.seen import Seen
from bot.reminders.telling import tell_owner
from bot.reminders.waiting import waiting_reviewers
from storage.queries import reminders
from storage.queries.reminders import PlannedReminder


class Outcome(StrEnum):
    """What becomes of a nudge."""

    NOW = "now"
    LATER = "later"
    ALREADY = "already"
    MUTED = "muted"
    UNKNOWN = "unknown"
    GROUP = "group"


@dataclass(frozen=True, slots=True)
class Nudge:
    """A reviewer and what became of the nudge."""

    name: str
    outcome: Outcome


def nudge(session: Session, seen: Seen, *, asked_by: str, now: datetime) -> Iterator[Nudge]:
    """Nudge each reviewer whose vote is waited for; who is at work is told in this transaction."""
    roster = load_roster(session, [seen])
    for reviewer in waiting_reviewers(seen.state, seen.history):
        name = reviewer.identity.display_name
        person = roster.of(seen.state.connection, reviewer.identity.id)
        if reviewer.identity.is_group:
            yield Nudge(name, Outcome.GROUP)
        elif person is None:
            yield Nudge(name, Outcome.UNKNOWN)
        elif is_muted(person, seen):
            yield Nudge(name, Outcome.MUTED)
        else:
            yield Nudge(name, _note(session, seen, reviewer, person, asked_by, now))


def _note(
    session: Session,
    seen: Seen,
    reviewer: Reviewer,
    person: Someone,
    asked_by: str,
    now: datetime,
) -> Outcome:
    owner = person_owner(person.id)
    due_at = person.rests_until(now) or now
    day = person.calendar.day_of(due_at)
    identity_id = reviewer.identity.id
    wanted = PlannedReminder(
        key=f"nudge:{owner}:{seen.id}:{day}",
        rule=Rule.NUDGE,
        owner=owner,
        pull_request_id=seen.id,
        identity_id=identity_id,
        since=_since(seen, identity_id),
        due_at=due_at,
        asked_by=asked_by,
    )
    if not reminders.note_once(session, wanted, now=now):
        return Outcome.ALREADY
    if due_at > now:
        return Outcome.LATER
    tell_owner(session, owner, now=now)
    return Outcome.NOW


def _since(seen: Seen, identity_id: str) -> datetime:
    moments = [wait.since for wait in seen.waits if wait.identity_id == identity_id]
    state = seen.state
    return min(moments, default=state.published_at or state.created_at)
