"""Trouble on demand: what a client must survive."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

RATE_LIMIT_MESSAGE = (
    "TF400733: The request has been canceled: Request was blocked due to exceeding usage of"
    " resource 'Concurrency' in namespace 'User'."
)


@dataclass(eq=False, slots=True)
class Fault:
    """One kind of trouble for requests that match; see ``Faults.add``.

    ``hits`` counts the requests it has hit; ``struck`` is set from the first one on.
    """

    method: str | None
    path: re.Pattern[str] | None
    status: int | None
    body: str | Mapping[str, Any] | None
    headers: Mapping[str, str]
    delay: float | asyncio.Event | None
    drop: bool
    hang: bool
    times: int | None
    after: bool
    hits: int = 0
    struck: asyncio.Event = field(default_factory=asyncio.Event)

    def meets(self, method: str, path: str) -> bool:
        """Tell whether a request is hit; counts it when it is."""
        if self.times is not None and self.hits >= self.times:
            return False
        if self.method is not None and self.method.upper() != method:
            return False
        if self.path is not None and self.path.search(path) is None:
            return False
        self.hits += 1
        self.struck.set()
        return True


class Faults:
    """The list of faults; the first that matches a request hits it."""

    def __init__(self, sleep: Callable[[float], Awaitable[object]]) -> None:
        self._sleep = sleep
        self._faults: list[Fault] = []
        self._released = asyncio.Event()

    def add(
        self,
        method: str | None = None,
        path: str | None = None,
        *,
        status: int | None = None,
        body: str | Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        delay: float | asyncio.Event | None = None,
        drop: bool = False,
        hang: bool = False,
        times: int | None = None,
        after: bool = False,
    ) -> Fault:
        """Make requests fail, wait, or answer with more headers.

        Args:
            method: HTTP method, None for any.
            path: regular expression, searched in the path after the organisation, any case.
            status: answer this instead of doing the work; without it the real answer is sent.
            body: text (sent as HTML) or a mapping (sent as JSON), with ``status``.
            headers: added to the answer, also to a real one (``Retry-After`` on a 200).
            delay: seconds, or an event to wait for, before anything else.
            drop: close the connection without an answer.
            hang: never answer, until ``clear()`` or the sandbox stops.
            times: how many requests it hits; None for all.
            after: do the work first, then drop, hang or answer ``status``: the caller cannot know
                that it was done.
        """
        pattern = re.compile(path, re.IGNORECASE) if path is not None else None
        fault = Fault(
            method, pattern, status, body, dict(headers or {}), delay, drop, hang, times, after
        )
        self._faults.append(fault)
        return fault

    def rate_limit(
        self, retry_after_s: int, *, path: str | None = None, times: int | None = 1
    ) -> Fault:
        """Block requests with 429 TF400733 and the headers of the rate limit."""
        body = {
            "$id": "1",
            "innerException": None,
            "message": RATE_LIMIT_MESSAGE,
            "typeName": "Microsoft.TeamFoundation.Framework.Server.RequestBlockedException,"
            " Microsoft.TeamFoundation.Framework.Server",
            "typeKey": "RequestBlockedException",
            "errorCode": 0,
            "eventId": 3000,
        }
        return self.add(
            path=path,
            status=429,
            body=body,
            headers=rate_limit_headers(retry_after_s),
            times=times,
        )

    def clear(self) -> None:
        """Forget every fault and let go of requests that hang."""
        self._faults.clear()
        self.release()

    def release(self) -> None:
        """Let go of requests that hang; the faults stay."""
        self._released.set()
        self._released = asyncio.Event()

    def take(self, method: str, path: str) -> Fault | None:
        """Return the fault that hits a request, if any."""
        return next((fault for fault in self._faults if fault.meets(method, path)), None)

    async def wait(self, fault: Fault) -> None:
        """Wait as long as the fault demands."""
        if isinstance(fault.delay, asyncio.Event):
            await fault.delay.wait()
        elif fault.delay is not None:
            await self._sleep(fault.delay)

    async def hang(self) -> None:
        """Wait until hanging requests are let go."""
        await self._released.wait()


def rate_limit_headers(retry_after_s: int) -> dict[str, str]:
    """Return the headers that the service documents for a caller near or over its limit."""
    return {
        "Retry-After": str(retry_after_s),
        "X-RateLimit-Resource": "Concurrency",
        "X-RateLimit-Delay": "0.5",
        "X-RateLimit-Limit": "200",
        "X-RateLimit-Remaining": "0",
        "X-RateLimit-Cost": "1",
    }
