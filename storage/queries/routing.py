"""What deciding who hears of a change reads: subscriptions in reach, and what they filter by."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Select, bindparam, select, text
from sqlmodel import Session, col
from sqlmodel import select as select_rows

from storage.dialects import table_of
from storage.json_text import load_json
from storage.tables import (
    ChangedFilesRow,
    Connection,
    GroupMembers,
    Person,
    PullRequestLabels,
)
from storage.tables.people import ANY_REPOSITORY
from storage.text import folded


class InReach(NamedTuple):
    """A subscription that may be about a repository, with its conversation.

    ``target_branches`` and ``options`` are JSON, so that equal ones are read once. ``created_at``
    is as the database has it, see ``moment_of``.
    """

    id: int
    conversation_id: str
    kind: str
    project: str
    repository: str
    target_branches: str
    drafts: str
    options: str
    created_at: datetime | str


def subscriptions_in_reach(
    session: Session, connection: str, *, project: tuple[str, str], repository: tuple[str, str]
) -> Sequence[InReach]:
    """Subscriptions that may be about a repository, not paused, in active conversations.

    Project and repository are (name, id). Wildcards and filters are the caller's to match.
    """
    place = {
        "connection": connection,
        "project": folded(project[0]),
        "project_id": folded(project[1]),
        "repository": folded(repository[0]),
        "repository_id": folded(repository[1]),
        "any_repository": ANY_REPOSITORY,
    }
    found = session.connection().execute(_IN_REACH, place)
    rows = found.cursor.fetchall()  # as the driver gives them: nothing is to be converted
    found.close()
    return list(map(InReach._make, rows))


# Written out: SQLAlchemy's conversion of the columns would take longer than the query, and what is
# made of equal rows is remembered anyway.
_IN_REACH = text(
    """
    SELECT s.id, s.conversation_id, c.kind, s.project, s.repository,
        CAST(s.target_branches AS VARCHAR), s.drafts, CAST(s.options AS VARCHAR), s.created_at
    FROM subscriptions s JOIN conversations c ON c.id = s.conversation_id
    WHERE s.connection = :connection AND s.project_key IN (:project, :project_id)
        AND s.repository_key IN ('', :any_repository, :repository, :repository_id)
        AND s.paused_at IS NULL AND c.state = 'active'
    ORDER BY s.id
    """
)


def moment_of(stored: datetime | str) -> datetime:
    """A time as the driver gives it: SQLite's has text without a zone, which is UTC."""
    moment = datetime.fromisoformat(stored) if isinstance(stored, str) else stored
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


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


def owners_of_chats(session: Session, conversation_ids: Collection[str]) -> dict[str, int]:
    """Whose personal chats these are: person by conversation."""
    if not conversation_ids:
        return {}
    statement = select_rows(Person.personal_conversation_id, Person.id).where(
        col(Person.personal_conversation_id).in_(conversation_ids), col(Person.removed_at).is_(None)
    )
    return {conversation: person or 0 for conversation, person in session.exec(statement)}


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
)


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
