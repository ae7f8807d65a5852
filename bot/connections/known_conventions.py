"""The conventions of every connection, kept in memory for a moment: each webhook asks for them."""

import asyncio
import time
from collections.abc import Callable, Mapping

from sqlmodel import Session

from bot.connections.conventions import Conventions, conventions_of
from storage.engine import Database
from storage.queries import connections

FRESH_S = 5.0


class KnownConventions:
    """Reads them again every FRESH_S seconds, because the command line may change them."""

    def __init__(self, db: Database, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._db = db
        self._monotonic = monotonic
        self._known: Mapping[str, Conventions] = {}
        self._read_at = float("-inf")
        self._reading = asyncio.Lock()

    async def __call__(self, connection: str) -> Conventions:
        """What the connection is set to; the defaults for one that is not known.

        Raises CannotStore when it must be read and cannot.
        """
        if self._monotonic() - self._read_at >= FRESH_S:
            async with self._reading:
                if self._monotonic() - self._read_at >= FRESH_S:
                    self._known = await self._db.read(_all)
                    self._read_at = self._monotonic()
        return self._known.get(connection) or Conventions()


def _all(session: Session) -> Mapping[str, Conventions]:
    return {row.name: conventions_of(row.settings) for row in connections.all_connections(session)}
