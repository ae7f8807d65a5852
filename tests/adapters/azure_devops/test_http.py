"""How the client behaves on the wire: headers, retries, time-outs, limits."""

import asyncio
import base64
import gzip
import logging

import pytest
from aiohttp import web

from adapters.azure_devops.answers import MAX_ANSWER_BYTES
from adapters.azure_devops.client import AzureDevOpsClient
from adapters.azure_devops.credentials import EntraCredential, PatCredential
from adapters.azure_devops.http import CONCURRENT_REQUESTS, TimeOuts
from bot.ports import AuthenticationFailed, BadAnswer, NotFound, RateLimited, Unreachable
from tests.adapters.azure_devops.conftest import (
    TOKEN,
    Handler,
    Script,
    Time,
    as_json,
    as_text,
    dropped,
)

EMPTY = as_json({"count": 0, "value": []})
PLAIN_401 = as_text("", 401)
REF = as_json({"value": [{"name": "refs/heads/x", "success": True}]})


def _client_at(port: int, time: Time) -> AzureDevOpsClient:
    return AzureDevOpsClient(
        "acme",
        f"http://127.0.0.1:{port}/Main",
        [PatCredential("first", TOKEN)],
        clock=time,
        sleep=time.sleep,
    )


async def test_a_request_says_who_asks_and_asks_for_json(
    script: Script, client: AzureDevOpsClient
) -> None:
    script.say(EMPTY)
    await client.repositories("My Shop/ü")
    (request,) = script.seen
    assert request.path == "/Main/My%20Shop%2F%C3%BC/_apis/git/repositories"
    assert request.query == {"api-version": "7.1"}
    assert request.headers["authorization"] == (
        "Basic " + base64.b64encode(f":{TOKEN}".encode()).decode()
    )
    assert request.headers["accept"] == "application/json"
    assert request.headers["x-tfs-fedauthredirect"] == "Suppress"
    assert request.headers["user-agent"] == "Pullcord"
    assert request.headers["x-gateway"] == "yes"


async def test_a_service_principal_sends_its_token(script: Script, time: Time) -> None:
    script.say(EMPTY)

    async def token() -> str:
        return "opaque"

    client = AzureDevOpsClient("acme", script.url, [EntraCredential("app", token)], clock=time)
    await client.projects()
    await client.close()
    assert script.seen[0].headers["authorization"] == "Bearer opaque"


@pytest.mark.parametrize("name", ["..", ".", "", "  "])
async def test_a_name_cannot_lead_out_of_its_place(
    script: Script, client: AzureDevOpsClient, name: str
) -> None:
    script.say(EMPTY)
    with pytest.raises(NotFound, match="no project of that name"):
        await client.repositories(name)
    assert script.seen == []


@pytest.mark.parametrize(
    "answer",
    [
        as_text("<html>Sign in</html>", 203),
        as_text("<html>Sign in</html>", 200),
        as_json({"value": []}, 203),
        as_text("", 302, location="https://127.0.0.1:1/_signin"),
        PLAIN_401,
    ],
    ids=["203-page", "200-page", "203-json", "redirect", "401"],
)
async def test_a_sign_in_page_in_any_dress_is_an_authentication_failure(
    script: Script, client: AzureDevOpsClient, answer: Handler
) -> None:
    script.say(answer)
    with pytest.raises(AuthenticationFailed):
        await client.projects()
    calls = [request.path.rpartition("/")[2] for request in script.seen]
    # A plain 401 may be of this call alone, so it is asked who we are.
    assert calls in (["projects"], ["projects", "connectionData"])
    assert len(calls) == 1 or answer is PLAIN_401
    script.seen.clear()
    with pytest.raises(AuthenticationFailed):
        await client.projects()
    assert script.seen == []  # a refused credential is not used again


async def test_redirects_are_not_followed_and_the_token_is_not_sent_on_CHECKS_19(
    script: Script, client: AzureDevOpsClient
) -> None:
    script.say(as_text("", 307, location=f"{script.url}/elsewhere"))
    with pytest.raises(BadAnswer, match="redirect"):
        await client.projects()
    assert [request.path for request in script.seen] == ["/Main/_apis/projects"]


@pytest.mark.parametrize("trouble", [as_text("busy", 503), as_json({}, 500)], ids=["503", "500"])
async def test_a_read_is_tried_again_twice(
    script: Script, client: AzureDevOpsClient, time: Time, trouble: Handler
) -> None:
    script.say(trouble, trouble, EMPTY)
    assert await client.projects() == []
    assert len(script.seen) == 3
    assert len(time.slept) == 2
    script.seen.clear()
    script.say(trouble)
    with pytest.raises(Unreachable, match=r"^Azure DevOps cannot be reached: "):
        await client.projects()
    assert len(script.seen) == 3


