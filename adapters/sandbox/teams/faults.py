"""Faults on purpose: error answers, delays, dropped connections, answers that are held back."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from adapters.sandbox.teams.changes import Changes

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(slots=True, eq=False)
class Fault:
    """What happens to the requests that match.

    Attributes:
        method: The HTTP method, or None for any.
        path: Searched in the path, once as sent (percent-encoded) and once decoded.
        status: Answer this instead of the real answer; None lets the real answer through, which
            makes sense with `delay_s` or `hold`.
        headers: Of that answer.
        body: Of that answer: a mapping or list as JSON, a str as it is.
        drop: Close the connection without an answer.
        hold: Keep the answer until the event is set.
        delay_s: Keep the answer for so long, in the sandbox's own sleep.
        after: The request takes effect first, and only its answer suffers. Otherwise it never
            reaches the sandbox.
        times: How many requests it still befalls; None for all.
        hits: How many it befell.
    """

    method: str | None
    path: re.Pattern[str]
    status: int | None
    headers: Mapping[str, str]
    body: Any
    drop: bool
    hold: asyncio.Event | None
    delay_s: float
    after: bool
    times: int | None
    hits: int = 0
    _changes: Changes = field(default_factory=Changes, repr=False)

    def release(self) -> None:
        """Let the held answers go, and hold no more."""
        self.times = self.hits
        if self.hold is not None:
            self.hold.set()

    async def reached(
        self,
        count: int = 1,
        timeout: float = 10.0,  # noqa: ASYNC109 - asyncio.timeout could not say what was missing
    ) -> None:
        """Wait until it befell `count` requests."""
        await self._changes.wait_for(
            lambda: self.hits >= count, timeout, f"{count} requests that match {self.path.pattern}"
        )


class Faults:
    """The faults in force; the first one that matches a request acts."""

    def __init__(self, sleep: Callable[[float], Awaitable[None]], changes: Changes) -> None:
        self._sleep = sleep
        self._changes = changes
        self._faults: list[Fault] = []
        self._closing = asyncio.Event()

    def add(
        self,
        *,
        method: str | None = None,
        path: str = "",
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
        drop: bool = False,
        hang: bool = False,
        hold: asyncio.Event | None = None,
        delay_s: float = 0.0,
        after: bool = False,
        times: int | None = None,
    ) -> Fault:
        """Put a fault in force; see `Fault` for the fields. `hang` never answers."""
        if hang:
            hold = asyncio.Event()
        fault = Fault(
            method.upper() if method else None,
            re.compile(path),
            status,
            dict(headers or {}),
            body,
            drop,
            hold,
            delay_s,
            after,
            times,
            _changes=self._changes,
        )
        self._faults.append(fault)
        return fault

    def hold(self, *, method: str | None = None, path: str = "", times: int | None = None) -> Fault:
        """Let matching requests take effect and keep their answers until `release()`."""
        return self.add(method=method, path=path, hold=asyncio.Event(), after=True, times=times)

    def remove(self, fault: Fault) -> None:
        """End a fault; what it holds is let go."""
        fault.release()
        if fault in self._faults:
            self._faults.remove(fault)

    def clear(self) -> None:
        """End all faults."""
        for fault in list(self._faults):
            self.remove(fault)

    def open(self) -> None:
        """Begin to serve."""
        self._closing.clear()

    def close(self) -> None:
        """Let go of every connection that is held, because the server stops."""
        self._closing.set()

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Apply the first matching fault to this request."""
        fault = self._match(request)
        if fault is None:
            return await handler(request)
        fault.hits += 1
        answer = await handler(request) if fault.after else None
        self._changes.tell()
        await self._wait(fault)
        if fault.drop or self._closing.is_set():
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=503)
        if fault.status is not None:
            return _answer(fault)
        return answer if answer is not None else await handler(request)

    def _match(self, request: web.Request) -> Fault | None:
        for fault in self._faults:
            if fault.times is not None and fault.hits >= fault.times:
                continue
            if fault.method in (None, request.method) and (
                fault.path.search(request.rel_url.raw_path) or fault.path.search(request.path)
            ):
                return fault
        return None

    async def _wait(self, fault: Fault) -> None:
        if fault.delay_s:
            await self._sleep(fault.delay_s)
        if fault.hold is None:
            return
        waits = [asyncio.ensure_future(e.wait()) for e in (fault.hold, self._closing)]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()


def _answer(fault: Fault) -> web.Response:
    assert fault.status is not None
    if isinstance(fault.body, str):
        return web.Response(status=fault.status, headers=fault.headers, text=fault.body)
    if fault.body is None:
        return web.Response(status=fault.status, headers=fault.headers)
    return web.json_response(fault.body, status=fault.status, headers=fault.headers)
