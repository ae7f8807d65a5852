"""A sandbox Teams, a small bot of the tests' own, and a client that speaks to the connector."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from adapters.sandbox.teams import TeamsSandbox
from adapters.sandbox.teams.login import CONNECTOR_SCOPE

APP_ID = "00000000-0000-0000-0000-00000000b07a"
APP_PASSWORD = "sample-password"
TENANT_ID = "00000000-0000-0000-0000-0000000007e4"


class ManualClock:
    """Time that passes only when a test says so."""

    def __init__(self) -> None:
        self.time = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
        self._sleepers: list[tuple[datetime, asyncio.Event]] = []

    def now(self) -> datetime:
        return self.time

    def advance(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)
        for due, event in self._sleepers:
            if due <= self.time:
                event.set()

    async def sleep(self, seconds: float) -> None:
        sleeper = (self.time + timedelta(seconds=seconds), asyncio.Event())
        self._sleepers.append(sleeper)
        try:
            await sleeper[1].wait()
        finally:
            self._sleepers.remove(sleeper)


@dataclass
class SampleBot:
    """Hears activities and answers what the test sets."""

    url: str = ""
    activities: list[dict[str, Any]] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    status: int = 200
    body: Any = None
    before_answer: Callable[[], Awaitable[None]] | None = None
    heard: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, request: web.Request) -> web.Response:
        self.activities.append(await request.json())
        self.tokens.append(request.headers.get("Authorization", ""))
        self.heard.set()
        if self.before_answer is not None:
            await self.before_answer()
        if self.body is None:
            return web.Response(status=self.status)
        return web.json_response(self.body, status=self.status)

    @property
    def last(self) -> dict[str, Any]:
        return self.activities[-1]

    async def wait_until_heard(self, count: int) -> None:
        async with asyncio.timeout(10):
            while len(self.activities) < count:
                self.heard.clear()
                await self.heard.wait()


class ConnectorClient:
    """Calls the connector with a token it asked for, paths below the service URL."""

    def __init__(self, sandbox: TeamsSandbox, session: aiohttp.ClientSession) -> None:
        self.sandbox = sandbox
        self.session = session
        self.token = ""

    async def log_in(self) -> None:
        form = {
            "grant_type": "client_credentials",
            "client_id": APP_ID,
            "client_secret": APP_PASSWORD,
            "scope": CONNECTOR_SCOPE,
        }
        async with self.session.post(self.sandbox.token_url, data=form) as response:
            assert response.status == 200
            self.token = (await response.json())["access_token"]

    async def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        status, answer, _ = await self.call_with_headers(method, path, body)
        return status, answer

    async def call_with_headers(
        self, method: str, path: str, body: Any = None
    ) -> tuple[int, Any, dict[str, str]]:
        url = URL(self.sandbox.service_url + path, encoded=True)
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        async with self.session.request(method, url, json=body, headers=headers) as response:
            raw = await response.read()
            is_json = response.content_type == "application/json"
            answer = await response.json() if raw and is_json else None
            return response.status, answer, dict(response.headers)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def sandbox(clock: ManualClock) -> AsyncIterator[TeamsSandbox]:
    teams = TeamsSandbox(
        app_id=APP_ID,
        app_password=APP_PASSWORD,
        tenant_id=TENANT_ID,
        clock=clock.now,
        sleep=clock.sleep,
    )
    await teams.start()
    yield teams
    await teams.stop()


@pytest.fixture
async def bot(sandbox: TeamsSandbox) -> AsyncIterator[SampleBot]:
    sample = SampleBot()
    application = web.Application()
    application.add_routes([web.post("/api/messages", sample.handle)])
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    sample.url = f"http://127.0.0.1:{runner.addresses[0][1]}/api/messages"
    await sandbox.connect(sample.url)
    yield sample
    await runner.cleanup()


@pytest.fixture
async def client(sandbox: TeamsSandbox) -> AsyncIterator[ConnectorClient]:
    async with aiohttp.ClientSession() as session:
        caller = ConnectorClient(sandbox, session)
        await caller.log_in()
        yield caller
