"""What exports are made of, page by page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, or_, select

from storage.tables import AuditRow, Link, PullRequestRow, RepositoryRow, TicketRow

PAGE = 1_000
COMPLETED = "completed"


@dataclass(frozen=True, slots=True)
class Span:
    """From ``start`` up to and without ``end``; None: no limit on that side."""

    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, slots=True)
class LinkedWork:
    """A link with what is known of its ticket, pull request and repository."""

    link: Link
    ticket: TicketRow | None
    pull_request: PullRequestRow | None
    repository: RepositoryRow | None


@dataclass(frozen=True, slots=True)
class ResolvedWork:
    """A completed pull request, and one of the tickets that it was for."""

    pull_request: PullRequestRow
    repository: RepositoryRow | None
    link: Link | None
    ticket: TicketRow | None


def audit_page(session: Session, span: Span, *, after: int) -> Sequence[AuditRow]:
    """Entries of a time behind the id ``after``, oldest first."""
    statement = select(AuditRow).where(col(AuditRow.id) > after)
    if span.start is not None:
        statement = statement.where(AuditRow.at >= span.start)
    if span.end is not None:
        statement = statement.where(AuditRow.at < span.end)
    return session.exec(statement.order_by(col(AuditRow.id)).limit(PAGE)).all()


def links_page(session: Session, span: Span, *, after: int) -> Sequence[LinkedWork]:
    """Links that were made or taken away in a time, behind the id ``after``."""
    statement = (
        select(Link, TicketRow, PullRequestRow, RepositoryRow)
        .join(
            TicketRow,
            (col(TicketRow.connection) == Link.connection) & (col(TicketRow.number) == Link.ticket),
            isouter=True,
        )
        .join(
            PullRequestRow,
            (col(PullRequestRow.connection) == Link.connection)
            & (col(PullRequestRow.number) == Link.pull_request),
            isouter=True,
        )
        .join(
            RepositoryRow,
            (col(RepositoryRow.connection) == Link.connection)
            & (col(RepositoryRow.id) == Link.repository_id),
            isouter=True,
        )
        .where(col(Link.id) > after)
    )
    if span.start is not None and span.end is not None:
        made = (col(Link.created_at) >= span.start) & (col(Link.created_at) < span.end)
        gone = (col(Link.removed_at) >= span.start) & (col(Link.removed_at) < span.end)
        statement = statement.where(or_(made, gone))
    rows = session.exec(statement.order_by(col(Link.id)).limit(PAGE)).all()
    return [LinkedWork(*row) for row in rows]


def resolved_page(session: Session, span: Span, *, after: int) -> Sequence[ResolvedWork]:
    """Pull requests that were completed in a time, behind our id ``after``, each ticket a row."""
    chosen = select(col(PullRequestRow.id)).where(
        PullRequestRow.status == COMPLETED, col(PullRequestRow.id) > after
    )
    if span.start is not None:
        chosen = chosen.where(col(PullRequestRow.closed_at) >= span.start)
    if span.end is not None:
        chosen = chosen.where(col(PullRequestRow.closed_at) < span.end)
    ids = session.exec(chosen.order_by(col(PullRequestRow.id)).limit(PAGE)).all()
    statement = (
        select(PullRequestRow, RepositoryRow, Link, TicketRow)
        .join(
            RepositoryRow,
            (col(RepositoryRow.connection) == PullRequestRow.connection)
            & (col(RepositoryRow.id) == PullRequestRow.repository_id),
            isouter=True,
        )
        .join(
            Link,
            (col(Link.connection) == PullRequestRow.connection)
            & (col(Link.pull_request) == PullRequestRow.number)
            & col(Link.removed_at).is_(None),
            isouter=True,
        )
        .join(
            TicketRow,
            (col(TicketRow.connection) == Link.connection) & (col(TicketRow.number) == Link.ticket),
            isouter=True,
        )
        .where(col(PullRequestRow.id).in_(ids))
    )
    rows = session.exec(statement.order_by(col(PullRequestRow.id), col(Link.ticket))).all()
    return [ResolvedWork(*row) for row in rows]
