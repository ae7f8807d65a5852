"""What people are told directly, until it is told; and what is known for telling it well."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, Index, text
from sqlmodel import Field

from storage.tables.partial_index import partial_index
from storage.tables.queues import RowId
from storage.tables.row import Row

_IS_HELD = text("released_at IS NULL")


class HeldNotice(Row, table=True):
    """One thing to tell one person, or one reply below a card, that may have to wait.

    ``key`` says what it is and to whom; it is unique, so nothing is told twice. ``person_id`` or
    ``conversation_id`` is whom; neither: a group of Azure DevOps whose members are asked for
    first. ``kind`` is bot.notices.kinds.EventKind. ``reason`` is what it waits for: review (the
    rest of a review), quiet (work), digest, snooze, checks, lookup (Azure DevOps), "" (nothing
    yet). ``group_key``: what is told as one message. ``payload`` is bot.notices.held.Item as
    JSON. ``due_at`` is when it is looked at next; ``attempts`` are questions to Azure DevOps that
    failed. ``outcome``: sent, or why it was not.
    """

    __tablename__ = "held_notices"
    __table_args__ = (
        partial_index("ix_held_due", "due_at", "id", where=_IS_HELD),
        partial_index("ix_held_person", "person_id", "id", where=_IS_HELD),
        partial_index(
            "ix_held_conversation",
            "conversation_id",
            "pull_request_id",
            where=_IS_HELD,
        ),
        Index("ix_held_released", "released_at"),
        Index("ix_held_pull_request", "pull_request_id", "kind"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=RowId)
    key: str = Field(unique=True)
    person_id: int | None = Field(default=None, foreign_key="people.id")
    conversation_id: str = ""
    pull_request_id: int | None = Field(default=None)
    kind: str
    reason: str = ""
    group_key: str = ""
    payload: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    cause: str = ""
    attempts: int = 0
    due_at: datetime
    created_at: datetime
    released_at: datetime | None = None
    outcome: str = ""


class ReviewedCommit(Row, table=True):
    """The source commit that a reviewer's last vote was about."""

    __tablename__ = "reviewed_commits"

    pull_request_id: int = Field(primary_key=True, foreign_key="pull_requests.id")
    identity_id: str = Field(primary_key=True)
    commit: str
    at: datetime


class ThreadParticipant(Row, table=True):
    """Somebody who wrote in a comment thread of a pull request."""

    __tablename__ = "thread_participants"

    pull_request_id: int = Field(primary_key=True, foreign_key="pull_requests.id")
    thread_id: int = Field(primary_key=True, sa_type=RowId)
    identity_id: str = Field(primary_key=True)


class GroupMembers(Row, table=True):
    """The members of a group of Azure DevOps as last read: identity ids."""

    __tablename__ = "group_members"

    connection: str = Field(primary_key=True, foreign_key="connections.name")
    group_id: str = Field(primary_key=True)
    members: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    read_at: datetime


class GroupTurn(Row, table=True):
    """When a member of a group was last asked for a review in the group's stead."""

    __tablename__ = "group_turns"

    connection: str = Field(primary_key=True, foreign_key="connections.name")
    group_id: str = Field(primary_key=True)
    person_id: int = Field(primary_key=True, foreign_key="people.id")
    asked_at: datetime
