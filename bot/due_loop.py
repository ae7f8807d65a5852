"""A loop over what is due in a table: woken when something is recorded, and looking by itself."""

import asyncio
import logging
from abc import ABC, abstractmethod
from contextlib import suppress
from typing import ClassVar

from storage.engine import CannotStore

log = logging.getLogger(__name__)

POLL_S = 1.0


class DueLoop(ABC):
    """Works off what is due until it is stopped."""

    what: ClassVar[str]
    """What it works off, as the log calls it (plural)."""

    def __init__(self) -> None:
        self._something = asyncio.Event()
        self._stopping = False

    def wake(self) -> None:
        """Something was recorded or changed: look at once instead of at the next poll."""
        self._something.set()

    def stop(self) -> None:
        """End ``run`` after what is in hand."""
        self._stopping = True
        self._something.set()

    async def run(self) -> None:
        """Work until ``stop``. Trouble with the database is waited out."""
        while not self._stopping:
            self._something.clear()
            try:
                done = await self._round()
            except CannotStore:
                log.warning("%s cannot be read now; trying again", self.what)
                done = 0
            if not done:
                with suppress(TimeoutError):
                    async with asyncio.timeout(POLL_S):
                        await self._something.wait()

    async def _round(self) -> int:
        """One turn of ``run``: what is due."""
        return await self.work_off()

    @abstractmethod
    async def work_off(self) -> int:
        """Do what is due now; how much that was (0: nothing). Raises CannotStore."""
