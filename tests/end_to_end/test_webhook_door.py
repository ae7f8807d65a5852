"""The webhook's door over HTTP: exactly the answers that were promised (issue 2, point 3)."""

import asyncio
import gzip
import json
import logging
import os
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import aiohttp
import psutil
import pytest

from adapters.web import webhooks
from bot.cli.demo.stage import CONNECTION
from storage.queries import connections
from storage.tables import Connection
from tests.end_to_end.scene import Scene
from tests.end_to_end.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")

MB = 1024 * 1024


def unused_body(**values: Any) -> dict[str, Any]:
    """A good body of a kind that Pullcord does not use, another one each time."""
    return {"id": str(uuid4()), "eventType": "tfvc.checkin", "resource": {}, **values}


async def raw_request(scene: Scene, request: bytes) -> bytes:
    """Send bytes as they are; the answer's first line."""
    reader, writer = await asyncio.open_connection("127.0.0.1", scene.stage.bot.web.port)
    writer.write(request)
    await writer.drain()
    answer = await reader.readline()
    writer.close()
    return answer


def head(scene: Scene, *headers: str, secret: str | None = None) -> bytes:
    basic = aiohttp.encode_basic_auth("x", secret or scene.stage.webhook_secret)
    lines = [
        f"POST /webhooks/ado/{CONNECTION} HTTP/1.1",
        "Host: 127.0.0.1",
        f"Authorization: {basic}",
        "Connection: close",
        *headers,
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


async def test_a_body_is_taken_with_202_and_again_with_202(shared: Scene) -> None:
    body = unused_body()
    assert await shared.sends_hook(body) == 202
    assert await shared.sends_hook(body) == 202
    await shared.stage.settle()
    stored = [row for row in await shared.inbox() if row.dedup_key == f"e:{body['id']}"]
    assert [row.state for row in stored] == ["unused"]
    assert json.loads(stored[0].body) == body


async def test_two_bodies_under_one_key_are_both_kept(shared: Scene) -> None:
    body = unused_body(subscriptionId=str(uuid4()), notificationId=1)
    other = {**body, "resource": {"another": True}}
    assert [await shared.sends_hook(body), await shared.sends_hook(other)] == [202, 202]
    key = f"n:{body['subscriptionId']}:1"
    assert len([row for row in await shared.inbox() if row.dedup_key == key]) == 2


async def test_an_unknown_connection_is_404(shared: Scene) -> None:
    assert await shared.sends_hook(unused_body(), connection="nobody") == 404


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Basic",
        "Basic !!!",
        aiohttp.encode_basic_auth("pullcord", ""),
        aiohttp.encode_basic_auth("pullcord", "wrong"),
        "Bearer {secret}",
        "Basic {user_only}",
    ],
)
async def test_a_wrong_or_missing_secret_is_401_CHECKS_18(
    shared: Scene, authorization: str | None
) -> None:
    secret = shared.stage.webhook_secret
    user_only = aiohttp.encode_basic_auth(secret, "").removeprefix("Basic ")
    headers = {}
    if authorization is not None:
        headers["Authorization"] = authorization.format(secret=secret, user_only=user_only)
    before = len(await shared.inbox())
    async with shared.http.post(shared.hook_url(), json=unused_body(), headers=headers) as answer:
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"].startswith("Basic")
        assert secret not in await answer.text()
    assert len(await shared.inbox()) == before


async def test_two_secrets_at_once_are_401_CHECKS_18(shared: Scene) -> None:
    for name, value in (
        ("Authorization", aiohttp.encode_basic_auth("x", shared.stage.webhook_secret)),
        (webhooks.SIGNATURE_HEADER, shared.stage.webhook_secret),
    ):
        twice = [(name, value), (name, value)]
        async with shared.http.post(shared.hook_url(), json=unused_body(), headers=twice) as answer:
            assert answer.status == 401


async def test_the_signature_header_is_as_good_as_basic_auth(shared: Scene) -> None:
    headers = {webhooks.SIGNATURE_HEADER: shared.stage.webhook_secret}
    async with shared.http.post(shared.hook_url(), json=unused_body(), headers=headers) as answer:
        assert answer.status == 202
    headers = {webhooks.SIGNATURE_HEADER: "wrong"}
    async with shared.http.post(shared.hook_url(), json=unused_body(), headers=headers) as answer:
        assert answer.status == 401


async def test_a_connection_without_a_secret_lets_nobody_in_CHECKS_18(shared: Scene) -> None:
    first = await shared.read(lambda s: connections.get(s, CONNECTION))
    assert first is not None
    values = first.model_dump() | {"name": "bare", "secret_hash": "", "old_secret_hash": ""}
    bare = type(first).model_validate(values)
    db = shared.stage.bot.db
    await db.write(lambda s: connections.save(s, bare))

    async def is_known() -> bool:
        return await shared.sends_hook(unused_body(), connection="bare", secret="x") != 404

    await eventually(is_known)
    for secret in ("", "x"):
        assert await shared.sends_hook(unused_body(), connection="bare", secret=secret) == 401
    await db.write(lambda s: s.delete(s.get_one(Connection, "bare")))


