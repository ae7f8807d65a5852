"""The least that could answer a webhook: authenticate, parse, 202. Nothing is stored.

``python -m benchmarks.bare_door SECRET``; the yardstick of ``benchmarks.ingest``.
"""

import asyncio
import base64
import hmac
import json
import sys

from aiohttp import web


def application(secret: str) -> web.Application:
    """An app with the one route."""

    async def post(request: web.Request) -> web.Response:
        encoded = request.headers["Authorization"].removeprefix("Basic ")
        _, _, password = base64.b64decode(encoded).decode().partition(":")
        if not hmac.compare_digest(password, secret):
            return web.Response(status=401)
        json.loads(await request.read())
        return web.Response(status=202)

    app = web.Application()
    app.router.add_post("/webhooks/ado/{connection}", post)
    return app


async def run(app: web.Application) -> None:
    """Serve until the process is ended."""
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(json.dumps({"port": runner.addresses[0][1]}), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(run(application(sys.argv[1])))
