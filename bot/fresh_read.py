"""Reading a pull request from Azure DevOps, once for all who ask at the same time."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlmodel import Session

from bot.checks_recording import ReadChecks, record_checks
from bot.filter_facts import keep_facts, read_facts
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
Part = tuple[T, ...] | AzureDevOpsError
"""What belongs to a pull request, or why it could not be read."""


@dataclass(frozen=True, slots=True)
class FreshRead:
    """What one read found: the recorded snapshot, changed links, whether checks changed."""

    recorded: Recorded
    links: LinkChanges
    checks_changed: bool


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
            asked_at = services.clock()
            beside = await _beside(azure, repository.project_id, repository.id, number)
        else:
            # Known already: all of it at the same time.
            asked_at = services.clock()
            snapshot, beside = await _both(
                azure.pull_request(number), _beside(azure, *place, number)
            )
        numbers, statuses, policies = beside
        found = await find_links(services, azure, snapshot, _known(numbers))
        facts = await read_facts(services, azure, snapshot)
        now = services.clock()

        def record(session: Session) -> FreshRead:
            keep_facts(session, snapshot, facts, now=now)
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
            read = ReadChecks(asked_at, _known(statuses), _known(policies))
            checks_changed = record_checks(
                session, row_id, recorded.state, read, cause=cause, now=now
            )
            if links or checks_changed:
                for conversation_id in recording.conversations_with_card(session, row_id):
                    show_card(session, conversation_id, row_id, cause, now)
            incomplete = any(_must_be_repeated(part) for part in beside)
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
) -> tuple[Part[int], Part[Check], Part[Check]]:
    """Tickets, statuses, policies. Without them the pull request is still worth recording."""
    return await asyncio.gather(
        _or_error(azure.pull_request_tickets(repository_id, number)),
        _or_error(azure.pull_request_checks(project_id, repository_id, number)),
        _or_error(azure.pull_request_policies(project_id, number)),
    )


async def _or_error(call: Coroutine[Any, Any, Sequence[T]]) -> Part[T]:
    try:
        return tuple(await call)
    except AzureDevOpsError as error:
        if not isinstance(error, Forbidden | NotFound):
            log.info("read without a part of it: %s", log_safe(str(error)))
        return error


def _known(part: Part[T]) -> tuple[T, ...] | None:
    return part if isinstance(part, tuple) else None


def _must_be_repeated(part: object) -> bool:
    """Whether a part is missing for now only; what we may not see will not come by asking again."""
    return isinstance(part, Unreachable | RateLimited)


def _place(session: Session, connection: str, number: int) -> tuple[str, str] | None:
    """(project id, repository id) of a known pull request."""
    row = pull_requests.by_number(session, connection, number)
    if row is None:
        return None
    repository = session.get(RepositoryRow, (connection, row.repository_id))
    return (repository.project_id, repository.id) if repository else None
