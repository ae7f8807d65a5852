"""Every request that the sandbox received, with time and answer."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aiohttp import web

from adapters.sandbox.teams.changes import Changes
from adapters.sandbox.teams.faults import Handler


@dataclass(slots=True, eq=False)
class RecordedRequest:
    """One request.

    Attributes:
        at: When it arrived, by the sandbox's clock.
        method: The HTTP method.
        path: Decoded.
        raw_path: As sent, percent-encoded.
        query: The query's fields.
        headers: As sent; not in the repr, they carry tokens.
        body: JSON if it is, else text.
        status: What was answered; None while it is held, or when the connection was dropped.
    """

    at: datetime
    method: str
    path: str
    raw_path: str
    query: dict[str, str]
    headers: dict[str, str] = field(repr=False)
    body: Any = field(repr=False)
    status: int | None = None


class Recorder:
    """Keeps the requests in the order of their arrival."""

    def __init__(self, clock: Callable[[], datetime], changes: Changes) -> None:
        self._clock = clock
        self._changes = changes
        self.requests: list[RecordedRequest] = []

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Record the request and what was answered."""
        recorded = RecordedRequest(
            self._clock(),
            request.method,
            request.path,
            request.rel_url.raw_path,
            dict(request.query),
            dict(request.headers),
            _body(await request.read()),
        )
        self.requests.append(recorded)
        answer = await handler(request)
        if request.transport is not None and not request.transport.is_closing():
            recorded.status = answer.status
        self._changes.tell()
        return answer


def _body(raw: bytes) -> Any:
    try:
        return json.loads(raw) if raw else None
    except ValueError:
        return raw.decode("utf-8", "replace")
