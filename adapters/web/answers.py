"""Answers that more than one address gives, or that are given thousands of times."""

import time
from email.utils import formatdate
from functools import lru_cache

from aiohttp import web
from aiohttp.http import HttpVersion11

RETRY_AFTER_S = "5"


def accepted(request: web.BaseRequest) -> web.StreamResponse:
    """The answer to a webhook that is stored.

    To nearly every sender it is the same few bytes, and aiohttp's way to them takes a tenth of a
    webhook's time; who speaks HTTP/1.0 or wants the connection closed gets it from aiohttp.
    """
    if request.version == HttpVersion11 and request.keep_alive:
        return _Accepted(status=202)
    return web.Response(status=202)


def unavailable(reason: str) -> web.Response:
    """503, after which Azure DevOps and Teams try again."""
    return web.json_response({"error": reason}, status=503, headers={"Retry-After": RETRY_AFTER_S})


class _Accepted(web.StreamResponse):
    """Sends all of itself when it is prepared."""

    @property
    def keep_alive(self) -> bool:
        return True

    async def prepare(self, request: web.BaseRequest) -> None:
        await request.writer.write(_bytes(int(time.time())))

    async def write_eof(self, data: bytes = b"") -> None:
        pass


@lru_cache(maxsize=1)
def _bytes(second: int) -> bytes:
    date = formatdate(second, usegmt=True)  # RFC 9110, section 6.6.1: whoever has a clock says it
    return f"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\nDate: {date}\r\n\r\n".encode()
