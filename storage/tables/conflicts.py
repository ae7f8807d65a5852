"""Merge conflicts: their episodes, where they were told, and what Pullcord found by itself."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, Index, text
from sqlmodel import Field, SQLModel

_IS_OPEN = text("ended_at IS NULL")
_HAS_WORK = text("due_at IS NOT NULL")


class ConflictEpisode(SQLModel, table=True):
    """One stretch of time in which a pull request has merge conflicts.

    ``began_at`` is Azure DevOps' time, ``opened_at`` when it was learned. The commits are those
    whose merge conflicts; ``last_clean_target_commit`` is the target's commit of the last clean
    merge, "" if there was none. ``files`` are bot.model.FileConflict as JSON, ``files_from``
    azure_devops, overlap or "" (not known); ``cause`` are commits of the target as JSON.
    ``is_own_finding``: found by Pullcord's own trial merge, Azure DevOps has not said it yet.
    ``at_first_sight``: the pull request had conflicts when Pullcord first saw it.
    ``ended_by``: source, target, retarget, completed, abandoned or "".
    ``posted_status`` is the state of the status last dealt with in Azure DevOps (failed,
    succeeded or ""). ``due_at`` is when there is work to do (examine, tell, post), None when there
    is none; ``attempts`` are those that failed.
    """

    __tablename__ = "conflict_episodes"
    __table_args__ = (
        Index(
            "ix_conflict_episodes_open",
            "pull_request_id",
            unique=True,
            sqlite_where=_IS_OPEN,
            postgresql_where=_IS_OPEN,
        ),
        Index("ix_conflict_episodes_pull_request", "pull_request_id", "id"),
        Index(
            "ix_conflict_episodes_due",
            "due_at",
            sqlite_where=_HAS_WORK,
            postgresql_where=_HAS_WORK,
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    connection: str = Field(foreign_key="connections.name")
    pull_request_id: int = Field(foreign_key="pull_requests.id")
    number: int
    began_at: datetime
    opened_at: datetime
    ended_at: datetime | None = None
    ended_by: str = ""
    source_commit: str = ""
    target_ref: str
    target_commit: str = ""
    last_clean_target_commit: str = ""
    files: list[dict[str, Any]] = Field(
        default_factory=list, sa_column=Column(JSON, nullable=False)
    )
    files_from: str = ""
    cause: list[dict[str, Any]] = Field(
        default_factory=list, sa_column=Column(JSON, nullable=False)
    )
    is_own_finding: bool = False
    at_first_sight: bool = False
    told_at: datetime | None = None
    examined_at: datetime | None = None
    posted_status: str = ""
    due_at: datetime | None = None
    attempts: int = 0


class PostedAlert(SQLModel, table=True):
    """The one alert of an episode in a conversation.

    ``activity_id`` is Teams' id of the message, "" when somebody deleted it: it is not posted
    again. ``content_hash`` is of the card last sent.
    """

    __tablename__ = "posted_alerts"

    episode_id: int = Field(primary_key=True, foreign_key="conflict_episodes.id")
    conversation_id: str = Field(primary_key=True, foreign_key="conversations.id")
    activity_id: str = ""
    content_hash: str = ""
    posted_at: datetime
    updated_at: datetime


class OwnFinding(SQLModel, table=True):
    """What Pullcord's own trial merge of a pull request said last.

    It stands beside Azure DevOps' word about the merge of ``stale_target_commit``, and gives way
    to its word about any other. ``status`` is bot.model.MergeStatus.
    """

    __tablename__ = "own_findings"

    pull_request_id: int = Field(primary_key=True, foreign_key="pull_requests.id")
    status: str
    source_commit: str
    target_ref: str
    target_commit: str
    stale_target_commit: str
    found_at: datetime


class ConflictSnooze(SQLModel, table=True):
    """Until when a person is not alerted of a pull request's conflicts."""

    __tablename__ = "conflict_snoozes"

    pull_request_id: int = Field(primary_key=True, foreign_key="pull_requests.id")
    person_id: int = Field(primary_key=True, foreign_key="people.id")
    until: datetime
