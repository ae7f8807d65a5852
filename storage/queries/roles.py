"""Roles that were given in conversations, and those that people have in Azure DevOps."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from storage.tables import ConversationRole, IdentityRow, Person, ProjectRoleRow
from storage.tables.roles import EVERYBODY


def given(session: Session, conversation_id: str, person_id: int) -> dict[int, str]:
    """What was given in a conversation to this person and to everybody, by person id."""
    rows = session.exec(
        select(ConversationRole).where(
            ConversationRole.conversation_id == conversation_id,
            col(ConversationRole.person_id).in_((person_id, EVERYBODY)),
        )
    ).all()
    return {row.person_id: row.role for row in rows}


def all_given(
    session: Session, conversation_id: str
) -> Sequence[tuple[ConversationRole, Person | None]]:
    """Everything that was given in a conversation; without a person for everybody."""
    found = session.exec(
        select(ConversationRole, Person)
        .join(Person, col(Person.id) == ConversationRole.person_id, isouter=True)
        .where(ConversationRole.conversation_id == conversation_id)
        .order_by(col(ConversationRole.person_id))
    ).all()
    return [(row, person) for row, person in found]


def give(
    session: Session, conversation_id: str, person_id: int, role: str, *, by: str, now: datetime
) -> str:
    """Give a role, or take it back with ""; what it was before, "" for none."""
    stored = session.get(ConversationRole, (conversation_id, person_id))
    before = stored.role if stored else ""
    if not role:
        if stored is not None:
            session.delete(stored)
        return before
    row = stored or ConversationRole(
        conversation_id=conversation_id, person_id=person_id, role=role, given_at=now
    )
    row.role, row.given_by, row.given_at = role, by, now
    session.add(row)
    return before


def in_projects(session: Session, person_id: int) -> Sequence[ProjectRoleRow]:
    """What the identities of a person are in the projects of their connections."""
    return session.exec(
        select(ProjectRoleRow)
        .join(
            IdentityRow,
            (col(IdentityRow.connection) == ProjectRoleRow.connection)
            & (col(IdentityRow.id) == ProjectRoleRow.identity_id),
        )
        .where(IdentityRow.person_id == person_id)
    ).all()


def linked_identities(session: Session, connection: str, person_id: int = 0) -> Sequence[str]:
    """Ids of a connection's identities that belong to a person; to this one if one is named."""
    statement = select(IdentityRow.id).where(
        IdentityRow.connection == connection,
        col(IdentityRow.person_id).is_not(None),
        col(IdentityRow.is_group).is_(False),
    )
    if person_id:
        statement = statement.where(IdentityRow.person_id == person_id)
    return session.exec(statement.order_by(col(IdentityRow.id))).all()


def store_project_roles(
    session: Session, connection: str, standings: Iterable[tuple[str, str]], *, now: datetime
) -> None:
    """Keep (identity id, standing) pairs as just read."""
    for identity_id, standing in standings:
        row = session.get(ProjectRoleRow, (connection, identity_id)) or ProjectRoleRow(
            connection=connection, identity_id=identity_id, read_at=now
        )
        row.standing, row.read_at = standing, now
        session.add(row)
