"""Reminders and digests at work: planned now and then, told when they are due.

What is due stands in tables; each is told in the transaction that marks it. So a restart, a long
stall or a second replica neither skips nor doubles one.
"""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

from sqlmodel import Session

from bot.jobs import Job
from bot.reminders import digest_times
from bot.reminders.digest_times import Prepared
from bot.reminders.plan import find_plans
from bot.reminders.telling import give_up, tell_owner
from bot.services import Services
from storage.engine import CannotStore
from storage.queries import reminders
from storage.queries.reminders import PlannedReminder

log = logging.getLogger(__name__)

PLAN = "plan reminders"
TELL = "tell reminders"
PLAN_EVERY = timedelta(minutes=5)
TELL_EVERY = timedelta(seconds=30)
WRITE_AT_ONCE = 200
DIGESTS_AT_ONCE = 100


class Reminders:
    """Plans and tells reminders and digests; ``bot.jobs`` says when."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def jobs(self) -> tuple[Job, ...]:
        """What the clock starts. Both hold one lease, so that a plan is whole when it is told."""
        return (
            Job(PLAN, PLAN_EVERY, self.plan, PLAN, at_start=True),
            Job(TELL, TELL_EVERY, self.tell, PLAN, at_start=True),
        )

    async def plan(self) -> None:
        """Note what will be due and when, and what is due at another time than was noted."""
        db, now = self._services.db, self._services.clock()
        found = await db.read(partial(find_plans, now=now))
        for start in range(0, len(found), WRITE_AT_ONCE):
            await db.write(partial(_store, found=found[start : start + WRITE_AT_ONCE], now=now))
        await db.write(partial(digest_times.plan_digests, now=now))

    async def tell(self) -> None:
        """Tell everybody what is due to him, and the digests that are due."""
        now = self._services.clock()
        for owner in await self._services.db.read(partial(reminders.due_owners, now=now)):
            await self._tell_owner(owner, now)
        for owner in await self._services.db.read(partial(_digest_owners, now=now)):
            await self._tell_digest(owner, now)

    async def _tell_owner(self, owner: str, now: datetime) -> None:
        db = self._services.db
        try:
            while await db.write(partial(tell_owner, owner=owner, now=now)):
                pass
        except CannotStore:
            raise
        except Exception:  # a defect with one owner must not keep the others from theirs
            log.exception("the reminders of %s failed", owner)
            await db.write(partial(give_up, owner=owner, now=now))

    async def _tell_digest(self, owner: str, now: datetime) -> None:
        """Read outside of the writer, because reading a digest takes long; told if still due."""
        db = self._services.db
        try:
            prepared: Prepared | None = await db.read(
                partial(digest_times.prepare, owner_key=owner, now=now)
            )
            if prepared is not None:
                await db.write(partial(digest_times.tell, prepared=prepared, now=now))
        except CannotStore:
            raise
        except Exception:  # as above
            log.exception("the digest of %s failed", owner)
            await db.write(partial(digest_times.give_up, owner_key=owner, now=now))


def _store(session: Session, found: Sequence[PlannedReminder], now: datetime) -> None:
    for wanted in found:
        reminders.plan(session, wanted, now=now)


def _digest_owners(session: Session, now: datetime) -> list[str]:
    return [row.owner for row in reminders.due_digests(session, now=now, limit=DIGESTS_AT_ONCE)]
