"""What deciding who hears of a change reads: subscriptions in reach, and what they filter by."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Select, String, bindparam, column, select, text
from sqlmodel import Session, col
from sqlmodel import select as select_rows

from storage.dialects import table_of
from storage.json_text import load_json
from storage.one_text import rows_as_text, rows_of
from storage.tables import (
    ChangedFilesRow,
    Connection,
    GroupMembers,
    PullRequestLabels,
)
from storage.tables.people import ANY_REPOSITORY
from storage.text import folded


class InReach(NamedTuple):
    """A subscription that may be about a repository, with its conversation.

    ``person_id`` is whose chat it is, 0 where it is not a personal one. ``target_branches`` and
    ``options`` are JSON, so that equal ones are read once. ``created_at`` is as the database has
    it, see ``moment_of``.
    """

    id: int
    conversation_id: str
    kind: str
    person_id: int
    project: str
    repository: str
    target_branches: str
    drafts: str
    options: str
    created_at: str


def subscriptions_in_reach(
    session: Session, connection: str, *, project: tuple[str, str], repository: tuple[str, str]
) -> str:
    """Subscriptions that may be about a repository, not paused, in active conversations.

    Project and repository are (name, id). Wildcards and filters are the caller's to match.

    The answer is a text for ``read_in_reach``: equal texts are equal subscriptions. So what they
    mean need not be found anew each time, nor a row fetched.
    """
    place = {
        "connection": connection,
        "project": folded(project[0]),
        "project_id": folded(project[1]),
        "repository": folded(repository[0]),
        "repository_id": folded(repository[1]),
        "any_repository": ANY_REPOSITORY,
    }
    statement = rows_as_text(session, _IN_REACH, _FROM_SUBSCRIPTIONS)
    found: str = session.connection().execute(statement, place).scalar_one()
    return found


def read_in_reach(found: str) -> tuple[InReach, ...]:
    """The subscriptions of an answer of ``subscriptions_in_reach``, oldest first."""
    return tuple(sorted(InReach(*row) for row in rows_of(found)))


_IN_REACH = """
    s.id, s.conversation_id, c.kind,
    CASE WHEN c.kind = 'personal' THEN COALESCE((
        SELECT MAX(p.id) FROM people p
        WHERE p.personal_conversation_id = s.conversation_id AND p.removed_at IS NULL
    ), 0) ELSE 0 END,
    s.project, s.repository,
    CAST(s.target_branches AS VARCHAR), s.drafts, CAST(s.options AS VARCHAR), s.created_at
"""
_FROM_SUBSCRIPTIONS = """
    FROM subscriptions s JOIN conversations c ON c.id = s.conversation_id
    WHERE s.connection = :connection AND s.project_key IN (:project, :project_id)
        AND s.repository_key IN ('', :any_repository, :repository, :repository_id)
        AND s.paused_at IS NULL AND c.state = 'active'
"""


def watched_since(session: Session, connection: str) -> datetime:
    """When Pullcord began to look at a connection.

    Raises:
        NoResultFound: there is no such connection.
    """
    moment: datetime = (
        session.connection().execute(_watched_since(), {"connection": connection}).scalar_one()
    )
    return moment


@cache
def _watched_since() -> Select[Any]:
    known = table_of(Connection).c
    return select(known.created_at).where(known.name == bindparam("connection"))


def changed_files(
    session: Session, connection: str, source_commit: str, target_ref: str
) -> tuple[str, ...] | None:
    """The files that a source commit changes; None when they were not read."""
    place = {"connection": connection, "commit": source_commit, "target": target_ref}
    files = session.connection().execute(_changed_files(), place).scalar()
    return None if files is None else tuple(files)


@cache
def _changed_files() -> Select[Any]:
    known = table_of(ChangedFilesRow).c
    return select(known.files).where(
        known.connection == bindparam("connection"),
        known.source_commit == bindparam("commit"),
        known.target_ref == bindparam("target"),
    )


def labels_and_files(
    session: Session, connection: str, number: int, source_commit: str, target_ref: str
) -> tuple[tuple[str, ...] | None, tuple[str, ...] | None]:
    """Both of a pull request at once, as ``labels`` and ``changed_files`` have them."""
    place = {
        "connection": connection,
        "number": number,
        "commit": source_commit,
        "target": target_ref,
    }
    found = session.connection().execute(_LABELS_AND_FILES, place).one()
    labels, files = (None if each is None else tuple(load_json(each)) for each in found)
    return labels, files


_LABELS_AND_FILES = text(
    """
    SELECT
        (SELECT CAST(l.labels AS VARCHAR) FROM pull_request_labels l
            WHERE l.connection = :connection AND l.number = :number),
        (SELECT CAST(f.files AS VARCHAR) FROM changed_files f
            WHERE f.connection = :connection AND f.source_commit = :commit
                AND f.target_ref = :target)
    """
).columns(column("labels", String), column("files", String))  # else they are found out each time


def labels(session: Session, connection: str, number: int) -> tuple[str, ...] | None:
    """The labels of a pull request as last read; None when they never were."""
    place = {"connection": connection, "number": number}
    found = session.connection().execute(_labels(), place).scalar()
    return None if found is None else tuple(found)


@cache
def _labels() -> Select[Any]:
    known = table_of(PullRequestLabels).c
    return select(known.labels).where(
        known.connection == bindparam("connection"), known.number == bindparam("number")
    )


def keep_labels(
    session: Session, connection: str, number: int, found: Sequence[str], *, now: datetime
) -> None:
    """Remember a pull request's labels."""
    if labels(session, connection, number) != tuple(found):
        session.merge(
            PullRequestLabels(connection=connection, number=number, labels=list(found), read_at=now)
        )


def group_members(
    session: Session, connection: str, group_ids: Collection[str]
) -> Mapping[str, GroupMembers]:
    """The groups among these whose members were read."""
    if not group_ids:
        return {}
    rows = session.exec(
        select_rows(GroupMembers).where(
            GroupMembers.connection == connection, col(GroupMembers.group_id).in_(group_ids)
        )
    ).all()
    return {row.group_id: row for row in rows}
