"""Asks for checks of open pull requests again: no service hook tells of statuses and policies."""

import asyncio
import logging
from datetime import timedelta

from sqlmodel import Session

from bot.fresh_read import FreshReads
from bot.log_text import log_safe
from bot.ports import AzureDevOpsError, NotFound, RateLimited, Unreachable
from bot.services import Services
from storage.queries import checks, pull_requests

log = logging.getLogger(__name__)

JOB = "checks of pull requests"
EVERY = timedelta(seconds=30)
AT_ONCE = 4
PER_ROUND = 60
CAUSE = "checks"


class ChecksWatch:
    """Reads what is due (``bot.checks.next_look``), some at a time."""

    def __init__(self, services: Services, reads: FreshReads) -> None:
        self._services = services
        self._reads = reads

    async def run(self) -> None:
        """Read what is due now. A connection that cannot be reached is left alone in this round.

        What is not read comes again when the claim on it ends. Raises CannotStore.
        """
        now = self._services.clock()
        due = await self._services.db.write(lambda s: checks.claim_due(s, now=now, limit=PER_ROUND))
        places = asyncio.Semaphore(AT_ONCE)
        failed: set[str] = set()
        await asyncio.gather(*(self._read(key, places, failed) for key in due))

    async def _read(
        self, key: tuple[str, int], places: asyncio.Semaphore, failed: set[str]
    ) -> None:
        connection, number = key
        async with places:
            if connection in failed:
                return
            try:
                await self._reads.read(connection, number, cause=CAUSE)
            except NotFound:
                log.info("pull request %s!%s is not there any more", log_safe(connection), number)
                await self._services.db.write(lambda s: _forget(s, connection, number))
            except AzureDevOpsError as error:
                if isinstance(error, Unreachable | RateLimited):
                    failed.add(connection)
                log.info("%s!%s not read: %s", log_safe(connection), number, log_safe(str(error)))


def _forget(session: Session, connection: str, number: int) -> None:
    row = pull_requests.by_number(session, connection, number)
    if row is not None and row.id is not None:
        checks.stop_watching(session, row.id)
