"""Changes of teams, channels, members and installations, each told to the bot as Teams tells it."""

from typing import Literal

from adapters.sandbox.teams import activities
from adapters.sandbox.teams.activities import Bot
from adapters.sandbox.teams.conversations import ChannelKind, Conversation, Team
from adapters.sandbox.teams.people import TeamsPerson
from adapters.sandbox.teams.posting import BotAnswer, TeamsChannel

Place = Team | Conversation | TeamsPerson


class RosterChanges(TeamsChannel):
    """What owners and administrators do. `by` is who did it, else the place's first member."""

    async def install(self, place: Place, *, by: TeamsPerson | None = None) -> list[BotAnswer]:
        """Add the app to a team, a private or shared channel, a group chat, or for a person."""
        return await self._installation(place, by, added=True)

    async def uninstall(self, place: Place, *, by: TeamsPerson | None = None) -> list[BotAnswer]:
        """Remove the app; the connector then answers 403 there."""
        return await self._installation(place, by, added=False)

    def block(self, person: TeamsPerson) -> None:
        """Block the bot in the person's chat. Teams does not tell the bot."""
        self.world.personal_chat(person).blocked = True

    def unblock(self, person: TeamsPerson) -> None:
        """Let the bot write to the person again."""
        self.world.personal_chat(person).blocked = False

    async def add_member(
        self, place: Team | Conversation, person: TeamsPerson, *, by: TeamsPerson | None = None
    ) -> BotAnswer | None:
        """Add a person to a team, channel or group chat; None when the bot is not there to hear."""
        if person not in place.members:
            place.members.append(person)
        return await self._members(place, person, by, added=True)

    async def remove_member(
        self, place: Team | Conversation, person: TeamsPerson, *, by: TeamsPerson | None = None
    ) -> BotAnswer | None:
        """Take a person out of a team, channel or group chat."""
        actor = by or place.members[0]
        place.members.remove(person)
        return await self._members(place, person, actor, added=False)

    async def create_channel(
        self,
        team: Team,
        name: str,
        kind: ChannelKind = "standard",
        *,
        by: TeamsPerson | None = None,
    ) -> tuple[Conversation, BotAnswer | None]:
        """Add a channel and tell the bot."""
        channel = self.world.add_channel(team, name, kind)
        return channel, await self._channel(channel, "channelCreated", by)

    async def rename_channel(
        self, channel: Conversation, name: str, *, by: TeamsPerson | None = None
    ) -> BotAnswer | None:
        """Give a channel another name."""
        channel.name = name
        return await self._channel(channel, "channelRenamed", by)

    async def delete_channel(
        self, channel: Conversation, *, by: TeamsPerson | None = None
    ) -> BotAnswer | None:
        """Delete a channel; the connector then answers 404 for it.

        Raises:
            ValueError: For the General channel, which Teams does not delete.
        """
        assert channel.team is not None
        if channel is channel.team.general:
            raise ValueError("the General channel cannot be deleted")
        channel.deleted = True
        channel.team.channels.remove(channel)
        return await self._channel(channel, "channelDeleted", by)

    async def rename_team(
        self, team: Team, name: str, *, by: TeamsPerson | None = None
    ) -> BotAnswer | None:
        """Give a team another name."""
        team.name = name
        return await self._team(team, "teamRenamed", by)

    async def delete_team(self, team: Team, *, by: TeamsPerson | None = None) -> BotAnswer | None:
        """Delete a team with all its channels."""
        for channel in team.channels:
            channel.deleted = True
        del self.world.teams[team.id]
        return await self._team(team, "teamDeleted", by)

    async def _installation(
        self, place: Place, by: TeamsPerson | None, *, added: bool
    ) -> list[BotAnswer]:
        here = self._conversation_of(place)
        actor = by or here.members[0]
        target = place if isinstance(place, Team) else here
        if target.installed == added:
            return []
        target.installed = added
        told = []
        # Removing a personal app sends the installation's event only.
        if added or here.kind != "personal":
            joined: list[TeamsPerson | Bot] = [self.bot]
            joined += [actor] if here.kind == "personal" else []
            told.append(
                await self.deliver(
                    activities.members_changed(self.occasion(actor), here, joined, added=added)
                )
            )
        action: Literal["add", "remove"] = "add" if added else "remove"
        told.append(
            await self.deliver(activities.installation_update(self.occasion(actor), here, action))
        )
        return told

    async def _members(
        self,
        place: Team | Conversation,
        person: TeamsPerson,
        by: TeamsPerson | None,
        *,
        added: bool,
    ) -> BotAnswer | None:
        here = self._conversation_of(place)
        if not here.bot_is_in:
            return None
        occasion = self.occasion(by or person)
        return await self.deliver(activities.members_changed(occasion, here, [person], added=added))

    async def _channel(
        self,
        channel: Conversation,
        event: Literal["channelCreated", "channelRenamed", "channelDeleted"],
        by: TeamsPerson | None,
    ) -> BotAnswer | None:
        assert channel.team is not None
        if not channel.team.installed:
            return None
        occasion = self.occasion(by or channel.team.members[0])
        return await self.deliver(activities.channel_changed(occasion, channel, event))

    async def _team(
        self, team: Team, event: Literal["teamRenamed", "teamDeleted"], by: TeamsPerson | None
    ) -> BotAnswer | None:
        if not team.installed:
            return None
        occasion = self.occasion(by or team.members[0])
        return await self.deliver(activities.team_changed(occasion, team, event))

    def _conversation_of(self, place: Place) -> Conversation:
        if isinstance(place, Team):
            return place.general
        if isinstance(place, TeamsPerson):
            return self.world.personal_chat(place)
        if place.team is not None and place.channel_kind == "standard":
            raise ValueError("a standard channel goes with its team: name the team")
        return place
