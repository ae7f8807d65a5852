"""Each activity of Teams becomes the right event, through HTTP and the sandbox."""

from typing import Any

import pytest

from adapters.sandbox.teams import Conversation, Team, TeamsPerson, TeamsSandbox
from adapters.teams.events import event_of
from bot.teams_model import (
    BotInstalled,
    BotRemoved,
    CardActionPressed,
    ConversationChanged,
    ConversationKind,
    MembersChanged,
    MessageReceived,
)
from tests.adapters.teams.listening_bot import TENANT_ID, ListeningBot


@pytest.fixture
async def team(teams: TeamsSandbox, bot: ListeningBot, maya: TeamsPerson) -> Team:
    team = teams.add_team("Payments", [maya])
    await teams.install(team)
    bot.events.clear()
    return team


@pytest.fixture
def channel(teams: TeamsSandbox, team: Team) -> Conversation:
    return teams.add_channel(team, "Reviews")


async def test_a_channel_message_knows_its_thread_channel_and_team(
    bot: ListeningBot, teams: TeamsSandbox, maya: TeamsPerson, channel: Conversation
) -> None:
    first = await teams.say(maya, channel, "start ticket 123")
    await teams.say(maya, channel, "sync pr", reply_to=first.message)
    root, reply = bot.events
    assert isinstance(root, MessageReceived) and isinstance(reply, MessageReceived)
    assert root.text == " start ticket 123"
    assert root.thread_id == root.activity_id
    assert (reply.thread_id, reply.text) == (root.activity_id, " sync pr")
    place = root.conversation
    assert place.kind is ConversationKind.CHANNEL
    assert (place.id, place.channel_id) == (channel.id, channel.id)
    assert place.team_name == "Payments"
    assert channel.team and place.team_id == channel.team.id
    assert (place.tenant_id, place.service_url) == (TENANT_ID, teams.service_url)
    assert (root.sender.id, root.sender.name) == (maya.id, "Maya Sample")
    assert root.sender.aad_object_id == maya.object_id
    assert root.timezone == "Europe/Berlin"


async def test_only_the_bots_mention_is_taken_out_and_only_once(
    bot: ListeningBot, teams: TeamsSandbox, maya: TeamsPerson, channel: Conversation
) -> None:
    text = "<at>Pullcord</at>\xa0assign to Pullcordia and quote <at>Pullcord</at>"
    await teams.say(maya, channel, text)
    assert isinstance(bot.event, MessageReceived)
    assert bot.event.text == text.removeprefix("<at>Pullcord</at>")


async def test_another_persons_mention_stays(teams: TeamsSandbox, activity: dict[str, Any]) -> None:
    jonas = {"type": "mention", "text": "<at>Jonas</at>", "mentioned": {"id": "29:jonas"}}
    event = event_of({**activity, "text": "ask <at>Jonas</at>", "entities": [jonas]})
    assert isinstance(event, MessageReceived)
    assert event.text == "ask <at>Jonas</at>"


async def test_personal_and_group_chats_have_no_threads(
    bot: ListeningBot, teams: TeamsSandbox, maya: TeamsPerson
) -> None:
    group = teams.add_group_chat([maya])
    await teams.install(group)
    bot.events.clear()
    await teams.say(maya, group, "prs")
    await teams.say(maya, teams.personal_chat(maya), "prs")
    kinds = [e.conversation.kind for e in bot.events]
    assert kinds == [ConversationKind.GROUP, ConversationKind.PERSONAL]
    assert [e.thread_id for e in bot.events if isinstance(e, MessageReceived)] == ["", ""]