async def test_a_refusal_is_logged_without_the_secret(
    shared: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        assert await shared.sends_hook(unused_body(), secret="canary-4711") == 401
    lines = [r.getMessage() for r in caplog.records if r.name == "pullcord.security"]
    assert len(lines) == 1
    assert "canary-4711" not in caplog.text


# --- what is no webhook -----------------------------------------------------------------------

DEEP = b'{"a":' * 100_000 + b"1" + b"}" * 100_000
HOSTILE = {
    "depth 100,000": DEEP,
    "list of depth 100,000": b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "malformed UTF-8": b'{"id": "\xff\xfe"}',
    "UTF-16": '{"id": "x"}'.encode("utf-16"),
    "NaN": b'{"id": "x", "n": NaN}',
    "Infinity": b'{"id": "x", "n": -Infinity}',
    "a 5,000-digit number": b'{"id": "x", "n": ' + b"9" * 5000 + b"}",
    "a 5,000-digit notificationId": b'{"notificationId": ' + b"9" * 5000 + b"}",
    "doubled keys": b'{"id": "x", "id": "y"}',
    "doubled keys inside": b'{"resource": {"a": 1, "a": 2}}',
    "id is a number": b'{"id": 5}',
    "eventType is a list": b'{"eventType": []}',
    "subscriptionId is an object": b'{"subscriptionId": {}}',
    "notificationId is a text": b'{"notificationId": "1"}',
    "notificationId is true": b'{"notificationId": true}',
    "notificationId is negative": b'{"notificationId": -1}',
    "null": b"null",
    "array": b"[]",
    "text": b'"x"',
    "number": b"1",
    "empty": b"",
    "spaces": b"  \n",
    "half": b'{"id": "x"',
    "two": b'{"id": "x"} {"id": "y"}',
    "not JSON": b"id=x&y=z",
    "a million values": b'{"a":[' + b"1," * 900_000 + b"1]}",
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE.keys())
async def test_hostile_json_is_400_and_logged_once_CHECKS_15(
    shared: Scene, body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    before = len(await shared.inbox())
    assert await shared.sends_hook(body) == 400
    about_it = [r for r in caplog.records if r.name in ("pullcord.security", webhooks.__name__)]
    assert len(about_it) == 1
    assert len(await shared.inbox()) == before


@pytest.mark.parametrize(
    "resource",
    [None, [], "x", 5, {}, {"pullRequestId": "12"}, {"pullRequestId": {}, "repository": 3}],
    ids=str,
)
async def test_a_good_envelope_with_a_wrong_inside_becomes_a_dead_letter_CHECKS_15(
    shared: Scene, resource: object
) -> None:
    body = {"id": str(uuid4()), "eventType": "git.pullrequest.created", "resource": resource}
    assert await shared.sends_hook(body) == 202
    await shared.stage.settle()
    (row,) = [row for row in await shared.inbox() if row.dedup_key == f"e:{body['id']}"]
    assert (row.state, bool(row.reason)) == ("dead", True)


@pytest.mark.parametrize(
    "value", [b"1e999", b"[0." + b"1" * 5000 + b"]", b"[" * 100 + b"]" * 100], ids=len
)
async def test_json_that_no_reader_need_take_is_kept_as_a_dead_letter_CHECKS_15(
    shared: Scene, value: bytes
) -> None:
    """RFC 8259, section 9: numbers and depth are the reader's to limit."""
    event = str(uuid4())
    body = b'{"id": "%s", "eventType": "git.push", "n": %s}' % (event.encode(), value)
    assert await shared.sends_hook(body) == 202
    await shared.stage.settle()
    (row,) = [row for row in await shared.inbox() if row.dedup_key == f"e:{event}"]
    assert (row.state, bool(row.reason)) == ("dead", True)


# --- sizes ------------------------------------------------------------------------------------


async def test_just_two_megabytes_are_taken(shared: Scene) -> None:
    body = json.dumps(unused_body(text="")).encode()
    filled = body.replace(b'"text": ""', b'"text": "' + b"x" * (2 * MB - len(body)) + b'"')
    assert len(filled) == 2 * MB
    assert await shared.sends_hook(filled) == 202
    assert await shared.sends_hook(filled + b" ") == 413


@pytest.mark.parametrize("megabytes", [5, 50])
async def test_a_large_body_is_413_before_it_is_read_CHECKS_14(
    shared: Scene, megabytes: int
) -> None:
    """The length alone is enough: not one byte of the body is sent."""
    request = head(shared, f"Content-Length: {megabytes * MB}")
    answer = await raw_request(shared, request)
    assert answer.startswith(b"HTTP/1.1 413")


async def test_endless_chunks_are_413_after_two_megabytes_CHECKS_14(shared: Scene) -> None:
    """Without a length: refused on the way, and the memory does not grow by more than 10 MB."""
    process = psutil.Process(os.getpid())
    sent = 0
    chunk = b"x" * 65536

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 50 * MB:
            sent += len(chunk)
            yield chunk

    before = process.memory_info().rss
    headers = {webhooks.SIGNATURE_HEADER: shared.stage.webhook_secret}
    try:
        async with shared.http.post(shared.hook_url(), data=chunks(), headers=headers) as answer:
            assert answer.status == 413
    except aiohttp.ClientOSError:
        pass  # the server closed while we were still sending
    assert sent < 20 * MB
    assert process.memory_info().rss - before < 10 * MB
    assert await shared.sends_hook(unused_body()) == 202


async def test_a_compressed_body_is_not_unpacked_CHECKS_14(
    shared: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    process = psutil.Process(os.getpid())
    bomb = gzip.compress(b"\0" * (100 * MB))
    before = process.memory_info().rss
    assert await shared.sends_hook(bomb, headers={"Content-Encoding": "gzip"}) == 413
    assert "the body is compressed" in caplog.text
    assert process.memory_info().rss - before < 10 * MB
    assert await shared.sends_hook(bomb) == 400  # nor when it says nothing


async def test_a_slow_sender_holds_nobody_up_and_gets_503_CHECKS_14(
    shared: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time for a body is made short here, so that nobody waits ten seconds."""
    monkeypatch.setattr(webhooks, "BODY_TIME_S", 0.5)
    reader, writer = await asyncio.open_connection("127.0.0.1", shared.stage.bot.web.port)
    writer.write(head(shared, "Content-Length: 1000") + b'{"id"')
    await writer.drain()
    assert (
        await asyncio.gather(*(shared.sends_hook(unused_body()) for _ in range(20))) == [202] * 20
    )
    async with shared.http.get(f"{shared.stage.bot.url}/healthz") as answer:
        assert answer.status == 200
    status = await reader.readline()
    assert b" 503 " in status
    writer.close()


async def test_broken_chunks_are_no_500(shared: Scene) -> None:
    answer = await raw_request(
        shared, head(shared, "Transfer-Encoding: chunked") + b"zz\r\nnonsense\r\n0\r\n\r\n"
    )
    assert answer.split(b" ", 2)[1] in (b"400", b"503")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_only_post_is_a_webhook(shared: Scene, method: str) -> None:
    async with shared.http.request(method, shared.hook_url()) as answer:
        assert answer.status == 405


# --- test button, metrics, health ------------------------------------------------------------


SAMPLE = {
    "subscriptionId": "00000000-0000-0000-0000-000000000000",
    "notificationId": 1,
    "id": "2ab4e3d3-b7a6-425e-92b1-5a9982c1269e",
    "eventType": "git.pullrequest.created",
    "publisherId": "tfs",
    "resource": {
        "repository": {
            "id": "4bc14d40-c903-45e2-872e-0462c7748079",
            "name": "Fabrikam",
            "project": {"id": "6ce954b1-ce1f-45d1-b94d-e6bf2464ba2c", "name": "Fabrikam"},
        },
        "pullRequestId": 1,
        "status": "active",
        "createdBy": {"displayName": "A Sample", "id": "54d125f7-69f7-4191-904f-c5b96b6261c8"},
        "title": "my first pull request",
        "sourceRefName": "refs/heads/mytopic",
        "targetRefName": "refs/heads/main",
    },
}


async def test_the_test_button_changes_nothing(shared: Scene) -> None:
    audit, outbox = await shared.audit(), await shared.outbox()
    calls = len(shared.azure.calls)
    assert await shared.sends_hook(SAMPLE) == 202
    await shared.stage.settle()
    assert (await shared.inbox())[-1].state == "test"
    assert (await shared.audit(), await shared.outbox()) == (audit, outbox)
    assert len(shared.azure.calls) == calls


async def test_metrics_count_the_answers(shared: Scene) -> None:
    name = 'pullcord_webhooks_total{status="404"}'
    await shared.sends_hook(unused_body(), connection="nobody")
    before = (await shared.metrics())[name]
    await shared.sends_hook(unused_body(), connection="nobody")
    assert (await shared.metrics())[name] == before + 1


async def test_alive_and_ready(shared: Scene) -> None:
    for path in ("healthz", "readyz"):
        async with shared.http.get(f"{shared.stage.bot.url}/{path}") as answer:
            assert answer.status == 200
