"""Reminders and digest times: planned, due, told once."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, update
from sqlmodel import Session, col, func, select

from storage.dialects import affected, insert_new, table_of
from storage.tables import (
    AuditRow,
    ConversationRow,
    DigestTime,
    Person,
    PullRequestRow,
    Reminder,
    Subscription,
)
from storage.text import bounded_key, storable_text

WAITING, TOLD, VOID = "waiting", "told", "void"
ACTIVE = "active"


@dataclass(frozen=True, slots=True)
class PlannedReminder:
    """A reminder as it should be in the table; the fields are Reminder's."""

    key: str
    rule: str
    owner: str
    pull_request_id: int
    identity_id: str
    since: datetime
    due_at: datetime
    asked_by: str = ""


def reminder_key(
    owner: str, rule: str, pull_request_id: int, identity_id: str, since: datetime
) -> str:
    """Names a reminder: the same wait has the same key, a new one another."""
    return bounded_key(
        storable_text(f"{owner}:{rule}:{pull_request_id}:{identity_id}:{since:%Y%m%dT%H%M%S.%f}")
    )


def note_once(session: Session, wanted: PlannedReminder, *, now: datetime) -> bool:
    """Note a reminder; False when its key is there already, whatever became of it."""
    values = {
        "key": wanted.key,
        "rule": wanted.rule,
        "owner": wanted.owner,
        "pull_request_id": wanted.pull_request_id,
        "identity_id": wanted.identity_id,
        "since": wanted.since,
        "planned_at": wanted.due_at,
        "due_at": wanted.due_at,
        "asked_by": storable_text(wanted.asked_by),
        "state": WAITING,
        "reason": "",
        "created_at": now,
    }
    return insert_new(session, Reminder, values)


def plan(session: Session, wanted: PlannedReminder, *, now: datetime) -> bool:
    """Make it wait until it is due; False when it was told already. A void one waits again."""
    if note_once(session, wanted, now=now):
        return True
    is_open = (col(Reminder.key) == wanted.key, col(Reminder.state) != TOLD)
    again = {
        "planned_at": wanted.due_at,
        "due_at": wanted.due_at,
        "state": WAITING,
        "reason": "",
    }
    return bool(affected(session, update(table_of(Reminder)).where(*is_open).values(**again)))


def planned(session: Session) -> dict[str, tuple[str, datetime]]:
    """(state, due by the rule) of every reminder of an open pull request, by key."""
    rows = session.exec(
        select(Reminder.key, Reminder.state, Reminder.planned_at)
        .join(PullRequestRow, col(PullRequestRow.id) == Reminder.pull_request_id)
        .where(PullRequestRow.status == ACTIVE)
    ).all()
    return {key: (state, planned_at) for key, state, planned_at in rows}


def due_owners(session: Session, *, now: datetime) -> Sequence[str]:
    """Whom something is due to, those first who wait longest."""
    return session.exec(
        select(Reminder.owner)
        .where(Reminder.state == WAITING, Reminder.due_at <= now)
        .group_by(Reminder.owner)
        .order_by(func.min(Reminder.due_at), col(Reminder.owner))
    ).all()


def due_of(session: Session, owner: str, *, now: datetime, limit: int) -> Sequence[Reminder]:
    """What is due to one owner, longest first, locked until the transaction ends."""
    return session.exec(
        select(Reminder)
        .where(Reminder.owner == owner, Reminder.state == WAITING, Reminder.due_at <= now)
        .order_by(col(Reminder.due_at), col(Reminder.id))
        .limit(limit)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()


def finish(
    session: Session, ids: Collection[int | None], *, state: str, now: datetime, reason: str = ""
) -> None:
    """These were told, or are not so any more."""
    told_at = now if state == TOLD else None
    values = {"state": state, "told_at": told_at, "reason": reason}
    _update(session, ids, values)


def put_off(session: Session, ids: Collection[int | None], *, due_at: datetime) -> None:
    """These are due later."""
    _update(session, ids, {"due_at": due_at})


def _update(session: Session, ids: Collection[int | None], values: Mapping[str, Any]) -> None:
    if ids:
        chosen = [col(Reminder.id).in_(ids), col(Reminder.state) == WAITING]
        affected(session, update(table_of(Reminder)).where(*chosen).values(**values))


def audited(
    session: Session, subjects: Collection[str], actions: Collection[str]
) -> Mapping[str, list[AuditRow]]:
    """What the audit has of these subjects, oldest first, by subject."""
    rows = session.exec(
        select(AuditRow)
        .where(col(AuditRow.subject).in_(subjects), col(AuditRow.action).in_(actions))
        .order_by(col(AuditRow.id))
    ).all()
    found: dict[str, list[AuditRow]] = {}
    for row in rows:
        found.setdefault(row.subject, []).append(row)
    return found


def open_pull_requests(session: Session, *, after: int, limit: int) -> Sequence[PullRequestRow]:
    """Open ones by id, the next ``limit`` after an id."""
    return session.exec(
        select(PullRequestRow)
        .where(PullRequestRow.status == ACTIVE, col(PullRequestRow.id) > after)
        .order_by(col(PullRequestRow.id))
        .limit(limit)
    ).all()


def has_personal(session: Session) -> bool:
    """Whether anybody has reminders of his own."""
    rows = session.exec(select(Person.preferences).where(col(Person.removed_at).is_(None)))
    return any(preferences.get("reminders") for preferences in rows)


def live_subscriptions(session: Session) -> Sequence[tuple[Subscription, ConversationRow]]:
    """Subscriptions that are not paused, with their active conversations."""
    return session.exec(
        select(Subscription, ConversationRow)
        .join(ConversationRow, col(ConversationRow.id) == Subscription.conversation_id)
        .where(col(Subscription.paused_at).is_(None), ConversationRow.state == ACTIVE)
        .order_by(col(Subscription.id))
    ).all()


# --- digests ----------------------------------------------------------------------------------


def digest_times(session: Session) -> dict[str, DigestTime]:
    """When everybody's next digest is due, by owner."""
    return {row.owner: row for row in session.exec(select(DigestTime)).all()}


def due_digests(session: Session, *, now: datetime, limit: int) -> Sequence[DigestTime]:
    """The owners whose digest is due, longest first."""
    return session.exec(
        select(DigestTime)
        .where(DigestTime.due_at <= now)
        .order_by(col(DigestTime.due_at), col(DigestTime.owner))
        .limit(limit)
    ).all()


def set_digest(session: Session, owner: str, *, schedule: str, due_at: datetime) -> None:
    """The owner's next digest is due then."""
    row = session.get(DigestTime, owner) or DigestTime(
        owner=owner, schedule=schedule, due_at=due_at
    )
    row.schedule, row.due_at = schedule, due_at
    session.add(row)


def advance_digest(
    session: Session,
    owner: str,
    *,
    was_due_at: datetime,
    due_at: datetime,
    told_at: datetime | None = None,
) -> bool:
    """Go on to the next; False when another has done so. ``told_at`` None: it was only put off."""
    values: dict[str, Any] = {"due_at": due_at}
    if told_at is not None:
        values["told_at"] = told_at
    unchanged = (col(DigestTime.owner) == owner, col(DigestTime.due_at) == was_due_at)
    return bool(affected(session, update(table_of(DigestTime)).where(*unchanged).values(**values)))


def forget_digest(session: Session, owner: str) -> None:
    """The owner gets no digest any more."""
    affected(session, delete(table_of(DigestTime)).where(col(DigestTime.owner) == owner))
