"""The HTTP server with every route of Pullcord."""

from aiohttp import web

from adapters.web.health import Health
from adapters.web.routes import Handler, Routes
from adapters.web.webhooks import Webhooks

SHUTDOWN_S = 2.0  # what is being stored has its answer by then; a slow sender does not count
LINGER_S = (
    2.0  # what is left of a refused body is thrown away for so long, so that its sender reads why
)


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
        work = Routes()
        work.post_named("/webhooks/ado/", webhooks.post)
        work.post("/api/messages", messages)
        inside = Routes() if health_port else work
        inside.get("/healthz", health.alive)
        inside.get("/readyz", health.ready)
        inside.get("/metrics", health.metrics)
        self._runner = _runner(work)
        self._inside = _runner(inside) if health_port else None

    async def start(self) -> None:
        """Listen. Raises CannotListen when an address is taken."""
        if self._inside is not None:
            await self._listen(self._inside, self._health_port, "PULLCORD_HEALTH_PORT")
        await self._listen(self._runner, self.port, "PULLCORD_PORT")
        assert self._runner.addresses
        self.port = int(self._runner.addresses[0][1])

    async def _listen(self, runner: web.ServerRunner, port: int, setting: str) -> None:
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


def _runner(routes: Routes) -> web.ServerRunner:
    # Bodies are not unpacked: a small one could fill the memory.
    server = web.Server(routes, access_log=None, lingering_time=LINGER_S, auto_decompress=False)
    return web.ServerRunner(server, shutdown_timeout=SHUTDOWN_S)
