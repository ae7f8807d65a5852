"""What people do, as the bot hears it."""

from typing import Any
from urllib.parse import quote

import pytest

from adapters.sandbox.teams import Conversation, Message, TeamsPerson, TeamsSandbox
from tests.adapters.sandbox.teams.conftest import TENANT_ID, ConnectorClient, SampleBot

CARD_KIND = "application/vnd.microsoft.card.adaptive"
CARD = {
    "type": "AdaptiveCard",
    "version": "1.5",
    "body": [
        {"type": "TextBlock", "text": "Pull request 17"},
        {"type": "Input.Text", "id": "comment", "value": "as before"},
        {"type": "Input.Toggle", "id": "draft", "title": "Draft"},
        {
            "type": "ActionSet",
            "actions": [
                {
                    "type": "Action.Execute",
                    "title": "Sync",
                    "verb": "sync",
                    "data": {"pr": 17, "type": "Action.Execute", "title": "not a button"},
                }
            ],
        },
    ],
    "actions": [
        {"type": "Action.Submit", "title": "Start", "data": {"start": 123}},
        {"type": "Action.OpenUrl", "title": "Open", "url": "https://example.com/17"},
        {
            "type": "Action.Submit",
            "title": "Help",
            "data": {"msteams": {"type": "imBack", "value": "help"}},
        },
        {
            "type": "Action.Submit",
            "title": "Ask",
            "data": {"msteams": {"type": "messageBack", "text": "ask", "value": {"a": 1}}},
        },
        {"type": "Action.Submit", "title": "Task", "data": {"msteams": {"type": "task/fetch"}}},
    ],
}


@pytest.fixture
def maya(sandbox: TeamsSandbox) -> TeamsPerson:
    return sandbox.add_person("Maya Sample", "maya@example.com")


@pytest.fixture
async def chat(sandbox: TeamsSandbox, bot: SampleBot, maya: TeamsPerson) -> Conversation:
    await sandbox.install(maya)
    return sandbox.personal_chat(maya)


@pytest.fixture
async def channel(sandbox: TeamsSandbox, bot: SampleBot, maya: TeamsPerson) -> Conversation:
    team = sandbox.add_team("Lighthouse")
    await sandbox.install(team)
    return sandbox.add_channel(team, "Reviews")


async def posted_card(client: ConnectorClient, conversation: Conversation) -> Message:
    path = f"v3/conversations/{quote(conversation.id, safe='')}/activities"
    body = {"type": "message", "attachments": [{"contentType": CARD_KIND, "content": CARD}]}
    _, answer = await client.call("POST", path, body)
    message = conversation.message(answer["id"])
    assert message is not None
    return message


async def test_a_channel_message_mentions_the_bot_and_names_its_own_thread(
    sandbox: TeamsSandbox, bot: SampleBot, channel: Conversation, maya: TeamsPerson
) -> None:
    answer = await sandbox.say(maya, channel, "start ticket 123")
    sent = bot.last
    mention, client_info = sent["entities"]

    assert answer.status == 200
    assert sent == answer.activity
    assert sent["text"] == "<at>Pullcord</at> start ticket 123"
    assert mention["text"] == "<at>Pullcord</at>"
    assert mention["mentioned"] == sent["recipient"]
    assert client_info["type"] == "clientInfo"
    assert sent["textFormat"] == "plain"
    assert sent["from"] == {
        "id": maya.id,
        "name": "Maya Sample",
        "aadObjectId": maya.object_id,
    }
    assert sent["conversation"] == {
        "id": f"{channel.id};messageid={sent['id']}",
        "isGroup": True,
        "conversationType": "channel",
        "tenantId": TENANT_ID,
    }
    assert sent["channelData"]["channel"]["id"] == channel.id
    assert sent["channelData"]["tenant"] == {"id": TENANT_ID}
    assert sent["serviceUrl"] == sandbox.service_url
    assert sent["serviceUrl"].endswith("/amer/")
    assert sent["timestamp"] == "2026-03-02T09:30:00.000Z"
    assert channel.messages == [answer.message]


async def test_every_activity_comes_with_a_token_of_the_channel(
    sandbox: TeamsSandbox, bot: SampleBot, chat: Conversation, maya: TeamsPerson
) -> None:
    await sandbox.say(maya, chat, "help")

    assert bot.tokens[-1].startswith("Bearer eyJ")


