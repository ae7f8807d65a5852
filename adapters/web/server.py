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


class WebServer:
    """Serves on one address until it is stopped. ``port`` is the real one after ``start``."""

    def __init__(
        self, *, host: str, port: int, webhooks: Webhooks, messages: Handler, health: Health
    ) -> None:
        self._host = host
        self.port = port
        app = web.Application()
        app.router.add_post("/api/messages", _never_500(messages))
        app.router.add_post("/webhooks/ado/{connection}", _never_500(webhooks.post))
        app.router.add_get("/healthz", _never_500(health.alive))
        app.router.add_get("/readyz", _never_500(health.ready))
        app.router.add_get("/metrics", _never_500(health.metrics))
        # Bodies are not unpacked: a small one could fill the memory.
        self._runner = web.AppRunner(
            app,
            access_log=None,
            shutdown_timeout=SHUTDOWN_S,
            lingering_time=LINGER_S,
            auto_decompress=False,
        )

    async def start(self) -> None:
        """Listen. Raises OSError when the address is taken."""
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self.port)
        await site.start()
        assert self._runner.addresses
        self.port = int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Close the port after what is being answered has been answered."""
        await self._runner.cleanup()


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
