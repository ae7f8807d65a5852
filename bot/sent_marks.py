"""What Teams took is marked so in the database, many at a time.

All that is handed over while one write is under way goes into the next one: at a busy time a mark
costs a tenth of a write of its own, at a quiet time it waits for nobody.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from sqlmodel import Session

from bot.ports import Clock
from bot.prepared import remember_alert, remember_card
from storage import outbox
from storage.tables import OutboxRow

Persist = Callable[[Callable[[Session], None]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Taken:
    """A row whose message Teams has; ``card_hash`` is of the card that it shows now, if it is one.

    A card that was up to date already is a row without a hash.
    """

    row: OutboxRow
    activity_id: str
    card_hash: str = ""


class SentMarks:
    """Marks rows as sent. ``persist`` writes to the database, however long that takes."""

    def __init__(self, persist: Persist, clock: Clock) -> None:
        self._persist = persist
        self._clock = clock
        self._waiting: list[tuple[Taken, asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def add(self, taken: Taken) -> None:
        """Mark one; returns when that is durable. Raises what ``persist`` raises."""
        marked = asyncio.get_running_loop().create_future()
        self._waiting.append((taken, marked))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_all())
        await marked

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting, []
                await self._write(batch)
        finally:
            self._writing = None

    async def _write(self, batch: Sequence[tuple[Taken, "asyncio.Future[None]"]]) -> None:
        try:
            await self._persist(lambda s: self._mark(s, [taken for taken, _ in batch]))
        except Exception as error:  # told to those who wait
            if len(batch) > 1:  # one of them may be the cause: the others must not suffer for it
                for one in batch:
                    await self._write([one])
                return
            for _, marked in batch:
                if not marked.done():
                    marked.set_exception(error)
            return
        for _, marked in batch:
            if not marked.done():
                marked.set_result(None)

    def _mark(self, session: Session, batch: Sequence[Taken]) -> None:
        now = self._clock()
        activity_ids = {taken.row.id: taken.activity_id for taken in batch}
        outbox.mark_many_sent(session, activity_ids, now=now)
        for taken in batch:
            if taken.card_hash:
                remember = remember_alert if taken.row.kind == "alert" else remember_card
                remember(session, taken.row, taken.card_hash, taken.activity_id, now)
