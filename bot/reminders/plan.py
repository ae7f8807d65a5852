"""Which reminders will be due, and when, as the database says now.

Reads only: what it finds is compared with the table, and the difference is written.
"""

from collections.abc import Iterator
from datetime import datetime

from sqlmodel import Session

from bot.reminders.due import Due, for_conversation, for_person
from bot.reminders.owners import (
    Conversations,
    conversation_owner,
    load_conversations,
    person_owner,
)
from bot.reminders.people import Roster, load_roster
from bot.reminders.seen import Seen, load_seen
from storage.queries import reminders
from storage.queries.reminders import TOLD, VOID, PlannedReminder, reminder_key

PAGE = 500


def find_plans(session: Session, *, now: datetime) -> list[PlannedReminder]:
    """The reminders that the table lacks, has at another time, or has given up too early."""
    conversations = load_conversations(session)
    if not conversations.wishes and not reminders.has_personal(session):
        return []  # most teams, at first: no pull request need be looked at
    known = reminders.planned(session)
    return [
        wanted
        for wanted in _wanted(session, conversations, now)
        if _is_news(known.get(wanted.key), wanted)
    ]


def _is_news(known: tuple[str, datetime] | None, wanted: PlannedReminder) -> bool:
    """A void one waits again, because it is so again."""
    if known is None:
        return True
    state, planned_at = known
    return state == VOID or (state != TOLD and wanted.due_at != planned_at)


def _wanted(
    session: Session, conversations: Conversations, now: datetime
) -> Iterator[PlannedReminder]:
    after = 0
    while rows := reminders.open_pull_requests(session, after=after, limit=PAGE):
        after = rows[-1].id or 0
        page = load_seen(session, rows)
        roster = load_roster(session, page)
        for seen in page:
            yield from _of_people(seen, roster, now)
            for place in conversations.about(session, seen):
                owner = conversation_owner(place.conversation_id)
                for due in for_conversation(place.wishes, seen, roster, now):
                    yield planned(owner, seen, due)
        session.expunge_all()


def _of_people(seen: Seen, roster: Roster, now: datetime) -> Iterator[PlannedReminder]:
    state = seen.state
    identities = [state.author.id, *(reviewer.identity.id for reviewer in state.reviewers)]
    people = {
        person.id: person
        for identity_id in identities
        for person in roster.concerned(seen, identity_id).values()
    }
    for person in people.values():
        for due in for_person(person, seen, roster, now):
            yield planned(person_owner(person.id), seen, due)


def planned(owner: str, seen: Seen, due: Due, *, asked_by: str = "") -> PlannedReminder:
    """A reminder as the table has it."""
    return PlannedReminder(
        key=reminder_key(owner, due.rule, seen.id, due.identity_id, due.since),
        rule=due.rule,
        owner=owner,
        pull_request_id=seen.id,
        identity_id=due.identity_id,
        since=due.since,
        due_at=due.due_at,
        asked_by=asked_by,
    )
