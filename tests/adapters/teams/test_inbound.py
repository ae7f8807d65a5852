"""What gets through the door of /api/messages, over real HTTP with signed tokens."""

import asyncio
import gzip
import json
import logging
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest

from adapters.sandbox.teams import BotAnswer, TeamsPerson, TeamsSandbox
from adapters.teams import TeamsConfig
from bot.teams_model import ActionAnswer, CardActionPressed, MessageReceived
from tests.adapters.teams.listening_bot import (
    APP_PASSWORD,
    CannotKeep,
    ListeningBot,
    SetClock,
    config_for,
)

CARD = {"type": "AdaptiveCard", "version": "1.5", "body": []}
EXECUTE = {"action": {"type": "Action.Execute", "verb": "sync", "data": {"pr": 7}}}


async def _post_for(teams: TeamsSandbox, activity: dict[str, Any]) -> BotAnswer:
    """Send an activity with a token that is for its own service URL."""
    token = teams.issuer.mint(service_url=str(activity.get("serviceUrl")))
    return await teams.post(activity, token=token)


async def _press(teams: TeamsSandbox, maya: TeamsPerson, value: Any) -> BotAnswer:
    chat = teams.personal_chat(maya)
    return await teams.invoke(maya, chat, "adaptiveCard/action", value)


def test_an_empty_app_id_is_refused_before_anything_starts() -> None:
    with pytest.raises(ValueError, match="application id is empty"):
        TeamsConfig(app_id=" ")


def test_the_password_is_not_in_the_repr() -> None:
    assert APP_PASSWORD not in repr(TeamsConfig(app_id="a", app_password=APP_PASSWORD))


async def test_a_message_becomes_one_event_and_an_empty_200(
    bot: ListeningBot, teams: TeamsSandbox, maya: TeamsPerson
) -> None:
    answer = await teams.say(maya, teams.personal_chat(maya), "help")
    assert (answer.status, answer.body) == (200, None)
    assert isinstance(bot.event, MessageReceived)
    assert bot.event.text == "help"


async def test_a_warm_turn_calls_nobody(
    bot: ListeningBot, teams: TeamsSandbox, activity: dict[str, Any]
) -> None:
    for _ in range(3):
        assert (await teams.post(activity)).status == 200
    assert teams.requests == []


BENT: dict[str, dict[str, Any]] = {
    "no type": {"type": None},
    "no conversation": {"conversation": None},
    "no conversation id": {"conversation": {}},
    "conversation a list": {"conversation": []},
    "no channelId": {"channelId": None},
    "no serviceUrl": {"serviceUrl": None},
    "no id": {"id": None},
    "id a number": {"id": 5},
    "no sender": {"from": None},
    "text a number": {"text": 5},
    "entities a text": {"entities": "mention"},
    "channelData a list": {"channelData": ["tenant"]},
    "tenant a number": {"channelData": {"tenant": {"id": 1}}},
}


@pytest.mark.parametrize("change", BENT.values(), ids=BENT.keys())
async def test_a_bent_activity_is_answered_400(
    bot: ListeningBot, teams: TeamsSandbox, activity: dict[str, Any], change: dict[str, Any]
) -> None:
    assert (await teams.post({**activity, **change})).status == 400
    assert bot.events == []


# Whole bodies, or (after a comma) what is put at the end of a good activity.
HOSTILE_JSON: dict[str, bytes] = {
    "empty": b"",
    "null": b"null",
    "a list": b"[]",
    "a text": b'"hello"',
    "not JSON": b"{",
    "depth 100,000": b',"value":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "depth 100": b',"value":' + b"[" * 100 + b"]" * 100 + b"}",
    "malformed UTF-8": b',"value":"\xff\xfe"}',
    "NaN": b',"value":NaN}',
    "a 5,000-digit number": b',"value":' + b"9" * 5000 + b"}",
    "doubled keys": b',"text":"another"}',
    "deep doubled keys": b',"value":{"verb":"a","verb":"b"}}',
}


