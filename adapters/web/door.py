"""Who may deliver webhooks to which connection: secrets' hashes, kept in memory for a moment."""

import asyncio
import time
from collections.abc import Callable, Mapping

from sqlmodel import Session

from storage.engine import Database
from storage.queries import connections
from storage.queries.connections import Door

FRESH_S = 5.0
LOOK_AGAIN_S = 1.0


class ConnectionDoor:
    """Checks connection and secret against the database.

    The hashes are read every FRESH_S seconds, and once more (at most each LOOK_AGAIN_S) when
    somebody is refused, because a connection or secret may have been made by another process.
    """

    def __init__(self, db: Database, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._db = db
        self._monotonic = monotonic
        self._doors: Mapping[str, Door] = {}
        self._read_at = float("-inf")
        self._reading = asyncio.Lock()

    async def admits(self, connection: str, secret: str | None) -> bool | None:
        """None when there is no such connection, else whether the secret is one of its secrets.

        Raises:
            CannotRead: the hashes are old and cannot be read.
        """
        if self._monotonic() - self._read_at >= FRESH_S:
            await self._refresh(FRESH_S)
        verdict = self._verdict(connection, secret)
        if verdict:
            return True
        await self._refresh(LOOK_AGAIN_S)
        return self._verdict(connection, secret)

    def _verdict(self, connection: str, secret: str | None) -> bool | None:
        door = self._doors.get(connection)
        if door is None:
            return None
        return bool(secret) and door.admits(secret or "")

    async def _refresh(self, older_than_s: float) -> None:
        if self._monotonic() - self._read_at < older_than_s:
            return
        async with self._reading:
            if self._monotonic() - self._read_at >= older_than_s:
                self._doors = await self._db.read(_all_doors)
                self._read_at = self._monotonic()


def _all_doors(session: Session) -> Mapping[str, Door]:
    return {
        row.name: Door(row.name, row.secret_hash, row.old_secret_hash)
        for row in connections.all_connections(session)
    }
