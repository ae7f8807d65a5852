"""The radar: which open pull requests conflict with each other, and what is known of it."""

from datetime import datetime

from sqlalchemy import JSON, Column, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from storage.tables.partial_index import partial_index

_IS_OPEN = text("ended_at IS NULL")


class TrialMergeRow(SQLModel, table=True):
    """What a trial merge of two commits said; it never changes, so it is asked for once.

    ``one`` and ``other`` are in alphabetical order, because a merge conflicts either way round.
    ``status`` is bot.model.MergeStatus; one that is neither succeeded nor conflicts is asked for
    again.
    """

    __tablename__ = "trial_merges"
    __table_args__ = (
        UniqueConstraint("connection", "one", "other"),
        Index("ix_trial_merges_checked", "connection", "checked_at"),
    )

    id: int | None = Field(default=None, primary_key=True)
    connection: str = Field(foreign_key="connections.name")
    one: str
    other: str
    status: str
    message: str = ""
    checked_at: datetime


class ChangedFilesRow(SQLModel, table=True):
    """The paths that a source commit changes since it left its target branch."""

    __tablename__ = "changed_files"
    __table_args__ = (
        UniqueConstraint("connection", "source_commit", "target_ref"),
        Index("ix_changed_files_read", "connection", "read_at"),
    )

    id: int | None = Field(default=None, primary_key=True)
    connection: str = Field(foreign_key="connections.name")
    source_commit: str
    target_ref: str
    files: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    read_at: datetime


class RadarPair(SQLModel, table=True):
    """One stretch of time in which two open pull requests conflict with each other.

    ``first_id`` is the one of the lower number. ``files`` are those that both change.
    ``ended_by``: closed (one of the two is), clean (they merge), unfollowed (nobody wants to know
    any more) or "". ``first_told`` and ``second_told``: the author was told, or was to be, which
    he is not while the subscriptions ask for the digest only.
    """

    __tablename__ = "radar_pairs"
    __table_args__ = (
        partial_index(
            "ix_radar_pairs_open",
            "first_id",
            "second_id",
            unique=True,
            where=_IS_OPEN,
        ),
        Index("ix_radar_pairs_pair", "first_id", "second_id", "id"),
        Index("ix_radar_pairs_second", "second_id"),
    )

    id: int | None = Field(default=None, primary_key=True)
    connection: str = Field(foreign_key="connections.name", index=True)
    first_id: int = Field(foreign_key="pull_requests.id")
    second_id: int = Field(foreign_key="pull_requests.id")
    first_commit: str
    second_commit: str
    files: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    began_at: datetime
    ended_at: datetime | None = None
    ended_by: str = ""
    first_told: bool = False
    second_told: bool = False


class RadarBacklog(SQLModel, table=True):
    """What the last round of the radar left unchecked in a connection.

    Kept, because finding it out takes longer the more pull requests are open: ``status`` must not.
    """

    __tablename__ = "radar_backlogs"

    connection: str = Field(primary_key=True, foreign_key="connections.name")
    pairs: int = 0
    unread: int = 0


class PostedRadarAlert(SQLModel, table=True):
    """The one message about a pair in an author's chat.

    ``activity_id`` is Teams' id of the message, "" when somebody deleted it: it is not posted
    again. ``content_hash`` is of the card last sent.
    """

    __tablename__ = "posted_radar_alerts"

    radar_pair_id: int = Field(primary_key=True, foreign_key="radar_pairs.id")
    conversation_id: str = Field(primary_key=True, foreign_key="conversations.id")
    activity_id: str = ""
    content_hash: str = ""
    posted_at: datetime
    updated_at: datetime
