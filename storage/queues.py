"""What inbox, outbox and activities share: leases, and clocks that go back.

A row that was put off, or claimed, at a time that is still to come tells that the clock went back
since. Its times mean nothing then and it is due, so that a step back freezes nothing.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BindParameter, ColumnElement
from sqlmodel import col, or_

from storage.tables import ActivityRow, InboxRow, OutboxRow

Moment = datetime | BindParameter[Any]

# How long a claimed row belongs to the process that claimed it.
LEASE = timedelta(minutes=5)

CLOCKS_DIFFER_BY = timedelta(minutes=1)
"""What another replica stamped may be so much ahead of our clock: then no clock went back."""


def is_free(model: type[InboxRow | OutboxRow | ActivityRow], now: datetime) -> ColumnElement[bool]:
    """Nobody works on the row, or its lease has run out."""
    return is_free_at(model, now, now + CLOCKS_DIFFER_BY)


def is_free_at(
    model: type[InboxRow | OutboxRow | ActivityRow], now: Moment, ahead: Moment
) -> ColumnElement[bool]:
    """The same with times that may be parameters; ``ahead`` is CLOCKS_DIFFER_BY after ``now``."""
    return or_(
        col(model.claimed_until).is_(None),
        col(model.claimed_until) <= now,
        col(model.claimed_at) > ahead,
    )


def row_id(row: InboxRow | OutboxRow | ActivityRow) -> int:
    """The id of a stored row. Raises ValueError when it is not stored yet."""
    if row.id is None:
        raise ValueError("the row is not stored")
    return row.id