@pytest.mark.parametrize("hostile", HOSTILE_JSON.values(), ids=HOSTILE_JSON.keys())
async def test_check_15_hostile_json_is_answered_400_and_logged_once(
    bot: ListeningBot,
    teams: TeamsSandbox,
    activity: dict[str, Any],
    hostile: bytes,
    caplog: pytest.LogCaptureFixture,
) -> None:
    good = json.dumps(activity).encode()
    raw = good.removesuffix(b"}") + hostile if hostile.startswith(b",") else hostile
    with caplog.at_level(logging.INFO):
        assert (await teams.post(raw)).status == 400
    assert len([r for r in caplog.records if r.levelno >= logging.WARNING]) == 1
    assert bot.events == []


async def test_check_15_characters_that_cannot_be_stored_are_replaced(
    bot: ListeningBot, teams: TeamsSandbox, activity: dict[str, Any]
) -> None:
    raw = json.dumps({**activity, "text": "a\x00b \ud800 \U0001f600"}).encode()
    assert (await teams.post(raw)).status == 200
    assert isinstance(bot.event, MessageReceived)
    assert bot.event.text == "a\ufffdb \ufffd \U0001f600"


async def test_check_14_a_declared_50_mb_is_refused_before_a_byte_of_it(
    bot: ListeningBot, teams: TeamsSandbox
) -> None:
    parts = urlsplit(bot.url)
    assert parts.hostname and parts.port
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(
        b"POST /api/messages HTTP/1.1\r\nHost: bot\r\nContent-Type: application/json\r\n"
        b"Content-Length: 52428800\r\n\r\n"
    )
    await writer.drain()
    assert b" 413 " in await reader.readline()
    writer.close()