async def test_a_personal_message_has_no_mention_and_no_thread(
    sandbox: TeamsSandbox, bot: SampleBot, chat: Conversation, maya: TeamsPerson
) -> None:
    await sandbox.say(maya, chat, "help")

    assert bot.last["text"] == "help"
    assert [entity["type"] for entity in bot.last["entities"]] == ["clientInfo"]
    assert bot.last["conversation"]["id"] == chat.id
    assert "team" not in bot.last["channelData"]


async def test_a_reply_stands_in_the_thread_of_the_root(
    sandbox: TeamsSandbox, bot: SampleBot, channel: Conversation, maya: TeamsPerson
) -> None:
    first = (await sandbox.say(maya, channel, "prs")).message
    assert first is not None
    second = (await sandbox.say(maya, channel, "more", reply_to=first)).message
    third = (await sandbox.say(maya, channel, "<at>Pullcord</at>&nbsp;x", reply_to=second)).message

    assert first.replies == [second, third]
    assert bot.last["conversation"]["id"] == f"{channel.id};messageid={first.activity_id}"
    assert bot.last["text"] == "<at>Pullcord</at>&nbsp;x"


async def test_without_a_mention_a_channel_message_stays_among_people(
    sandbox: TeamsSandbox, bot: SampleBot, channel: Conversation, maya: TeamsPerson
) -> None:
    heard = len(bot.activities)
    answer = await sandbox.say(maya, channel, "lunch?", mention=False)

    assert (answer.status, answer.attempts) == (None, 0)
    assert len(bot.activities) == heard
    assert channel.messages[0].text == "lunch?"


async def test_the_local_time_is_the_persons(
    sandbox: TeamsSandbox, bot: SampleBot, chat: Conversation
) -> None:
    pytest.importorskip("zoneinfo").ZoneInfo("Europe/Berlin")
    jonas = sandbox.add_person("Jonas Sample", "jonas@example.com", time_zone="Europe/Berlin")
    await sandbox.install(jonas)
    await sandbox.say(jonas, sandbox.personal_chat(jonas), "help")

    assert bot.last["localTimestamp"] == "2026-03-02T10:30:00.000+01:00"
    assert bot.last["entities"][0]["timezone"] == "Europe/Berlin"


async def test_a_person_of_another_tenant_brings_that_tenant(
    sandbox: TeamsSandbox, bot: SampleBot
) -> None:
    other = sandbox.add_person("Olga Other", "olga@example.net", tenant_id="other-tenant")
    await sandbox.install(other)
    await sandbox.say(other, sandbox.personal_chat(other), "help")

    assert bot.last["channelData"]["tenant"] == {"id": "other-tenant"}
    assert bot.last["conversation"]["tenantId"] == "other-tenant"


async def test_an_edit_has_the_same_id_and_the_mention(
    sandbox: TeamsSandbox, bot: SampleBot, channel: Conversation, maya: TeamsPerson
) -> None:
    said = (await sandbox.say(maya, channel, "start ticket 12")).message
    assert said is not None
    await sandbox.edit_message(maya, said, "start ticket 123")

    assert (bot.last["type"], bot.last["id"]) == ("messageUpdate", said.activity_id)
    assert bot.last["channelData"]["eventType"] == "editMessage"
    assert bot.last["text"] == said.text == "<at>Pullcord</at> start ticket 123"
    assert len(said.versions) == 2


async def test_a_message_taken_back_is_told(
    sandbox: TeamsSandbox, bot: SampleBot, chat: Conversation, maya: TeamsPerson
) -> None:
    said = (await sandbox.say(maya, chat, "help")).message
    assert said is not None
    await sandbox.delete_message(maya, said)

    assert (bot.last["type"], bot.last["id"]) == ("messageDelete", said.activity_id)
    assert bot.last["channelData"]["eventType"] == "softDeleteMessage"
    assert said.deleted


async def test_an_execute_button_sends_an_invoke_with_data_and_inputs(
    sandbox: TeamsSandbox,
    bot: SampleBot,
    client: ConnectorClient,
    channel: Conversation,
    maya: TeamsPerson,
) -> None:
    message = await posted_card(client, channel)
    await sandbox.press(maya, message, "sync", {"comment": "now"})

    assert (bot.last["type"], bot.last["name"]) == ("invoke", "adaptiveCard/action")
    assert bot.last["value"] == {
        "action": {
            "type": "Action.Execute",
            "title": "Sync",
            "id": "",
            "verb": "sync",
            "data": {
                "pr": 17,
                "type": "Action.Execute",
                "title": "not a button",
                "comment": "now",
                "draft": "",
            },
        },
        "trigger": "manual",
    }
    assert bot.last["replyToId"] == message.activity_id
    assert bot.last["conversation"]["id"].endswith(f";messageid={message.activity_id}")


