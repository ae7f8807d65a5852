"""Addresses, methods and what HTTP asks of a server, over real sockets."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from adapters.web.answers import accepted
from adapters.web.routes import Routes


async def hello(request: web.BaseRequest) -> web.Response:
    return web.Response(text="hello")


async def gone(request: web.BaseRequest) -> None:
    """Wait until the sender has hung up."""
    while request.transport is not None:
        await asyncio.sleep(0)


async def broken(request: web.BaseRequest) -> web.Response:
    raise RuntimeError("a defect with a secret in it")


async def stored(request: web.BaseRequest, name: str) -> web.StreamResponse:
    if name == "late":
        await gone(request)
    if name == "echo":
        return web.Response(text=(await request.read()).decode())
    return accepted(request)


@pytest.fixture
async def port() -> AsyncIterator[int]:
    routes = Routes()
    routes.get("/hello", hello)
    routes.get("/broken", broken)
    routes.post("/messages", hello)
    routes.post_named("/hooks/", stored)
    runner = web.ServerRunner(web.Server(routes, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield int(runner.addresses[0][1])
    await runner.cleanup()


async def told(port: int, *requests: bytes) -> bytes:
    """All that the server says to these requests, sent one after the other's answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answers = b""
    for request in requests:
        writer.write(request)
        answers += await reader.readuntil(b"\r\n\r\n")
    writer.write_eof()
    answers += await reader.read()
    writer.close()
    return answers


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def head(method: str, path: str, *more: str, version: str = "1.1") -> bytes:
    lines = (f"{method} {path} HTTP/{version}", "Host: test", *more)
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/hello", 200),
        ("HEAD", "/hello", 200),
        ("POST", "/hello", 405),
        ("GET", "/hello/", 404),
        ("GET", "/", 404),
        ("GET", "/hellow", 404),
        ("POST", "/messages", 200),
        ("GET", "/messages", 405),
        ("GET", "/hooks/one", 405),
        ("PUT", "/hooks/one", 405),
        ("POST", "/hooks/one", 202),
        ("POST", "/hooks", 404),
        ("GET", "/broken", 503),
    ],
)
async def test_an_address_and_its_method(port: int, method: str, path: str, expected: int) -> None:
    answer = await told(port, head(method, path, "Content-Length: 0", "Connection: close"))
    assert status(answer) == expected
    assert b"secret" not in answer


async def test_another_method_is_told_which_one_to_use(port: int) -> None:
    answer = await told(port, head("GET", "/hooks/one", "Connection: close"))
    assert b"Allow: POST\r\n" in answer
    answer = await told(port, head("DELETE", "/hello", "Connection: close"))
    assert b"Allow: GET,HEAD\r\n" in answer


async def test_head_has_no_body(port: int) -> None:
    answer = await told(port, head("HEAD", "/hello", "Connection: close"))
    assert answer.endswith(b"\r\n\r\n")


async def test_who_waits_for_a_go_on_gets_it_before_the_body(port: int) -> None:
    waiting = head("POST", "/hooks/echo", "Content-Length: 4", "Expect: 100-continue")
    answers = await told(port, waiting, b"body")
    assert answers.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")
    assert answers.endswith(b"body")


async def test_another_expectation_is_417(port: int) -> None:
    odd = head("POST", "/hooks/one", "Content-Length: 0", "Expect: miracles", "Connection: close")
    assert status(await told(port, odd)) == 417


async def test_many_answers_on_one_connection(port: int) -> None:
    request = head("POST", "/hooks/one", "Content-Length: 0")
    answers = await told(port, request, request, request)
    assert answers.count(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\nDate: ") == 3


@pytest.mark.parametrize(
    ("version", "said"),
    [("1.1", "Connection: close"), ("1.0", "Connection: keep-alive"), ("1.0", "X-Any: thing")],
)
async def test_other_senders_get_the_answer_that_they_understand(
    port: int, version: str, said: str
) -> None:
    request = head("POST", "/hooks/one", "Content-Length: 0", said, version=version)
    answer = await told(port, request)
    assert answer.startswith(f"HTTP/{version} 202 Accepted\r\n".encode())
    if said.startswith("Connection"):
        assert said.encode() in answer


async def test_a_sender_who_has_hung_up_is_no_error(
    port: int, caplog: pytest.LogCaptureFixture
) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(head("POST", "/hooks/late", "Content-Length: 0"))
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    assert status(await told(port, head("GET", "/hello", "Connection: close"))) == 200
    await asyncio.sleep(0)
    assert not caplog.records
