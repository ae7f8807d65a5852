"""The least that can stand for Teams: takes every message, gives it an id, issues tokens.

``python -m benchmarks.connector`` runs it in a process of its own; ``Connector`` in this one, where
``received`` is called with each body and so knows when it came.
"""

import asyncio
import itertools
import json
from collections.abc import Callable

from aiohttp import web

from benchmarks.bare_door import run


class Connector:
    """An app for the Bot Connector's paths that Pullcord uses."""

    def __init__(self, received: Callable[[bytes], None] | None = None) -> None:
        self._received = received
        self._ids = itertools.count(1)
        self.count = 0
        self.app = web.Application()
        self.app.router.add_post("/v3/conversations/{id}/activities", self._post)
        self.app.router.add_put("/v3/conversations/{id}/activities/{activity}", self._post)
        self.app.router.add_post("/{tenant}/oauth2/v2.0/token", _token)
        self.app.router.add_get("/count", self._counted)

    async def _post(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.count += 1
        if self._received:
            self._received(body)
        return web.Response(
            body=b'{"id":"%d"}' % next(self._ids), content_type="application/json", status=201
        )

    async def _counted(self, request: web.Request) -> web.Response:
        return web.json_response({"count": self.count})


async def _token(request: web.Request) -> web.Response:
    answer = {"token_type": "Bearer", "expires_in": 3600, "access_token": "sample"}
    return web.Response(text=json.dumps(answer), content_type="application/json")


if __name__ == "__main__":
    asyncio.run(run(Connector().app))
