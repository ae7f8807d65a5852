"""Stored pull requests, and where they are shown."""

from collections.abc import Collection, Sequence
from functools import cache

from sqlalchemy import ColumnElement, bindparam, or_, update
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import Select, SelectOfScalar

from storage.dialects import affected
from storage.session import keep
from storage.tables import (
    Connection,
    ConversationRow,
    OwnFinding,
    PostedCard,
    PullRequestRow,
    RepositoryRow,
)

ACTIVE = "active"


def get(session: Session, pull_request_id: int) -> PullRequestRow | None:
    """The pull request with this id of ours."""
    return session.get(PullRequestRow, pull_request_id)


def look_up(session: Session, ids: Collection[int]) -> None:
    """Read what the cards of these pull requests show, for the session to remember."""
    if not ids:
        return
    rows = session.exec(_with_all_of_it(), params={"ids": list(ids)}).all()
    for entity, column in ((PullRequestRow, 0), (OwnFinding, 3)):
        keep(session, entity, filter(None, (row[column] for row in rows)), ids)
    keep(session, Connection, (row[1] for row in rows), ())
    keep(session, RepositoryRow, filter(None, (row[2] for row in rows)), ())


@cache  # here and below: making a statement takes longer than running it
def _with_all_of_it() -> "Select[PullRequestRow, Connection, RepositoryRow, OwnFinding]":
    return (
        select(PullRequestRow, Connection, RepositoryRow, OwnFinding)
        .join(Connection, col(Connection.name) == PullRequestRow.connection)
        .join(
            RepositoryRow,
            (col(RepositoryRow.connection) == PullRequestRow.connection)
            & (col(RepositoryRow.id) == PullRequestRow.repository_id),
            isouter=True,
        )
        .join(OwnFinding, col(OwnFinding.pull_request_id) == PullRequestRow.id, isouter=True)
        .where(col(PullRequestRow.id).in_(bindparam("ids", expanding=True)))
    )


def by_number(session: Session, connection: str, number: int) -> PullRequestRow | None:
    """The pull request of this number, which is unique in the connection."""
    return session.exec(_by_number(), params={"connection": connection, "number": number}).first()


@cache
def _by_number() -> SelectOfScalar[PullRequestRow]:
    return select(PullRequestRow).where(
        PullRequestRow.connection == bindparam("connection"),
        PullRequestRow.number == bindparam("number"),
    )


def open_on_refs(
    session: Session, connection: str, repository_id: str, refs: Collection[str]
) -> Sequence[PullRequestRow]:
    """The open ones of a repository from or into one of these refs."""
    return session.exec(
        select(PullRequestRow)
        .where(
            PullRequestRow.connection == connection,
            PullRequestRow.repository_id == repository_id,
            PullRequestRow.status == ACTIVE,
            or_(col(PullRequestRow.source_ref).in_(refs), col(PullRequestRow.target_ref).in_(refs)),
        )
        .order_by(col(PullRequestRow.number))
    ).all()


def ask_for_read(session: Session, pull_request_id: int) -> None:
    """Ask for a fresh read from Azure DevOps."""
    _ask(session, col(PullRequestRow.id) == pull_request_id)


def ask_for_read_by_number(session: Session, connection: str, number: int) -> None:
    """Ask for a fresh read from Azure DevOps, if the pull request is known."""
    _ask(
        session,
        (col(PullRequestRow.connection) == connection) & (col(PullRequestRow.number) == number),
    )


def shown_in(session: Session, pull_request_id: int) -> Sequence[str]:
    """Ids of the conversations that have its card and can still be written to."""
    return session.exec(
        select(PostedCard.conversation_id)
        .join(ConversationRow, col(ConversationRow.id) == col(PostedCard.conversation_id))
        .where(PostedCard.pull_request_id == pull_request_id, ConversationRow.state == "active")
        .order_by(PostedCard.conversation_id)
    ).all()


def _ask(session: Session, condition: ColumnElement[bool]) -> None:
    asking = update(PullRequestRow).where(condition, col(PullRequestRow.needs_read).is_(False))
    affected(session, asking.values(needs_read=True))
