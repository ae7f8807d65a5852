"""What people are reminded of, and when; and when the next digest is due."""

from datetime import datetime

from sqlalchemy import Index, text
from sqlmodel import Field

from storage.tables.partial_index import partial_index
from storage.tables.queues import RowId
from storage.tables.row import Row

_IS_WAITING = text("state = 'waiting'")


class Reminder(Row, table=True):
    """One reminder of one pull request to one person or conversation.

    ``key`` says whom, of what, and since when that is so; it is unique, so nobody is reminded twice
    of the same. ``rule`` is bot.reminders.rules.Rule. ``owner`` is ``person/ID`` or
    ``conversation/ID``. ``identity_id`` is the reviewer concerned, "" where it is the author.
    ``since`` is when it began to wait. ``planned_at`` is when it is due by the rule, ``due_at``
    when it is looked at next, later after a snooze, say. ``asked_by`` is who nudged. ``state``:
    waiting, told, or void (it was not so any more when it was due; it waits again if it is so
    again).
    """

    __tablename__ = "reminders"
    __table_args__ = (
        partial_index(
            "ix_reminders_due",
            "due_at",
            "id",
            where=_IS_WAITING,
        ),
        Index("ix_reminders_pull_request", "pull_request_id"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=RowId)
    key: str = Field(unique=True)
    rule: str
    owner: str
    pull_request_id: int = Field(foreign_key="pull_requests.id")
    identity_id: str = ""
    since: datetime
    planned_at: datetime
    due_at: datetime
    asked_by: str = ""
    state: str = "waiting"
    reason: str = ""
    told_at: datetime | None = None
    created_at: datetime


class DigestTime(Row, table=True):
    """When a person or conversation gets the next digest.

    ``owner`` is ``person/ID`` or ``conversation/ID``. ``schedule`` is what ``due_at`` was computed
    from, so that a changed one is computed anew. ``told_at`` is when the last one was due and done
    with, sent or empty.
    """

    __tablename__ = "digest_times"
    __table_args__ = (Index("ix_digest_times_due", "due_at"),)

    owner: str = Field(primary_key=True)
    schedule: str
    due_at: datetime
    told_at: datetime | None = None
