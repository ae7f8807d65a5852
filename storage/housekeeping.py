"""Forgetting what has been dealt with long ago. The audit and dead letters are kept."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete
from sqlmodel import Session, SQLModel, col, select

from storage.tables import (
    ActivityRow,
    ChangedFilesRow,
    HeldNotice,
    InboxRow,
    OutboxRow,
    PullRequestRow,
    Reminder,
    TrialMergeRow,
)

KEEP_BODIES = timedelta(days=30)
"""Azure DevOps shows its own delivery history for 7 days; nothing is delivered again after that."""
KEEP_ACTIVITIES = timedelta(days=30)
KEEP_SENT = timedelta(days=90)
KEEP_RADAR = timedelta(days=30)
"""What the radar has asked is asked again after that, of pull requests that are still open."""
ROWS_AT_ONCE = 2_000
"""So that writers who wait behind a round wait for a moment only."""


def forget_old(session: Session, *, now: datetime) -> int:
    """Delete one round of what is finished or can be asked again; how many rows went.

    Call again while it returns ROWS_AT_ONCE or more. What is old is told by when it was last due,
    which the indexes of the queues have: a round must not read all that is kept, because webhooks
    wait behind it.
    """
    rounds: tuple[tuple[type[SQLModel], object, ColumnElement[bool]], ...] = (
        (
            InboxRow,
            col(InboxRow.id),
            col(InboxRow.state).in_(("done", "unused", "test"))
            & (col(InboxRow.due_at) < now - KEEP_BODIES),
        ),
        (
            ActivityRow,
            col(ActivityRow.id),
            (col(ActivityRow.state) == "done")
            & (col(ActivityRow.received_at) < now - KEEP_ACTIVITIES),
        ),
        (
            OutboxRow,
            col(OutboxRow.id),
            col(OutboxRow.state).in_(("sent", "dropped"))
            & (col(OutboxRow.due_at) < now - KEEP_SENT),
        ),
        (
            HeldNotice,
            col(HeldNotice.id),
            col(HeldNotice.released_at) < now - KEEP_SENT,
        ),
        (
            Reminder,  # one of an open pull request is kept: without it, it would be told again
            col(Reminder.id),
            (col(Reminder.created_at) < now - KEEP_SENT)
            & col(Reminder.pull_request_id).in_(
                select(PullRequestRow.id).where(PullRequestRow.status != "active")
            ),
        ),
        (
            TrialMergeRow,
            col(TrialMergeRow.id),
            col(TrialMergeRow.checked_at) < now - KEEP_RADAR,
        ),
        (
            ChangedFilesRow,
            col(ChangedFilesRow.id),
            col(ChangedFilesRow.read_at) < now - KEEP_RADAR,
        ),
    )
    gone = 0
    for table, key, condition in rounds:
        old = select(key).where(condition).limit(ROWS_AT_ONCE)  # type: ignore[call-overload]  # a column of any table
        ids = list(session.exec(old).all())
        if ids:
            session.connection().execute(delete(table).where(key.in_(ids)))  # type: ignore[attr-defined]  # as above
        gone += len(ids)
    return gone
