"""The sandbox's tenant: its people, teams and conversations. State only, no network."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from adapters.sandbox.teams.conversations import ChannelKind, Conversation, Team
from adapters.sandbox.teams.messages import Message
from adapters.sandbox.teams.people import TeamsPerson


class World:
    """Everything that exists in the sandbox Teams, found by its id."""

    def __init__(self, tenant_id: str) -> None:
        self.tenant_id = tenant_id
        self.people: list[TeamsPerson] = []
        self.teams: dict[str, Team] = {}
        self.conversations: dict[str, Conversation] = {}
        self._namespace = uuid5(UUID(int=0), tenant_id)
        self._made = 0
        self._last_activity_id = 0

    def add_person(
        self,
        display_name: str,
        mail: str,
        *,
        guest: bool = False,
        tenant_id: str | None = None,
        time_zone: str = "UTC",
    ) -> TeamsPerson:
        """Add a person to the directory, with a personal chat that has no app in it yet.

        Args:
            display_name: As Teams shows it.
            mail: Mail address and, except for guests, the UPN.
            guest: Invited from elsewhere.
            tenant_id: Home tenant, if not the sandbox's.
            time_zone: IANA name.

        Raises:
            ValueError: If the mail is taken in that tenant.
        """
        person = TeamsPerson(display_name, mail, tenant_id or self.tenant_id, guest, time_zone)
        if self.find_person(person.id):
            raise ValueError(f"{mail} is already a person of this sandbox")
        self.people.append(person)
        chat = self._conversation(f"a:1{uuid5(self._namespace, person.id).hex}", "personal", "")
        chat.roster.append(person)
        chat.tenant_id = person.tenant_id
        return person

    def add_team(self, name: str, members: list[TeamsPerson] | None = None) -> Team:
        """Add a team with its General channel. Without `members`, all people are in it."""
        team_id = self._thread_id()
        group_id = str(uuid5(self._namespace, f"group/{team_id}"))
        everybody = list(self.people if members is None else members)
        team = Team(team_id, group_id, name, self.tenant_id, everybody)
        self.teams[team_id] = team
        self._channel(team, team_id, "General", "standard")
        return team

    def add_channel(
        self,
        team: Team,
        name: str,
        kind: ChannelKind = "standard",
        members: list[TeamsPerson] | None = None,
    ) -> Conversation:
        """Add a channel without telling the bot (`create_channel` tells it).

        A private or shared channel has its own `members`, without them the team's of now.
        """
        channel = self._channel(team, self._thread_id(), name, kind)
        if kind != "standard":
            channel.roster = list(team.members if members is None else members)
        return channel

    def add_group_chat(self, members: list[TeamsPerson], name: str = "") -> Conversation:
        """Add a group chat of these people."""
        chat = self._conversation(self._thread_id("thread.v2"), "groupChat", name)
        chat.roster = list(members)
        return chat

    def personal_chat(self, person: TeamsPerson) -> Conversation:
        """The chat between the person and the bot: always the same one."""
        return self.conversations[f"a:1{uuid5(self._namespace, person.id).hex}"]

    def find_person(self, key: str) -> TeamsPerson | None:
        """By `29:` id, Entra object id, UPN or mail."""
        return next((person for person in self.people if person.known_as(key)), None)

    def find_conversation(self, conversation_id: str) -> tuple[Conversation | None, str]:
        """The conversation and, when the id carries `;messageid=`, the root post's id."""
        base, _, root_id = conversation_id.partition(";messageid=")
        conversation = self.conversations.get(base)
        if conversation is not None and conversation.deleted:
            conversation = None
        return conversation, root_id

    def new_activity_id(self, now: datetime) -> str:
        """The time in milliseconds as Teams numbers messages, never the same twice."""
        self._last_activity_id = max(self._last_activity_id + 1, int(now.timestamp() * 1000))
        return str(self._last_activity_id)

    def post(
        self,
        conversation: Conversation,
        activity: dict[str, Any],
        *,
        author: TeamsPerson | None,
        now: datetime,
        activity_id: str | None = None,
        root: Message | None = None,
    ) -> Message:
        """Put a message into a conversation. Threads exist in channels only."""
        in_thread = root if conversation.kind == "channel" else None
        message = Message(
            activity_id or self.new_activity_id(now),
            conversation,
            author,
            now,
            [activity],
            (in_thread.root or in_thread) if in_thread else None,
        )
        conversation.add(message)
        return message

    def _channel(self, team: Team, channel_id: str, name: str, kind: ChannelKind) -> Conversation:
        channel = self._conversation(channel_id, "channel", name)
        channel.team, channel.channel_kind = team, kind
        team.channels.append(channel)
        return channel

    def _conversation(self, conversation_id: str, kind: Any, name: str) -> Conversation:
        made = Conversation(conversation_id, kind, name, self.tenant_id, self.find_person)
        self.conversations[conversation_id] = made
        return made

    def _thread_id(self, suffix: str = "thread.tacv2") -> str:
        self._made += 1
        return f"19:{uuid5(self._namespace, f'thread/{self._made}').hex}@{suffix}"