async def test_a_card_answered_to_an_invoke_is_seen_by_that_person_until_the_next_update(
    sandbox: TeamsSandbox,
    bot: SampleBot,
    client: ConnectorClient,
    chat: Conversation,
    maya: TeamsPerson,
) -> None:
    jonas = sandbox.add_person("Jonas Sample", "jonas@example.com")
    message = await posted_card(client, chat)
    own = {"type": "AdaptiveCard", "body": []}
    bot.body = {"statusCode": 200, "type": CARD_KIND, "value": own}
    answer = await sandbox.press(maya, message, "Sync")

    assert answer.card == own
    assert message.card_for(maya) == own
    assert message.card_for(jonas) == CARD
    path = f"v3/conversations/{quote(chat.id, safe='')}/activities/{message.activity_id}"
    await client.call("PUT", path, message.activity)
    assert message.card_for(maya) == CARD


async def test_a_short_text_answered_to_an_invoke_is_a_notice(
    sandbox: TeamsSandbox,
    bot: SampleBot,
    client: ConnectorClient,
    chat: Conversation,
    maya: TeamsPerson,
) -> None:
    bot.body = {
        "statusCode": 200,
        "type": "application/vnd.microsoft.activity.message",
        "value": "Synced",
    }
    answer = await sandbox.press(maya, await posted_card(client, chat), "Sync")

    assert (answer.notice, answer.card) == ("Synced", None)


async def test_a_submit_button_sends_a_message_with_a_value_and_no_text(
    sandbox: TeamsSandbox,
    bot: SampleBot,
    client: ConnectorClient,
    chat: Conversation,
    maya: TeamsPerson,
) -> None:
    message = await posted_card(client, chat)
    await sandbox.press(maya, message, "Start", {"draft": "true"})

    assert bot.last["type"] == "message"
    assert "text" not in bot.last
    assert bot.last["value"] == {"start": 123, "comment": "as before", "draft": "true"}
    assert bot.last["replyToId"] == message.activity_id


async def test_submit_buttons_can_write_for_the_person(
    sandbox: TeamsSandbox,
    bot: SampleBot,
    client: ConnectorClient,
    chat: Conversation,
    maya: TeamsPerson,
) -> None:
    message = await posted_card(client, chat)
    await sandbox.press(maya, message, "Help")
    assert (bot.last["text"], chat.messages[-1].text) == ("help", "help")

    await sandbox.press(maya, message, "Ask")
    assert (bot.last["text"], bot.last["value"]) == ("ask", {"a": 1})
    with pytest.raises(ValueError, match="task/fetch"):
        await sandbox.press(maya, message, "Task")


@pytest.mark.parametrize(
    ("title", "inputs", "error", "says"),
    [
        ("Merge", {}, LookupError, "there are"),
        ("not a button", {}, LookupError, "no action"),
        ("Sync", {"colour": "red"}, LookupError, "comment"),
        ("Open", {}, ValueError, "OpenUrl"),
    ],
)
async def test_a_press_that_cannot_be_names_why(
    sandbox: TeamsSandbox,
    bot: SampleBot,
    client: ConnectorClient,
    chat: Conversation,
    maya: TeamsPerson,
    title: str,
    inputs: dict[str, str],
    error: type[Exception],
    says: str,
) -> None:
    message = await posted_card(client, chat)
    with pytest.raises(error, match=says):
        await sandbox.press(maya, message, title, inputs)


async def test_any_invoke_can_be_sent(
    sandbox: TeamsSandbox, bot: SampleBot, chat: Conversation, maya: TeamsPerson
) -> None:
    value: dict[str, Any] = {"url": "https://example.com/17"}
    await sandbox.invoke(maya, chat, "composeExtension/queryLink", value)

    assert (bot.last["name"], bot.last["value"]) == ("composeExtension/queryLink", value)
    assert "replyToId" not in bot.last


async def test_reactions_are_told_with_the_message_they_are_on(
    sandbox: TeamsSandbox,
    bot: SampleBot,
    client: ConnectorClient,
    chat: Conversation,
    maya: TeamsPerson,
) -> None:
    message = await posted_card(client, chat)
    await sandbox.react(maya, message, "heart")
    assert bot.last["type"] == "messageReaction"
    assert bot.last["reactionsAdded"] == [{"type": "heart"}]
    assert bot.last["replyToId"] == message.activity_id
    assert message.reactions == [(maya, "heart")]

    await sandbox.react(maya, message, "heart", added=False)
    assert bot.last["reactionsRemoved"] == [{"type": "heart"}]
    assert message.reactions == []
