"""The inbox and its lane in the writer."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlmodel import Session, select

from storage import inbox
from storage.engine import Database
from storage.inbox import NewHook
from storage.tables import InboxRow
from tests.storage.samples import NOW, new_hook

MINUTE = timedelta(minutes=1)


def bodies(session: Session) -> list[bytes]:
    return list(session.exec(select(InboxRow.body).order_by(InboxRow.id)).all())  # type: ignore[arg-type]


async def claim_ids(db: Database, minutes: float = 0, limit: int = 100) -> list[int | None]:
    now = NOW + minutes * MINUTE
    return [row.id for row in await db.write(lambda s: inbox.claim(s, now=now, limit=limit))]


async def test_fifty_deliveries_of_one_event_are_stored_once(db: Database) -> None:
    """CHECKS 3: the storage's part of it."""
    news = await asyncio.gather(*(db.store_hook(new_hook()) for _ in range(50)))
    assert news.count(True) == 1
    assert not await db.store_hook(new_hook())
    assert await db.read(bodies) == [b'{"a": 1}']


async def test_two_bodies_under_one_key_are_both_kept(db: Database) -> None:
    hooks = [new_hook(body=b"one"), new_hook(body=b"two"), new_hook(connection="other")]
    assert await asyncio.gather(*map(db.store_hook, hooks)) == [True, True, True]
    assert sorted(await db.read(bodies)) == sorted(hook.body for hook in hooks)


