"""The outbound API: what the bot may send, and how it is refused."""

from typing import Any
from urllib.parse import quote

import pytest

from adapters.sandbox.teams import Conversation, TeamsPerson, TeamsSandbox
from tests.adapters.sandbox.teams.conftest import APP_ID, TENANT_ID, ConnectorClient, SampleBot

HELLO = {"type": "message", "text": "Hello"}


def card(text: str) -> dict[str, Any]:
    content = {"type": "AdaptiveCard", "body": [{"type": "TextBlock", "text": text}]}
    kind = "application/vnd.microsoft.card.adaptive"
    return {"type": "message", "attachments": [{"contentType": kind, "content": content}]}


def activities(conversation: Conversation, thread: str = "") -> str:
    suffix = f";messageid={thread}" if thread else ""
    return f"v3/conversations/{quote(conversation.id + suffix, safe='')}/activities"


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


def personal(person: TeamsPerson, **changes: Any) -> dict[str, Any]:
    account = {"id": f"28:{APP_ID}"}
    return {"bot": account, "members": [{"id": person.id}], "tenantId": TENANT_ID} | changes


async def test_a_personal_chat_has_the_same_id_however_often_it_is_created(
    client: ConnectorClient, chat: Conversation, maya: TeamsPerson
) -> None:
    first = await client.call("POST", "v3/conversations", personal(maya))
    by_object_id = personal(maya, members=[{"id": maya.object_id}])

    assert first == (201, {"id": chat.id})
    assert await client.call("POST", "v3/conversations", by_object_id) == first


async def test_a_chat_can_be_created_with_its_first_message(
    client: ConnectorClient, chat: Conversation, maya: TeamsPerson
) -> None:
    status, body = await client.call("POST", "v3/conversations", personal(maya, activity=HELLO))

    assert status == 201
    assert [m.activity_id for m in chat.messages] == [body["activityId"]]


async def test_a_person_without_the_app_cannot_be_written_to(
    client: ConnectorClient, bot: SampleBot, maya: TeamsPerson
) -> None:
    status, body = await client.call("POST", "v3/conversations", personal(maya))

    assert (status, body["error"]["code"]) == (403, "ForbiddenOperationException")


async def test_a_person_who_blocked_the_bot_cannot_be_written_to(
    sandbox: TeamsSandbox, client: ConnectorClient, chat: Conversation, maya: TeamsPerson
) -> None:
    sandbox.block(maya)

    for path, body in (("v3/conversations", personal(maya)), (activities(chat), HELLO)):
        status, answer = await client.call("POST", path, body)
        assert (status, answer["error"]["code"]) == (403, "ConversationBlockedByUser")
    sandbox.unblock(maya)
    assert (await client.call("POST", activities(chat), HELLO))[0] == 201


@pytest.mark.parametrize(
    "changes",
    [{"tenantId": None}, {"isGroup": True}, {"members": []}, {"members": [{"id": "29:nobody"}]}],
)
async def test_a_conversation_that_cannot_be_is_refused(
    client: ConnectorClient, chat: Conversation, maya: TeamsPerson, changes: dict[str, Any]
) -> None:
    status, _ = await client.call("POST", "v3/conversations", personal(maya, **changes))

    assert status == 400


async def test_a_channel_gets_root_posts_and_replies_in_their_threads(
    client: ConnectorClient, channel: Conversation
) -> None:
    _, root = await client.call("POST", activities(channel), card("Pull request 17"))
    _, by_id = await client.call("POST", f"{activities(channel)}/{root['id']}", HELLO)
    _, by_thread = await client.call("POST", activities(channel, root["id"]), HELLO)
    _, below = await client.call("POST", f"{activities(channel)}/{by_id['id']}", HELLO)

    [post] = channel.messages
    assert post.activity_id == root["id"]
    assert [r.activity_id for r in post.replies] == [by_id["id"], by_thread["id"], below["id"]]
    assert all(reply.root is post for reply in post.replies)


async def test_a_new_thread_can_be_created_by_naming_the_channel(
    client: ConnectorClient, channel: Conversation
) -> None:
    body = {"isGroup": True, "channelData": {"channel": {"id": channel.id}}, "activity": HELLO}
    status, made = await client.call("POST", "v3/conversations", body)

    assert (status, made["id"]) == (201, f"{channel.id};messageid={made['activityId']}")
    assert channel.message(made["activityId"]) is channel.messages[0]


async def test_a_reply_in_a_personal_chat_stands_like_any_message(
    client: ConnectorClient, chat: Conversation
) -> None:
    _, first = await client.call("POST", activities(chat), HELLO)
    await client.call("POST", f"{activities(chat)}/{first['id']}", HELLO)

    assert [message.replies for message in chat.messages] == [[], []]


async def test_an_update_replaces_the_card_and_keeps_the_versions(
    client: ConnectorClient, channel: Conversation
) -> None:
    _, sent = await client.call("POST", activities(channel), card("open"))
    path = f"{activities(channel, sent['id'])}/{sent['id']}"

    assert await client.call("PUT", path, card("merged")) == (200, {"id": sent["id"]})
    [message] = channel.messages
    assert message.card == card("merged")["attachments"][0]["content"]
    assert message.versions == [card("open"), card("merged")]


async def test_a_deleted_message_can_be_neither_updated_nor_answered(
    client: ConnectorClient, channel: Conversation
) -> None:
    _, sent = await client.call("POST", activities(channel), HELLO)
    path = f"{activities(channel)}/{sent['id']}"

    assert await client.call("DELETE", path) == (200, None)
    for method in ("PUT", "POST", "DELETE"):
        status, body = await client.call(method, path, HELLO)
        assert (status, body["error"]["code"]) == (404, "ActivityNotFoundInConversation")
    assert channel.messages[0].deleted


