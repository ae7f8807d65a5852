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
from bot.notices.holding import GroupReviewers
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
    """A reviewer and what became of the nudge; ``group`` is through which he reviews, if so."""

    name: str
    outcome: Outcome
    group: str = ""


def nudge(
    session: Session, seen: Seen, mode: GroupReviewers, *, asked_by: str, now: datetime
) -> Iterator[Nudge]:
    """Nudge each reviewer whose vote is waited for; who is at work is told in this transaction.

    For a group it is who reviews through it, unless the operator wants nobody of groups to be
    told (``mode``). Somebody who is waited for in two ways is nudged once.
    """
    roster = load_roster(session, [seen])
    nudged: set[int] = set()
    for reviewer in waiting_reviewers(seen.state, seen.history):
        name = reviewer.identity.display_name
        group = name if reviewer.identity.is_group else ""
        people = roster.concerned(seen, reviewer.identity.id)
        if group and mode is GroupReviewers.NOBODY:
            people = {}
        if not people:
            yield Nudge(name, Outcome.GROUP if group else Outcome.UNKNOWN)
        for person in people.values():
            if person.id not in nudged:
                nudged.add(person.id)
                outcome = _note(session, seen, reviewer, person, asked_by, now)
                yield Nudge(person.name if group else name, outcome, group)


def _note(
    session: Session,
    seen: Seen,
    reviewer: Reviewer,
    person: Someone,
    asked_by: str,
    now: datetime,
) -> Outcome:
    if is_muted(person, seen):
        return Outcome.MUTED
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
