"""Teams activities: stored before they are answered, handled once."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, update
from sqlmodel import Session, col, select

from storage.dialects import affected, insert_new, is_sqlite
from storage.queues import LEASE, is_free
from storage.tables import ActivityRow
from storage.text import bounded_key, storable_text


def store(session: Session, *, key: str, event: Mapping[str, Any], received_at: datetime) -> bool:
    """Keep an activity; False when it is there already, then it must do nothing.

    Args:
        session: the transaction.
        key: what makes the activity unique (conversation and activity id).
        event: a bot.teams_model.TeamsEvent as JSON.
        received_at: when it came.
    """
    values = {
        "key": bounded_key(storable_text(key)),
        "event": dict(event),
        "received_at": received_at,
        "state": "pending",
        "attempts": 0,
        "reason": "",
    }
    return insert_new(session, ActivityRow, values)


def find(session: Session, key: str) -> ActivityRow | None:
    """The activity with this key."""
    wanted = bounded_key(storable_text(key))
    return session.exec(select(ActivityRow).where(ActivityRow.key == wanted)).first()


def claim(
    session: Session, *, now: datetime, limit: int = 100, lease: timedelta = LEASE
) -> list[ActivityRow]:
    """Take up to ``limit`` activities to handle, in the order in which they came."""
    statement = (
        select(ActivityRow)
        .where(ActivityRow.state == "pending", is_free(ActivityRow, now))
        .order_by(col(ActivityRow.id))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    rows = list(session.exec(statement).all())
    for row in rows:
        row.claimed_at = now
        row.claimed_until = now + lease
        session.add(row)
    session.flush()
    return rows


def waiting(
    session: Session, *, now: datetime, limit: int = 5_000
) -> Sequence[tuple[int, str, bool]]:
    """(id, key, whether nobody works on it) of what is not handled yet, in the order it came."""
    free = is_free(ActivityRow, now)
    return [
        (row_id or 0, key, bool(is_nobodys))
        for row_id, key, is_nobodys in session.exec(
            select(ActivityRow.id, ActivityRow.key, free)
            .where(ActivityRow.state == "pending")
            .order_by(col(ActivityRow.id))
            .limit(limit)
        ).all()
    ]


def release(session: Session, row_ids: Sequence[int]) -> None:
    """Let these be claimed again at once: the process that had them stops."""
    _update(
        session,
        [col(ActivityRow.id).in_(row_ids), col(ActivityRow.state) == "pending"],
        {"claimed_until": None},
    )


def claim_one(
    session: Session, row_id: int, *, now: datetime, lease: timedelta = LEASE
) -> ActivityRow | None:
    """Take this activity; None when another handles it or it is done."""
    free = [
        col(ActivityRow.id) == row_id,
        col(ActivityRow.state) == "pending",
        is_free(ActivityRow, now),
    ]
    if not _update(session, free, {"claimed_at": now, "claimed_until": now + lease}):
        return None
    return session.get(ActivityRow, row_id, populate_existing=True)


def mark_done(session: Session, row_id: int | None, *, now: datetime, outcome: str = "") -> bool:
    """It was handled. In the transaction of its effects; False when it had been already.

    ``outcome`` is kept as the reason, for later edits of the same message.
    """
    return _finish(session, row_id, "done", outcome, now)


def mark_failed(session: Session, row_id: int | None, *, reason: str, now: datetime) -> bool:
    """It cannot be handled; it stays with the reason. False when it had been handled already."""
    return _finish(session, row_id, "failed", reason, now)


def remember_outcome(
    session: Session, *, key: str, event: Mapping[str, Any], outcome: str, now: datetime
) -> None:
    """Note what became of a message for its later edits, also when it was never seen itself."""
    wanted = bounded_key(storable_text(key))
    values = {
        "key": wanted,
        "event": dict(event),
        "received_at": now,
        "state": "done",
        "attempts": 0,
        "reason": outcome,
        "done_at": now,
    }
    if not insert_new(session, ActivityRow, values):
        _update(session, [col(ActivityRow.key) == wanted], {"reason": outcome})


def retry(session: Session, row_id: int | None, *, reason: str) -> None:
    """It failed: count that and let it be claimed again."""
    values = {
        "attempts": col(ActivityRow.attempts) + 1,
        "reason": reason,
        "claimed_until": None,
    }
    _update(session, [col(ActivityRow.id) == row_id], values)


def requeue_interrupted(session: Session, *, now: datetime) -> int:
    """Free what a dead process had claimed; to be called at start. Returns how many.

    On SQLite one process owns the database, so every claim is of a dead one. On PostgreSQL another
    replica may be at work: there only what outlived its lease is freed.
    """
    is_claimed = [col(ActivityRow.state) == "pending", col(ActivityRow.claimed_until).is_not(None)]
    if not is_sqlite(session):
        is_claimed.append(is_free(ActivityRow, now))
    return _update(session, is_claimed, {"claimed_until": None})


def counts(session: Session) -> Mapping[str, int]:
    """How many rows there are in each state."""
    statement = select(ActivityRow.state, func.count()).group_by(col(ActivityRow.state))
    return dict(session.exec(statement).all())


def _finish(session: Session, row_id: int | None, state: str, reason: str, now: datetime) -> bool:
    is_open = [col(ActivityRow.id) == row_id, col(ActivityRow.state) == "pending"]
    values = {"state": state, "reason": reason, "done_at": now, "claimed_until": None}
    return _update(session, is_open, values) == 1


def _update(
    session: Session, conditions: Sequence[ColumnElement[bool]], values: Mapping[str, Any]
) -> int:
    return affected(session, update(ActivityRow).where(*conditions).values(**values))
