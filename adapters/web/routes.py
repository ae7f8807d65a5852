"""Which handler answers which address, on aiohttp's low-level server.

Pullcord has four fixed addresses and one with a name in it. aiohttp's application would find them
too, but takes a fifth of a webhook's time for it (aiohttp's documentation, "Low Level Server").
"""

import logging
from collections.abc import Awaitable, Callable, Collection

from aiohttp import hdrs, web
from aiohttp.http import HttpVersion11

from adapters.web.answers import unavailable

log = logging.getLogger(__name__)

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
NamedHandler = Callable[[web.BaseRequest, str], Awaitable[web.StreamResponse]]
"""Gets the name that stands at the end of the address."""


class Routes:
    """Answers every request; is given to ``web.Server``."""

    def __init__(self) -> None:
        self._fixed: dict[str, dict[str, Handler]] = {}
        self._named: dict[str, NamedHandler] = {}

    def get(self, path: str, handler: Handler) -> None:
        """Answer GET and HEAD of one address."""
        self._fixed[path] = {hdrs.METH_GET: handler, hdrs.METH_HEAD: handler}

    def post(self, path: str, handler: Handler) -> None:
        """Answer POST to one address."""
        self._fixed[path] = {hdrs.METH_POST: handler}

    def post_named(self, folder: str, handler: NamedHandler) -> None:
        """Answer POST to whatever is in a folder (``/a/b/``)."""
        self._named[folder] = handler

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        """A defect is answered 503, which is tried again; 500 would cost events for 20 minutes."""
        try:
            return await self._answer(request)
        except web.HTTPException:
            raise
        except Exception:
            log.exception("%s %s failed", request.method, request.rel_url.raw_path)
            return unavailable("Pullcord could not handle this")

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        if hdrs.EXPECT in request.headers:
            await _say_go_on(request)
        path = request.path
        for folder, named_handler in self._named.items():
            if path.startswith(folder):
                _refuse_unless(request, (hdrs.METH_POST,))
                return await named_handler(request, path.removeprefix(folder))
        handlers = self._fixed.get(path)
        if handlers is None:
            raise web.HTTPNotFound
        _refuse_unless(request, handlers)
        return await handlers[request.method](request)


def _refuse_unless(request: web.BaseRequest, methods: Collection[str]) -> None:
    if request.method not in methods:
        raise web.HTTPMethodNotAllowed(request.method, methods)


async def _say_go_on(request: web.BaseRequest) -> None:
    """The sender waits for this before it sends the body (RFC 9110, section 10.1.1)."""
    if request.headers[hdrs.EXPECT].lower() != "100-continue":
        raise web.HTTPExpectationFailed
    if request.version == HttpVersion11:
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
