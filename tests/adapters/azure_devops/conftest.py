"""An Azure DevOps that answers what a test tells it to, over real HTTP, and the real client."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web

from adapters.azure_devops.client import AzureDevOpsClient
from adapters.azure_devops.credentials import PatCredential
from adapters.azure_devops.http import TimeOuts

TOKEN = "canary-token-4711"
NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Seen:
    """One request as it came in."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


def as_json(body: object, status: int = 200, **headers: str) -> Handler:
    """Always this answer; ``retry_after`` becomes the header Retry-After."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    async def answer(_: web.Request) -> web.Response:
        return web.json_response(body, status=status, headers=named)

    return answer


def as_text(text: str, status: int, content_type: str = "text/html", **headers: str) -> Handler:
    """A page instead of JSON."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    async def answer(_: web.Request) -> web.Response:
        return web.Response(text=text, status=status, content_type=content_type, headers=named)

    return answer


async def dropped(request: web.Request) -> web.StreamResponse:
    """The connection is lost before an answer."""
    assert request.transport is not None
    request.transport.close()
    return web.Response()


@dataclass
class Script:
    """Answers in order; the last one stays."""

    url: str = ""
    answers: list[Handler] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)

    def say(self, *answers: Handler) -> None:
        self.answers = list(answers)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.json() if request.can_read_body else None
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.seen.append(
            Seen(request.method, request.rel_url.raw_path, dict(request.query), headers, body)
        )
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return await answer(request)


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = NOW
        self.slept: list[float] = []

    def __call__(self) -> datetime:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += timedelta(seconds=seconds)
        await asyncio.sleep(0)


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
async def script() -> AsyncIterator[Script]:
    script = Script()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", script.handle)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    script.url = f"http://127.0.0.1:{runner.addresses[0][1]}/Main"
    yield script
    await runner.cleanup()


@pytest.fixture
async def client(script: Script, time: Time) -> AsyncIterator[AzureDevOpsClient]:
    client = AzureDevOpsClient(
        "acme",
        script.url,
        [PatCredential("first", TOKEN)],
        headers={"X-Gateway": "yes"},
        clock=time,
        sleep=time.sleep,
        timeouts=TimeOuts(connect_s=2.0, total_s=5.0),
    )
    yield client
    await client.close()
