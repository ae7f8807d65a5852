"""The inbox: webhook bodies from ``Database.store_hook`` until they are understood.

Rows are worked on in the order in which they came; a row that has to wait holds up no other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Literal

from sqlalchemy import ColumnElement, Update, bindparam, func, update
from sqlalchemy.orm.attributes import set_committed_value
from sqlmodel import Session, col, or_, select
from sqlmodel.sql.expression import SelectOfScalar

from storage.dialects import affected, is_sqlite, table_of
from storage.hook_lane import NewHook
from storage.queues import CLOCKS_DIFFER_BY, LEASE, is_free, is_free_at
from storage.tables import InboxRow

__all__ = [
    "DeadLetter",
    "NewHook",
    "claim",
    "counts",
    "dead_letters",
    "mark",
    "mark_many",
    "oldest_pending",
    "release",
    "requeue_interrupted",
    "retry_dead",
    "retry_later",
]

FinalState = Literal["done", "unused", "test", "dead"]


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A body that could not be understood. ``size`` is its length in bytes."""

    id: int
    connection: str
    event_type: str
    received_at: datetime
    attempts: int
    reason: str
    size: int


def claim(
    session: Session,
    *,
    now: datetime,
    limit: int = 100,
    lease: timedelta = LEASE,
    looks_ahead: bool = True,
) -> list[InboxRow]:
    """Take up to ``limit`` due rows for this process, oldest first.

    ``looks_ahead``: also what seems due later because the clock went back since. Several replicas
    never get the same row while its lease lasts (PostgreSQL: FOR UPDATE SKIP LOCKED).
    """
    times = {"now": now, "ahead": now + CLOCKS_DIFFER_BY}
    rows = list(session.exec(_due(), params={**times, "limit": limit}).all())
    if looks_ahead and len(rows) < limit:
        rest = {**times, "limit": limit - len(rows)}
        rows += session.exec(_due_before_the_clock_went_back(), params=rest).all()
    if rows:
        claimed = {"claimed_at": now, "claimed_until": now + lease}
        session.connection().execute(_claim(), {**claimed, "ids": [row.id for row in rows]})
    for row in rows:
        for name, value in claimed.items():
            set_committed_value(row, name, value)
    return rows


@cache  # here and below: making a statement takes longer than running it
def _due() -> SelectOfScalar[InboxRow]:
    return _waiting(col(InboxRow.due_at) <= bindparam("now"))


@cache
def _due_before_the_clock_went_back() -> SelectOfScalar[InboxRow]:
    claimed_at = col(InboxRow.claimed_at)
    return _waiting(
        col(InboxRow.due_at) > bindparam("now"),
        or_(claimed_at.is_(None), claimed_at > bindparam("ahead")),
    )


def _waiting(*conditions: ColumnElement[bool]) -> SelectOfScalar[InboxRow]:
    free = is_free_at(InboxRow, bindparam("now"), bindparam("ahead"))
    return (
        select(InboxRow)
        .where(InboxRow.state == "pending", free, *conditions)
        .order_by(col(InboxRow.due_at), col(InboxRow.id))
        .limit(bindparam("limit"))
        .with_for_update(skip_locked=True)
    )


@cache
def _claim() -> Update:
    table = table_of(InboxRow)
    times = {
        name: bindparam(name, type_=table.c[name].type) for name in ("claimed_at", "claimed_until")
    }
    # One statement for all rows, not one for each: see storage.hook_lane.
    return update(table).where(table.c.id.in_(bindparam("ids", expanding=True))).values(times)


def mark(
    session: Session, row_id: int | None, state: FinalState, *, now: datetime, reason: str = ""
) -> None:
    """A body is dealt with: it had its effect (done), is of a kind that Pullcord does not use
    (unused), came from the Test button (test), or cannot be understood (dead, with the reason).
    """
    mark_many(session, [row_id], state, now=now, reason=reason)


def mark_many(
    session: Session,
    row_ids: Sequence[int | None],
    state: FinalState,
    *,
    now: datetime,
    reason: str = "",
) -> None:
    """Several bodies are dealt with in the same way."""
    session.flush()
    values = {"its_state": state, "its_reason": reason, "now": now}
    session.connection().execute(_mark(), {**values, "ids": list(row_ids)})


@cache
def _mark() -> Update:
    table = table_of(InboxRow)
    ended = update(table).where(table.c.id.in_(bindparam("ids", expanding=True)))
    return ended.values(
        state=bindparam("its_state"),
        reason=bindparam("its_reason"),
        done_at=bindparam("now"),
        claimed_until=None,
    )


def retry_later(session: Session, row_id: int | None, *, due_at: datetime, reason: str) -> None:
    """It failed: count that and try again at ``due_at``."""
    values = {
        "due_at": due_at,
        "reason": reason,
        "attempts": col(InboxRow.attempts) + 1,
        "claimed_until": None,
    }
    _update(session, [col(InboxRow.id) == row_id], values)


def release(session: Session, row_ids: Sequence[int | None]) -> None:
    """Let these be claimed again at once: this process could not go on with them."""
    claimed = [col(InboxRow.id).in_(row_ids), col(InboxRow.state) == "pending"]
    _update(session, claimed, {"claimed_until": None})


def retry_dead(
    session: Session, *, now: datetime, row_ids: Sequence[int] | None = None, connection: str = ""
) -> int:
    """Put dead letters back into work, all or those given; returns how many."""
    conditions: list[ColumnElement[bool]] = [col(InboxRow.state) == "dead"]
    if row_ids is not None:
        conditions.append(col(InboxRow.id).in_(row_ids))
    if connection:
        conditions.append(col(InboxRow.connection) == connection)
    fresh = {
        "state": "pending",
        "due_at": now,
        "claimed_at": None,
        "attempts": 0,
        "reason": "",
        "done_at": None,
    }
    return _update(session, conditions, fresh)


def requeue_interrupted(session: Session, *, now: datetime) -> int:
    """Free what a dead process had claimed; to be called at start. Returns how many.

    On SQLite one process owns the database, so every claim is of a dead one. On PostgreSQL another
    replica may be at work: there only what outlived its lease is freed.
    """
    is_claimed = [col(InboxRow.state) == "pending", col(InboxRow.claimed_until).is_not(None)]
    if not is_sqlite(session):
        is_claimed.append(is_free(InboxRow, now))
    return _update(session, is_claimed, {"claimed_until": None})


def counts(session: Session) -> Mapping[str, int]:
    """How many rows there are in each state."""
    statement = select(InboxRow.state, func.count()).group_by(col(InboxRow.state))
    return dict(session.exec(statement).all())


def oldest_pending(session: Session) -> datetime | None:
    """When the oldest body that still waits was received."""
    statement = select(func.min(InboxRow.received_at)).where(InboxRow.state == "pending")
    return session.exec(statement).one()


def dead_letters(session: Session, *, limit: int = 50) -> list[DeadLetter]:
    """The newest dead letters, without their bodies."""
    statement = (
        select(  # type: ignore[call-overload]  # SQLModel types four columns at most
            InboxRow.id,
            InboxRow.connection,
            InboxRow.event_type,
            InboxRow.received_at,
            InboxRow.attempts,
            InboxRow.reason,
            func.length(InboxRow.body),
        )
        .where(InboxRow.state == "dead")
        .order_by(col(InboxRow.id).desc())
        .limit(limit)
    )
    return [DeadLetter(*row) for row in session.exec(statement).all()]


def _update(
    session: Session, conditions: Sequence[ColumnElement[bool]], values: Mapping[str, Any]
) -> int:
    return affected(session, update(InboxRow).where(*conditions).values(**values))
