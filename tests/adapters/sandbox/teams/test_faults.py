"""Faults on purpose, seen from the bot's side of the connection."""

import asyncio
from urllib.parse import quote

import aiohttp
import pytest

from adapters.sandbox.teams import Conversation, TeamsSandbox
from adapters.sandbox.teams.issuer import KEYS_PATH, METADATA_PATH
from tests.adapters.sandbox.teams.conftest import ConnectorClient, ManualClock, SampleBot

HELLO = {"type": "message", "text": "Hello"}


@pytest.fixture
async def chat(sandbox: TeamsSandbox, bot: SampleBot) -> Conversation:
    maya = sandbox.add_person("Maya Sample", "maya@example.com")
    await sandbox.install(maya)
    return sandbox.personal_chat(maya)


def path_of(chat: Conversation) -> str:
    return f"v3/conversations/{quote(chat.id, safe='')}/activities"


async def test_an_error_answer_befalls_so_many_requests_and_has_no_effect(
    sandbox: TeamsSandbox, client: ConnectorClient, chat: Conversation
) -> None:
    fault = sandbox.faults.add(
        method="post",
        path="/activities",
        status=429,
        headers={"Retry-After": "3"},
        body={"error": {"code": "Throttled"}},
        times=2,
    )
    answers = [await client.call_with_headers("POST", path_of(chat), HELLO) for _ in range(3)]

    assert [status for status, _, _ in answers] == [429, 429, 201]
    assert answers[0][1] == {"error": {"code": "Throttled"}}
    assert answers[0][2]["Retry-After"] == "3"
    assert len(chat.messages) == 1
    assert fault.hits == 2


async def test_a_fault_looks_at_method_and_path(
    sandbox: TeamsSandbox, client: ConnectorClient, chat: Conversation
) -> None:
    sandbox.faults.add(method="PUT", status=503)
    sandbox.faults.add(path="/v3/teams", status=503)
    # The path matches decoded as well as as sent.
    sandbox.faults.add(path=f"conversations/{chat.id}/members", status=502)

    assert (await client.call("POST", path_of(chat), HELLO))[0] == 201
    assert (await client.call("PUT", path_of(chat) + "/1", HELLO))[0] == 503
    assert (await client.call("GET", path_of(chat).replace("activities", "members")))[0] == 502


async def test_an_answer_lost_after_the_effect_leaves_the_message(
    sandbox: TeamsSandbox, client: ConnectorClient, chat: Conversation
) -> None:
    sandbox.faults.add(path="/activities", status=502, after=True, times=1)

    assert (await client.call("POST", path_of(chat), HELLO))[0] == 502
    assert len(chat.messages) == 1


@pytest.mark.parametrize(("after", "messages"), [(False, 0), (True, 1)])
async def test_a_dropped_connection_gives_no_answer(
    sandbox: TeamsSandbox,
    client: ConnectorClient,
    chat: Conversation,
    after: bool,
    messages: int,
) -> None:
    sandbox.faults.add(path="/activities", drop=True, after=after, times=1)

    with pytest.raises(aiohttp.ClientConnectionError):
        await client.call("POST", path_of(chat), HELLO)
    assert len(chat.messages) == messages
    assert sandbox.connector_requests("POST")[-1].status is None


async def test_a_held_answer_comes_when_released_and_the_effect_was_before(
    sandbox: TeamsSandbox, client: ConnectorClient, chat: Conversation
) -> None:
    """What CHECKS 2 needs: the message is there, the bot does not know."""
    held = sandbox.faults.hold(path="/activities")
    sending = asyncio.create_task(client.call("POST", path_of(chat), HELLO))
    await held.reached()

    assert len(chat.messages) == 1
    assert not sending.done()
    held.release()
    assert (await sending)[0] == 201
    assert (await client.call("POST", path_of(chat), HELLO))[0] == 201


async def test_a_hang_ends_when_the_sandbox_stops_and_has_no_effect(
    sandbox: TeamsSandbox, client: ConnectorClient, chat: Conversation
) -> None:
    hang = sandbox.faults.add(path="/activities", hang=True)
    sending = asyncio.create_task(client.call("POST", path_of(chat), HELLO))
    await hang.reached()
    await sandbox.stop()

    with pytest.raises(aiohttp.ClientError):
        await sending
    assert chat.messages == []


async def test_a_slow_answer_waits_on_the_sandboxs_clock(
    sandbox: TeamsSandbox, client: ConnectorClient, chat: Conversation, clock: ManualClock
) -> None:
    slow = sandbox.faults.add(path="/activities", delay_s=30.0)
    sending = asyncio.create_task(client.call("POST", path_of(chat), HELLO))
    await slow.reached()
    assert chat.messages == []

    clock.advance(30)
    assert (await sending)[0] == 201


async def test_the_issuer_and_the_login_can_fail_too(
    sandbox: TeamsSandbox, client: ConnectorClient
) -> None:
    sandbox.faults.add(path=KEYS_PATH, status=500, body="down")
    sandbox.faults.add(path=METADATA_PATH, drop=True)
    sandbox.faults.add(path="/oauth2/", status=503)

    async with client.session.get(sandbox.login_url + KEYS_PATH) as response:
        assert (response.status, await response.text()) == (500, "down")
    with pytest.raises(aiohttp.ClientConnectionError):
        await client.session.get(sandbox.openid_metadata_url)
    with pytest.raises(AssertionError):
        await client.log_in()
    assert (sandbox.issuer.keys_fetches, sandbox.issuer.metadata_fetches) == (0, 0)


async def test_cleared_faults_are_over(
    sandbox: TeamsSandbox, client: ConnectorClient, chat: Conversation
) -> None:
    sandbox.faults.add(status=503)
    held = sandbox.faults.hold()
    sandbox.faults.clear()

    assert (await client.call("POST", path_of(chat), HELLO))[0] == 201
    assert held.hits == 0