async def test_a_read_whose_connection_is_lost_is_also_repeated_at_once(
    script: Script, client: AzureDevOpsClient, time: Time
) -> None:
    """RFC 9112, 9.3.1: what does nothing twice may be sent again on a new connection."""
    script.say(dropped, dropped, EMPTY)
    assert await client.projects() == []
    assert (len(script.seen), len(time.slept)) == (3, 1)
    script.seen.clear()
    script.say(dropped)
    with pytest.raises(Unreachable, match=r"^Azure DevOps cannot be reached: the connection was"):
        await client.projects()
    assert (len(script.seen), len(time.slept)) == (6, 3)


async def test_an_answer_that_is_no_http_is_said_in_a_sentence(
    time: Time,
) -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"220 mail.example.com ESMTP\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(babble, "127.0.0.1", 0)
    client = _client_at(server.sockets[0].getsockname()[1], time)
    with pytest.raises(Unreachable, match=r"^Azure DevOps cannot be reached: "):
        await client.create_branch("repo", "x", "a" * 40)
    assert time.slept == []  # it was sent: who knows what was done
    await client.close()
    server.close()
    await server.wait_closed()


@pytest.mark.parametrize("trouble", [as_text("busy", 503), dropped], ids=["503", "dropped"])
async def test_a_write_is_never_sent_twice(
    script: Script, client: AzureDevOpsClient, trouble: Handler
) -> None:
    script.say(trouble, REF)
    with pytest.raises(Unreachable):
        await client.create_branch("repo", "x", "a" * 40)
    assert len(script.seen) == 1


async def test_a_batch_that_only_reads_is_tried_again(
    script: Script, client: AzureDevOpsClient
) -> None:
    script.say(dropped, EMPTY)
    assert await client.tickets([1]) == []
    assert [request.method for request in script.seen] == ["POST", "POST"]


