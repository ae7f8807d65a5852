"""What each command, button and form needs, and that nobody gets round it (CHECKS 24)."""

import pytest

from adapters.sandbox.teams import Conversation as Place
from adapters.sandbox.teams import TeamsPerson
from bot.commands.catalogue import REGISTRY
from bot.commands.command import Command
from bot.roles import Role
from bot.teams_model import (
    CardActionPressed,
    Conversation,
    ConversationKind,
    MessageReceived,
    TeamsUser,
)
from bot.turn_handling import handle
from tests.bot.talking import TENANT_ID, Talk

NEEDED = {
    Role.NOBODY: {"help"},
    Role.READER: {
        # looking
        "prs", "reviews", "ticket", "subscriptions", "whoami", "why", "preview", "conflicts",
        "status", "connect", "repositories", "roles",
        # what one is told oneself, and who one is
        "settings", "snooze", "unsnooze", "mute", "unmute", "away", "snooze conflict", "link me",
    },
    Role.MEMBER: {
        # Azure DevOps is changed, or others are told
        "start ticket", "sync pr", "link ticket", "unlink ticket", "nudge",
        # what a conversation hears, and means
        "subscribe", "unsubscribe", "pause", "resume", "remind", "digest", "use",
    },
    Role.MAINTAINER: {"role"},
    Role.ADMINISTRATOR: {"confirm", "connections"},
}  # fmt: skip
ONES_OWN = {"remind", "digest"}
"""In one's personal chat these concern oneself only, and a reader may, too."""


def test_what_each_command_needs_is_decided() -> None:
    needed = {each.name: each.needs for each in REGISTRY.commands}
    assert needed == {name: role for role, names in NEEDED.items() for name in names}
    in_a_chat = {each.name: each.needs_in(ConversationKind.PERSONAL) for each in REGISTRY.commands}
    assert in_a_chat == needed | dict.fromkeys(ONES_OWN, Role.READER)


async def test_a_reader_chooses_what_comes_to_himself_and_not_what_others_hear(talk: Talk) -> None:
    talk.rules(readers={"jonas@example.com"})
    await talk.say("subscribe Shop", to=talk.channel)
    for said in ("settings vote off", "away until monday", "digest 9:00", "remind review 8h",
                 "mute Shop/shop", "snooze until tomorrow"):  # fmt: skip
        assert "needs the role" not in await talk.say(said, by=talk.jonas), said
    for said in ("digest", "digest now", "remind"):
        answer = await talk.say(said, by=talk.jonas, to=talk.channel)
        assert "needs the role" not in answer, said
    for said in ("digest 9:00", "remind review 8h", "pause Shop", "unsubscribe Shop"):
        answer = await talk.say(said, by=talk.jonas, to=talk.channel)
        assert "needs the role member; your role here is reader. Please ask " in answer


@pytest.mark.parametrize("who", ["guest", "another tenant", "nobody"])
async def test_who_has_no_role_may_neither_say_nor_press_nor_fill_in_anything(
    talk: Talk, who: str
) -> None:
    person = talk.guest
    await talk.say("whoami", by=talk.admin)  # so that she can be named
    if who == "another tenant":
        person = talk.teams.add_person("Sam Sample", "sam@example.com", tenant_id="1" * 8)
        await talk.teams.add_member(talk.team, person)
    elif who == "nobody":
        person = talk.jonas
        await talk.say("role jonas@example.com is nobody", by=talk.admin, to=talk.channel)
    tried = [each for each in REGISTRY.commands if each.needs > Role.NOBODY]
    here = [each for each in tried if ConversationKind.CHANNEL in each.scopes]
    assert {each.name for each in tried} - {each.name for each in here} == {"settings"}
    for command in here:
        for event in _ways(talk, person, talk.channel, command):
            result = await handle(talk.services, REGISTRY, event)
            (message,) = result.messages
            said = str(message.card)
            needed = Role.READER if command.shows is not None else command.needs
            assert f"“{command.name}” needs the role {needed.label}" in said, said
            assert "Please ask Ada Sample" in said, said
            assert result.record is not None, "it stands in no audit"
            await talk.db.write(result.record)
    refused = await talk.audit("command.refused")
    assert [row.after["command"] for row in refused if row.after] == [
        each.name for each in here for _ in range(3)
    ]
    assert {row.actor.partition(" <")[0] for row in refused} == {person.display_name}


def _ways(
    talk: Talk, person: TeamsPerson, place: Place, command: Command
) -> tuple[MessageReceived, CardActionPressed, CardActionPressed]:
    """Typed, by a button, and by a form's."""
    where = Conversation(place.id, ConversationKind.CHANNEL, talk.teams.service_url, TENANT_ID)
    sender = TeamsUser(person.id, person.display_name)
    words = command.examples[0].removeprefix(command.name).strip()
    data = {"arguments": words}
    return (
        MessageReceived(f"{command.name} typed", where, sender, text=command.examples[0]),
        CardActionPressed(f"{command.name} pressed", where, sender, command.name, data),
        CardActionPressed(
            f"{command.name} sent", where, sender, command.name, {**data, "target": "main"}
        ),
    )
