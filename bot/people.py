"""Who writes to the bot: people as Teams' roster knows them.

Activities carry a name and an id; mail, tenant and whether somebody is a guest come from the roster
(Teams, "Get members"). Nobody may change anything before the roster has vouched for him.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from sqlmodel import Session

from bot.cards.plain_text import plain
from bot.log_text import log_safe
from bot.ports import ConversationGone, TeamsError
from bot.services import Services
from bot.stored_conversation import to_conversation
from bot.teams_model import Conversation, ConversationKind, TeamsUser
from storage.queries import conversations, people
from storage.tables import Person

log = logging.getLogger(__name__)

ROSTER_WITHIN_S = 6.0
CONFIRMED_FOR = timedelta(days=1)
MOST_PLACES = 6
NAME_LENGTH = 200


class Standing(StrEnum):
    """Whether somebody may change things."""

    MEMBER = "member"
    GUEST = "guest"
    NOT_A_MEMBER = "not_a_member"
    UNCONFIRMED = "unconfirmed"


@dataclass(frozen=True, slots=True)
class Sender:
    """The stored person behind an activity and what the roster says of him."""

    person: Person
    standing: Standing


async def know_sender(
    services: Services, conversation: Conversation, sender: TeamsUser, *, timezone: str = ""
) -> Sender:
    """The sender's stored person, as the roster vouched for him no longer than a day ago.

    Else it is asked now: members become guests, and Teams sends no word of it.
    """
    stored = await services.db.read(lambda s: people.find(s, sender.id, sender.aad_object_id))
    user = sender
    heard: Standing | None = None
    standing: Standing
    known = (
        standing_of_stored(stored, services.clock()) if stored is not None else Standing.UNCONFIRMED
    )
    is_stranger = known is Standing.MEMBER and is_foreign(services, conversation, sender)
    if stored is not None and known in (Standing.MEMBER, Standing.GUEST) and not is_stranger:
        is_same = stored.teams_user_id == sender.id and not (
            timezone and stored.timezone != timezone
        )
        if is_same and stored.service_url == conversation.service_url:
            return Sender(stored, known)
        standing = known
    else:
        user, standing = await ask_roster(services, conversation, sender)
        heard = standing
    now = services.clock()
    person = await services.db.write(
        lambda s: remember(s, conversation, user, heard=heard, timezone=timezone, now=now)
    )
    return Sender(person, standing)


async def ask_roster(
    services: Services, conversation: Conversation, sender: TeamsUser
) -> tuple[TeamsUser, Standing]:
    """The sender as the conversation's roster has him now, and whether he may change things."""
    try:
        async with asyncio.timeout(ROSTER_WITHIN_S):
            found = await services.teams.member(conversation, sender.id)
    except (TeamsError, TimeoutError) as error:
        log.warning("the roster cannot be read: %s", log_safe(str(error) or "no answer in time"))
        return sender, Standing.UNCONFIRMED
    if found is None:
        return sender, Standing.NOT_A_MEMBER
    if is_foreign(services, conversation, sender):  # whatever the roster leaves out
        found = replace(found, tenant_id=sender.tenant_id)
    user = trusted(services, conversation, found)
    return user, standing_of(user)


async def read_roster(services: Services, conversation: Conversation) -> Sequence[TeamsUser]:
    """Everybody in the conversation; empty, with a log line, when Teams does not answer."""
    try:
        async with asyncio.timeout(ROSTER_WITHIN_S):
            found = await services.teams.members(conversation)
    except (TeamsError, TimeoutError) as error:
        log.warning("the roster cannot be read: %s", log_safe(str(error) or "no answer in time"))
        return ()
    return [trusted(services, conversation, user) for user in found]


def trusted(services: Services, conversation: Conversation, user: TeamsUser) -> TeamsUser:
    """The user with people of other tenants marked as guests: their mail is not ours to trust."""
    tenant = (user.tenant_id or conversation.tenant_id).lower()
    is_guest = user.is_guest or is_foreign(services, conversation, user)
    return replace(user, tenant_id=tenant, is_guest=is_guest)


def is_foreign(services: Services, conversation: Conversation, user: TeamsUser) -> bool:
    """Whether a user says to be of a tenant that is not ours, as in a shared channel."""
    allowed = services.allowed_tenants or {conversation.tenant_id.lower()}
    return (user.tenant_id or conversation.tenant_id).lower() not in allowed


def remember(
    session: Session,
    conversation: Conversation,
    user: TeamsUser,
    *,
    heard: Standing | None,
    now: datetime,
    timezone: str = "",
) -> Person:
    """Store what is known of a user; ``heard`` is what the roster said, None: it was not asked.

    Mail, tenant and whether he is a guest are taken from the roster only. The bot's id for a user
    may change; the Entra object id tells that it is the same person.
    """
    person = people.find(session, user.id, user.aad_object_id) or Person(teams_user_id=user.id)
    person.teams_user_id = user.id
    person.aad_object_id = user.aad_object_id or person.aad_object_id
    person.name = plain(user.name, NAME_LENGTH) or person.name
    person.timezone = timezone or person.timezone
    person.service_url = conversation.service_url
    if heard in (Standing.MEMBER, Standing.GUEST):
        person.mail = user.mail.strip().lower()
        person.tenant_id = user.tenant_id
        person.is_guest = user.is_guest
        person.confirmed_at = now
        person.removed_at = None
    if heard is Standing.NOT_A_MEMBER:
        person.removed_at = person.removed_at or now
    is_own_chat = conversation.kind is ConversationKind.PERSONAL
    if is_own_chat and heard is not Standing.NOT_A_MEMBER:
        person.personal_conversation_id = conversation.id
    session.add(person)
    session.flush()
    return person


def standing_of(user: TeamsUser) -> Standing:
    """What a roster's entry says of a user."""
    if not user.mail:
        return Standing.UNCONFIRMED
    return Standing.GUEST if user.is_guest else Standing.MEMBER


async def is_still_somewhere(services: Services, left: Conversation, user: TeamsUser) -> bool:
    """Whether somebody who left a conversation is still in another one of ours.

    When Teams does not say, he is taken to be: what he may do is checked again when he writes.
    """
    others = await services.db.read(lambda s: _elsewhere(s, left, user))
    for conversation in others:
        try:
            async with asyncio.timeout(ROSTER_WITHIN_S):
                found = await services.teams.member(conversation, user.id)
        except ConversationGone:
            continue
        except (TeamsError, TimeoutError):
            return True
        if found is not None:
            return True
    return False


def _elsewhere(session: Session, left: Conversation, user: TeamsUser) -> list[Conversation]:
    """His personal chat first, then some other conversations of the tenant, not of that team."""
    person = people.find(session, user.id, user.aad_object_id)
    personal = person.personal_conversation_id if person else ""
    rows = conversations.places_to_ask(
        session,
        tenant_id=left.tenant_id,
        personal=personal,
        without=left.id,
        without_team=left.team_id,
        limit=MOST_PLACES,
    )
    return [to_conversation(row) for row in rows]


def standing_of_stored(person: Person, now: datetime) -> Standing:
    """What is stored of a person says without asking Teams: UNCONFIRMED where that is too old."""
    if person.removed_at is not None:
        return Standing.NOT_A_MEMBER
    confirmed_at = person.confirmed_at
    if not person.mail or confirmed_at is None or now - confirmed_at > CONFIRMED_FOR:
        return Standing.UNCONFIRMED
    return Standing.GUEST if person.is_guest else Standing.MEMBER