async def test_a_refused_connection_is_said_in_a_sentence_CHECKS_6(
    time: Time,
) -> None:
    server = await asyncio.start_server(lambda _r, _w: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    client = _client_at(port, time)
    with pytest.raises(Unreachable, match=r"^Azure DevOps cannot be reached: no connection$"):
        await client.create_branch("repo", "x", "a" * 40)
    await client.close()
    assert len(time.slept) == 2  # a write too: nothing was sent


async def test_silence_ends_within_the_time_of_a_call_CHECKS_6_and_7(
    script: Script, time: Time
) -> None:
    """The limit is small here; by default it is nine seconds, so that a command says so in ten."""
    assert TimeOuts().total_s < 10
    released = asyncio.Event()

    async def silent(_: web.Request) -> web.Response:
        await released.wait()
        return web.Response()

    script.say(silent)
    client = AzureDevOpsClient(
        "acme",
        script.url,
        [PatCredential("first", TOKEN)],
        clock=time,
        sleep=time.sleep,
        timeouts=TimeOuts(connect_s=1.0, total_s=0.2),
    )
    with pytest.raises(Unreachable, match="did not answer in time"):
        await client.projects()
    released.set()
    await client.close()


async def test_at_most_eight_requests_are_under_way_at_once(
    script: Script, client: AzureDevOpsClient
) -> None:
    under_way, most, full = 0, 0, asyncio.Event()

    async def slow(_: web.Request) -> web.Response:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        if under_way == CONCURRENT_REQUESTS:
            full.set()
        await full.wait()
        await asyncio.sleep(0)
        under_way -= 1
        return web.json_response({"value": []})

    script.say(slow)
    await asyncio.gather(*(client.projects() for _ in range(3 * CONCURRENT_REQUESTS)))
    assert most == CONCURRENT_REQUESTS


async def test_an_endless_answer_is_cut_off(script: Script, client: AzureDevOpsClient) -> None:
    async def bomb(_: web.Request) -> web.Response:
        packed = gzip.compress(b" " * (MAX_ANSWER_BYTES + 1))
        headers = {"Content-Encoding": "gzip"}
        return web.Response(body=packed, content_type="application/json", headers=headers)

    script.say(bomb)
    with pytest.raises(BadAnswer, match="larger than 16 MB"):
        await client.projects()


@pytest.mark.parametrize(
    "text", ["", "{", "[" * 100_000, "<html>"], ids=["empty", "half", "deep", "page"]
)
async def test_json_that_is_none_is_a_bad_answer(
    script: Script, client: AzureDevOpsClient, text: str
) -> None:
    script.say(as_text(text, 200, "application/json"))
    with pytest.raises(BadAnswer):
        await client.projects()


async def test_a_bad_answer_names_the_field(script: Script, client: AzureDevOpsClient) -> None:
    script.say(as_json({"value": [{"id": "p1", "name": 5}]}))
    with pytest.raises(BadAnswer, match=r"answer\.value\[0\]\.name is not a text"):
        await client.projects()


async def test_pages_are_followed_by_their_token(script: Script, client: AzureDevOpsClient) -> None:
    script.say(
        as_json({"value": [{"id": "A", "name": "a"}]}, x_ms_continuationtoken="2"),
        as_json({"value": [{"id": "B", "name": "b"}]}),
    )
    assert await client.projects() == [("a", "a"), ("b", "b")]
    assert [request.query.get("continuationToken") for request in script.seen] == [None, "2"]


async def test_pages_that_lead_in_a_circle_end(script: Script, client: AzureDevOpsClient) -> None:
    script.say(as_json({"value": []}, x_ms_continuationtoken="2"))
    with pytest.raises(BadAnswer, match="does not end"):
        await client.projects()


async def test_the_token_is_in_no_error_log_or_repr_CHECKS_23(
    script: Script, client: AzureDevOpsClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    encoded = base64.b64encode(f":{TOKEN}".encode()).decode()
    script.say(as_json({"message": f"you sent {TOKEN} as Basic {encoded}"}, 400))
    with pytest.raises(Exception, match="you sent") as caught:
        await client.projects()
    told = f"{caught.value!r} {caplog.text} {client!r} {PatCredential('first', TOKEN)!r}"
    assert TOKEN not in told
    assert encoded not in told


def test_an_empty_token_is_refused() -> None:
    with pytest.raises(ValueError, match="empty"):
        PatCredential("first", "")


async def test_a_retry_after_on_a_success_makes_the_next_call_wait_CHECKS_7(
    script: Script, client: AzureDevOpsClient, time: Time
) -> None:
    script.say(as_json({"value": []}, retry_after="3"), EMPTY)
    await client.projects()
    assert time.slept == []
    await client.projects()
    assert time.slept == [3.0]
    await client.projects()
    assert time.slept == [3.0]


async def test_a_long_cool_down_is_told_and_not_waited_for(
    script: Script, client: AzureDevOpsClient, time: Time
) -> None:
    script.say(as_json({"value": []}, retry_after="60"), EMPTY)
    await client.projects()
    with pytest.raises(RateLimited) as caught:
        await client.projects()
    assert caught.value.retry_after_s == 60
    assert (len(script.seen), time.slept) == (1, [])
    await time.sleep(60)
    await client.projects()


async def test_429_is_waited_out_even_for_a_write_when_it_is_short(
    script: Script, client: AzureDevOpsClient, time: Time
) -> None:
    script.say(as_json({"message": "TF400733: blocked"}, 429, retry_after="2"), REF)
    await client.create_branch("repo", "x", "a" * 40)
    assert len(script.seen) == 2
    assert sum(time.slept) == pytest.approx(2.0, abs=0.001)


async def test_429_without_a_time_rests_half_a_minute(
    script: Script, client: AzureDevOpsClient
) -> None:
    script.say(as_text("slow down", 429))
    with pytest.raises(RateLimited) as caught:
        await client.projects()
    assert 25 < caught.value.retry_after_s <= 30
    assert len(script.seen) == 1


async def test_nothing_remaining_rests_until_the_reset(
    script: Script, client: AzureDevOpsClient, time: Time
) -> None:
    reset = str(int(time.now.timestamp()) + 4)
    spent = as_json(
        {"value": []}, x_ratelimit_remaining="0", x_ratelimit_reset=reset, x_ratelimit_limit="200"
    )
    script.say(spent, EMPTY)
    await client.projects()
    (limit,) = client.rate_limits
    assert (limit.credential, limit.limit, limit.remaining) == ("first", 200, 0)
    assert (limit.reset_at, limit.cooling_s) == (time.now.replace(second=4), 4.0)
    await client.projects()
    assert time.slept == [4.0]


async def test_nonsense_in_limit_headers_is_ignored(
    script: Script, client: AzureDevOpsClient
) -> None:
    script.say(
        as_json(
            {"value": []}, x_ratelimit_remaining="0", x_ratelimit_reset="1e300", retry_after="x"
        )
    )
    await client.projects()
    await client.projects()


async def test_a_clock_set_back_does_not_prolong_a_cool_down_CHECKS_13(
    script: Script, client: AzureDevOpsClient, time: Time
) -> None:
    script.say(as_json({"value": []}, retry_after="60"), EMPTY)
    await client.projects()
    time.now = time.now.replace(hour=8)
    await client.projects()
    assert time.slept == []


async def test_credentials_share_the_load_and_stand_in_for_one_that_rests(
    script: Script, time: Time
) -> None:
    script.say(EMPTY, EMPTY, as_json({"value": []}, retry_after="60"), EMPTY)
    sources = [PatCredential("a", "token-a"), PatCredential("b", "token-b")]
    client = AzureDevOpsClient("acme", script.url, sources, clock=time, sleep=time.sleep)
    for _ in range(5):
        await client.projects()
    await client.close()
    used = [
        base64.b64decode(request.headers["authorization"].removeprefix("Basic "))[-1:]
        for request in script.seen
    ]
    assert used == [b"a", b"b", b"a", b"b", b"b"]
    assert [limit.cooling_s for limit in client.rate_limits] == [60.0, 0.0]


async def test_a_session_of_one_call_does_not_go_with_the_next(
    script: Script, client: AzureDevOpsClient
) -> None:
    script.say(as_json({"value": []}, 200, **{"Set-Cookie": "UserAuthentication=x; Path=/"}), EMPTY)
    await client.projects()
    await client.projects()
    assert "cookie" not in script.seen[1].headers