async def test_a_persons_message_is_not_the_bots_to_change(
    sandbox: TeamsSandbox, client: ConnectorClient, chat: Conversation, maya: TeamsPerson
) -> None:
    said = (await sandbox.say(maya, chat, "help")).message
    assert said is not None

    status, body = await client.call("PUT", f"{activities(chat)}/{said.activity_id}", HELLO)
    assert (status, body["error"]["code"]) == (403, "NotEnoughPermissions")
    assert said.text == "help"


async def test_typing_is_seen_and_leaves_no_message(
    sandbox: TeamsSandbox, client: ConnectorClient, chat: Conversation
) -> None:
    status, _ = await client.call("POST", activities(chat), {"type": "typing"})

    assert status == 201
    assert len(chat.typing) == 1
    assert chat.messages == []


@pytest.mark.parametrize(
    "body",
    [
        {"text": "no type"},
        {"type": "message"},
        {"type": "handoff"},
        ["not", "an object"],
        {"type": "message", "attachments": [{"content": {}}]},
        {"type": "message", "attachments": "none"},
        {
            "type": "message",
            "attachments": [
                {"contentType": "application/vnd.microsoft.card.adaptive", "content": {}}
            ],
        },
    ],
)
async def test_a_body_that_is_no_message_is_refused(
    client: ConnectorClient, chat: Conversation, body: Any
) -> None:
    status, answer = await client.call("POST", activities(chat), body)

    assert status == 400
    assert answer["error"]["code"] in ("BadSyntax", "BadArgument")
    assert chat.messages == []


async def test_a_message_over_the_size_limit_is_refused_counted_as_utf16(
    sandbox: TeamsSandbox, client: ConnectorClient, chat: Conversation
) -> None:
    status, body = await client.call("POST", activities(chat), HELLO | {"text": "x" * 41_000})
    assert (status, body["error"]["code"]) == (413, "MessageSizeTooBig")

    assert (await client.call("POST", activities(chat), HELLO | {"text": "x" * 40_000}))[0] == 201
    sandbox.connector.message_limit_bytes = 1_000
    assert (await client.call("POST", activities(chat), HELLO | {"text": "x" * 500}))[0] == 413


@pytest.mark.parametrize("token", ["", "eyJhbGciOiJub25lIn0.e30."])
async def test_without_a_token_that_was_issued_nothing_is_accepted(
    sandbox: TeamsSandbox, client: ConnectorClient, chat: Conversation, token: str
) -> None:
    client.token = token
    for method, path in (
        ("POST", "v3/conversations"),
        ("POST", activities(chat)),
        ("PUT", f"{activities(chat)}/1"),
        ("DELETE", f"{activities(chat)}/1"),
        ("GET", f"v3/conversations/{chat.id}/members"),
        ("GET", "v3/teams/19:x"),
    ):
        assert (await client.call(method, path, HELLO))[0] == 401, (method, path)
    assert chat.messages == []


async def test_a_revoked_token_is_refused(
    sandbox: TeamsSandbox, client: ConnectorClient, chat: Conversation
) -> None:
    sandbox.login.revoke_tokens()

    assert (await client.call("POST", activities(chat), HELLO))[0] == 401


async def test_after_removal_the_channel_is_forbidden(
    sandbox: TeamsSandbox, client: ConnectorClient, channel: Conversation
) -> None:
    assert channel.team is not None
    await sandbox.uninstall(channel.team)

    status, body = await client.call("POST", activities(channel), HELLO)
    assert (status, body["error"]["code"]) == (403, "BotNotInConversationRoster")


async def test_a_deleted_or_unknown_channel_is_not_found(
    sandbox: TeamsSandbox, client: ConnectorClient, channel: Conversation
) -> None:
    await sandbox.delete_channel(channel)

    for path in (activities(channel), "v3/conversations/19:nowhere@thread.tacv2/activities"):
        status, body = await client.call("POST", path, HELLO)
        assert (status, body["error"]["code"]) == (404, "ConversationNotFound")


async def test_a_private_channel_is_separate_from_its_team(
    sandbox: TeamsSandbox, client: ConnectorClient, channel: Conversation
) -> None:
    assert channel.team is not None
    private = sandbox.add_channel(channel.team, "Leads", "private")
    assert (await client.call("POST", activities(private), HELLO))[0] == 403

    await sandbox.install(private)
    assert (await client.call("POST", activities(private), HELLO))[0] == 201


async def test_requests_are_recorded_with_time_path_as_sent_and_answer(
    sandbox: TeamsSandbox, client: ConnectorClient, channel: Conversation
) -> None:
    await client.call("POST", activities(channel), HELLO)

    [request] = sandbox.connector_requests("POST")
    assert "19%3A" in request.raw_path
    assert "19:" in request.path
    assert (request.body, request.status) == (HELLO, 201)
    assert request.headers["Authorization"] == f"Bearer {client.token}"


async def test_mentions_are_those_that_teams_would_show(
    client: ConnectorClient, chat: Conversation, maya: TeamsPerson
) -> None:
    def mention(name: str, who: str) -> dict[str, Any]:
        return {"type": "mention", "text": f"<at>{name}</at>", "mentioned": {"id": who}}

    message = card("Hi <at>Maya</at>, ask <at>Nobody</at>")
    entities = [
        mention("Maya", maya.user_principal_name.upper()),
        mention("Nobody", "29:nobody"),
        mention("Absent", maya.id),
    ]
    message["attachments"][0]["content"]["msteams"] = {"entities": entities}
    await client.call("POST", activities(chat), message)

    shown = [(found.text, found.person) for found in chat.messages[0].mentions]
    assert shown == [("<at>Maya</at>", maya), ("<at>Nobody</at>", None)]
