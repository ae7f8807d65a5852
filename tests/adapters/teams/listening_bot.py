"""A bot at its HTTP door: the real inbound side over a real server, with a handler that notes."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
from aiohttp import web

from adapters.sandbox.teams import BotAnswer, TeamsSandbox
from adapters.teams import TeamsConfig, TeamsInbound
from bot.teams_model import ActionAnswer, TeamsEvent

APP_ID = "6b1f4f5c-2f4e-4a55-9d1e-0a3c5f0f7a11"
APP_PASSWORD = "canary-password-of-the-bot"
TENANT_ID = "0e4d2f8a-7c7f-4b13-8a4e-5a2f6f3f9b22"
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


class CannotKeep(Exception):
    """Stands for the storage's error."""


@dataclass
class SetClock:
    """A clock that stands until it is moved."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now

    def move(self, **amount: float) -> None:
        self.now += timedelta(**amount)


@dataclass
class ListeningBot:
    """Notes every event; answers or fails as told."""

    teams: TeamsSandbox
    session: aiohttp.ClientSession
    clock: SetClock
    events: list[TeamsEvent] = field(default_factory=list)
    answer: ActionAnswer | None = None
    error: Exception | None = None
    url: str = ""
    inbound: TeamsInbound = field(init=False)

    async def handle(self, event: TeamsEvent) -> ActionAnswer | None:
        self.events.append(event)
        if self.error is not None:
            raise self.error
        return self.answer

    async def listen(self, config: TeamsConfig, host: str = "127.0.0.1") -> web.AppRunner:
        self.inbound = TeamsInbound(
            config, self.handle, self.session, unavailable=(CannotKeep,), clock=self.clock
        )
        application = web.Application()
        application.router.add_post("/api/messages", self.inbound.post)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.2)
        await runner.setup()
        await web.TCPSite(runner, host, 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}/api/messages"
        await self.teams.connect(self.url)
        return runner

    @property
    def event(self) -> TeamsEvent:
        """The only event there was."""
        (event,) = self.events
        return event


def config_for(teams: TeamsSandbox, **changes: Any) -> TeamsConfig:
    """The configuration that believes this sandbox."""
    fields: dict[str, Any] = {
        "app_id": APP_ID,
        "app_password": APP_PASSWORD,
        "tenant_id": TENANT_ID,
        "service_hosts": ("127.0.0.1",),
        "openid_metadata_url": teams.openid_metadata_url,
        "token_issuer": teams.token_issuer,
        "login_url": teams.login_url,
    }
    return TeamsConfig(**{**fields, **changes})


async def sample_message(teams: TeamsSandbox) -> dict[str, Any]:
    """A message as Teams sends it, to be bent."""
    answer: BotAnswer = await teams.say(_maya(teams), _maya_chat(teams), "help")
    return dict(answer.activity)


def _maya(teams: TeamsSandbox) -> Any:
    return teams.world.find_person("maya@example.com")


def _maya_chat(teams: TeamsSandbox) -> Any:
    return teams.personal_chat(_maya(teams))


Bend = Callable[[dict[str, Any]], Any]
