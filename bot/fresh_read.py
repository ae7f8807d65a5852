"""Reading a pull request from Azure DevOps, once for all who ask at the same time."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlmodel import Session

from bot.link_repair import LinkChanges, find_links, store_links
from bot.log_text import log_safe
from bot.model import Check, PullRequestSnapshot
from bot.ports import (
    AzureDevOps,
    AzureDevOpsError,
    Forbidden,
    NotFound,
    RateLimited,
    Unreachable,
)
from bot.recording import Recorded, record_snapshot, show_card
from bot.services import Services
from storage.queries import open_pull_requests, pull_requests, recording
from storage.tables import RepositoryRow

log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class FreshRead:
    """What one read found: the recorded snapshot, changed links, whether checks changed."""

    recorded: Recorded
    links: LinkChanges
    checks_changed: bool


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a pull request is, and the time of what is known of it."""

    project_id: str
    repository_id: str
    as_of: datetime


@dataclass(slots=True)
class _Reading:
    """A read under way, and the one more that was asked for meanwhile."""

    task: asyncio.Task[FreshRead]
    next: asyncio.Task[FreshRead] | None = field(default=None)


class FreshReads:
    """Reads pull requests and records what they are; one read at a time for each.

    A request that comes while a read is under way cannot be answered by it, because Azure DevOps
    may have drawn its answer before; it causes one more read, shared by all who wait for it.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._readings: dict[tuple[str, int], _Reading] = {}

    async def read(self, connection: str, number: int, *, cause: str) -> Recorded:
        """Read and record a pull request, known or not; raises AzureDevOpsError, CannotStore.

        Cancelling the caller does not cancel the read: others may wait for it.
        """
        return (await self.read_whole(connection, number, cause=cause)).recorded

    async def read_whole(
        self, connection: str, number: int, *, cause: str, actor: str = ""
    ) -> FreshRead:
        """The same with its links and checks. ``actor`` is the person who ordered it."""
        key = (connection, number)
        reading = self._readings.get(key)
        if reading is None:
            task = asyncio.create_task(self._read(connection, number, cause, actor))
            self._begin(key, task)
        elif reading.next is None:
            task = asyncio.create_task(
                self._after(reading.task, lambda: self._read(connection, number, cause, actor))
            )
            reading.next = task
        else:
            task = reading.next
        return await asyncio.shield(task)

    def _begin(self, key: tuple[str, int], task: asyncio.Task[FreshRead]) -> None:
        self._readings[key] = _Reading(task)
        task.add_done_callback(lambda done: self._ended(key, done))

    def _ended(self, key: tuple[str, int], task: asyncio.Task[FreshRead]) -> None:
        if not task.cancelled():
            task.exception()  # everybody who asked may be gone; then nobody else looks at it
        following = self._readings.pop(key).next
        if following is not None:
            self._begin(key, following)

    async def _after(
        self, first: asyncio.Task[FreshRead], then: Callable[[], Coroutine[Any, Any, FreshRead]]
    ) -> FreshRead:
        await asyncio.wait([first])
        return await then()

    async def _read(self, connection: str, number: int, cause: str, actor: str) -> FreshRead:
        services = self._services
        azure = await services.azure_devops(connection)
        place = await services.db.read(lambda s: _place(s, connection, number))
        if place is None:
            snapshot = await azure.pull_request(number)
            repository = snapshot.repository
            numbers, checks = await _beside(azure, repository.project_id, repository.id, number)
        else:
            # Known already: all three at the same time.
            snapshot, (numbers, checks) = await _both(
                azure.pull_request(number),
                _beside(azure, place.project_id, place.repository_id, number),
            )
            snapshot = _newer_than(place.as_of, snapshot)
        found = await find_links(services, azure, snapshot, _known(numbers))
        now = services.clock()

        def record(session: Session) -> FreshRead:
            recorded = record_snapshot(
                session,
                snapshot,
                cause=cause,
                actor=actor,
                now=now,
                flap=services.conflict_flap,
            )
            row_id = recorded.pull_request_id
            links = store_links(session, snapshot, found, cause=cause, actor=actor, now=now)
            checks_changed = isinstance(checks, tuple) and open_pull_requests.set_checks(
                session, row_id, [_as_json(check) for check in checks]
            )
            if links or checks_changed:
                for conversation_id in recording.conversations_with_card(session, row_id):
                    show_card(session, conversation_id, row_id, cause, now)
            incomplete = _must_be_repeated(numbers) or _must_be_repeated(checks)
            open_pull_requests.set_needs_read(
                session, row_id, needed=recorded.needs_read or incomplete
            )
            return FreshRead(recorded, links, checks_changed)

        return await services.db.write(record)


async def _both(
    first: Coroutine[Any, Any, PullRequestSnapshot],
    second: Coroutine[Any, Any, T],
) -> tuple[PullRequestSnapshot, T]:
    """Both at once; the first one's failure ends the second."""
    beside = asyncio.create_task(second)
    try:
        return await first, await beside
    finally:
        beside.cancel()


async def _beside(
    azure: AzureDevOps, project_id: str, repository_id: str, number: int
) -> tuple[tuple[int, ...] | AzureDevOpsError, tuple[Check, ...] | AzureDevOpsError]:
    """Linked tickets and checks. Without them the pull request itself is still worth recording."""
    tickets, checks = await asyncio.gather(
        _or_error(azure.pull_request_tickets(repository_id, number)),
        _or_error(azure.pull_request_checks(project_id, repository_id, number)),
    )
    return (
        tickets if isinstance(tickets, AzureDevOpsError) else tuple(tickets),
        checks if isinstance(checks, AzureDevOpsError) else tuple(checks),
    )


async def _or_error(call: Coroutine[Any, Any, T]) -> T | AzureDevOpsError:
    try:
        return await call
    except AzureDevOpsError as error:
        if not isinstance(error, Forbidden | NotFound):
            log.info("read without a part of it: %s", log_safe(str(error)))
        return error


def _known(numbers: tuple[int, ...] | AzureDevOpsError) -> tuple[int, ...] | None:
    return numbers if isinstance(numbers, tuple) else None


def _must_be_repeated(part: object) -> bool:
    """Whether a part is missing for now only; what we may not see will not come by asking again."""
    return isinstance(part, Unreachable | RateLimited)


def _as_json(check: Check) -> dict[str, Any]:
    return {
        "name": check.name,
        "state": check.state,
        "description": check.description,
        "target_url": check.target_url,
    }


def _place(session: Session, connection: str, number: int) -> _Place | None:
    """Where a known pull request is."""
    row = pull_requests.by_number(session, connection, number)
    if row is None:
        return None
    repository = session.get(RepositoryRow, (connection, row.repository_id))
    return _Place(repository.project_id, repository.id, row.as_of) if repository else None


def _newer_than(known: datetime, snapshot: PullRequestSnapshot) -> PullRequestSnapshot:
    """The snapshot with a time after what was known when it was asked for.

    It is newer than that, whatever the clocks say: ours may have been set back, and Azure DevOps'
    may be ahead. Else nothing that was read would count until our clock has caught up.
    """
    if snapshot.as_of > known:
        return snapshot
    return replace(snapshot, as_of=known + timedelta(microseconds=1))
