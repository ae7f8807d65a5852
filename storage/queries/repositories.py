"""Repositories that Pullcord has seen."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlmodel import Session, col, or_, select

from storage.tables import Link, PullRequestRow, RepositoryRow, Subscription
from storage.text import folded


def in_connections(session: Session, connections: Collection[str]) -> Sequence[RepositoryRow]:
    """Every repository of these connections that is still there, by name."""
    return session.exec(
        select(RepositoryRow)
        .where(col(RepositoryRow.connection).in_(connections))
        .where(col(RepositoryRow.removed_at).is_(None))
        .order_by(col(RepositoryRow.name), col(RepositoryRow.id))
    ).all()


def store_listing(
    session: Session,
    connection: str,
    project_names: Collection[str],
    listed: Sequence[RepositoryRow],
    *,
    now: datetime,
) -> None:
    """Take over what Azure DevOps lists for whole projects: new, renamed and gone repositories.

    Configured reviewers and the time of the last sweep stay as they are.
    """
    known = {
        row.id: row
        for row in session.exec(
            select(RepositoryRow).where(RepositoryRow.connection == connection)
        ).all()
    }
    for seen in listed:
        row = known.pop(seen.id, None) or RepositoryRow(
            connection=connection,
            id=seen.id,
            name=seen.name,
            project_id=seen.project_id,
            project_name=seen.project_name,
        )
        row.name = seen.name
        row.project_id = seen.project_id
        row.project_name = seen.project_name
        row.default_branch = seen.default_branch
        row.web_url = seen.web_url or row.web_url
        row.removed_at = None
        session.add(row)
    whole = {name.casefold() for name in project_names}
    for row in known.values():
        if row.removed_at is None and whole & {row.project_name.casefold(), row.project_id}:
            row.removed_at = now
            session.add(row)


def mark_swept(session: Session, connection: str, repository_id: str, *, at: datetime) -> None:
    """Remember when the repository's active pull requests were last compared with ours."""
    row = session.get(RepositoryRow, (connection, repository_id))
    if row is not None:
        row.swept_at = at
        session.add(row)


def mark_removed(session: Session, connection: str, repository_id: str, *, at: datetime) -> None:
    """Azure DevOps does not know the repository any more."""
    row = session.get(RepositoryRow, (connection, repository_id))
    if row is not None and row.removed_at is None:
        row.removed_at = at
        session.add(row)


def with_work(session: Session, connection: str) -> set[str]:
    """Ids of the repositories that have open pull requests or standing links with us."""
    open_ones = session.exec(
        select(PullRequestRow.repository_id)
        .where(PullRequestRow.connection == connection, PullRequestRow.status == "active")
        .distinct()
    ).all()
    linked = session.exec(
        select(Link.repository_id)
        .where(Link.connection == connection, col(Link.removed_at).is_(None))
        .distinct()
    ).all()
    return {*open_ones, *linked}


def subscriptions_to(session: Session, connection: str) -> Sequence[Subscription]:
    """Every subscription to something of one connection."""
    return session.exec(
        select(Subscription)
        .where(Subscription.connection == connection)
        .order_by(col(Subscription.id))
    ).all()


def find(session: Session, connection: str, name_or_id: str) -> Sequence[RepositoryRow]:
    """Repositories of this name or id that are still there, in any case.

    Several projects may have a repository of one name.
    """
    wanted = folded(name_or_id)
    return session.exec(
        select(RepositoryRow)
        .where(
            RepositoryRow.connection == connection,
            or_(col(RepositoryRow.name_key) == wanted, col(RepositoryRow.id) == wanted),
            col(RepositoryRow.removed_at).is_(None),
        )
        .order_by(col(RepositoryRow.project_name), col(RepositoryRow.id))
    ).all()


def of_project(session: Session, connection: str, project: str) -> Sequence[RepositoryRow]:
    """The repositories of a project (its name in any case) that are still there, by name."""
    return session.exec(
        select(RepositoryRow)
        .where(
            RepositoryRow.connection == connection,
            RepositoryRow.project_key == folded(project),
            col(RepositoryRow.removed_at).is_(None),
        )
        .order_by(col(RepositoryRow.name), col(RepositoryRow.id))
    ).all()