async def test_each_caller_is_told_whether_its_own_was_new(db: Database) -> None:
    """Known ones and new ones in one batch, over several sizes of statement."""
    for number in range(0, 400, 3):
        await db.store_hook(new_hook(f"n:{number}"))
    hooks = [new_hook(f"n:{number // 2}") for number in range(800)]
    news = await asyncio.gather(*map(db.store_hook, hooks))
    assert [number for number in range(800) if news[number]] == [
        number for number in range(0, 800, 2) if (number // 2) % 3
    ]
    assert len(await db.read(bodies)) == 400


async def test_a_hook_that_cannot_be_stored_does_not_harm_its_neighbours(db: Database) -> None:
    bad = NewHook("demo", "bad", b"x", None)  # type: ignore[arg-type]  # a defect of the caller's
    ends = await asyncio.gather(
        db.store_hook(new_hook("a")),
        db.store_hook(bad),
        db.store_hook(new_hook("b")),
        return_exceptions=True,
    )
    assert (ends[0], ends[2]) == (True, True)
    assert isinstance(ends[1], Exception)
    assert len(await db.read(bodies)) == 2
    assert db.is_healthy


async def test_a_key_longer_than_an_index_entry_may_be_still_finds_its_own(db: Database) -> None:
    keys = ["e:" + "x" * 10_000, "e:" + "x" * 10_001]
    assert [await db.store_hook(new_hook(key)) for key in keys * 2] == [True, True, False, False]


async def test_claims_come_in_order_and_only_once(db: Database) -> None:
    for number in range(5):
        await db.store_hook(new_hook(f"n:{number}"))
    first, second = await claim_ids(db, limit=3), await claim_ids(db)
    assert sorted([*first, *second], key=str) == [*first, *second]
    assert (len(first), len(second), await claim_ids(db)) == (3, 2, [])


async def test_a_claim_ends_with_its_lease(db: Database) -> None:
    await db.store_hook(new_hook())
    ids = await claim_ids(db)
    assert await claim_ids(db, minutes=4) == []
    assert await claim_ids(db, minutes=6) == ids


async def test_what_is_dealt_with_is_not_claimed_again(db: Database) -> None:
    for number in range(4):
        await db.store_hook(new_hook(f"n:{number}"))
    ids = await claim_ids(db)

    def deal(session: Session) -> None:
        inbox.mark(session, ids[0], "done", now=NOW)
        inbox.mark(session, ids[1], "unused", now=NOW)
        inbox.mark(session, ids[2], "test", now=NOW)
        inbox.mark(session, ids[3], "dead", now=NOW, reason="resource is missing")

    await db.write(deal)
    assert await claim_ids(db, minutes=60) == []
    assert await db.read(inbox.counts) == {"done": 1, "unused": 1, "test": 1, "dead": 1}


async def test_one_that_waits_holds_up_no_other(db: Database) -> None:
    for number in range(2):
        await db.store_hook(new_hook(f"n:{number}"))
    first, second = await claim_ids(db)
    later = NOW + 10 * MINUTE
    await db.write(lambda s: inbox.retry_later(s, first, due_at=later, reason="unreachable"))
    await db.write(lambda s: inbox.mark(s, second, "done", now=NOW))
    assert await claim_ids(db, minutes=9) == []
    rows = await db.write(lambda s: inbox.claim(s, now=later))
    assert [(row.id, row.attempts, row.reason) for row in rows] == [(first, 1, "unreachable")]


async def test_a_clock_that_goes_back_freezes_nothing(db: Database) -> None:
    """CHECKS 13: one hour back while running; neither fresh rows nor retries nor leases freeze."""
    for number in range(3):
        await db.store_hook(new_hook(f"n:{number}"))
    first, _second = await claim_ids(db, limit=2)
    due = NOW + MINUTE
    await db.write(lambda s: inbox.retry_later(s, first, due_at=due, reason="unreachable"))
    assert len(await claim_ids(db, minutes=-60)) == 3
    await db.write(
        lambda s: inbox.retry_later(s, first, due_at=due - 60 * MINUTE, reason="unreachable")
    )
    assert await claim_ids(db, minutes=-60) == []  # and no storm either


async def test_dead_letters_are_listed_and_can_be_tried_again(db: Database) -> None:
    await db.store_hook(new_hook("a"))
    await db.store_hook(new_hook("b", connection="other"))
    ids = await claim_ids(db)
    await db.write(lambda s: inbox.mark_many(s, ids, "dead", now=NOW, reason="id is missing"))
    letters = await db.read(inbox.dead_letters)
    assert [(one.connection, one.event_type, one.reason, one.size) for one in letters] == [
        ("other", "git.push", "id is missing", 8),
        ("demo", "git.push", "id is missing", 8),
    ]
    assert await db.write(lambda s: inbox.retry_dead(s, now=NOW, connection="demo")) == 1
    assert await db.write(lambda s: inbox.retry_dead(s, now=NOW, row_ids=[-1])) == 0
    rows = await db.write(lambda s: inbox.claim(s, now=NOW))
    assert [(row.connection, row.attempts, row.reason) for row in rows] == [("demo", 0, "")]


async def test_the_age_of_the_backlog_is_known(db: Database) -> None:
    assert await db.read(inbox.oldest_pending) is None
    await db.store_hook(new_hook())
    assert await db.read(inbox.oldest_pending) == NOW


async def test_after_a_restart_what_was_in_hand_is_worked_on_at_once(sqlite_url: str) -> None:
    async with Database.open(sqlite_url) as db:
        await db.store_hook(new_hook())
        ids = await claim_ids(db)
        assert await db.write(lambda s: inbox.requeue_interrupted(s, now=NOW)) == 1
        assert await claim_ids(db) == ids


@pytest.mark.postgres
async def test_replicas_share_the_work(postgres_url: str) -> None:
    async with Database.open(postgres_url) as one, Database.open(postgres_url) as two:
        await asyncio.gather(*(one.store_hook(new_hook(f"n:{number}")) for number in range(200)))
        claims = [claim_ids(db, limit=20) for _ in range(5) for db in (one, two)]
        taken = [row_id for ids in await asyncio.gather(*claims) for row_id in ids]
        taken += await claim_ids(one, limit=200)
        assert len(taken) == len(set(taken)) == 200
        assert await one.write(lambda s: inbox.requeue_interrupted(s, now=NOW)) == 0


async def test_claims_never_scan(sqlite_url: str, plan: Callable[..., list[str]]) -> None:
    async with Database.open(sqlite_url) as db:
        steps = await db.write(lambda s: plan(s, lambda: inbox.claim(s, now=NOW)))
    assert steps
    assert not [step for step in steps if "SCAN" in step or "TEMP B-TREE" in step], steps