async def test_an_edit_is_marked_and_a_deletion_or_reaction_ignored(
    bot: ListeningBot, teams: TeamsSandbox, maya: TeamsPerson
) -> None:
    said = await teams.say(maya, teams.personal_chat(maya), "hlep")
    assert said.message
    await teams.edit_message(maya, said.message, "help")
    deleted = await teams.delete_message(maya, said.message)
    _, edited = bot.events
    assert isinstance(edited, MessageReceived)
    assert (edited.text, edited.is_edit) == ("help", True)
    assert deleted.status == 200
    reaction = {**said.activity, "type": "messageReaction", "reactionsAdded": [{"type": "like"}]}
    assert (await teams.post(reaction)).status == 200
    undeleted = {
        **said.activity,
        "type": "messageUpdate",
        "channelData": {**said.activity["channelData"], "eventType": "undeleteMessage"},
    }
    assert (await teams.post(undeleted)).status == 200
    assert len(bot.events) == 2


async def test_action_submit_is_a_press_with_the_verb_of_its_data(
    bot: ListeningBot, teams: TeamsSandbox, activity: dict[str, Any]
) -> None:
    value = {"verb": "choose_repo", "repo": "payments", "note": "typed"}
    submit = {**activity, "value": value, "replyToId": "1700"}
    submit.pop("text")
    await teams.post(submit)
    assert isinstance(bot.event, CardActionPressed)
    assert (bot.event.verb, bot.event.data) == ("choose_repo", value)
    assert bot.event.message_id == "1700"


async def test_installing_and_removing_is_told_for_every_kind_of_place(
    bot: ListeningBot, teams: TeamsSandbox, maya: TeamsPerson
) -> None:
    jonas = teams.add_person("Jonas Sample", "jonas@example.com")
    team = teams.add_team("Payments", [maya])
    for place in (jonas, team, teams.add_group_chat([maya, jonas])):
        bot.events.clear()
        await teams.install(place)
        assert bot.events
        assert {type(event) for event in bot.events} == {BotInstalled}
        bot.events.clear()
        await teams.uninstall(place)
        assert bot.events
        assert {type(event) for event in bot.events} == {BotRemoved}


async def test_members_who_join_and_leave_are_told(
    bot: ListeningBot, teams: TeamsSandbox, team: Team
) -> None:
    jonas = teams.add_person("Jonas Sample", "jonas@example.com")
    await teams.add_member(team, jonas)
    await teams.remove_member(team, jonas)
    joined, left = bot.events
    assert isinstance(joined, MembersChanged) and isinstance(left, MembersChanged)
    assert [user.id for user in joined.added] == [jonas.id]
    assert [user.id for user in left.removed] == [jonas.id]


async def test_a_renamed_or_deleted_channel_names_that_channel_and_not_general(
    bot: ListeningBot, teams: TeamsSandbox, team: Team, channel: Conversation
) -> None:
    await teams.rename_channel(channel, "Code reviews")
    await teams.delete_channel(channel)
    await teams.rename_team(team, "Payments EU")
    renamed, deleted, team_renamed = bot.events
    for event in (renamed, deleted, team_renamed):
        assert isinstance(event, ConversationChanged)
    assert isinstance(renamed, ConversationChanged)
    assert (renamed.change, renamed.name) == ("channelRenamed", "Code reviews")
    assert renamed.conversation.id == channel.id
    assert isinstance(deleted, ConversationChanged) and isinstance(
        team_renamed, ConversationChanged
    )
    assert (deleted.change, deleted.conversation.id) == ("channelDeleted", channel.id)
    assert (team_renamed.change, team_renamed.name) == ("teamRenamed", "Payments EU")


def test_an_event_without_id_gets_the_same_id_each_time_it_comes() -> None:
    update = {
        "type": "conversationUpdate",
        "serviceUrl": "https://smba.trafficmanager.net/amer/",
        "conversation": {"id": "19:a@thread.tacv2", "conversationType": "channel"},
        "recipient": {"id": "28:bot"},
        "membersAdded": [{"id": "29:maya"}],
    }
    first, again = event_of(update), event_of(dict(update))
    other = event_of({**update, "membersAdded": [{"id": "29:jonas"}]})
    assert isinstance(first, MembersChanged) and isinstance(again, MembersChanged)
    assert isinstance(other, MembersChanged)
    assert first.activity_id == again.activity_id != other.activity_id
