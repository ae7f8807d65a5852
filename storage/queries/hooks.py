"""Our service hooks, how their feed is watched, and what is wrong with it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func
from sqlmodel import Session, col, select

from storage.tables import (
    AuditRow,
    Feed,
    FeedTrouble,
    Hook,
    InboxRow,
    PullRequestRow,
)
from storage.text import bounded_key, storable_text

HISTORY_ROWS = 50_000
"""Of the audit, for the habits of repositories: enough for a month of all but the busiest."""


@dataclass(frozen=True, slots=True)
class HookFacts:
    """What is to be stored of a hook that is there."""

    id: str
    event_type: str
    inputs: Mapping[str, str]
    status: str
    last_delivery_at: datetime | None


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something wrong with a feed; the fields are those of ``storage.tables.FeedTrouble``."""

    what: str
    kind: str
    says: str
    project: str = ""
    is_repaired: bool = False


def of_connection(session: Session, connection: str) -> Sequence[Hook]:
    """The hooks of a connection that Pullcord knows."""
    return session.exec(
        select(Hook).where(Hook.connection == connection).order_by(col(Hook.id))
    ).all()


def see(session: Session, connection: str, seen: HookFacts, *, now: datetime) -> None:
    """Store what Azure DevOps says of a hook; which secret it sends stays as it is known."""
    row = session.get(Hook, seen.id) or Hook(
        id=seen.id, connection=connection, event_type=seen.event_type, created_at=now
    )
    row.event_type, row.inputs, row.status = seen.event_type, dict(seen.inputs), seen.status
    row.last_delivery_at = seen.last_delivery_at or row.last_delivery_at
    session.add(row)


def written(
    session: Session,
    connection: str,
    seen: HookFacts,
    *,
    secret_tag: str,
    now: datetime,
    is_repair: bool,
) -> None:
    """Store a hook that Pullcord has just made or changed, with the secret that it was given."""
    see(session, connection, seen, now=now)
    session.flush()
    row = session.get_one(Hook, seen.id)
    row.secret_tag, row.changed_at = secret_tag, now
    if is_repair:
        row.repaired_at = now
    session.add(row)


def forget(session: Session, hook_ids: Collection[str]) -> None:
    """These are not there any more."""
    for row in session.exec(select(Hook).where(col(Hook.id).in_(hook_ids))).all():
        session.delete(row)


def forget_feed(session: Session, connection: str, *, now: datetime) -> None:
    """The hooks of a connection are no more: nothing of them is watched, no trouble is open."""
    for row in of_connection(session, connection):
        session.delete(row)
    watched = session.get(Feed, connection)
    if watched is not None:
        session.delete(watched)
    for trouble in open_troubles(session, connection):
        trouble.ended_at = now
        session.add(trouble)


def feed(session: Session, connection: str) -> Feed:
    """How a connection's hooks are watched; a new one when nobody has looked yet."""
    return session.get(Feed, connection) or Feed(connection=connection)


def looked(
    session: Session, connection: str, *, now: datetime, history_read_to: datetime | None = None
) -> None:
    """Note that the hooks were looked at, and up to when their history was read."""
    row = feed(session, connection)
    row.looked_at = now
    row.history_read_to = history_read_to or row.history_read_to
    session.add(row)


def open_troubles(session: Session, connection: str) -> Sequence[FeedTrouble]:
    """What is wrong at present, or was until a short while ago; oldest first."""
    is_open = (FeedTrouble.connection == connection, col(FeedTrouble.ended_at).is_(None))
    return session.exec(select(FeedTrouble).where(*is_open).order_by(col(FeedTrouble.id))).all()


def had_trouble_since(session: Session, connection: str, since: datetime) -> bool:
    """Whether anything was wrong with the feed at any time after ``since``."""
    ended_before = col(FeedTrouble.ended_at) <= since
    statement = select(FeedTrouble.id).where(
        FeedTrouble.connection == connection, col(FeedTrouble.ended_at).is_(None) | ~ended_before
    )
    return session.exec(statement.limit(1)).first() is not None


def is_delivered(session: Session, connection: str, dedup_key: str) -> bool:
    """Whether a delivery of this key has come in, whatever its body."""
    key = bounded_key(storable_text(dedup_key))
    statement = select(InboxRow.id).where(
        InboxRow.connection == connection, InboxRow.dedup_key == key
    )
    return session.exec(statement.limit(1)).first() is not None


@dataclass(frozen=True, slots=True)
class Learnt:
    """When something was learnt of a repository's pull requests, and from what (``cause``)."""

    repository_id: str
    at: datetime
    action: str
    cause: str


def learnt_since(session: Session, connection: str, since: datetime) -> Sequence[Learnt]:
    """What was learnt of pull requests, oldest first; of the newest HISTORY_ROWS of the audit."""
    last = select(func.max(AuditRow.id)).scalar_subquery()
    subject = f"pull_request/{connection}/"
    recent = (
        select(AuditRow.at, AuditRow.subject, AuditRow.action, AuditRow.cause)
        .where(
            AuditRow.connection == connection,
            col(AuditRow.subject).startswith(subject, autoescape=True),
            col(AuditRow.id) > last - HISTORY_ROWS,
            AuditRow.at >= since,
        )
        .order_by(col(AuditRow.id))
    )
    places = dict(
        session.exec(
            select(PullRequestRow.number, PullRequestRow.repository_id).where(
                PullRequestRow.connection == connection
            )
        ).all()
    )
    found = [
        Learnt(places.get(_number(said[len(subject) :]), ""), at, action, cause)
        for at, said, action, cause in session.exec(recent).all()
    ]
    return [each for each in found if each.repository_id]


def _number(text: str) -> int:
    return int(text) if text.isdecimal() else 0
