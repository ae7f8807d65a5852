"""Ticket ↔ branch ↔ pull request."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from storage.tables import Link, PullRequestRow


def link(
    session: Session,
    connection: str,
    ticket: int,
    pull_request: int,
    *,
    repository_id: str,
    by: str,
    at: datetime,
    origin: str = "manual",
    branch: str = "",
) -> bool:
    """Link a ticket and a pull request; False when they are linked already.

    A link that was taken away stands again.
    """
    found = _between(session, connection, ticket, pull_request)
    if any(one.removed_at is None for one in found):
        return False
    if found:
        again = found[0]
        again.removed_at = None
        again.removed_by = ""
        again.origin = origin
    else:
        again = Link(
            connection=connection,
            ticket=ticket,
            repository_id=repository_id,
            branch=branch,
            pull_request=pull_request,
            origin=origin,
            created_by=by,
            created_at=at,
        )
    session.add(again)
    session.flush()
    return True


def unlink(
    session: Session, connection: str, ticket: int, pull_request: int, *, by: str, at: datetime
) -> bool:
    """Take the link of a ticket and a pull request away; False when there is none.

    The row stays, so that the repair does not make it again.
    """
    standing = [
        one for one in _between(session, connection, ticket, pull_request) if one.removed_at is None
    ]
    for one in standing:
        one.removed_at = at
        one.removed_by = by
        session.add(one)
    session.flush()
    return bool(standing)


def of_pull_request(session: Session, connection: str, number: int) -> Sequence[Link]:
    """The standing links of a pull request."""
    return session.exec(
        select(Link)
        .where(
            Link.connection == connection,
            Link.pull_request == number,
            col(Link.removed_at).is_(None),
        )
        .order_by(col(Link.ticket), col(Link.id))
    ).all()


def of_ticket(session: Session, connection: str, ticket: int) -> Sequence[Link]:
    """The standing links of a ticket."""
    return session.exec(
        select(Link)
        .where(Link.connection == connection, Link.ticket == ticket, col(Link.removed_at).is_(None))
        .order_by(col(Link.id))
    ).all()


def pull_requests_of_ticket(session: Session, connection: str, ticket: int) -> list[PullRequestRow]:
    """The stored pull requests that a ticket is linked with, the newest first."""
    numbers = {one.pull_request for one in of_ticket(session, connection, ticket)}
    linked = select(PullRequestRow).where(
        PullRequestRow.connection == connection, col(PullRequestRow.number).in_(numbers)
    )
    return list(session.exec(linked.order_by(col(PullRequestRow.number).desc())).all())


def _between(session: Session, connection: str, ticket: int, pull_request: int) -> Sequence[Link]:
    return session.exec(
        select(Link)
        .where(
            Link.connection == connection,
            Link.ticket == ticket,
            Link.pull_request == pull_request,
        )
        .order_by(col(Link.id))
        .with_for_update()
    ).all()
