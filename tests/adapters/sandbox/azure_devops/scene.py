"""A small shop to try things on: people, a project, a repository, a REST client, a receiver."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self

import aiohttp
from aiohttp import web

from adapters.sandbox.azure_devops import (
    AzureDevOpsSandbox,
    SandboxIdentity,
    SandboxProject,
    SandboxPullRequest,
    SandboxRepository,
    Subscription,
)

STORY = "".join(f"line {number}\n" for number in range(30))


class Clock:
    """A clock that moves only when it is told to."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 21, 9, 30, 0, 123456, UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Sleeps:
    """A sleep that returns at once and remembers how long was asked for."""

    def __init__(self) -> None:
        self.asked: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.asked.append(seconds)
        await asyncio.sleep(0)


class HeldSleep:
    """A sleep that lasts until ``release``."""

    def __init__(self) -> None:
        self.released = asyncio.Event()
        self.sleepers = 0

    async def __call__(self, _seconds: float) -> None:
        self.sleepers += 1
        await self.released.wait()


@dataclass(frozen=True)
class Reply:
    """An answer with its JSON read."""

    status: int
    json: Any
    text: str
    headers: Any


class Rest:
    """Speaks REST as one person."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        base: Callable[[], str],
        token: str | None,
        **headers: str,
    ) -> None:
        self._session, self._base = session, base
        self._headers = {"Accept": "application/json", **headers}
        if token is not None:
            credential = base64.b64encode(f":{token}".encode()).decode()
            self._headers["Authorization"] = f"Basic {credential}"

    async def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        /,
        *,
        version: str | None = "7.1",
        **query: str,
    ) -> Reply:
        return await self._send(method, path, body, "application/json", version, query)

    async def document(
        self, method: str, path: str, operations: list[Any], /, **query: str
    ) -> Reply:
        """Send a JSON Patch document."""
        kind = "application/json-patch+json"
        return await self._send(method, path, operations, kind, "7.1", query)

    async def patch_item(self, path: str, operations: list[Any], /, **query: str) -> Reply:
        return await self.document("PATCH", path, operations, **query)

    async def _send(
        self,
        method: str,
        path: str,
        body: Any,
        content_type: str,
        version: str | None,
        query: dict[str, str],
    ) -> Reply:
        params = query if version is None else {**query, "api-version": version}
        headers = self._headers if body is None else {**self._headers, "Content-Type": content_type}
        async with self._session.request(
            method,
            f"{self._base()}/{path}",
            params=params,
            json=body,
            headers=headers,
            allow_redirects=False,
        ) as answer:
            text = await answer.text()
            is_json = answer.content_type == "application/json" and text
            return Reply(
                answer.status, await answer.json() if is_json else None, text, answer.headers
            )


def merge_status(pull_request: SandboxPullRequest) -> str:
    """Read it now; it changes behind the type checker's back."""
    return pull_request.merge_status


def status(pull_request: SandboxPullRequest) -> str:
    """Read it now."""
    return pull_request.status


@dataclass
class Delivery:
    """One POST that the receiver got."""

    body: dict[str, Any]
    headers: Any

    @property
    def kind(self) -> str:
        return str(self.body["eventType"])

    @property
    def resource(self) -> dict[str, Any]:
        resource: dict[str, Any] = self.body["resource"]
        return resource


@dataclass
class Receiver:
    """A web hook endpoint; answers the scripted statuses first, then 202."""

    deliveries: list[Delivery] = field(default_factory=list)
    script: list[int] = field(default_factory=list)
    url: str = ""
    _runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_post("/hook", self._take)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/hook"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        self.deliveries.append(Delivery(await request.json(), request.headers.copy()))
        return web.Response(status=self.script.pop(0) if self.script else 202)

    def of(self, kind: str) -> list[Delivery]:
        return [one for one in self.deliveries if one.kind == kind]

    @property
    def kinds(self) -> list[str]:
        return [one.kind for one in self.deliveries]


@dataclass
class Shop:
    """A started sandbox with the sample team in it."""

    sandbox: AzureDevOpsSandbox
    session: aiohttp.ClientSession
    maya: SandboxIdentity
    jonas: SandboxIdentity
    project: SandboxProject
    web: SandboxRepository
    rest: Rest

    def as_(self, person: SandboxIdentity) -> Rest:
        token = self.sandbox.issue_pat(person)
        return Rest(self.session, lambda: self.sandbox.base_url, token)

    def with_token(self, token: str | None, **headers: str) -> Rest:
        return Rest(self.session, lambda: self.sandbox.base_url, token, **headers)

    @property
    def git(self) -> str:
        return f"Shop/_apis/git/repositories/{self.web.id}"


async def open_shop(sandbox: AzureDevOpsSandbox, session: aiohttp.ClientSession) -> Shop:
    """Start the sandbox and put the sample team into it."""
    await sandbox.start()
    maya = sandbox.add_person("Maya Sample", "maya@example.com")
    jonas = sandbox.add_person("Jonas Sample", "jonas@example.com")
    project = sandbox.add_project("Shop")
    files = {"README.md": "# Shop\n", "story.txt": STORY, "old.txt": STORY.upper()}
    repository = await sandbox.add_repository(project, "web", files=files, author=maya)
    rest = Rest(session, lambda: sandbox.base_url, sandbox.issue_pat(maya))
    return Shop(sandbox, session, maya, jonas, project, repository, rest)


def listen(shop: Shop, receiver: Receiver, kind: str, **more: Any) -> Subscription:
    return shop.sandbox.add_hook(receiver.url, kind, project=shop.project, **more)


async def opened(shop: Shop, branch: str = "feature/a", **more: Any) -> SandboxPullRequest:
    await shop.sandbox.commit(shop.web, branch, {f"{branch}.txt": branch}, shop.maya, branch)
    return await shop.sandbox.create_pull_request(
        shop.web, shop.maya, branch, title=f"Add {branch}", **more
    )
