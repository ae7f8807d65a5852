"""What Pullcord knows of Teams, as plain values: who said or did what, and what is sent back.

``adapters.teams`` turns Bot Framework activities into these and back. All of them survive
a round trip through JSON (``pydantic.TypeAdapter``), because they are stored before they are
answered.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

Json = dict[str, Any]


class ConversationKind(StrEnum):
    """Where people talk: a channel, a group chat, or one person with the bot."""

    CHANNEL = "channel"
    GROUP = "groupChat"
    PERSONAL = "personal"


@dataclass(frozen=True, slots=True)
class Conversation:
    """A Teams conversation as needed to write into it.

    ``id`` is without ``;messageid=``. ``service_url`` comes from an authenticated activity.
    """

    id: str
    kind: ConversationKind
    service_url: str
    tenant_id: str
    name: str = ""
    team_id: str = ""
    team_name: str = ""
    channel_id: str = ""


@dataclass(frozen=True, slots=True)
class TeamsChannel:
    """A channel of a team. ``name`` is "" for the first one, which every client translates."""

    id: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class TeamsTeam:
    """A team in which the bot is, with the channels that Teams shows to it."""

    id: str
    name: str
    channels: tuple[TeamsChannel, ...]


@dataclass(frozen=True, slots=True)
class TeamsUser:
    """A user of Teams. ``id`` is the bot-specific ``29:…`` id, ``mail`` UPN or mail if known."""

    id: str
    name: str = ""
    aad_object_id: str = ""
    mail: str = ""
    tenant_id: str = ""
    is_guest: bool = False


@dataclass(frozen=True, slots=True)
class MessageReceived:
    """Somebody wrote to the bot. ``text`` has the bot's mention removed and is otherwise as sent.

    ``thread_id`` is the activity id of the thread's first message in a channel, else empty.
    ``timezone`` is an IANA name when Teams told it.
    """

    activity_id: str
    conversation: Conversation
    sender: TeamsUser
    text: str
    thread_id: str = ""
    is_edit: bool = False
    timezone: str = ""
    type: Literal["message"] = "message"


@dataclass(frozen=True, slots=True)
class CardActionPressed:
    """A button of a card: Action.Execute (``verb``), or Action.Submit with ``verb`` in its data.

    ``message_id`` is the activity id of the card's message; ``data`` holds inputs too.
    """

    activity_id: str
    conversation: Conversation
    sender: TeamsUser
    verb: str
    data: Json
    message_id: str = ""
    thread_id: str = ""
    trigger: str = "manual"
    type: Literal["card_action"] = "card_action"


@dataclass(frozen=True, slots=True)
class BotInstalled:
    """The bot was added to a team, group chat or personal chat."""

    activity_id: str
    conversation: Conversation
    sender: TeamsUser
    type: Literal["installed"] = "installed"


@dataclass(frozen=True, slots=True)
class BotRemoved:
    """The bot was removed: nothing can be sent there any more."""

    activity_id: str
    conversation: Conversation
    sender: TeamsUser
    type: Literal["removed"] = "removed"


@dataclass(frozen=True, slots=True)
class MembersChanged:
    """People joined or left. Names and mails are mostly missing; ask the roster."""

    activity_id: str
    conversation: Conversation
    sender: TeamsUser
    added: tuple[TeamsUser, ...] = ()
    removed: tuple[TeamsUser, ...] = ()
    type: Literal["members"] = "members"


@dataclass(frozen=True, slots=True)
class ConversationChanged:
    """A channel or team was renamed, deleted or restored.

    ``change``: channelRenamed, channelDeleted, channelRestored, channelCreated, teamRenamed,
    teamDeleted, teamArchived, teamUnarchived (Teams, channelData.eventType).
    """

    activity_id: str
    conversation: Conversation
    sender: TeamsUser
    change: str
    name: str = ""
    type: Literal["conversation"] = "conversation"


@dataclass(frozen=True, slots=True)
class LinkPasted:
    """Somebody pasted an address into a message that is being written: a preview is asked for.

    The bot need not be in the conversation. It is no TeamsEvent: nothing is stored of it.
    """

    conversation: Conversation
    sender: TeamsUser
    url: str


TeamsEvent = (
    MessageReceived
    | CardActionPressed
    | BotInstalled
    | BotRemoved
    | MembersChanged
    | ConversationChanged
)


@dataclass(frozen=True, slots=True)
class Mention:
    """One mention in a text message; ``text`` is what stands in the message (``<at>Maya</at>``)."""

    user_id: str
    name: str


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """What is sent: a card, or Markdown text. ``summary`` is shown in notifications.

    ``text`` may contain ``<at>NAME</at>`` only for the people in ``mentions``. ``card_text`` is a
    card that is JSON already, in place of ``card``.
    """

    card: Json | None = None
    text: str = ""
    summary: str = ""
    mentions: tuple[Mention, ...] = ()
    card_text: str = ""


@dataclass(frozen=True, slots=True)
class ActionAnswer:
    """The answer to a pressed button: a short word, or a card in place of the old one."""

    message: str = ""
    card: Json | None = None


@dataclass(frozen=True, slots=True)
class SendResult:
    """Teams took the message and calls it ``activity_id``."""

    activity_id: str
