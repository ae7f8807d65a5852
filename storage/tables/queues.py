"""What has come in, what must go out, and work that is under way."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    UniqueConstraint,
    event,
    text,
)
from sqlmodel import Field

from storage.tables.partial_index import partial_index
from storage.tables.row import Row

# SQLite counts its rows with INTEGER only, which there is 64 bits wide anyway.
RowId = BigInteger().with_variant(Integer, "sqlite")

# Written out, because neither database uses a partial index for a bound parameter.
IS_OPEN = text("state IN ('pending', 'sending')")
IS_WAITING_CARD = text("kind = 'card' AND state = 'pending'")
_IS_ALERT = text("episode_id IS NOT NULL")
_IS_RADAR_ALERT = text("radar_pair_id IS NOT NULL")


class InboxRow(Row, table=True):
    """One webhook body, raw, as received.

    ``dedup_key`` is ``n:SUBSCRIPTION:NOTIFICATION``, else ``e:EVENT_ID``, else ``c:``; with
    ``content_hash`` (SHA-256 of the body) it is unique per connection, so two different bodies
    under one key are both kept. ``state``: pending, done, unused, test, dead. ``due_at`` is when it
    may be tried; from ``claimed_at`` to ``claimed_until`` a process works on it. ``attempts`` are
    those that failed.
    """

    __tablename__ = "inbox"
    __table_args__ = (
        UniqueConstraint("connection", "dedup_key", "content_hash"),
        Index("ix_inbox_state", "state", "due_at", "id"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=RowId)
    connection: str
    dedup_key: str
    content_hash: bytes = Field(sa_column=Column(LargeBinary(32), nullable=False))
    event_type: str = ""
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    received_at: datetime
    state: str = "pending"
    reason: str = ""
    attempts: int = 0
    due_at: datetime
    claimed_at: datetime | None = None
    claimed_until: datetime | None = None
    done_at: datetime | None = None


class OutboxRow(Row, table=True):
    """One thing to send to one conversation, in the order of ``id``.

    ``kind``: ``card`` (the pull request's card is out of date; drawn when sent), ``message`` (a
    reply or direct message, ``payload`` is the message as JSON), ``alert`` (the alert of the
    conflict episode ``episode_id``, or of the pair ``radar_pair_id``, is missing or out of date;
    drawn when sent). ``key`` says what
    it is for and is unique, so nothing is told twice. ``state``: pending, sending, sent, dead,
    dropped.
    ``person_id`` instead of ``conversation_id``: the personal chat is opened when it is sent.
    ``lane`` is what keeps order: the conversation's id, or ``person/ID``. ``attempts`` are those
    that failed. ``closed_at`` is when it became dead or dropped.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        Index("ix_outbox_state", "state", "due_at", "id"),
        # Small whatever has been sent before: the heads of the lanes are read from it, and from it
        # alone, because it has all that is asked for.
        partial_index(
            "ix_outbox_open",
            "lane",
            "id",
            "state",
            where=IS_OPEN,
        ),
        # One card that waits per pull request and conversation.
        partial_index(
            "ix_outbox_card",
            "conversation_id",
            "pull_request_id",
            unique=True,
            where=IS_WAITING_CARD,
        ),
        partial_index(
            "ix_outbox_alert",
            "episode_id",
            where=_IS_ALERT,
        ),
        partial_index(
            "ix_outbox_radar_alert",
            "radar_pair_id",
            where=_IS_RADAR_ALERT,
        ),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=RowId)
    key: str = Field(unique=True)
    kind: str
    lane: str = ""
    conversation_id: str = ""
    person_id: int | None = Field(default=None)
    pull_request_id: int | None = Field(default=None, index=True)
    episode_id: int | None = Field(default=None)
    radar_pair_id: int | None = Field(default=None)
    thread_id: str = ""
    payload: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON))
    cause: str = ""
    state: str = "pending"
    reason: str = ""
    attempts: int = 0
    created_at: datetime
    due_at: datetime
    claimed_at: datetime | None = None
    claimed_until: datetime | None = None
    sent_at: datetime | None = None
    closed_at: datetime | None = None
    activity_id: str = ""


@event.listens_for(OutboxRow, "before_insert")
def _name_the_lane(_mapper: object, _connection: object, row: OutboxRow) -> None:
    row.lane = lane_of(row.conversation_id, row.person_id)


def lane_of(conversation_id: str, person_id: int | None) -> str:
    """What keeps its order in the outbox: a conversation, else a person."""
    return conversation_id or f"person/{person_id}"


class ActivityRow(Row, table=True):
    """One Teams activity, stored before it is answered. An id seen before does nothing.

    ``event`` is a bot.teams_model.TeamsEvent as JSON. ``state``: pending, done, failed.
    """

    __tablename__ = "activities"
    __table_args__ = (Index("ix_activities_state", "state", "id"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=RowId)
    key: str = Field(unique=True)
    event: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    received_at: datetime
    state: str = "pending"
    attempts: int = 0
    reason: str = ""
    claimed_at: datetime | None = None
    claimed_until: datetime | None = None
    done_at: datetime | None = None


class WorkflowRun(Row, table=True):
    """A workflow of several steps; ``steps`` maps a done step's name to what it made.

    ``key`` names the work (``start_ticket:contoso:123:REPOSITORY``), so the same command finds it.
    ``state``: running, waiting, failed, done.
    """

    __tablename__ = "workflow_runs"
    __table_args__ = (Index("ix_workflow_runs_state", "state", "id"),)

    id: int | None = Field(default=None, primary_key=True)
    kind: str
    key: str = Field(unique=True)
    state: str = "running"
    steps: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    inputs: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    failure: str = ""
    requested_by: str = ""
    conversation_id: str = ""
    created_at: datetime
    updated_at: datetime


class Lease(Row, table=True):
    """A job runs on the one replica that holds its lease."""

    __tablename__ = "leases"

    name: str = Field(primary_key=True)
    holder: str
    until: datetime
