"""Forgetting what has been dealt with long ago. Dead letters are kept, and the audit if wished."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, delete, tuple_
from sqlalchemy import select as sql_select
from sqlmodel import Session, SQLModel, col, or_

from storage.audit_cut import forget_audit
from storage.dialects import table_of
from storage.tables import (
    ActivityRow,
    BranchBuild,
    ChangedFilesRow,
    HeldNotice,
    InboxRow,
    OutboxRow,
    PullRequestRow,
    Reminder,
    TicketNews,
    TrialMergeRow,
)

KEEP_RADAR = timedelta(days=30)
"""What the radar has asked is asked again after that, of pull requests that are still open."""
REVIEW_ASKED = "review asked"
"""How what is held names its kind (bot.notices.kinds.EventKind)."""
ROWS_AT_ONCE = 2_000
"""So that writers who wait behind a round wait for a moment only."""


@dataclass(frozen=True, slots=True)
class Retention:
    """How long what is finished is kept.

    ``webhooks`` are bodies as received: Azure DevOps shows its own delivery history for 7 days and
    delivers nothing again after that. ``messages`` is what people wrote to the bot, ``sent`` what
    they were told. ``audit`` None: for ever.
    """

    webhooks: timedelta = timedelta(days=30)
    messages: timedelta = timedelta(days=30)
    sent: timedelta = timedelta(days=90)
    audit: timedelta | None = None


def forget_old(session: Session, *, now: datetime, retention: Retention = Retention()) -> int:
    """Delete one round of what is finished or can be asked again; how many rows went.

    Call again while it returns ROWS_AT_ONCE or more. What is old is told by when it was last due,
    which the indexes of the queues have: a round must not read all that is kept, because webhooks
    wait behind it.
    """
    rounds: tuple[tuple[type[SQLModel], ColumnElement[bool]], ...] = (
        (
            InboxRow,
            col(InboxRow.state).in_(("done", "unused", "test"))
            & (col(InboxRow.due_at) < now - retention.webhooks),
        ),
        (
            ActivityRow,
            (col(ActivityRow.state) == "done")
            & (col(ActivityRow.received_at) < now - retention.messages),
        ),
        (
            OutboxRow,
            col(OutboxRow.state).in_(("sent", "dropped"))
            & (col(OutboxRow.due_at) < now - retention.sent),
        ),
        (
            HeldNotice,  # who was asked to review an open one is kept: it may have been his turn
            (col(HeldNotice.released_at) < now - retention.sent)
            & or_(
                col(HeldNotice.kind) != REVIEW_ASKED,
                col(HeldNotice.pull_request_id).is_(None),
                col(HeldNotice.pull_request_id).in_(_closed()),
            ),
        ),
        (
            Reminder,  # one of an open pull request is kept: without it, it would be told again
            (col(Reminder.created_at) < now - retention.sent)
            & col(Reminder.pull_request_id).in_(_closed()),
        ),
        (
            BranchBuild,  # the one before the next build is asked of Azure DevOps then
            col(BranchBuild.finished_at) < now - retention.sent,
        ),
        (
            TicketNews,  # the next webhook says itself what changed
            col(TicketNews.seen_at) < now - retention.sent,
        ),
        (
            TrialMergeRow,
            col(TrialMergeRow.checked_at) < now - KEEP_RADAR,
        ),
        (
            ChangedFilesRow,
            col(ChangedFilesRow.read_at) < now - KEEP_RADAR,
        ),
    )
    gone = 0
    for table, condition in rounds:
        key = tuple_(*table_of(table).primary_key.columns)
        old = sql_select(*key.clauses).where(condition).limit(ROWS_AT_ONCE)
        keys = [tuple(row) for row in session.connection().execute(old)]
        if keys:
            session.connection().execute(delete(table).where(key.in_(keys)))
        gone += len(keys)
    if retention.audit is not None:
        gone += forget_audit(session, before=now - retention.audit, now=now, limit=ROWS_AT_ONCE)
    return gone


def _closed() -> Select[int | None]:
    return sql_select(col(PullRequestRow.id)).where(col(PullRequestRow.status) != "active")
