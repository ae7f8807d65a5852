"""Which commits were reviewed, who talks in which thread, who is in which group."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Select, and_, bindparam
from sqlalchemy import select as sql_select
from sqlmodel import Session, col, select

from storage.dialects import insert_new, table_of
from storage.queries import recording, routing
from storage.tables import (
    GroupMembers,
    GroupTurn,
    HeldNotice,
    IdentityRow,
    PullRequestRow,
    ReviewedCommit,
    ReviewerRow,
    ThreadParticipant,
)


def keep_reviewed(
    session: Session, pull_request_id: int, identity_id: str, commit: str, *, now: datetime
) -> None:
    """A reviewer has voted on this commit."""
    session.merge(
        ReviewedCommit(
            pull_request_id=pull_request_id, identity_id=identity_id, commit=commit, at=now
        )
    )


def reviewed(session: Session, pull_request_id: int) -> dict[str, str]:
    """The commit of each reviewer's last vote, by identity id."""
    rows = session.connection().execute(_reviewed(), {"pull_request": pull_request_id})
    return {row.identity_id: row.commit for row in rows}


@cache  # read for every change, and making a statement takes longer than running it
def _reviewed() -> Select[Any]:
    known = table_of(ReviewedCommit).c
    return sql_select(known.identity_id, known.commit).where(
        known.pull_request_id == bindparam("pull_request")
    )


def join_thread(session: Session, pull_request_id: int, thread_id: int, identity_id: str) -> None:
    """Somebody wrote in a comment thread."""
    values = {
        "pull_request_id": pull_request_id,
        "thread_id": thread_id,
        "identity_id": identity_id,
    }
    insert_new(session, ThreadParticipant, values)


def participants(session: Session, pull_request_id: int, thread_id: int) -> frozenset[str]:
    """The identity ids of those who wrote in a comment thread."""
    rows = session.exec(
        select(ThreadParticipant.identity_id).where(
            ThreadParticipant.pull_request_id == pull_request_id,
            ThreadParticipant.thread_id == thread_id,
        )
    ).all()
    return frozenset(rows)


def group_members(session: Session, connection: str, group_id: str) -> GroupMembers | None:
    """The members of a group as last read, None when they never were."""
    return session.get(GroupMembers, (connection, group_id))


def groups_of(session: Session, identities: Collection[tuple[str, str]]) -> list[tuple[str, str]]:
    """(connection, group) of the groups in which one of these (connection, identity) is."""
    ids: dict[str, set[str]] = {}
    for connection, identity_id in identities:
        ids.setdefault(connection, set()).add(identity_id.lower())
    rows = session.exec(select(GroupMembers).where(col(GroupMembers.connection).in_(ids))).all()
    return [
        (row.connection, row.group_id)
        for row in rows
        if any(member.lower() in ids[row.connection] for member in row.members)
    ]


def people_of_groups(
    session: Session, groups: Collection[tuple[str, str]]
) -> dict[tuple[str, str], frozenset[int]]:
    """The persons (ids) in each (connection, group id), without those who left.

    Keys are in lower case. A group whose members were never read is absent.
    """
    members: dict[tuple[str, str], set[str]] = {}
    people: dict[tuple[str, str], int] = {}
    for connection in {connection for connection, _ in groups}:
        ids_of_groups = [group_id for name, group_id in groups if name == connection]
        for group_id, row in routing.group_members(session, connection, ids_of_groups).items():
            members[(connection, group_id.lower())] = {member.lower() for member in row.members}
        wanted = {id_ for key, ids in members.items() if key[0] == connection for id_ in ids}
        for found in recording.people_of(session, connection, sorted(wanted)):
            people[(connection, found.identity_id.lower())] = found.person_id
    return {
        (connection, group_id): frozenset(
            people[(connection, id_)] for id_ in ids if (connection, id_) in people
        )
        for (connection, group_id), ids in members.items()
    }


def people_in_person(
    session: Session, pull_request_ids: Collection[int]
) -> dict[int, frozenset[int]]:
    """The persons (ids) who wrote each pull request or review it as themselves."""
    is_whose = and_(
        col(IdentityRow.connection) == col(PullRequestRow.connection),
        col(IdentityRow.person_id).is_not(None),
    )
    is_meant = col(PullRequestRow.id).in_(pull_request_ids)
    authors = (
        select(PullRequestRow.id, IdentityRow.person_id)
        .join(IdentityRow, is_whose & (col(IdentityRow.id) == col(PullRequestRow.author_id)))
        .where(is_meant)
    )
    reviewers = (
        select(PullRequestRow.id, IdentityRow.person_id)
        .join(ReviewerRow, col(ReviewerRow.pull_request_id) == PullRequestRow.id)
        .join(IdentityRow, is_whose & (col(IdentityRow.id) == col(ReviewerRow.identity_id)))
        .where(is_meant, col(ReviewerRow.is_group).is_(False))
    )
    found: dict[int, set[int]] = {}
    for statement in (authors, reviewers):
        for pull_request_id, person_id in session.exec(statement):
            found.setdefault(pull_request_id or 0, set()).add(person_id or 0)
    return {pull_request_id: frozenset(people) for pull_request_id, people in found.items()}


def keep_group(
    session: Session, connection: str, group_id: str, members: Sequence[str], *, now: datetime
) -> None:
    """Store who is in a group."""
    session.merge(
        GroupMembers(connection=connection, group_id=group_id, members=list(members), read_at=now)
    )


def asked_for_groups(
    session: Session, pull_request_ids: Collection[int], *, kind: str, role: str
) -> Sequence[tuple[int, int, str]]:
    """(pull request, person, turn) of those who were told of a review as members of a group.

    The turn is the id of the group for which this one was asked instead of the others; "" where all
    of them were.

    Args:
        session: the transaction.
        pull_request_ids: of which pull requests.
        kind: how notices name that a review is asked for.
        role: how they name a member of a group.
    """
    if not pull_request_ids:
        return []
    rows = session.exec(
        select(HeldNotice.pull_request_id, HeldNotice.person_id, HeldNotice.payload)
        .where(
            col(HeldNotice.pull_request_id).in_(pull_request_ids),
            HeldNotice.kind == kind,
            col(HeldNotice.person_id).is_not(None),
        )
        .order_by(col(HeldNotice.id))
    ).all()
    return [
        (pull_request_id or 0, person_id or 0, str(payload.get("turn_of", "")))
        for pull_request_id, person_id, payload in rows
        if payload.get("role") == role
    ]


def turns(session: Session, connection: str, group_id: str) -> Mapping[int, datetime]:
    """When each person was last asked in the group's stead."""
    rows = session.exec(
        select(GroupTurn).where(GroupTurn.connection == connection, GroupTurn.group_id == group_id)
    ).all()
    return {row.person_id: row.asked_at for row in rows}


def took_turns(
    session: Session, connection: str, group_id: str, people: Collection[int], *, now: datetime
) -> None:
    """These were asked in the group's stead."""
    for person_id in people:
        session.merge(
            GroupTurn(connection=connection, group_id=group_id, person_id=person_id, asked_at=now)
        )
