"""Who is at a workflow run, on both databases."""

import asyncio
from datetime import UTC, datetime, timedelta

from sqlmodel import Session

from storage.engine import Database
from storage.queries import workflow_runs
from storage.queries.workflow_runs import Claimed

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
LEASE = timedelta(minutes=3)


def claim(session: Session, who: str, cause: str, now: datetime = NOW) -> Claimed:
    return workflow_runs.claim(
        session,
        kind="start_ticket",
        key="start_ticket:contoso:7:r",
        requested_by=who,
        conversation_id="c",
        cause=cause,
        now=now,
        lease=LEASE,
    )


async def test_two_replicas_that_claim_at_once_get_one_run(database_url: str) -> None:
    async with Database.open(database_url) as one, Database.open(database_url) as other:
        claims = await asyncio.gather(
            *(db.write(lambda s: claim(s, "Maya", "a")) for db in (one,)),
            *(db.write(lambda s: claim(s, "Jonas", "b")) for db in (other,)),
        )
    assert sorted(each.is_ours for each in claims) == [False, True]
    assert claims[0].run_id == claims[1].run_id


async def test_a_run_is_busy_until_its_lease_is_over(db: Database) -> None:
    await db.write(lambda s: claim(s, "Maya", "a"))
    busy = await db.write(lambda s: claim(s, "Jonas", "b", NOW + LEASE - timedelta(seconds=1)))
    assert (busy.is_ours, busy.requested_by) == (False, "Maya")
    free = await db.write(lambda s: claim(s, "Jonas", "b", NOW + LEASE))
    assert (free.is_ours, free.requested_by) == (True, "Jonas")


async def test_the_same_cause_goes_on_at_once_with_its_steps(db: Database) -> None:
    first = await db.write(lambda s: claim(s, "Maya", "a"))
    step = {"branch": {"outcome": "done", "tip": "abc"}}
    await db.write(
        lambda s: workflow_runs.record_step(s, first.run_id, step, now=NOW, branch="feature/7")
    )
    again = await db.write(lambda s: claim(s, "Maya", "a"))
    assert again.is_ours
    assert again.steps == step
    assert again.inputs["branch"] == "feature/7"


async def test_a_finished_run_is_free_and_says_that_it_was_done(db: Database) -> None:
    first = await db.write(lambda s: claim(s, "Maya", "a"))
    await db.write(
        lambda s: workflow_runs.finish(
            s, first.run_id, state=workflow_runs.DONE, failure="", now=NOW
        )
    )
    again = await db.write(lambda s: claim(s, "Jonas", "b"))
    assert (again.is_ours, again.was_done) == (True, True)


async def test_forgotten_steps_are_gone_and_others_stay(db: Database) -> None:
    first = await db.write(lambda s: claim(s, "Maya", "a"))
    steps = {"branch": {"outcome": "done"}, "file": {"outcome": "done"}}
    await db.write(lambda s: workflow_runs.record_step(s, first.run_id, steps, now=NOW))
    await db.write(lambda s: workflow_runs.forget_steps(s, first.run_id, ["file", "x"], now=NOW))
    again = await db.write(lambda s: claim(s, "Maya", "a"))
    assert list(again.steps) == ["branch"]


async def test_runs_are_found_by_the_beginning_of_their_key(db: Database) -> None:
    await db.write(lambda s: claim(s, "Maya", "a"))
    found = await db.read(lambda s: workflow_runs.with_prefix(s, "start_ticket:contoso:7:"))
    assert len(found) == 1
    # Neither % nor _ is a wildcard (CHECKS 22).
    assert not await db.read(lambda s: workflow_runs.with_prefix(s, "start%"))
    assert not await db.read(lambda s: workflow_runs.with_prefix(s, "start_ticket:contoso:_:"))