async def test_check_14_a_body_without_length_is_cut_off_at_the_limit(
    bot: ListeningBot, teams: TeamsSandbox, activity: dict[str, Any]
) -> None:
    """CHECKS 14: endless chunks get their 413 long before they end."""
    parts = urlsplit(bot.url)
    assert parts.hostname and parts.port
    token = teams.issuer.mint(service_url=teams.service_url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(
        b"POST /api/messages HTTP/1.1\r\nHost: bot\r\nContent-Type: application/json\r\n"
        b"Authorization: Bearer " + token.encode() + b"\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    for _ in range(5):  # 320 KB, and no end
        writer.write(chunk)
    await writer.drain()
    assert b" 413 " in await reader.readline()
    writer.close()
    assert bot.events == []


async def test_check_14_a_compressed_body_is_refused(
    bot: ListeningBot, teams: TeamsSandbox, activity: dict[str, Any]
) -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    answer = await teams.post(bomb, headers={"Content-Encoding": "gzip"})
    assert answer.status == 415
    assert bot.events == []


async def test_what_is_not_declared_as_json_is_refused(
    bot: ListeningBot, teams: TeamsSandbox, activity: dict[str, Any]
) -> None:
    answer = await teams.post(activity, headers={"Content-Type": "text/plain"})
    assert answer.status == 415


BAD_SERVICE_URLS = [
    "http://169.254.169.254/latest/",
    "https://169.254.169.254/",
    "http://localhost:1/",
    "https://smba.trafficmanager.net.evil/amer/",
    "https://evil/smba.trafficmanager.net/",
    "https://smba.trafficmanager.net@evil.example/",
    "https://user@smba.trafficmanager.net/",
    "https://evil.trafficmanager.net/",
    "http://smba.trafficmanager.net/amer/",
    "http://[::1]:80/",
    "https://[::ffff:7f00:1]/",
    "https://smba.trafficmanager.net:8443/",
    "https://smba.trafficmanager.net\\@evil.example/",
    "https://smba.trafficmanager.net/\r\nX: y",
    "https://botframework.com.evil/",
    "ftp://smba.trafficmanager.net/",
    "not a url",
]


@pytest.mark.parametrize("service_url", BAD_SERVICE_URLS)
async def test_check_19_a_service_url_elsewhere_is_refused_and_not_called(
    bot: ListeningBot, teams: TeamsSandbox, activity: dict[str, Any], service_url: str
) -> None:
    """CHECKS 19: even when the token is for exactly that address."""
    answer = await _post_for(teams, {**activity, "serviceUrl": service_url})
    assert answer.status == 403
    assert bot.events == []
    assert teams.requests == []


TENANTS: dict[str, tuple[str | None, str | None, int]] = {
    "both ours": ("own", "own", 200),
    "the conversation's only": ("own", None, 200),
    "channelData's only": (None, "own", 200),
    "none": (None, None, 403),
    "another": ("other", "other", 403),
    "ours and another": ("own", "other", 403),
    "another and ours": ("other", "own", 403),
}


@pytest.mark.parametrize(("told", "data", "status"), TENANTS.values(), ids=TENANTS.keys())
async def test_only_allowed_tenants_get_in(
    bot: ListeningBot,
    teams: TeamsSandbox,
    activity: dict[str, Any],
    told: str | None,
    data: str | None,
    status: int,
) -> None:
    own = activity["conversation"]["tenantId"]
    names = {"own": own.upper(), "other": "9d7c0000-0000-0000-0000-000000000000", None: None}
    bent = {
        **activity,
        "conversation": {**activity["conversation"], "tenantId": names[told]},
        "channelData": {"tenant": {"id": names[data]}},
    }
    assert (await teams.post(bent)).status == status
    assert len(bot.events) == (status == 200)


@pytest.mark.parametrize(("told", "status"), [("own", 200), ("other", 403)])
async def test_in_a_channel_the_tenant_of_the_conversation_decides_and_the_writers_is_told_on(
    bot: ListeningBot, teams: TeamsSandbox, activity: dict[str, Any], told: str, status: int
) -> None:
    """Of a shared channel, where others write, too; who may nothing is told so (CHECKS 24)."""
    other = "9d7c0000-0000-0000-0000-000000000000"
    tenant = activity["conversation"]["tenantId"] if told == "own" else other
    bent = {
        **activity,
        "conversation": {"id": "19:x@thread.tacv2", "conversationType": "channel",
                         "tenantId": tenant},
        "channelData": {"tenant": {"id": other}, "team": {"id": "19:t@thread.tacv2"}},
    }  # fmt: skip
    assert (await teams.post(bent)).status == status
    assert [event.sender.tenant_id for event in bot.events] == [other] * (status == 200)


async def test_channels_where_the_writer_chooses_the_sender_are_refused(
    bot: ListeningBot, teams: TeamsSandbox, activity: dict[str, Any]
) -> None:
    """Web Chat is on by default for every Azure bot, and its users write channelData."""
    await teams.issuer.rotate_keys(endorsements=("msteams", "webchat"))
    assert (await teams.post({**activity, "channelId": "webchat"})).status == 403
    assert bot.events == []


async def test_check_11_what_cannot_be_stored_is_answered_503(
    bot: ListeningBot, teams: TeamsSandbox, maya: TeamsPerson
) -> None:
    bot.error = CannotKeep("disk full")
    assert (await teams.say(maya, teams.personal_chat(maya), "help")).status == 503
    assert (await _press(teams, maya, EXECUTE)).status == 503
    bot.error = None
    assert (await teams.say(maya, teams.personal_chat(maya), "help")).status == 200


async def test_a_defect_is_answered_503_and_logged_without_what_was_said(
    bot: ListeningBot,
    teams: TeamsSandbox,
    maya: TeamsPerson,
    caplog: pytest.LogCaptureFixture,
) -> None:
    bot.error = RuntimeError("canary-secret")
    assert (await teams.say(maya, teams.personal_chat(maya), "help")).status == 503
    assert "RuntimeError" in caplog.text
    assert "listening_bot.py" in caplog.text
    assert "canary-secret" not in caplog.text


async def test_a_defect_behind_a_button_is_a_message_and_not_something_went_wrong(
    bot: ListeningBot, teams: TeamsSandbox, maya: TeamsPerson
) -> None:
    bot.error = RuntimeError("boom")
    answer = await _press(teams, maya, EXECUTE)
    assert answer.status == 200
    assert "please try again" in answer.notice.lower()


async def test_while_stopping_everything_is_answered_503(
    bot: ListeningBot, teams: TeamsSandbox, activity: dict[str, Any]
) -> None:
    bot.inbound.is_closing = True
    assert (await teams.post(activity)).status == 503
    assert bot.events == []


async def test_a_button_is_answered_with_a_message_or_a_card(
    bot: ListeningBot, teams: TeamsSandbox, maya: TeamsPerson
) -> None:
    bot.answer = ActionAnswer(message="Synced.")
    answer = await _press(teams, maya, EXECUTE)
    assert answer.body == {
        "statusCode": 200,
        "type": "application/vnd.microsoft.activity.message",
        "value": "Synced.",
    }
    bot.answer = ActionAnswer(card=CARD)
    answer = await _press(teams, maya, {**EXECUTE, "trigger": "automatic"})
    assert (answer.status, answer.card) == (200, CARD)
    bot.answer = None
    assert (await _press(teams, maya, EXECUTE)).status == 200
    manual, automatic, _ = bot.events
    assert isinstance(manual, CardActionPressed) and isinstance(automatic, CardActionPressed)
    assert (manual.verb, manual.data, manual.trigger) == ("sync", {"pr": 7}, "manual")
    assert automatic.trigger == "automatic"


MALFORMED: list[Any] = [
    None,
    [],
    "sync",
    {},
    {"action": []},
    {"action": {"type": "Action.Submit"}},
    {"action": {"type": "Action.Execute", "verb": 5}},
    {"action": {"type": "Action.Execute", "verb": "sync", "data": "text"}},
]


@pytest.mark.parametrize("value", MALFORMED)
async def test_a_malformed_button_value_is_answered_400_with_an_error_body(
    bot: ListeningBot, teams: TeamsSandbox, maya: TeamsPerson, value: Any
) -> None:
    answer = await _press(teams, maya, value)
    assert answer.status == 400
    assert answer.body["type"] == "application/vnd.microsoft.error"
    assert answer.body["statusCode"] == 400
    assert bot.events == []


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("task/fetch", "task"),
        ("composeExtension/query", "composeExtension"),
        ("composeExtension/queryLink", "composeExtension"),
        ("signin/verifyState", None),
        ("something/new", None),
    ],
)
async def test_invokes_that_are_not_offered_are_answered_politely(
    bot: ListeningBot, teams: TeamsSandbox, maya: TeamsPerson, name: str, key: str | None
) -> None:
    answer = await teams.invoke(maya, teams.personal_chat(maya), name, {"x": 1})
    assert answer.status == 200
    assert list(answer.body) == ([key] if key else [])
    assert bot.events == []


