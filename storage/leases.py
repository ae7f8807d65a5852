"""A job runs on the one replica that holds its lease."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, update
from sqlmodel import Session, col, or_

from storage.dialects import affected, insert_new, is_sqlite
from storage.queues import CLOCKS_DIFFER_BY
from storage.tables import Lease


def acquire(session: Session, name: str, *, holder: str, now: datetime, length: timedelta) -> bool:
    """Take the lease, or keep it for longer; False while another holds it.

    A lease ends when its time is over. ``now`` must be the same clock on all replicas, to within a
    small part of ``length``. One that would last longer than it was made for tells that the clock
    went back; it has ended too.
    """
    values = {"holder": holder, "until": now + length}
    if insert_new(session, Lease, {"name": name, **values}):
        return True
    may_take = or_(
        col(Lease.holder) == holder,
        col(Lease.until) <= now,
        col(Lease.until) > now + length + CLOCKS_DIFFER_BY,
    )
    return _update(session, name, may_take, values)


def renew(session: Session, name: str, *, holder: str, now: datetime, length: timedelta) -> bool:
    """Keep a lease that is held for longer; False when it has ended or is another's by now."""
    is_held = (col(Lease.holder) == holder) & (col(Lease.until) > now)
    return _update(session, name, is_held, {"until": now + length})


def release(session: Session, name: str, *, holder: str) -> None:
    """Give a lease back, if it is held."""
    is_own = (col(Lease.name) == name, col(Lease.holder) == holder)
    affected(session, delete(Lease).where(*is_own))


def forget_interrupted(session: Session) -> None:
    """Give back what a dead process held; to be called at start.

    On SQLite one process owns the database, so every lease is of a dead one. On PostgreSQL another
    replica may hold it: there it ends with its time.
    """
    if is_sqlite(session):
        affected(session, delete(Lease))


def _update(
    session: Session, name: str, condition: ColumnElement[bool], values: dict[str, object]
) -> bool:
    statement = update(Lease).where(col(Lease.name) == name, condition).values(**values)
    return affected(session, statement) == 1
