"""Checks of pull requests: which have failed, and when they are looked at again."""

from datetime import datetime

from sqlalchemy import text
from sqlmodel import Field

from storage.tables.partial_index import partial_index
from storage.tables.row import Row

_IS_WATCHED = text("due_at IS NOT NULL")


class FailedCheck(Row, table=True):
    """A check that failed and has not succeeded since.

    ``run`` is the run that failed last (bot.model.Check), ``source_commit`` the pull request's tip
    for which that was told.
    """

    __tablename__ = "failed_checks"

    pull_request_id: int = Field(primary_key=True, foreign_key="pull_requests.id")
    name: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    run: str = ""
    source_commit: str = ""
    since: datetime


class CheckWatch(Row, table=True):
    """When a pull request's checks were asked for last, and when they are the next time.

    No service hook tells of a status or a policy. ``due_at`` is None when nothing is waited for.
    ``changed_at`` is when they were last seen to change.
    """

    __tablename__ = "check_watches"
    __table_args__ = (
        partial_index(
            "ix_check_watches_due",
            "due_at",
            where=_IS_WATCHED,
        ),
    )

    pull_request_id: int = Field(primary_key=True, foreign_key="pull_requests.id")
    asked_at: datetime
    changed_at: datetime
    due_at: datetime | None = None
