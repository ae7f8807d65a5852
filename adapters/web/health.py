"""``/healthz``, ``/readyz`` and ``/metrics``."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from storage.engine import CannotStore

ReadinessCheck = Callable[[], Awaitable[str]]
"""Answers what is wrong in a few words, or nothing when all is well."""


class Health:
    """Answers for orchestrators and Prometheus.

    Args:
        checks: by name; all must be empty for ``/readyz`` to be 200.
        refresh_metrics: brings the gauges that come from the database up to date.
    """

    def __init__(
        self,
        checks: Mapping[str, ReadinessCheck],
        refresh_metrics: Callable[[], Awaitable[None]],
    ) -> None:
        self._checks = checks
        self._refresh_metrics = refresh_metrics

    async def alive(self, request: web.BaseRequest) -> web.Response:
        """200 while the process answers at all."""
        return web.json_response({"status": "alive"})

    async def ready(self, request: web.BaseRequest) -> web.Response:
        """200 when work can be taken, else 503 with what is wrong."""
        problems = {
            name: problem for name, check in self._checks.items() if (problem := await check())
        }
        if problems:
            return web.json_response({"status": "not ready", "problems": problems}, status=503)
        return web.json_response({"status": "ready"})

    async def metrics(self, request: web.BaseRequest) -> web.Response:
        """Prometheus text format."""
        with suppress(CannotStore):  # the counters are still true; readiness tells of the database
            await self._refresh_metrics()
        return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})
