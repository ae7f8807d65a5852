"""Teams, channels, group chats and personal chats: where messages stand and who is there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from adapters.sandbox.teams.messages import Message
from adapters.sandbox.teams.people import TeamsPerson

ConversationKind = Literal["personal", "groupChat", "channel"]
ChannelKind = Literal["standard", "private", "shared"]


@dataclass(slots=True, eq=False)
class Conversation:
    """One place where messages stand.

    Attributes:
        id: Without `;messageid=`.
        kind: As the activities' conversationType says it.
        name: Of a channel or group chat; empty for personal chats.
        tenant_id: The tenant that owns it.
        find_in_directory: Finds a person by any id, for mentions.
        roster: Who is in it; a standard channel uses its team's.
        messages: Root posts of a channel, or all messages of a chat, oldest first.
        typing: When the bot said that it is typing.
        installed: The app was added here (a standard channel looks at its team).
        blocked: The person blocked the bot (personal chats).
        deleted: Gone: the connector answers 404.
        team: The channel's team.
        channel_kind: Of channels.
    """

    id: str
    kind: ConversationKind
    name: str
    tenant_id: str
    find_in_directory: Callable[[str], TeamsPerson | None] = field(repr=False)
    roster: list[TeamsPerson] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    typing: list[datetime] = field(default_factory=list)
    installed: bool = False
    blocked: bool = False
    deleted: bool = False
    team: Team | None = None
    channel_kind: ChannelKind = "standard"
    _by_id: dict[str, Message] = field(default_factory=dict, repr=False)

    @property
    def members(self) -> list[TeamsPerson]:
        """Who can read it. Private and shared channels have their own list."""
        if self.team is not None and self.channel_kind == "standard":
            return self.team.members
        return self.roster

    @property
    def bot_is_in(self) -> bool:
        """Whether the bot is in the roster.

        An app added to a team is in its standard channels; private and shared channels are
        separate.
        """
        if self.team is not None and self.channel_kind == "standard":
            return self.team.installed
        return self.installed

    def all_messages(self) -> Iterator[Message]:
        """Every message, each thread after its root post."""
        for message in self.messages:
            yield message
            yield from message.replies

    def message(self, activity_id: str) -> Message | None:
        """The message with this id, unless it was deleted."""
        message = self._by_id.get(activity_id)
        return None if message is None or message.deleted else message

    def add(self, message: Message) -> None:
        """Put the message at the end of its thread or of the conversation."""
        self._by_id[message.activity_id] = message
        if message.root is not None:
            message.root.replies.append(message)
        else:
            self.messages.append(message)


@dataclass(slots=True, eq=False)
class Team:
    """A team with its channels; the General channel's id is the team's.

    Attributes:
        id: `19:…@thread.tacv2`.
        group_id: The Entra group's id (`aadGroupId`).
        name: As shown.
        tenant_id: The tenant that owns it.
        members: Of the team and so of its standard channels.
        channels: General first; deleted ones are taken out.
        installed: The app was added to the team.
    """

    id: str
    group_id: str
    name: str
    tenant_id: str
    members: list[TeamsPerson] = field(default_factory=list)
    channels: list[Conversation] = field(default_factory=list)
    installed: bool = False

    @property
    def general(self) -> Conversation:
        """The channel every team has."""
        return self.channels[0]
