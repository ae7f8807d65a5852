"""Comparing what Azure DevOps has with what we hold, because service hooks lose events.

One list call per repository; only what differs is read. What is found goes the same way as a
webhook, so it is told if it was missed and not told twice if it was not.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from sqlmodel import Session

from bot.cards.view import load_state
from bot.conflicts.target_moved import TargetMoved, unsettled
from bot.fresh_read import FreshRead, FreshReads
from bot.hooks.lateness import late
from bot.log_text import log_safe
from bot.model import PullRequestSnapshot
from bot.notices.lateness import SWEEP_CAUSE
from bot.ports import AzureDevOpsError, Forbidden, NotFound, RateLimited, Unreachable
from bot.reconcile import reconcile
from bot.repository_discovery import discover_repositories
from bot.repository_names import covers
from bot.services import Services
from bot.workflows.reviewer_pool import own_identity
from bot.workflows.side_by_side import first_failure_ends_all
from storage.queries import connections, hooks, open_pull_requests, pull_requests, repositories
from storage.tables import Connection, RepositoryRow

log = logging.getLogger(__name__)

T = TypeVar("T")

CAUSE = SWEEP_CAUSE
RETRY_CAUSE = "retry"
REPOSITORIES_AT_ONCE = 4
READS_AT_ONCE = 4
READS_PER_ROUND = 50
LONGEST_WAIT_S = 120.0
FIRST_PAUSE = timedelta(seconds=15)
LONGEST_PAUSE = timedelta(minutes=5)
DISCOVER_EVERY = timedelta(hours=1)
MISSED_AFTER = timedelta(minutes=15)  # nobody looked for so long: what is found is no fresh news


@dataclass(slots=True)
class SweepReport:
    """What one sweep did, for the log, the metrics and tests."""

    repositories: int = 0
    read: list[tuple[str, int]] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Pause:
    """A connection that does not answer is left alone until ``until``."""

    until: datetime
    length: timedelta


class Sweep:
    """Keeps stored pull requests right. Pauses are kept in memory: a restart may ask at once."""

    def __init__(
        self, services: Services, reads: FreshReads, targets: TargetMoved | None = None
    ) -> None:
        self._services = services
        self._reads = reads
        self._targets = targets or TargetMoved(services)
        self._pauses: dict[str, _Pause] = {}
        self._unswept: set[str] = set()
        self._discovered: dict[str, datetime] = {}
        self._put_off: dict[tuple[str, int], _Pause] = {}

    async def run(self) -> SweepReport:
        """Sweep every connection once; one that fails does not keep the others waiting."""
        names = await self._services.db.read(_connection_names)
        return await self._sweep_all(names)

    def forget_pauses(self, names: Collection[str]) -> None:
        """These connections answer again: they are swept at the next turn."""
        for name in names:
            self._pauses.pop(name, None)
            self._discovered.pop(name, None)

    async def run_failed(self) -> SweepReport:
        """Sweep again the connections whose last sweep failed, once their pause is over."""
        return await self._sweep_all(sorted(self._unswept))

    async def _sweep_all(self, names: Sequence[str]) -> SweepReport:
        report = SweepReport()
        due = [name for name in names if not self._is_paused(name)]
        await asyncio.gather(*(self._sweep_connection(name, report) for name in due))
        return report

    async def _sweep_connection(self, name: str, report: SweepReport) -> None:
        try:
            connection = await self._services.db.read(lambda s: connections.get(s, name))
            if connection is None:
                self._unswept.discard(name)
                return
            await self._discover(connection)
            rows = await self._services.db.read(lambda s: _watched(s, name))
            places = asyncio.Semaphore(REPOSITORIES_AT_ONCE)
            await first_failure_ends_all(self._in_place(places, row, report) for row in rows)
        except AzureDevOpsError as error:
            self._failed(name, error, report)
        else:
            self._unswept.discard(name)
            self._pauses.pop(name, None)

    async def _in_place(
        self, places: asyncio.Semaphore, row: RepositoryRow, report: SweepReport
    ) -> None:
        async with places:
            found = await self.sweep_repository(row, cause=await self._cause(row))
        report.repositories += 1
        report.read += [(row.connection, number) for number, _ in found]

    async def _cause(self, row: RepositoryRow) -> str:
        """What a sweep finds after an outage, of ours or of the webhooks, comes late."""
        swept_at = row.swept_at
        if swept_at is None:
            return CAUSE
        is_old = self._services.clock() - swept_at > MISSED_AFTER
        had_trouble = await self._services.db.read(
            lambda s: hooks.had_trouble_since(s, row.connection, swept_at)
        )
        return late(CAUSE) if is_old or had_trouble else CAUSE

    async def sweep_repository(
        self, row: RepositoryRow, *, cause: str, actor: str = ""
    ) -> list[tuple[int, FreshRead]]:
        """Compare one repository and read what differs: (number, what was found) for each.

        Raises AzureDevOpsError; a repository that is gone is remembered so and gives nothing.
        """
        azure = await self._services.azure_devops(row.connection)
        try:
            listed = await self._waiting_if_asked(
                lambda: azure.pull_requests(project=row.project_id, repository=row.id)
            )
        except NotFound:
            now = self._services.clock()
            await self._services.db.write(
                lambda s: repositories.mark_removed(s, row.connection, row.id, at=now)
            )
            log.info("repository %s is gone", log_safe(row.name))
            return []
        numbers = await self._services.db.read(lambda s: _to_read(s, row, listed))
        places = asyncio.Semaphore(READS_AT_ONCE)
        found = await asyncio.gather(
            *(self._read_one(places, row.connection, number, cause, actor) for number in numbers)
        )
        await self._merge_on_trial(row, listed, cause)
        now = self._services.clock()
        await self._services.db.write(
            lambda s: repositories.mark_swept(s, row.connection, row.id, at=now)
        )
        return [(number, read) for number, read in zip(numbers, found, strict=True) if read]

    async def _merge_on_trial(
        self, row: RepositoryRow, listed: Sequence[PullRequestSnapshot], cause: str
    ) -> None:
        """Pull requests whose target moved without Azure DevOps merging them again."""
        for ref in sorted({each.target_ref for each in listed}):
            target = (row.connection, row.project_id, row.id, ref)
            try:
                await self._targets.merge_on_trial(target, cause=cause, leave_out=unsettled(listed))
            except (Forbidden, NotFound) as error:  # what we may not do keeps nothing else waiting
                log.info("no trial merges in %s: %s", log_safe(row.name), log_safe(str(error)))

    async def _read_one(
        self, places: asyncio.Semaphore, connection: str, number: int, cause: str, actor: str
    ) -> FreshRead | None:
        async with places:
            try:
                return await self._waiting_if_asked(
                    lambda: self._reads.read_whole(connection, number, cause=cause, actor=actor)
                )
            except NotFound:
                log.info("pull request %s!%s is not there any more", connection, number)
                return None

    async def read_waiting(self) -> int:
        """Read the pull requests that ask for it; how many were read.

        A connection that fails is not asked again in this round, and each pull request that cannot
        be read is put off, each time longer.
        """
        wanted = await self._services.db.read(
            lambda s: open_pull_requests.waiting_for_read(s, READS_PER_ROUND)
        )
        due = [key for key in wanted if self._is_due(key)]
        done = 0
        failed: set[str] = set()
        for connection, number in due:
            if connection in failed or self._is_paused(connection):
                continue
            try:
                recorded = await self._reads.read(connection, number, cause=RETRY_CAUSE)
                done += 1
                if recorded.needs_read:
                    self._put_off_later((connection, number))  # clocks differ: not in a loop
                else:
                    self._put_off.pop((connection, number), None)
            except NotFound:
                await self._give_up(connection, number)
            except AzureDevOpsError as error:
                if isinstance(error, Unreachable | RateLimited):
                    failed.add(connection)
                self._put_off_later((connection, number))
                log.info("%s!%s not read: %s", connection, number, log_safe(str(error)))
        return done

    async def _discover(self, connection: Connection) -> None:
        now = self._services.clock()
        last = self._discovered.get(connection.name)
        if last is not None and now - last < DISCOVER_EVERY:
            return
        await self._waiting_if_asked(lambda: discover_repositories(self._services, connection))
        azure = await self._services.azure_devops(connection.name)
        await own_identity(self._services, azure)
        self._discovered[connection.name] = now

    async def _waiting_if_asked(self, call: Callable[[], Awaitable[T]]) -> T:
        """The call, after waiting once when Azure DevOps asks for a pause."""
        try:
            return await call()
        except RateLimited as error:
            if error.retry_after_s > LONGEST_WAIT_S:
                raise
            await self._services.sleep(error.retry_after_s)
            return await call()

    def _failed(self, name: str, error: AzureDevOpsError, report: SweepReport) -> None:
        report.failures[name] = str(error)
        self._unswept.add(name)
        before = self._pauses.get(name)
        length = min(before.length * 2, LONGEST_PAUSE) if before else FIRST_PAUSE
        if isinstance(error, RateLimited):
            length = max(length, timedelta(seconds=error.retry_after_s))
        self._pauses[name] = _Pause(self._services.clock() + length, length)
        log.warning("sweep of %s failed: %s", name, log_safe(str(error)))

    def _is_paused(self, name: str) -> bool:
        pause = self._pauses.get(name)
        return pause is not None and self._services.clock() < pause.until

    def _is_due(self, key: tuple[str, int]) -> bool:
        pause = self._put_off.get(key)
        return pause is None or self._services.clock() >= pause.until

    def _put_off_later(self, key: tuple[str, int]) -> None:
        before = self._put_off.get(key)
        length = min(before.length * 2, LONGEST_PAUSE) if before else FIRST_PAUSE
        self._put_off[key] = _Pause(self._services.clock() + length, length)

    async def _give_up(self, connection: str, number: int) -> None:
        """It is gone or hidden from us: asking again and again would not bring it back."""
        self._put_off.pop((connection, number), None)

        def forget(session: Session) -> None:
            row = pull_requests.by_number(session, connection, number)
            if row is not None and row.id is not None:
                open_pull_requests.set_needs_read(session, row.id, needed=False)

        await self._services.db.write(forget)
        log.info("pull request %s!%s cannot be read: not found", connection, number)


def _connection_names(session: Session) -> list[str]:
    """Connections in use, by name."""
    return [row.name for row in connections.all_connections(session) if not row.paused_reason]


def _watched(session: Session, connection: str) -> list[RepositoryRow]:
    """The repositories that somebody follows, and those that we have work in."""
    wishes = repositories.subscriptions_to(session, connection)
    # Thousands of channels may follow the same: each kind is looked at once.
    followed = {(each.project_key, each.repository): each for each in wishes}.values()
    with_work = repositories.with_work(session, connection)
    return [
        row
        for row in repositories.in_connections(session, [connection])
        if row.id in with_work or any(covers(each, row) for each in followed)
    ]


def _to_read(
    session: Session, row: RepositoryRow, listed: Sequence[PullRequestSnapshot]
) -> list[int]:
    """Numbers of those that differ from what is stored, or are open with us only."""
    stored = {
        each.number: each for each in open_pull_requests.open_in(session, row.connection, row.id)
    }
    wanted = set(stored) - {summary.number for summary in listed}
    for summary in listed:
        known = stored.get(summary.number) or pull_requests.by_number(
            session, row.connection, summary.number
        )
        if known is None or known.needs_read:
            wanted.add(summary.number)
            continue
        found = reconcile(load_state(known), summary)
        if found.changes or found.needs_read:
            wanted.add(summary.number)
    return sorted(wanted)