async def test_the_local_client_needs_no_token_from_loopback(
    teams: TeamsSandbox,
    session: aiohttp.ClientSession,
    clock: SetClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    bot = ListeningBot(teams, session, clock)
    runner = await bot.listen(config_for(teams, unauthenticated=True))
    try:
        maya = teams.add_person("Maya Sample", "maya@example.com")
        (answer, _) = await teams.install(maya)
        sample = answer.activity
        assert "PULLCORD_TEAMS_UNAUTHENTICATED" in caplog.text
        assert (await teams.post(sample, token="")).status == 200
        relayed = {"X-Forwarded-For": "203.0.113.5"}
        assert (await teams.post(sample, token="", headers=relayed)).status == 401
        browser = {"Origin": "https://evil.example"}
        assert (await teams.post(sample, token="", headers=browser)).status == 401
        assert (await teams.post(sample, token="wrong")).status == 401
        tenant = {**sample, "conversation": {**sample["conversation"], "tenantId": "other"}}
        assert (await teams.post(tenant, token="")).status == 403
        away = {**sample, "serviceUrl": "https://evil.example/"}
        assert (await teams.post(away, token="")).status == 403
    finally:
        await runner.cleanup()


async def test_the_normal_bot_refuses_unsigned_requests_from_loopback(
    bot: ListeningBot, teams: TeamsSandbox, activity: dict[str, Any]
) -> None:
    assert (await teams.post(activity, token="")).status == 401
