"""Tickets, pull requests, reviewers and votes, and the links between them."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, Index, UniqueConstraint, text
from sqlmodel import Field

from storage.tables.partial_index import partial_index
from storage.tables.row import Row

# Written out, because neither database uses a partial index for a bound parameter.
REVIEW_IS_OPEN = text("reviewers.is_open")


class TicketRow(Row, table=True):
    """A work item as last seen."""

    __tablename__ = "tickets"

    connection: str = Field(primary_key=True, foreign_key="connections.name")
    number: int = Field(primary_key=True)
    rev: int = 0
    project_name: str = ""
    type: str = ""
    title: str = ""
    state: str = ""
    assigned_to: str = ""
    web_url: str = ""
    as_of: datetime


class PullRequestRow(Row, table=True):
    """A pull request.

    ``state`` is bot.reconcile's PullRequestState as JSON; the columns serve queries. ``number`` is
    unique in the connection. ``needs_read`` asks for a fresh read from Azure DevOps.
    """

    __tablename__ = "pull_requests"
    __table_args__ = (
        UniqueConstraint("connection", "number"),
        Index("ix_pull_requests_status", "connection", "status"),
        Index("ix_pull_requests_author", "connection", "author_id", "status"),
        Index("ix_pull_requests_open", "connection", "repository_id", "status"),
        Index("ix_pull_requests_target", "repository_id", "target_ref", "status"),
        partial_index(
            "ix_pull_requests_needs_read",
            "id",
            where=text("needs_read"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    connection: str = Field(foreign_key="connections.name")
    number: int
    repository_id: str
    title: str
    status: str
    is_draft: bool = False
    author_id: str
    source_ref: str
    target_ref: str
    conflicted_since: datetime | None = None
    created_at: datetime
    closed_at: datetime | None = None
    as_of: datetime
    updated_at: datetime
    needs_read: bool = Field(default=False)
    checks: list[dict[str, Any]] | None = Field(default=None, sa_column=Column(JSON))
    state: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))


class ReviewerRow(Row, table=True):
    """A reviewer of a pull request and the vote.

    ``asked_at`` is when the review was last asked of him, None while it is a draft. ``is_open``:
    the pull request is open, a draft too, and the vote is missing.
    """

    __tablename__ = "reviewers"
    __table_args__ = (
        # Small whatever was reviewed before, or completed without this vote.
        partial_index(
            "ix_reviewers_open",
            "identity_id",
            where=text("is_open"),
        ),
    )

    pull_request_id: int = Field(primary_key=True, foreign_key="pull_requests.id")
    identity_id: str = Field(primary_key=True)
    display_name: str = ""
    vote: int = 0
    required: bool = False
    is_group: bool = False
    is_open: bool = Field(default=False)
    asked_at: datetime | None = None


class Link(Row, table=True):
    """A ticket ↔ branch ↔ pull request relation.

    ``origin``: start, sync, azure_devops, branch_name, text, manual. A link that was taken away
    keeps its row with ``removed_at``; a manual unlink is not made again by the repair.
    """

    __tablename__ = "links"
    __table_args__ = (
        UniqueConstraint("connection", "ticket", "repository_id", "branch", "pull_request"),
        Index("ix_links_pull_request", "connection", "pull_request"),
        Index("ix_links_branch", "connection", "repository_id", "branch"),
    )

    id: int | None = Field(default=None, primary_key=True)
    connection: str = Field(foreign_key="connections.name")
    ticket: int
    repository_id: str
    branch: str = ""
    pull_request: int = 0
    origin: str
    created_by: str = ""
    created_at: datetime
    removed_at: datetime | None = None
    removed_by: str = ""
