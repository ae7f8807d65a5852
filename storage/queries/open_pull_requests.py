"""Stored pull requests as the sweep and the repairing reads need them."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import bindparam
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from storage.tables import Link, PullRequestRow, TicketRow

ACTIVE = "active"


def open_in(session: Session, connection: str, repository_id: str) -> Sequence[PullRequestRow]:
    """The open ones of a repository, as far as we know."""
    return session.exec(
        select(PullRequestRow)
        .where(
            PullRequestRow.connection == connection,
            PullRequestRow.repository_id == repository_id,
            PullRequestRow.status == ACTIVE,
        )
        .order_by(col(PullRequestRow.number))
    ).all()


def open_of_author(
    session: Session, connection: str, identity_ids: Sequence[str]
) -> Sequence[PullRequestRow]:
    """The open ones that these identities wrote."""
    return session.exec(
        select(PullRequestRow)
        .where(
            PullRequestRow.connection == connection,
            PullRequestRow.status == ACTIVE,
            col(PullRequestRow.author_id).in_(identity_ids),
        )
        .order_by(col(PullRequestRow.number))
    ).all()


def waiting_for_read(session: Session, limit: int) -> Sequence[tuple[str, int]]:
    """(connection, number) of those that ask for a fresh read, longest unchanged first."""
    return [
        (connection, number)
        for connection, number in session.exec(
            select(PullRequestRow.connection, PullRequestRow.number)
            .where(col(PullRequestRow.needs_read).is_(True))
            .order_by(col(PullRequestRow.updated_at), col(PullRequestRow.id))
            .limit(limit)
        ).all()
    ]


def set_needs_read(session: Session, pull_request_id: int, *, needed: bool) -> None:
    """Ask for a fresh read, or take the wish back."""
    row = session.get(PullRequestRow, pull_request_id)
    if row is not None and row.needs_read is not needed:
        row.needs_read = needed
        session.add(row)


def set_checks(session: Session, pull_request_id: int, checks: list[dict[str, Any]]) -> bool:
    """Store the latest checks; True when they differ from what was stored."""
    row = session.get(PullRequestRow, pull_request_id)
    if row is None or (row.checks or []) == checks:
        return False
    row.checks = checks
    session.add(row)
    return True


def links_of(session: Session, connection: str, number: int) -> Sequence[Link]:
    """Every link of a pull request, those taken away too."""
    return session.exec(_links_of(), params={"connection": connection, "number": number}).all()


@cache  # read for every change, and making a statement takes longer than running it
def _links_of() -> SelectOfScalar[Link]:
    return (
        select(Link)
        .where(Link.connection == bindparam("connection"), Link.pull_request == bindparam("number"))
        .order_by(col(Link.ticket))
    )


def tickets_known(session: Session, connection: str, numbers: Sequence[int]) -> frozenset[int]:
    """Those of these tickets that are stored."""
    if not numbers:
        return frozenset()
    return frozenset(
        session.exec(
            select(TicketRow.number).where(
                TicketRow.connection == connection, col(TicketRow.number).in_(numbers)
            )
        ).all()
    )
