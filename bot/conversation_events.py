"""The bot is added and removed, people come and go, channels and teams change."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from sqlmodel import Session

from bot.cards.plain_text import plain
from bot.cards.welcome import welcome_card
from bot.channel_names import fill_in, read_team
from bot.identities import actor_of, match_stored
from bot.people import (
    Standing,
    ask_roster,
    is_still_somewhere,
    read_roster,
    remember,
    standing_of,
)
from bot.services import Services
from bot.teams_model import (
    BotInstalled,
    BotRemoved,
    Conversation,
    ConversationChanged,
    ConversationKind,
    MembersChanged,
    TeamsUser,
)
from bot.turn_result import TurnResult
from storage import audit, outbox
from storage.queries import channels, conversations, identities, people
from storage.tables import ConversationRow
from storage.text import account_key

REMOVED = "the bot was removed"
CHUNK = 100
MOST_ASKED_ONE_BY_ONE = 20
NAME_LENGTH = 200

_GONE = {
    "channelDeleted": "the channel was deleted",
    "teamDeleted": "the team was deleted",
    "teamArchived": "the team was archived",
}
_BACK = frozenset({"channelRestored", "teamUnarchived", "teamRestored"})
_RENAMED = frozenset({"channelRenamed", "teamRenamed"})
_NAMED = frozenset({"channelCreated", "channelRenamed", "channelRestored"})


async def handle_installed(services: Services, event: BotInstalled) -> TurnResult:
    """Know the conversation and who is in it, bring it back if it was gone, and say hello."""
    before = await services.db.read(lambda s: conversations.get(s, event.conversation.id))
    await store_roster(
        services, event.conversation, await read_roster(services, event.conversation)
    )
    await read_team(services, event.conversation)
    now = services.clock()

    def record(session: Session) -> None:
        back = activate(session, event.conversation, now=now)
        back += [
            row.id
            for row in conversations.of_team(session, event.conversation.team_id)
            if row.gone_reason == REMOVED and conversations.mark_active(session, row.id)
        ]
        _audit(
            session,
            event.conversation,
            _actor(session, event.sender),
            "bot.installed",
            before={"state": before.state if before else None},
            after={"state": "active", "back": sorted({*back} - {event.conversation.id})},
            cause=event.activity_id,
            now=now,
        )

    is_upgrade = before is not None and before.state == "active"
    messages = () if is_upgrade else (welcome_card(event.conversation.kind),)
    return TurnResult(messages, record=record)


async def handle_removed(services: Services, event: BotRemoved) -> TurnResult:
    """Send nothing there any more. Subscriptions stay, in case it comes back."""
    now = services.clock()

    def record(session: Session) -> None:
        gone = [
            row.id
            for row in _channels(session, event.conversation)
            if _close(session, row.id, REMOVED, now)
        ]
        _audit(
            session,
            event.conversation,
            _actor(session, event.sender),
            "bot.removed",
            before={"state": "active"} if gone else None,
            after={"state": "gone", "conversations": gone},
            cause=event.activity_id,
            now=now,
        )

    return TurnResult(record=record)


async def handle_members(services: Services, event: MembersChanged) -> TurnResult:
    """Know those who came; those who left and are in none of our conversations are removed."""
    if len(event.added) > MOST_ASKED_ONE_BY_ONE:
        wanted = {user.id for user in event.added}
        roster = await read_roster(services, event.conversation)
        await store_roster(services, event.conversation, [u for u in roster if u.id in wanted])
    else:
        asked = [await ask_roster(services, event.conversation, user) for user in event.added]
        known = [user for user, heard in asked if heard in (Standing.MEMBER, Standing.GUEST)]
        await store_roster(services, event.conversation, known)
    left = [
        user
        for user in event.removed
        if not await is_still_somewhere(services, event.conversation, user)
    ]
    now = services.clock()

    def record(session: Session) -> None:
        for user in left:
            person = people.find(session, user.id, user.aad_object_id)
            if person is None or person.removed_at is not None:
                continue
            person.removed_at = now
            session.add(person)
            outbox.drop_person(session, person.id or 0, reason="the person left", now=now)
            audit.append(
                session,
                at=now,
                actor=_actor(session, event.sender),
                action="person.removed",
                subject=f"person/{person.mail or person.teams_user_id}",
                before={"removed": False},
                after={"removed": True, "conversation": event.conversation.id},
                cause=event.activity_id,
            )

    return TurnResult(record=record)


async def handle_changed(services: Services, event: ConversationChanged) -> TurnResult:
    """Follow renames, deletions and restorations; anything else changes nothing here."""
    now = services.clock()

    def record(session: Session) -> None:
        _keep_name(session, event, now)
        rows = _meant(session, event)
        before: dict[str, object] = {}
        after: dict[str, object] = {}
        for row in rows:
            old, new = _change(session, row, event, now)
            if old != new:
                before[row.id], after[row.id] = old, new
        if after:
            _audit(
                session,
                event.conversation,
                _actor(session, event.sender),
                f"conversation.{event.change}",
                before=before,
                after=after,
                cause=event.activity_id,
                now=now,
            )

    return TurnResult(record=record)


def activate(session: Session, conversation: Conversation, *, now: datetime) -> list[str]:
    """Store the conversation as one that can be written to; its id if it was gone before."""
    fill_in(session, conversations.upsert(session, conversation, now=now))
    was_gone = conversations.mark_active(session, conversation.id)
    return [conversation.id] if was_gone else []


async def store_roster(
    services: Services, conversation: Conversation, roster: Sequence[TeamsUser]
) -> None:
    """Keep people as the roster has them and match those whose mail an identity has.

    In pieces, because a roster may have thousands and the one writer has others waiting.
    """
    for start in range(0, len(roster), CHUNK):
        part = roster[start : start + CHUNK]
        await services.db.write(
            partial(_keep, conversation=conversation, users=part, now=services.clock())
        )


def _keep(
    session: Session, conversation: Conversation, users: Sequence[TeamsUser], now: datetime
) -> None:
    stored = [
        remember(session, conversation, user, heard=standing_of(user), now=now) for user in users
    ]
    by_account = {account_key(person.mail): person for person in stored if person.mail}
    for connection, key in identities.unmatched(session, by_account):
        match_stored(session, by_account[key], connection, now=now)


def _keep_name(session: Session, event: ConversationChanged, now: datetime) -> None:
    """Of a channel where nobody has written to the bot, too."""
    place, name = event.conversation, plain(event.name, NAME_LENGTH)
    if event.change in _NAMED and name:
        channels.heard(session, place.channel_id, place.team_id, name, now=now)
    elif event.change == "teamRenamed" and name:
        channels.heard_team(session, place.team_id, name)


def _meant(session: Session, event: ConversationChanged) -> Sequence[ConversationRow]:
    """The conversations that an event is about: a team's, or the channel's."""
    conversation = event.conversation
    if event.change.startswith("team"):
        return conversations.of_team(session, conversation.team_id)
    row = conversations.get(session, conversation.channel_id or conversation.id)
    return [row] if row else []


def _change(
    session: Session, row: ConversationRow, event: ConversationChanged, now: datetime
) -> tuple[str, str]:
    """Apply the event to one conversation; what was and what is."""
    name = plain(event.name, NAME_LENGTH)
    if event.change in _GONE:
        was = row.state
        return was, "gone" if _close(session, row.id, _GONE[event.change], now) else was
    if event.change in _BACK:
        was = row.state
        is_ours = row.gone_reason in _GONE.values()
        return was, "active" if is_ours and conversations.mark_active(session, row.id) else was
    if event.change in _RENAMED and name:
        is_team = event.change == "teamRenamed"
        was = row.team_name if is_team else row.name
        if is_team:
            row.team_name = name
        else:
            row.name = name
        session.add(row)
        return was, name
    return "", ""


def _close(session: Session, conversation_id: str, reason: str, now: datetime) -> bool:
    is_new = conversations.mark_gone(session, conversation_id, reason=reason)
    outbox.drop_conversation(session, conversation_id, reason=reason, now=now)
    return is_new


def _channels(session: Session, conversation: Conversation) -> Sequence[ConversationRow]:
    """From a team the bot is removed as a whole: all its channels are meant."""
    if conversation.kind is ConversationKind.CHANNEL and conversation.team_id:
        return conversations.of_team(session, conversation.team_id)
    row = conversations.get(session, conversation.id)
    return [row] if row else []


def _actor(session: Session, sender: TeamsUser) -> str:
    person = people.find(session, sender.id, sender.aad_object_id)
    return actor_of(person) if person else f"{plain(sender.name, NAME_LENGTH)} <{sender.id}>"


def _audit(
    session: Session,
    conversation: Conversation,
    actor: str,
    action: str,
    *,
    before: dict[str, object] | None,
    after: dict[str, object] | None,
    cause: str,
    now: datetime,
) -> None:
    audit.append(
        session,
        at=now,
        actor=actor,
        action=action,
        subject=f"conversation/{conversation.id}",
        before=before,
        after=after,
        cause=cause,
    )
