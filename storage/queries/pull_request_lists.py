"""Open pull requests as commands list them."""

from collections.abc import Collection, Container, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias

from sqlalchemy import ColumnElement, SQLColumnExpression, and_, func, not_, or_
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import Select

from storage.dialects import table_of
from storage.queries import conflicts
from storage.tables import Connection, PullRequestRow, RepositoryRow, ReviewerRow
from storage.tables.work import REVIEW_IS_OPEN

ACTIVE = "active"

Listing: TypeAlias = "Select[PullRequestRow, RepositoryRow, str]"


@dataclass(frozen=True, slots=True)
class ListedPullRequest:
    """One line of a list, with what its link needs.

    ``since`` is when it was opened, or where it waits for a review, when that was asked for.
    ``id`` is ours. ``reviewer_id`` and ``reviewer_name`` are whose review it waits for, "" in lists
    that are not about that. ``is_muted``: the reader wants to hear nothing of it.
    """

    id: int
    connection: str
    base_url: str
    project_name: str
    repository_name: str
    number: int
    title: str
    status: str
    is_draft: bool
    has_conflicts: bool
    target_ref: str
    since: datetime
    reviewer_id: str = ""
    reviewer_name: str = ""
    repository_id: str = ""
    is_muted: bool = False

    @property
    def key(self) -> str:
        """``connection/NUMBER``, as preferences name it."""
        return f"{self.connection}/{self.number}"

    @property
    def repository_key(self) -> str:
        """``connection/REPOSITORY_ID``, as preferences name it."""
        return f"{self.connection}/{self.repository_id}"


def list_open(
    session: Session, repositories: Sequence[tuple[str, str]], *, limit: int
) -> list[ListedPullRequest]:
    """The open ones of these repositories (connection, id), oldest first."""
    if not repositories:
        return []
    there = any_of(repositories, col(PullRequestRow.repository_id))
    return _listed(session, _open(there), limit)


def list_by_author(
    session: Session, identities: Sequence[tuple[str, str]], *, limit: int
) -> list[ListedPullRequest]:
    """The open ones that these identities (connection, id) wrote, oldest first."""
    if not identities:
        return []
    return _listed(session, _open(any_of(identities, col(PullRequestRow.author_id))), limit)


def list_awaiting_vote(
    session: Session,
    identities: Sequence[tuple[str, str]],
    *,
    limit: int,
    not_by: Sequence[tuple[str, str]] = (),
) -> list[ListedPullRequest]:
    """The open, published ones of others on which these identities have not voted.

    Those that were asked for first come first. ``not_by`` are authors to leave out: where the
    identities are groups, those of whoever is in them. Each comes once for every identity that is
    asked.
    """
    if not identities:
        return []
    asked_at = func.coalesce(
        col(ReviewerRow.asked_at),
        col(PullRequestRow.created_at),
        type_=table_of(ReviewerRow).c.asked_at.type,
    )
    statement = (
        _all()
        .add_columns(asked_at, col(ReviewerRow.identity_id), col(ReviewerRow.display_name))
        .join(ReviewerRow, col(ReviewerRow.pull_request_id) == PullRequestRow.id)
        .where(
            any_of(identities, col(ReviewerRow.identity_id)),
            # For the index, which one condition for each connection does not use.
            col(ReviewerRow.identity_id).in_([identity for _, identity in identities]),
            REVIEW_IS_OPEN,
            col(PullRequestRow.is_draft).is_(False),
            func.lower(PullRequestRow.author_id) != func.lower(ReviewerRow.identity_id),
        )
        .order_by(asked_at, col(PullRequestRow.id))
        .limit(limit)
    )
    if not_by:
        statement = statement.where(not_(any_of(not_by, col(PullRequestRow.author_id))))
    rows = session.execute(statement).all()
    blocked = conflicts.blocked_since(session, [row.id for row, *_ in rows])
    return [
        replace(
            _line(row, repository, url, blocked), since=asked, reviewer_id=id_, reviewer_name=name
        )
        for row, repository, url, asked, id_, name in rows
    ]


def list_by_id(session: Session, ids: Collection[int]) -> dict[int, ListedPullRequest]:
    """These pull requests, open or not, by their ids of ours."""
    found = session.exec(_all().where(col(PullRequestRow.id).in_(ids))).all()
    blocked = conflicts.blocked_since(session, ids)
    return {row.id or 0: _line(row, repository, url, blocked) for row, repository, url in found}


def any_of(
    pairs: Sequence[tuple[str, str]], column: SQLColumnExpression[str]
) -> ColumnElement[bool]:
    """(connection, id) is one of these; one condition per connection, however many ids."""
    ids: dict[str, list[str]] = {}
    for connection, id_ in pairs:
        ids.setdefault(connection, []).append(id_)
    return or_(
        *(
            and_(col(PullRequestRow.connection) == connection, column.in_(some))
            for connection, some in ids.items()
        )
    )


def _all() -> Listing:
    return (
        select(PullRequestRow, RepositoryRow, Connection.base_url)
        .join(Connection, col(Connection.name) == PullRequestRow.connection)
        .join(
            RepositoryRow,
            and_(
                col(RepositoryRow.connection) == PullRequestRow.connection,
                col(RepositoryRow.id) == PullRequestRow.repository_id,
            ),
        )
    )


def _open(condition: ColumnElement[bool]) -> Listing:
    return _all().where(col(PullRequestRow.status) == ACTIVE, condition)


def _listed(session: Session, statement: Listing, limit: int) -> list[ListedPullRequest]:
    oldest = statement.order_by(col(PullRequestRow.created_at), col(PullRequestRow.id)).limit(limit)
    rows = session.exec(oldest).all()
    blocked = conflicts.blocked_since(session, [row.id for row, *_ in rows if row.id is not None])
    found = [_line(*row, blocked) for row in rows]
    return list({(each.connection, each.number): each for each in found}.values())


def _line(
    row: PullRequestRow,
    repository: RepositoryRow,
    base_url: str,
    blocked: Container[int | None],
) -> ListedPullRequest:
    return ListedPullRequest(
        id=row.id or 0,
        connection=row.connection,
        base_url=base_url,
        project_name=repository.project_name,
        repository_name=repository.name,
        number=row.number,
        title=row.title,
        status=row.status,
        is_draft=row.is_draft,
        has_conflicts=row.status == ACTIVE and row.id in blocked,
        target_ref=row.target_ref,
        since=row.created_at,
        repository_id=row.repository_id,
    )
