"""What one Teams activity means, and who handles it."""

from bot.cards.answers import Tone, escape, text_card
from bot.commands.command import Invocation
from bot.commands.dispatch import answer, pressed
from bot.commands.registry import Meaning, Registry
from bot.commands.text import normalise
from bot.conversation_events import (
    activate,
    handle_changed,
    handle_installed,
    handle_members,
    handle_removed,
)
from bot.held_roles import role_of
from bot.people import know_sender
from bot.services import Services
from bot.teams_model import (
    BotInstalled,
    BotRemoved,
    CardActionPressed,
    Conversation,
    ConversationChanged,
    ConversationKind,
    MembersChanged,
    MessageReceived,
    OutgoingMessage,
    TeamsEvent,
)
from bot.turn_result import CHANGED, TurnResult
from storage.queries import conversations
from storage.tables import ConversationRow

BOT_ID_PREFIX = "28:"
"""Bots' ids in Teams begin so, people's with ``29:`` (Teams, "Get members")."""


async def handle(services: Services, registry: Registry, event: TeamsEvent) -> TurnResult:
    """Do what the event asks for.

    Raises:
        CannotStore: The database could not take it; it may be done again.
        Exception: What nobody foresaw.
    """
    match event:
        case MessageReceived():
            return await _command(services, event, registry.understand(event.text))
        case CardActionPressed():
            return await _command(services, event, pressed(registry, event.verb, event.data))
        case BotInstalled():
            return await handle_installed(services, event)
        case BotRemoved():
            return await handle_removed(services, event)
        case MembersChanged():
            return await handle_members(services, event)
        case ConversationChanged():
            return await handle_changed(services, event)


def concerns_us(event: TeamsEvent) -> bool:
    """Whether there is anything to do: not for bots' messages, nor for cards that refresh."""
    if isinstance(event, CardActionPressed) and event.trigger == "automatic":
        return False
    is_said = isinstance(event, MessageReceived | CardActionPressed)
    return not (is_said and event.sender.id.startswith(BOT_ID_PREFIX))


def answer_to_edit(
    event: MessageReceived, before: MessageReceived, outcome: str
) -> TurnResult | None:
    """What an edit of a message that was handled gets without being run; None: it is run.

    An edit corrects what was not understood, was refused, or only asked something. A message that
    had changed something is not run again: the second version could undo or double the first, and
    nobody would see which one counts.
    """
    if normalise(event.text) == normalise(before.text):
        return TurnResult(outcome=outcome)  # Teams tells of previews and formats as edits, too
    if outcome != CHANGED:
        return None
    lines = [
        f"I did “{escape(normalise(before.text), 200)}” when you first wrote it, and do not run "
        "changed messages again. Please write a new message."
    ]
    card = text_card("I keep to the first version", lines, tone=Tone.WARNING)
    return TurnResult((card,), outcome=CHANGED)


def thread_of(event: TeamsEvent) -> str:
    """The thread in which an event is answered; empty outside channels."""
    if event.conversation.kind is not ConversationKind.CHANNEL:
        return ""
    if isinstance(event, MessageReceived):
        return event.thread_id or event.activity_id
    if isinstance(event, CardActionPressed):
        return event.thread_id or event.message_id
    return ""


def failure_card(reference: str) -> OutgoingMessage:
    """For what nobody foresaw."""
    lines = [
        "I stopped there and did nothing further. An operator finds the reason in the log under "
        f"reference **{reference}**. You may try again."
    ]
    return text_card("Something went wrong on our side", lines, tone=Tone.BAD)


async def _command(
    services: Services, event: MessageReceived | CardActionPressed, meaning: Meaning
) -> TurnResult:
    row = await _conversation_row(services, event.conversation)
    timezone = event.timezone if isinstance(event, MessageReceived) else ""
    sender = await know_sender(services, event.conversation, event.sender, timezone=timezone)
    held = await role_of(services, sender, row.id)
    invocation = Invocation(
        services=services,
        conversation=event.conversation,
        conversation_row=row,
        sender=event.sender,
        person=sender.person,
        cause=event.activity_id,
        thread_id=thread_of(event),
        role=held.role,
    )
    return await answer(invocation, sender.standing, meaning)


async def _conversation_row(services: Services, conversation: Conversation) -> ConversationRow:
    """The stored conversation; written only when something is new, and active again if it spoke."""
    stored = await services.db.read(lambda s: conversations.get(s, conversation.id))
    is_known = stored is not None and stored.state == "active" and _is_same(stored, conversation)
    if stored is not None and is_known:
        return stored
    now = services.clock()
    await services.db.write(lambda s: activate(s, conversation, now=now))
    row = await services.db.read(lambda s: conversations.get(s, conversation.id))
    if row is None:
        raise LookupError("the conversation was not stored")
    return row


def _is_same(row: ConversationRow, told: Conversation) -> bool:
    pairs = (
        (row.service_url, told.service_url),
        (row.tenant_id, told.tenant_id),
        (row.name, told.name),
        (row.team_id, told.team_id),
        (row.team_name, told.team_name),
        (row.channel_id, told.channel_id),
    )
    return all(not new or old == new for old, new in pairs)
