"""Two replicas on one PostgreSQL database, behind a load balancer."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import aiohttp
from aiohttp import web

from bot.app import Pullcord
from bot.cli.demo.stage import CONNECTION
from bot.ports import utc_now
from bot.settings import Settings
from tests.end_to_end.scene import Scene

ONE_CONNECTION_HEADERS = {"host", "connection", "content-length", "transfer-encoding"}


class ShiftedClock:
    """The real time, so that another process has the same, until it is put forward."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return utc_now() + self.ahead

    def advance(self, **duration: float) -> None:
        self.ahead += timedelta(**duration)


@dataclass
class Balancer:
    """Hands each request to the next replica in turn, or to all of them at the same time."""

    urls: list[str]
    http: aiohttp.ClientSession
    to_all: bool = False
    url: str = ""
    statuses: list[int] = field(default_factory=list)
    _next: int = 0
    _runner: web.AppRunner | None = None

    async def start(self) -> None:
        app = web.Application(client_max_size=16 * 1024 * 1024)
        app.router.add_route("*", "/{path:.*}", self._pass_on)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _pass_on(self, request: web.Request) -> web.Response:
        body = await request.read()
        self._next += 1
        chosen = self.urls if self.to_all else [self.urls[self._next % len(self.urls)]]
        answers = await asyncio.gather(*(self._ask(url, request, body) for url in chosen))
        self.statuses += [answer.status for answer in answers]
        return answers[0]

    async def _ask(self, url: str, request: web.Request, body: bytes) -> web.Response:
        headers = {
            name: value
            for name, value in request.headers.items()
            if name.lower() not in ONE_CONNECTION_HEADERS
        }
        async with self.http.request(
            request.method, url + request.path_qs, data=body, headers=headers
        ) as answer:
            return web.Response(
                status=answer.status,
                body=await answer.read(),
                content_type=answer.content_type,
            )


@dataclass
class Replicas:
    """A scene whose bot runs twice. ``first`` is the stage's own."""

    scene: Scene
    second: Pullcord
    balancer: Balancer
    clock: ShiftedClock

    @property
    def first(self) -> Pullcord:
        return self.scene.stage.bot

    @property
    def both(self) -> tuple[Pullcord, Pullcord]:
        return self.first, self.second


async def lead_to(scene: Scene, url: str) -> None:
    """Azure DevOps and Teams send everything there from now on."""
    for subscription in scene.azure.hooks.subscriptions.values():
        subscription.consumer_inputs["url"] = f"{url}/webhooks/ado/{CONNECTION}"
    await scene.teams.connect(f"{url}/api/messages")


def another_port(settings: Settings) -> Settings:
    """The settings of one more replica on this machine."""
    return settings.model_copy(update={"port": 0})


async def open_replicas(scene: Scene, clock: ShiftedClock, http: aiohttp.ClientSession) -> Replicas:
    """Start the second replica beside the stage's bot, and the balancer before both."""
    second = Pullcord(another_port(scene.stage.settings), clock=clock)
    await second.start()
    balancer = Balancer([scene.stage.bot.url, second.url], http)
    await balancer.start()
    await lead_to(scene, balancer.url)
    return Replicas(scene, second, balancer, clock)
