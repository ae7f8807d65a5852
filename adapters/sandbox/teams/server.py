"""The sandbox Teams as one HTTP server: connector, token issuer and login."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TypeVar

from aiohttp import web

from adapters.sandbox.teams.acting import ActingPeople
from adapters.sandbox.teams.connector import Connector
from adapters.sandbox.teams.connector_rosters import RosterRoutes
from adapters.sandbox.teams.faults import Faults, Handler
from adapters.sandbox.teams.gate import Gate
from adapters.sandbox.teams.issuer import ISSUER, METADATA_PATH
from adapters.sandbox.teams.limits import Limits
from adapters.sandbox.teams.login import LoginService
from adapters.sandbox.teams.recording import RecordedRequest, Recorder
from adapters.sandbox.teams.refusals import Refusal
from adapters.sandbox.teams.roster import RosterChanges

T = TypeVar("T")

# Teams' service URLs have a region in their path and end with a slash.
SERVICE_PATH = "/amer/"
# Larger than any limit of the connector, which answers 413 itself.
LARGEST_BODY_BYTES = 16 * 1024 * 1024
SHUTDOWN_TIMEOUT_S = 0.5


def _utc_now() -> datetime:
    return datetime.now(UTC)


class TeamsSandbox(RosterChanges, ActingPeople):
    """A Microsoft Teams that a bot can be tried against, over HTTP and with real tokens.

    It keeps its state through `stop()` and `start()`, and takes the same port again.

    Args:
        app_id: The bot's application id.
        app_password: Its client secret.
        tenant_id: The tenant that the sandbox is.
        bot_name: The bot's name in mentions.
        clock: Aware UTC times.
        sleep: Sleeps for seconds of the same clock; the 15 s before an activity is sent again.
        enforce_limits: Whether the documented rate limits are kept (429 with Retry-After).

    Attributes:
        world: People, teams, conversations.
        issuer: Signing keys, minting of tokens, counters of fetches.
        login: Token endpoint, issued tokens, counter of calls.
        gate: `gate.enforce_limits` can be changed while it runs.
        connector: `connector.message_limit_bytes` can be changed while it runs.
        faults: Faults on purpose.
        answers: Every answer of the bot.
        add_person, add_team, add_channel, add_group_chat, personal_chat: The world's own.
    """

    def __init__(
        self,
        *,
        app_id: str,
        app_password: str,
        tenant_id: str,
        bot_name: str = "Pullcord",
        clock: Callable[[], datetime] = _utc_now,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        enforce_limits: bool = False,
    ) -> None:
        super().__init__(
            app_id=app_id, bot_name=bot_name, tenant_id=tenant_id, clock=clock, sleep=sleep
        )
        self.login = LoginService(tenant_id, clock)
        self.login.register(app_id, app_password)
        self.faults = Faults(sleep, self.changes)
        self.gate = Gate(self.world, self.login, Limits(clock), enforce_limits)
        self.connector = Connector(self.world, self.gate, clock, self.changes)
        self.add_person = self.world.add_person
        self.add_team = self.world.add_team
        self.add_channel = self.world.add_channel
        self.add_group_chat = self.world.add_group_chat
        self.personal_chat = self.world.personal_chat
        self._recorder = Recorder(clock, self.changes)
        self._runner: web.AppRunner | None = None
        self._host = ""
        self._port = 0

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Serve. A second start without a port takes the port of the first."""
        await self.issuer.publish_first_key()
        application = web.Application(
            client_max_size=LARGEST_BODY_BYTES,
            middlewares=[
                self._recorder.middleware,
                self.faults.middleware,
                _refusals,
            ],
        )
        application.add_routes(self.connector.routes(SERVICE_PATH))
        application.add_routes(RosterRoutes(self.gate).routes(SERVICE_PATH))
        application.add_routes(self.issuer.routes())
        application.add_routes(self.login.routes())
        self.faults.open()
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=SHUTDOWN_TIMEOUT_S)
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port or self._port, reuse_address=True).start()
        except OSError:
            await runner.cleanup()
            raise
        self._host, self._port = host, runner.addresses[0][1]
        self._runner = runner

    async def stop(self) -> None:
        """Close all connections; what is held is let go without an answer."""
        await self.close()
        self.faults.close()
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    @property
    def login_url(self) -> str:
        """The login host's address, as https://login.microsoftonline.com is."""
        if not self._port:
            raise RuntimeError("the sandbox Teams has no address before start()")
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._port}"

    @property
    def token_url(self) -> str:
        """Where the bot asks for its tokens."""
        return f"{self.login_url}/{self.world.tenant_id}/oauth2/v2.0/token"

    @property
    def service_url(self) -> str:
        """The connector's base address, as every activity and token names it."""
        return f"{self.login_url}{SERVICE_PATH}"

    @property
    def openid_metadata_url(self) -> str:
        """Where the issuer says which keys are good."""
        return f"{self.login_url}{METADATA_PATH}"

    @property
    def token_issuer(self) -> str:
        """The `iss` of the channel's tokens."""
        return ISSUER

    @property
    def requests(self) -> list[RecordedRequest]:
        """Every request received so far, oldest first."""
        return self._recorder.requests

    def connector_requests(self, method: str | None = None) -> list[RecordedRequest]:
        """The requests to the connector, all or of one method."""
        return [
            request
            for request in self.requests
            if request.raw_path.startswith(SERVICE_PATH) and method in (None, request.method)
        ]

    async def wait_for(
        self,
        predicate: Callable[[], T],
        timeout: float = 10.0,  # noqa: ASYNC109 - asyncio.timeout could not say what was missing
        what: str = "",
    ) -> T:
        """Wait until `predicate()` is true, looking after every change; return its value.

        Raises:
            TimeoutError: After `timeout` seconds of real time.
        """
        return await self.changes.wait_for(predicate, timeout, what)


@web.middleware
async def _refusals(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except Refusal as refusal:
        return refusal.answer()
