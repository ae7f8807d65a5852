"""People as Teams knows them, and Azure DevOps identities as they come in."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from sqlmodel import Session, col, select

from storage.queries import conversations
from storage.queries.conversations import ConversationFacts
from storage.tables import IdentityRow, Person


class UserFacts(Protocol):
    """What Teams tells of a user (bot.teams_model.TeamsUser)."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def aad_object_id(self) -> str: ...
    @property
    def mail(self) -> str: ...
    @property
    def tenant_id(self) -> str: ...
    @property
    def is_guest(self) -> bool: ...


class IdentityFacts(Protocol):
    """What Azure DevOps tells of an identity (bot.model.Identity)."""

    @property
    def id(self) -> str: ...
    @property
    def display_name(self) -> str: ...
    @property
    def unique_name(self) -> str: ...
    @property
    def is_group(self) -> bool: ...


def get(session: Session, person_id: int) -> Person | None:
    """The person with this id."""
    return session.get(Person, person_id)


def find(session: Session, teams_user_id: str, aad_object_id: str = "") -> Person | None:
    """The person with this Teams id, else with this Entra object id (the former may change)."""
    by_id = session.exec(select(Person).where(Person.teams_user_id == teams_user_id)).first()
    if by_id is not None or not aad_object_id:
        return by_id
    same = select(Person).where(Person.aad_object_id == aad_object_id).order_by(col(Person.id))
    return session.exec(same).first()


def with_mail(session: Session, mail: str) -> Sequence[Person]:
    """People who are still there and have this mail in Teams, in any case."""
    wanted = mail.strip().lower()
    if not wanted:
        return []
    there = select(Person).where(Person.mail == wanted, col(Person.removed_at).is_(None))
    return session.exec(there.order_by(col(Person.id))).all()


def with_chat(session: Session, conversation_id: str) -> Person | None:
    """The person whose personal chat with the bot this is."""
    if not conversation_id:
        return None
    owner = select(Person).where(Person.personal_conversation_id == conversation_id)
    return session.exec(owner.order_by(col(Person.id))).first()


def upsert(session: Session, told: UserFacts, *, service_url: str = "") -> Person:
    """Store what Teams' roster tells of a user; what it leaves out this time stays."""
    stored = find(session, told.id, told.aad_object_id) or Person(teams_user_id=told.id)
    stored.teams_user_id = told.id
    stored.aad_object_id = told.aad_object_id or stored.aad_object_id
    stored.tenant_id = told.tenant_id or stored.tenant_id
    stored.name = told.name or stored.name
    stored.mail = told.mail.strip().lower() or stored.mail
    stored.is_guest = told.is_guest
    stored.service_url = service_url or stored.service_url
    stored.removed_at = None
    session.add(stored)
    session.flush()
    return stored


def set_personal_chat(
    session: Session, person_id: int, chat: ConversationFacts, *, now: datetime
) -> None:
    """Remember the personal chat of a person and the bot."""
    conversations.upsert(session, chat, now=now)
    conversations.mark_active(session, chat.id)
    stored = session.get(Person, person_id)
    if stored is not None:
        stored.personal_conversation_id = chat.id
        stored.unreachable_until = None
        session.add(stored)


def forget_personal_chat(session: Session, person_id: int, *, until: datetime) -> None:
    """The personal chat cannot be used; none is opened before ``until`` or a new installation."""
    stored = session.get(Person, person_id)
    if stored is not None:
        stored.personal_conversation_id = ""
        stored.unreachable_until = until
        session.add(stored)


def store_identity(session: Session, connection: str, identity: IdentityFacts) -> IdentityRow:
    """Keep an identity as Azure DevOps gave it; whose it is stays as it was."""
    stored = session.get(IdentityRow, (connection, identity.id)) or IdentityRow(
        connection=connection, id=identity.id
    )
    stored.display_name = identity.display_name or stored.display_name
    stored.unique_name = identity.unique_name or stored.unique_name
    stored.is_group = identity.is_group
    session.add(stored)
    session.flush()
    return stored
