"""What the clock starts. APScheduler is only the clock: what is due stands in our tables."""

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from sqlmodel import Session

from bot.card_ages import refresh_ages
from bot.conflicts.radar_runner import Radar
from bot.log_fields import add_log_fields
from bot.metrics import JOB_DONE_AT, JOB_S, JOBS
from bot.project_role_reads import read_all
from bot.services import Services
from bot.sweep import Sweep
from storage import housekeeping, leases
from storage.engine import CannotStore

log = logging.getLogger(__name__)

JITTER = 0.2  # of the interval: connections and replicas do not ask in step
READ_WAITING_EVERY = timedelta(seconds=15)
SWEEP_FAILED_EVERY = timedelta(seconds=30)
RADAR_CHANGED_EVERY = timedelta(seconds=30)
CARD_AGES_EVERY = timedelta(minutes=15)
FORGET_EVERY = timedelta(hours=6)
PROJECT_ROLES_EVERY = timedelta(hours=1)
LEASE = timedelta(minutes=2)
PAUSE_OF_OTHERS = 0.75  # of the interval: so long a job that ran is not run by another replica
STOP_WITHIN_S = 5.0

SWEEP = "sweep"
SWEEP_FAILED = "sweep failed connections"
READ_WAITING = "read what asks for it"
RADAR = "radar"
RADAR_CHANGED = "radar after changes"
CARD_AGES = "ages on cards"
FORGET = "forget old rows"
CONNECTIONS = "try the credentials"
HOOKS = "look at the service hooks"
PROJECT_ROLES = "read project roles"


@dataclass(frozen=True, slots=True)
class Job:
    """One job. ``lease`` names what it must not do at the same time as another replica.

    ``is_own``: what it works on is known to this replica only, so no other can do it instead.
    """

    name: str
    every: timedelta
    work: Callable[[], Awaitable[None]]
    lease: str
    at_start: bool = False
    is_own: bool = False


