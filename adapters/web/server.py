"""The HTTP server with every route of Pullcord."""

import logging
from collections.abc import Awaitable, Callable

from aiohttp import web

from adapters.web.health import Health
from adapters.web.webhooks import Webhooks

log = logging.getLogger(__name__)

SHUTDOWN_S = 2.0  # what is being stored has its answer by then; a slow sender does not count
LINGER_S = (
    2.0  # what is left of a refused body is thrown away for so long, so that its sender reads why
)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class CannotListen(Exception):
    """An address is taken or not ours. ``setting`` names the port's setting."""

    def __init__(self, setting: str, port: int, reason: str) -> None:
        super().__init__(reason)
        self.setting = setting
        self.port = port


class WebServer:
    """Serves on one address until it is stopped. ``port`` is the real one after ``start``.

    Args:
        host: address to listen on.
        port: 0 takes a free one.
        health_port: where health and metrics are, and nowhere else then; 0: beside the others.
        webhooks: from Azure DevOps.
        messages: from Teams.
        health: the answers for orchestrators and Prometheus.
    """

    def __init__(
        self,
        *,
        host: str,
        port: int,
        webhooks: Webhooks,
        messages: Handler,
        health: Health,
        health_port: int = 0,
    ) -> None:
        self._host = host
        self.port = port
        self._health_port = health_port
        work = web.Application()
        work.router.add_post("/api/messages", _never_500(messages))
        work.router.add_post("/webhooks/ado/{connection}", _never_500(webhooks.post))
        inside = web.Application() if health_port else work
        inside.router.add_get("/healthz", _never_500(health.alive))
        inside.router.add_get("/readyz", _never_500(health.ready))
        inside.router.add_get("/metrics", _never_500(health.metrics))
        self._runner = _runner(work)
        self._inside = _runner(inside) if health_port else None

    async def start(self) -> None:
        """Listen. Raises CannotListen when an address is taken."""
        if self._inside is not None:
            await self._listen(self._inside, self._health_port, "PULLCORD_HEALTH_PORT")
        await self._listen(self._runner, self.port, "PULLCORD_PORT")
        assert self._runner.addresses
        self.port = int(self._runner.addresses[0][1])

    async def _listen(self, runner: web.AppRunner, port: int, setting: str) -> None:
        await runner.setup()
        try:
            await web.TCPSite(runner, self._host, port).start()
        except OSError as error:
            await self.stop()
            raise CannotListen(setting, port, error.strerror or str(error)) from None

    async def stop(self) -> None:
        """Close the ports after what is being answered has been answered."""
        await self._runner.cleanup()
        if self._inside is not None:
            await self._inside.cleanup()


def _runner(app: web.Application) -> web.AppRunner:
    # Bodies are not unpacked: a small one could fill the memory.
    return web.AppRunner(
        app,
        access_log=None,
        shutdown_timeout=SHUTDOWN_S,
        lingering_time=LINGER_S,
        auto_decompress=False,
    )


def _never_500(handler: Handler) -> Handler:
    """A defect is answered 503, which is tried again; 500 would cost events for 20 minutes."""

    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPException:
            raise
        except Exception:
            log.exception("%s %s failed", request.method, request.rel_url.raw_path)
            return web.json_response(
                {"error": "Pullcord could not handle this"},
                status=503,
                headers={"Retry-After": "5"},
            )

    return handle
