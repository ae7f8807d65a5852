"""Merge conflicts: their episodes, where they were told, and what Pullcord found by itself."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, Index, text
from sqlmodel import Field

from storage.tables.partial_index import partial_index
from storage.tables.row import Row

_IS_OPEN = text("ended_at IS NULL")
_HAS_WORK = text("due_at IS NOT NULL")


class ConflictEpisode(Row, table=True):
    """One stretch of time in which a pull request has merge conflicts.

    ``began_at`` is Azure DevOps' time, ``opened_at`` when it was learned. The commits are those
    whose merge conflicts; ``last_clean_target_commit`` is the target's commit of the last clean
    merge, "" if there was none. ``files`` are bot.model.FileConflict as JSON, ``files_from``
    azure_devops, overlap or "" (not known); ``cause`` are commits of the target as JSON.
    ``is_own_finding``: found by Pullcord's own trial merge, Azure DevOps has not said it yet.
    ``at_first_sight``: the pull request had conflicts when Pullcord first saw it.
    ``ended_by``: source, target, retarget, completed, abandoned or ""; ``ended_actor`` is the name
    of the person who did it, "" when it is not known. ``clean_told_at`` is when its end was told.
    ``due_at`` is when there is work to do (examine, tell), None when there is none; ``attempts``
    are those that failed.
    """

    __tablename__ = "conflict_episodes"
    __table_args__ = (
        partial_index(
            "ix_conflict_episodes_open",
            "pull_request_id",
            unique=True,
            where=_IS_OPEN,
        ),
        Index("ix_conflict_episodes_pull_request", "pull_request_id", "id"),
        partial_index(
            "ix_conflict_episodes_due",
            "due_at",
            where=_HAS_WORK,
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
    ended_actor: str = ""
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
    clean_told_at: datetime | None = None
    due_at: datetime | None = None
    attempts: int = 0


class PostedAlert(Row, table=True):
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


class OwnFinding(Row, table=True):
    """What Pullcord's own trial merge of a pull request said last.

    It stands beside Azure DevOps' word about the merge of ``stale_target_commit``, and gives way
    to its word about any other. ``status`` is bot.model.MergeStatus. ``is_unaffected``: no merge
    was tried, because the target's newer commits touch other files only, so that Azure DevOps'
    word holds up to ``target_commit``.
    """

    __tablename__ = "own_findings"

    pull_request_id: int = Field(primary_key=True, foreign_key="pull_requests.id")
    status: str
    source_commit: str
    target_ref: str
    target_commit: str
    stale_target_commit: str
    found_at: datetime
    is_unaffected: bool = False


class MergeStatusRow(Row, table=True):
    """The pull-request status ``pullcord/mergeable``: as it should be, and as it was posted.

    ``state`` (failed, succeeded, error) is about the merge of ``source_commit`` into
    ``target_ref``; ``posted_…`` is what Azure DevOps has, "" for nothing. ``iteration`` is Azure
    DevOps' number for the posted source and target, 0 when it has none. ``due_at`` is when to post,
    None when there is nothing to post; ``attempts`` are those that failed.
    """

    __tablename__ = "merge_statuses"
    __table_args__ = (
        partial_index(
            "ix_merge_statuses_due",
            "due_at",
            where=_HAS_WORK,
        ),
    )

    pull_request_id: int = Field(primary_key=True, foreign_key="pull_requests.id")
    connection: str = Field(foreign_key="connections.name")
    state: str
    source_commit: str
    target_ref: str
    posted_state: str = ""
    posted_commit: str = ""
    posted_ref: str = ""
    iteration: int = 0
    due_at: datetime | None = None
    attempts: int = 0


class ConflictSnooze(Row, table=True):
    """Until when a person is not alerted of a pull request's conflicts."""

    __tablename__ = "conflict_snoozes"

    pull_request_id: int = Field(primary_key=True, foreign_key="pull_requests.id")
    person_id: int = Field(primary_key=True, foreign_key="people.id")
    until: datetime
