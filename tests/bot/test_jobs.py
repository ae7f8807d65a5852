"""What the clock starts: under a lease, and going on after a failure."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select

from bot.conflicts.radar_runner import Radar
from bot.jobs import CARD_AGES, FORGET, RADAR, RADAR_CHANGED, READ_WAITING, SWEEP, Jobs
from bot.metrics import JOBS
from bot.prepared import remember_card
from bot.sweep import Sweep, SweepReport
from storage import housekeeping, leases, outbox
from storage.tables import InboxRow, Lease
from tests.bot.releasing import release_due
from tests.bot.workflows.conftest import CONNECTION, World, world
from tests.claimed import in_hand

__all__ = ["world"]


def jobs_of(world: World) -> Jobs:
    return jobs_with(world, world.sweep)


def jobs_with(world: World, sweep: Sweep) -> Jobs:
    radar = Radar(world.services)
    return Jobs(world.services, sweep, radar, sweep_minutes=5, radar_minutes=10)


def count(name: str, outcome: str) -> float:
    return float(JOBS.labels(name=name, outcome=outcome)._value.get())


async def test_the_sweep_runs_when_told_and_gives_its_lease_back(world: World) -> None:
    await world.subscribe()
    number = await world.pull_request("one", world.maya_there)
    assert await jobs_of(world).run_now(SWEEP)
    assert (await world.stored(number)).status == "active"
    assert await world.read(lambda s: s.get(Lease, SWEEP)) is None


async def test_a_job_does_not_run_while_another_replica_holds_its_lease(world: World) -> None:
    await world.subscribe()
    now = world.clock()
    await world.db.write(
        lambda s: leases.acquire(s, SWEEP, holder="other", now=now, length=timedelta(minutes=1))
    )
    world.sandbox.calls.clear()
    assert not await jobs_of(world).run_now(SWEEP)
    assert world.calls() == []

    world.clock.advance(minutes=2)
    assert await jobs_of(world).run_now(SWEEP)


async def test_a_failing_job_is_counted_and_runs_again(world: World) -> None:
    class Failing(Sweep):
        failures = 1

        async def run(self) -> SweepReport:
            if self.failures:
                self.failures -= 1
                raise RuntimeError("a defect")
            return await super().run()

    jobs = jobs_with(world, Failing(world.services, world.reads))
    before = count(SWEEP, "failed")
    assert not await jobs.run_now(SWEEP)
    assert count(SWEEP, "failed") == before + 1
    assert await jobs.run_now(SWEEP)


async def test_the_clock_runs_the_sweep_at_start_and_stops(world: World) -> None:
    await world.subscribe()
    number = await world.pull_request("one", world.maya_there)
    swept = asyncio.Event()

    class Telling(Sweep):
        async def run(self) -> SweepReport:
            report = await super().run()
            swept.set()
            return report

    jobs = jobs_with(world, Telling(world.services, world.reads))
    jobs.start()
    await swept.wait()
    await jobs.stop()
    assert (await world.stored(number)).number == number


async def test_stopping_ends_a_job_that_hangs(world: World) -> None:
    await world.subscribe()
    jobs = jobs_of(world)
    fault = world.sandbox.faults.add("GET", hang=True)
    running = asyncio.create_task(jobs.run_now(SWEEP))
    await world.reached(fault)
    await jobs.stop()
    assert await running is False
    assert await world.read(lambda s: s.get(Lease, SWEEP)) is None


async def test_clock_settings_are_those_of_a_mere_clock(world: World) -> None:
    jobs = jobs_of(world)
    jobs.start()
    scheduled: list[Any] = jobs._scheduler.get_jobs()
    await jobs.stop()
    intervals = [job for job in scheduled if hasattr(job.trigger, "interval")]
    assert {job.args[0] for job in intervals} == set(jobs._jobs)
    for job in intervals:
        assert (job.misfire_grace_time, job.coalesce, job.max_instances) == (None, True, 1)
        assert job.trigger.jitter > 0


async def test_the_radar_runs_on_its_time_and_after_changes(world: World) -> None:
    await world.subscribe()
    await world.sandbox.commit(world.shop, "a", {"README.md": "a"}, world.maya_there, "a")
    await world.sandbox.commit(world.shop, "b", {"README.md": "b"}, world.jonas_there, "b")
    jobs = jobs_of(world)
    for branch, job in (("a", RADAR), ("b", RADAR_CHANGED)):
        made = await world.sandbox.create_pull_request(
            world.shop, world.maya_there, branch, title=branch
        )
        await world.reads.read(CONNECTION, made.id, cause="test")
        assert await jobs.run_now(job)
    await release_due(world.services.db, world.services.clock())
    assert [row.key for row in await world.outbox() if row.key.startswith("radar:")] != []


async def test_what_asks_for_a_read_is_read(world: World) -> None:
    number = await world.pull_request("one", world.maya_there)
    read = await world.reads.read(CONNECTION, number, cause="a")
    await world.ask_for_read(read.pull_request_id)
    assert await jobs_of(world).run_now(READ_WAITING)
    assert not (await world.stored(number)).needs_read


async def test_old_webhooks_are_forgotten_and_dead_letters_kept(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "ROWS_AT_ONCE", 2)
    old = world.clock.now - housekeeping.Retention().webhooks - timedelta(days=1)

    def fill(session: Any) -> None:
        for index, (state, at) in enumerate(
            [("done", old)] * 5 + [("dead", old), ("pending", old), ("done", world.clock.now)]
        ):
            session.add(
                InboxRow(
                    connection=CONNECTION,
                    dedup_key=f"n:{index}",
                    content_hash=bytes(32),
                    body=b"{}",
                    received_at=at,
                    due_at=at,
                    state=state,
                )
            )

    await world.db.write(fill)
    assert await jobs_of(world).run_now(FORGET)
    left = await world.read(lambda s: sorted(row.state for row in s.exec(select(InboxRow)).all()))
    assert left == ["dead", "done", "pending"]


async def test_the_ages_on_cards_are_brought_up_to_date(world: World) -> None:
    await world.subscribe()
    number = await world.pull_request("one", world.maya_there)
    await world.reads.read(CONNECTION, number, cause="a")
    (row,) = [each for each in await world.outbox() if each.kind == "card"]
    now = world.clock()
    await world.db.write(lambda s: remember_card(s, in_hand(row), "digest", "activity", now))
    await world.db.write(lambda s: outbox.mark_sent(s, {row.id: "activity"}, now=now))
    world.clock.advance(days=1)
    assert await jobs_of(world).run_now(CARD_AGES)
    assert [each.cause for each in await world.outbox() if each.state == "pending"][-1] == "age"
