"""Conflicted pull requests and radar pairs, as the command ``conflicts`` lists them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, select

from storage.queries import radar
from storage.queries.pull_request_lists import ListedPullRequest, any_of, list_by_id
from storage.tables import ConflictEpisode, PullRequestRow

ACTIVE = "active"


@dataclass(frozen=True, slots=True)
class ListedConflict:
    """A pull request that cannot merge since a moment; ``paths`` as far as they are known."""

    listed: ListedPullRequest
    since: datetime
    paths: tuple[str, ...]
    is_own_finding: bool


@dataclass(frozen=True, slots=True)
class ListedPair:
    """Two that will conflict; ``paths`` are those that both change."""

    first: ListedPullRequest
    second: ListedPullRequest
    since: datetime
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ListedConflicts:
    """What is blocked, longest first, and what will be."""

    conflicted: Sequence[ListedConflict]
    pairs: Sequence[ListedPair]


def in_repositories(session: Session, repositories: Sequence[tuple[str, str]]) -> ListedConflicts:
    """Those of these repositories (connection, id)."""
    if not repositories:
        return ListedConflicts((), ())
    return _listed(session, any_of(repositories, col(PullRequestRow.repository_id)))


def of_authors(session: Session, identities: Sequence[tuple[str, str]]) -> ListedConflicts:
    """Those that these identities (connection, id) wrote, and pairs that one of theirs is in."""
    if not identities:
        return ListedConflicts((), ())
    return _listed(session, any_of(identities, col(PullRequestRow.author_id)))


def pairs_of(session: Session, pull_request_id: int) -> Sequence[ListedPair]:
    """The pairs that one pull request is in."""
    return _pairs(session, [pull_request_id])


def _listed(session: Session, there: ColumnElement[bool]) -> ListedConflicts:
    ids = session.exec(
        select(PullRequestRow.id).where(PullRequestRow.status == ACTIVE, there)
    ).all()
    return ListedConflicts(
        conflicted=_conflicted(session, there),
        pairs=_pairs(session, [row_id for row_id in ids if row_id is not None]),
    )


def _conflicted(session: Session, there: ColumnElement[bool]) -> Sequence[ListedConflict]:
    found = session.exec(
        select(PullRequestRow, ConflictEpisode)
        .join(
            ConflictEpisode,
            (col(ConflictEpisode.pull_request_id) == PullRequestRow.id)
            & col(ConflictEpisode.ended_at).is_(None),
        )
        .where(PullRequestRow.status == ACTIVE, there)
    ).all()
    lines = list_by_id(session, [row.id for row, _ in found if row.id is not None])
    conflicts = [
        ListedConflict(
            listed=lines[row.id],
            since=episode.began_at,
            paths=_paths(episode.files),
            is_own_finding=episode.is_own_finding,
        )
        for row, episode in found
        if row.id in lines
    ]
    return sorted(conflicts, key=lambda one: (one.since, one.listed.number))


def _pairs(session: Session, ids: Sequence[int]) -> Sequence[ListedPair]:
    rows = radar.open_pairs_of(session, ids)
    lines = list_by_id(session, {id_ for row in rows for id_ in (row.first_id, row.second_id)})
    return [
        ListedPair(lines[row.first_id], lines[row.second_id], row.began_at, tuple(row.files))
        for row in rows
        if row.first_id in lines and row.second_id in lines
    ]


def _paths(files: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    return tuple(str(each.get("path", "")) for each in files)
