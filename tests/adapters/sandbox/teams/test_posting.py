"""Sending to the bot: again after 15 s, with any body, and to a bot that is not there."""

import asyncio

import pytest

from adapters.sandbox.teams import Conversation, TeamsPerson, TeamsSandbox
from tests.adapters.sandbox.teams.conftest import (
    APP_ID,
    APP_PASSWORD,
    TENANT_ID,
    ConnectorClient,
    ManualClock,
    SampleBot,
)


@pytest.fixture
def maya(sandbox: TeamsSandbox) -> TeamsPerson:
    return sandbox.add_person("Maya Sample", "maya@example.com")


@pytest.fixture
async def chat(sandbox: TeamsSandbox, bot: SampleBot, maya: TeamsPerson) -> Conversation:
    await sandbox.install(maya)
    bot.activities.clear()
    return sandbox.personal_chat(maya)


async def test_without_an_answer_for_15_s_the_same_activity_comes_again(
    sandbox: TeamsSandbox,
    bot: SampleBot,
    chat: Conversation,
    maya: TeamsPerson,
    clock: ManualClock,
) -> None:
    answer_now = asyncio.Event()

    async def wait() -> None:
        await answer_now.wait()

    bot.before_answer = wait
    saying = asyncio.create_task(sandbox.say(maya, chat, "start ticket 123"))
    await bot.wait_until_heard(1)
    clock.advance(14)
    assert len(bot.activities) == 1
    clock.advance(1)
    await bot.wait_until_heard(2)
    answer_now.set()
    answer = await saying

    assert bot.activities[0] == bot.activities[1]
    assert (answer.status, answer.attempts) == (200, 2)
    assert len(chat.messages) == 1


async def test_after_the_second_15_s_teams_gives_up(
    sandbox: TeamsSandbox,
    bot: SampleBot,
    chat: Conversation,
    maya: TeamsPerson,
    clock: ManualClock,
) -> None:
    bot.before_answer = asyncio.Event().wait  # type: ignore[assignment]  # never set
    saying = asyncio.create_task(sandbox.say(maya, chat, "help"))
    await bot.wait_until_heard(1)
    clock.advance(15)
    await bot.wait_until_heard(2)
    clock.advance(15)
    answer = await saying

    assert (answer.status, answer.attempts) == (None, 2)
    assert "15 s" in answer.error


async def test_an_invoke_is_not_sent_again(
    sandbox: TeamsSandbox,
    bot: SampleBot,
    chat: Conversation,
    maya: TeamsPerson,
    clock: ManualClock,
) -> None:
    bot.before_answer = asyncio.Event().wait  # type: ignore[assignment]  # never set
    pressing = asyncio.create_task(sandbox.invoke(maya, chat, "adaptiveCard/action", {}))
    await bot.wait_until_heard(1)
    clock.advance(15)
    answer = await pressing

    assert (answer.status, answer.attempts) == (None, 1)
    assert len(bot.activities) == 1


async def test_an_activity_can_be_sent_again_by_hand(
    sandbox: TeamsSandbox, bot: SampleBot, chat: Conversation, maya: TeamsPerson
) -> None:
    first = await sandbox.say(maya, chat, "help")
    await sandbox.resend(first.activity)

    assert bot.activities[0] == bot.activities[1]
    assert len(sandbox.answers) == 4  # two of the installation


async def test_any_body_with_any_token_can_be_sent(sandbox: TeamsSandbox, bot: SampleBot) -> None:
    bot.status = 401
    assert (await sandbox.post({"type": "message"}, token="")).status == 401
    assert (await sandbox.post({}, token="", headers={"Authorization": "Bearer x"})).status == 401
    assert (await sandbox.post(b"not json")).status == 500

    assert bot.tokens == ["", "Bearer x"]


async def test_a_bot_that_is_down_gives_an_answer_without_a_status(
    sandbox: TeamsSandbox, bot: SampleBot, chat: Conversation, maya: TeamsPerson
) -> None:
    await sandbox.connect("http://127.0.0.1:9/api/messages")
    answer = await sandbox.say(maya, chat, "help")

    assert answer.status is None
    assert "ClientConnectorError" in answer.error


async def test_without_connect_the_mistake_is_named(
    sandbox: TeamsSandbox, maya: TeamsPerson
) -> None:
    with pytest.raises(RuntimeError, match="connect"):
        await sandbox.install(maya)


async def test_activity_ids_differ_even_when_no_time_passes(
    sandbox: TeamsSandbox, bot: SampleBot, chat: Conversation, maya: TeamsPerson
) -> None:
    ids = [(await sandbox.say(maya, chat, "help")).activity["id"] for _ in range(5)]

    assert len(set(ids)) == 5


async def test_a_restart_keeps_port_state_keys_and_tokens(
    sandbox: TeamsSandbox,
    bot: SampleBot,
    client: ConnectorClient,
    chat: Conversation,
    maya: TeamsPerson,
) -> None:
    said = (await sandbox.say(maya, chat, "help")).message
    url, key = sandbox.service_url, sandbox.issuer.key
    await sandbox.stop()
    await sandbox.start()

    assert (sandbox.service_url, sandbox.issuer.key) == (url, key)
    assert chat.messages == [said]
    hello = {"type": "message", "text": "Hello"}
    assert (await client.call("POST", f"v3/conversations/{chat.id}/activities", hello))[0] == 201
    assert (await sandbox.say(maya, chat, "again")).status == 200


async def test_before_the_start_there_is_no_address() -> None:
    teams = TeamsSandbox(app_id=APP_ID, app_password=APP_PASSWORD, tenant_id=TENANT_ID)

    with pytest.raises(RuntimeError, match="start"):
        _ = teams.service_url


async def test_waiting_ends_with_the_change_and_fails_with_what_was_missing(
    sandbox: TeamsSandbox,
    bot: SampleBot,
    client: ConnectorClient,
    chat: Conversation,
) -> None:
    waiting = asyncio.create_task(sandbox.wait_for(lambda: list(chat.messages)))
    hello = {"type": "message", "text": "Hello"}
    await client.call("POST", f"v3/conversations/{chat.id}/activities", hello)

    assert await waiting == chat.messages
    with pytest.raises(TimeoutError, match="a second message"):
        await sandbox.wait_for(lambda: len(chat.messages) > 1, 0.01, "a second message")
