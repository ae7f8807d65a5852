"""A job runs on the one replica that holds its lease."""

import asyncio
from datetime import timedelta

from storage import leases
from storage.engine import Database
from tests.storage.samples import NOW

LENGTH = timedelta(minutes=1)


async def acquire(db: Database, holder: str, seconds: float = 0) -> bool:
    now = NOW + timedelta(seconds=seconds)
    return await db.write(
        lambda s: leases.acquire(s, "sweep", holder=holder, now=now, length=LENGTH)
    )


async def renew(db: Database, holder: str, seconds: float) -> bool:
    now = NOW + timedelta(seconds=seconds)
    return await db.write(lambda s: leases.renew(s, "sweep", holder=holder, now=now, length=LENGTH))


async def test_only_one_holds_a_lease(db: Database) -> None:
    taken = await asyncio.gather(*(acquire(db, f"replica {number}") for number in range(10)))
    assert taken.count(True) == 1


async def test_the_holder_may_take_it_again_and_another_when_it_has_ended(db: Database) -> None:
    assert await acquire(db, "one")
    assert await acquire(db, "one", 30)
    assert not await acquire(db, "two", 89)
    assert await acquire(db, "two", 90)
    assert not await acquire(db, "one", 91)


async def test_a_lease_is_renewed_only_while_it_is_held(db: Database) -> None:
    assert not await renew(db, "one", 0)
    assert await acquire(db, "one")
    assert await renew(db, "one", 59)
    assert not await renew(db, "two", 60)
    assert not await renew(db, "one", 119)


async def test_only_the_holder_gives_it_back(db: Database) -> None:
    await acquire(db, "one")
    await db.write(lambda s: leases.release(s, "sweep", holder="two"))
    assert not await acquire(db, "two")
    await db.write(lambda s: leases.release(s, "sweep", holder="one"))
    assert await acquire(db, "two")


async def test_CHECKS_13_a_lease_from_before_the_clock_went_back_does_not_last_an_hour(
    db: Database,
) -> None:
    """Its holder is dead; another replica need not wait until the clock has caught up."""
    assert await acquire(db, "one", 3600)
    assert not await acquire(db, "two", 3590)  # clocks of replicas differ by some seconds
    assert await acquire(db, "two", 0)
    assert not await acquire(db, "one", 1)