class Jobs:
    """Runs each job on its interval, on the one replica that holds its lease.

    A job that has just run is not run again by another replica's clock, but by one that starts,
    because what was missed must be told.
    A job that fails is logged and counted, and runs again at its next time. ``more`` are jobs
    whose work is elsewhere.
    """

    def __init__(
        self,
        services: Services,
        sweep: Sweep,
        radar: Radar,
        *,
        sweep_minutes: float,
        radar_minutes: float,
        others: Sequence[Job] = (),
    ) -> None:
        self._services = services
        self._sweep = sweep
        self._radar = radar
        self._holder = uuid.uuid4().hex
        self._running: set[asyncio.Task[bool]] = set()
        self._called: set[asyncio.Task[Any]] = set()
        self._is_stopped = False
        self._scheduler: Any = None
        jobs = (
            Job(SWEEP, timedelta(minutes=sweep_minutes), self._run_sweep, SWEEP, at_start=True),
            Job(SWEEP_FAILED, SWEEP_FAILED_EVERY, self._run_failed, SWEEP, is_own=True),
            Job(READ_WAITING, READ_WAITING_EVERY, self._read_waiting, READ_WAITING, at_start=True),
            Job(RADAR, timedelta(minutes=radar_minutes), self._run_radar, RADAR),
            Job(RADAR_CHANGED, RADAR_CHANGED_EVERY, self._run_radar_changed, RADAR),
            Job(CARD_AGES, CARD_AGES_EVERY, self._refresh_ages, CARD_AGES),
            Job(FORGET, FORGET_EVERY, self._forget, FORGET),
            Job(
                PROJECT_ROLES,
                PROJECT_ROLES_EVERY,
                self._read_project_roles,
                PROJECT_ROLES,
                at_start=True,
            ),
            *others,
        )
        self._jobs = {job.name: job for job in jobs}
        self._busy: dict[str, asyncio.Lock] = {job.lease: asyncio.Lock() for job in jobs}

    def start(self) -> None:
        """Start the clock; the sweep runs at once, to tell what was missed while we were down."""
        scheduler = _new_scheduler()
        for job in self._jobs.values():
            seconds = job.every.total_seconds()
            spread = {"seconds": seconds, "jitter": JITTER * seconds}
            run = self.run_now if job.is_own else self.run_in_turn
            scheduler.add_job(run, "interval", args=[job.name], **spread)
            if job.at_start:
                scheduler.add_job(self._run_at_start, args=[job.name])
        scheduler.start()
        self._scheduler = scheduler

    async def stop(self) -> None:
        """Stop the clock; what runs is ended, and goes on at the next start."""
        scheduler, self._scheduler = self._scheduler, None
        if scheduler is not None:
            scheduler.pause()
        self._is_stopped = True
        await asyncio.sleep(0)  # what the clock has just called is known now
        for task in self._running:
            task.cancel()
        if left := (self._running | self._called) - {asyncio.current_task()}:
            await asyncio.wait(left, timeout=STOP_WITHIN_S)
            await asyncio.sleep(0)  # APScheduler hears that its runs are over before it is ended
        if scheduler is not None:
            scheduler.shutdown(wait=False)

    async def run_in_turn(self, name: str) -> bool:
        """Run one job unless another replica's clock started it a short while ago."""
        self._is_called()
        job = self._jobs[name]
        now = self._services.clock()
        try:
            is_our_turn = await self._services.db.write(
                lambda s: leases.acquire(
                    s,
                    f"{name}: next",
                    holder=self._holder,
                    now=now,
                    length=job.every * PAUSE_OF_OTHERS,
                )
            )
        except CannotStore as error:
            log.warning("job %r: %s", name, error)
            return False
        return is_our_turn and await self.run_now(name)

    async def _run_at_start(self, name: str) -> None:
        """Once more when the lease is another's: perhaps of a replica that was killed."""
        self._is_called()
        if not await self.run_now(name) and self._scheduler is not None:
            self._scheduler.add_job(self.run_now, args=[name], run_date=datetime.now(UTC) + LEASE)

    def _is_called(self) -> None:
        """The present task is the clock's, and ends before ``stop`` does."""
        task = asyncio.current_task()
        assert task is not None  # for the type checker
        self._called.add(task)
        task.add_done_callback(self._called.discard)

    async def run_now(self, name: str) -> bool:
        """Run one job; False when another replica holds its lease, or it failed.

        A job whose lease is in use in this process waits for it, so a call is never lost.
        """
        if self._is_stopped:
            return False
        task = asyncio.create_task(self._run(self._jobs[name]))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        await asyncio.wait([task])
        return not task.cancelled() and task.result()

    async def _run(self, job: Job) -> bool:
        add_log_fields(job=job.name)
        async with self._busy[job.lease]:
            try:
                if not await self._take(job):
                    return False
                with JOB_S.labels(name=job.name).time():
                    await self._with_lease_kept(job)
            except CannotStore as error:
                # Readiness says the same at greater length.
                JOBS.labels(name=job.name, outcome="failed").inc()
                log.warning("job %r: %s", job.name, error)
                return False
            except Exception:  # a defect in one job must not end the others
                JOBS.labels(name=job.name, outcome="failed").inc()
                log.exception("job %r failed", job.name)
                return False
        JOBS.labels(name=job.name, outcome="done").inc()
        JOB_DONE_AT.labels(name=job.name).set(self._services.clock().timestamp())
        return True

    async def _with_lease_kept(self, job: Job) -> None:
        """Do the work while the lease is made longer, and give it back at the end."""
        keeper = asyncio.create_task(self._keep(job))
        try:
            await job.work()
        finally:
            keeper.cancel()
            await self._services.db.write(
                lambda s: leases.release(s, job.lease, holder=self._holder)
            )

    async def _keep(self, job: Job) -> None:
        while True:
            await asyncio.sleep(LEASE.total_seconds() / 3)
            try:
                await self._take(job)
            except CannotStore as error:
                log.warning("the lease of %r was not made longer: %s", job.name, error)

    async def _take(self, job: Job) -> bool:
        now = self._services.clock()
        return await self._services.db.write(
            lambda s: leases.acquire(s, job.lease, holder=self._holder, now=now, length=LEASE)
        )

    async def _run_sweep(self) -> None:
        report = await self._sweep.run()
        log.info(
            "sweep: %d repositories, %d pull requests read, %d connections failed",
            report.repositories,
            len(report.read),
            len(report.failures),
        )

    async def _run_failed(self) -> None:
        await self._sweep.run_failed()

    async def _read_waiting(self) -> None:
        done = await self._sweep.read_waiting()
        if done:
            log.info("read %d pull requests that asked for it", done)

    async def _run_radar(self) -> None:
        await self._radar.run()

    async def _run_radar_changed(self) -> None:
        await self._radar.run_changed()

    async def _refresh_ages(self) -> None:
        now = self._services.clock()
        await self._services.db.write(lambda s: refresh_ages(s, now=now))

    async def _read_project_roles(self) -> None:
        await read_all(self._services)

    async def _forget(self) -> None:
        gone = housekeeping.ROWS_AT_ONCE
        while gone >= housekeeping.ROWS_AT_ONCE:
            gone = await self._services.db.write(self._forget_some)

    def _forget_some(self, session: Session) -> int:
        services = self._services
        return housekeeping.forget_old(session, now=services.clock(), retention=services.retention)


def _new_scheduler() -> Any:
    """APScheduler 3 has no types. A run that was late runs all the same, once."""
    return AsyncIOScheduler(  # type: ignore[no-untyped-call]
        timezone="UTC",
        job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
    )
