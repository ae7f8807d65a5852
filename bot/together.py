"""Many small writes as one.

All that is added while one write is under way goes into the next one, which a pace may put off. At
a busy time that costs a tenth of a write for each; at a quiet time nobody waits for anybody.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from sqlmodel import Session

T = TypeVar("T")

BURST = 20


class Pace:
    """Turns at most so often in the long run; BURST of them come at once after a quiet time."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._burst_s = BURST * seconds
        self._paid_until = float("-inf")

    async def keep(self) -> None:
        """Wait for this turn's time."""
        now = asyncio.get_running_loop().time()
        self._paid_until = max(self._paid_until, now - self._burst_s) + self._seconds
        if self._paid_until > now:
            await asyncio.sleep(self._paid_until - now)


class Together(Generic[T]):
    """Collects values and stores those that wait in one write.

    Args:
        persist: runs a function in the database (``Database.write``, or one that tries again).
        store: stores values, in the order in which they were added.
        pace: between two writes.
    """

    def __init__(
        self,
        persist: Callable[[Callable[[Session], None]], Awaitable[None]],
        store: Callable[[Session, Sequence[T]], None],
        pace: Pace | None = None,
    ) -> None:
        self._persist = persist
        self._store = store
        self._pace = pace
        self._waiting: list[tuple[T, asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def add(self, value: T) -> None:
        """Store one; returns when that is durable. Raises what ``persist`` raises."""
        stored = asyncio.get_running_loop().create_future()
        self._waiting.append((value, stored))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_all())
        await stored

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                if self._pace is not None:
                    await self._pace.keep()
                batch, self._waiting = self._waiting, []
                await self._write(batch)
        finally:
            self._writing = None

    async def _write(self, batch: Sequence[tuple[T, "asyncio.Future[None]"]]) -> None:
        values = [value for value, _ in batch]
        try:
            await self._persist(lambda s: self._store(s, values))
        except Exception as error:  # told to those who wait for it
            if len(batch) > 1:  # one of them may be the cause: the others must not suffer for it
                for one in batch:
                    await self._write([one])
                return
            _tell(batch, error)
        else:
            _tell(batch, None)


def _tell(batch: Sequence[tuple[T, "asyncio.Future[None]"]], error: Exception | None) -> None:
    for _, stored in batch:
        if stored.done():
            continue
        if error is None:
            stored.set_result(None)
        else:
            stored.set_exception(error)
