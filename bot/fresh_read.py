"""Reading a pull request from Azure DevOps, once for all who ask at the same time."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlmodel import Session

from bot.cards.view import load_state
from bot.checks_recording import ReadChecks, record_checks
from bot.filter_facts import keep_facts, missing_facts, read_facts
from bot.link_repair import LinkChanges, find_links, named_tickets, store_links
from bot.log_text import log_safe
from bot.model import Check, PullRequestSnapshot, PushedCommits, Repository, branch_name
from bot.notices.filters import subject_of
from bot.notices.kinds import EventKind, Place
from bot.notices.subscriptions import is_about
from bot.ports import (
    AzureDevOps,
    AzureDevOpsError,
    Forbidden,
    NotFound,
    RateLimited,
    Unreachable,
)
from bot.pull_request_state import PullRequestState
from bot.reach import load_facts, load_reach
from bot.recording import Recorded, record_snapshot, show_card
from bot.services import Services
from bot.workflows.side_by_side import within
from storage.queries import open_pull_requests, pull_requests, recording
from storage.tables import RepositoryRow

log = logging.getLogger(__name__)

S = TypeVar("S")
T = TypeVar("T")
Part = tuple[T, ...] | AzureDevOpsError
"""What belongs to a pull request, or why it could not be read."""

MOST_REMEMBERED = 10_000

PUSH_TIME_S = 2.0
_WORDS = (Place.THREAD, Place.CHANNEL, Place.DIRECT)


@dataclass(frozen=True, slots=True)
class FreshRead:
    """What one read found: the recorded snapshot, changed links, whether checks changed."""

    recorded: Recorded
    links: LinkChanges
    checks_changed: bool


@dataclass(frozen=True, slots=True)
class _Known:
    """What is stored of a pull request before it is read.

    ``tells_commits``: some subscription tells new commits in words, not on the card alone.
    """

    project_id: str
    repository_id: str
    source_commit: str
    tells_commits: bool
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
        self._began: dict[tuple[str, int], float] = {}

    def covers(self, connection: str, number: int, moment: float) -> bool:
        """Whether what happened until a moment (the event loop's time) has been read and recorded.

        It has when a read that went well began after it.
        """
        return self._began.get((connection, number), float("-inf")) > moment

    async def read(
        self, connection: str, number: int, *, cause: str, told: Repository | None = None
    ) -> Recorded:
        """Read and record a pull request, known or not; raises AzureDevOpsError, CannotStore.

        ``told`` is where it is by a webhook, which saves asking that first. Cancelling the caller
        does not cancel the read: others may wait for it.
        """
        return (await self.read_whole(connection, number, cause=cause, told=told)).recorded

    async def read_whole(
        self,
        connection: str,
        number: int,
        *,
        cause: str,
        actor: str = "",
        told: Repository | None = None,
    ) -> FreshRead:
        """The same with its links and checks. ``actor`` is the person who ordered it."""
        key = (connection, number)
        reading = self._readings.get(key)
        if reading is None:
            task = asyncio.create_task(self._read(connection, number, cause, actor, told))
            self._begin(key, task)
        elif reading.next is None:
            task = asyncio.create_task(
                self._after(
                    reading.task, lambda: self._read(connection, number, cause, actor, told)
                )
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

    async def _read(
        self, connection: str, number: int, cause: str, actor: str, told: Repository | None
    ) -> FreshRead:
        began = asyncio.get_running_loop().time()
        found = await self._read_and_record(connection, number, cause, actor, told)
        if len(self._began) >= MOST_REMEMBERED:
            self._began.clear()
        self._began[connection, number] = began
        return found

    async def _read_and_record(
        self, connection: str, number: int, cause: str, actor: str, told: Repository | None
    ) -> FreshRead:
        services = self._services
        azure = await services.azure_devops(connection)
        known = await services.db.read(lambda s: _known_before(s, connection, number))
        place = _place(known, told)
        asked_at = services.clock()
        if place is None:
            snapshot = await azure.pull_request(number)
        else:  # all of it at the same time
            snapshot, beside = await _both(
                azure.pull_request(number), _beside(azure, *place, number)
            )
        where = (snapshot.repository.project_id, snapshot.repository.id)
        if place is None or (known is None and place != where):  # webhooks are believed in nothing
            asked_at = services.clock()
            beside = await _beside(azure, *where, number)
        if known is not None:
            snapshot = _newer_than(known.as_of, snapshot)
        numbers, statuses, policies = beside
        now = services.clock()
        named, missing = await services.db.read(
            lambda s: (
                named_tickets(s, snapshot, _or_none(numbers)),
                missing_facts(s, snapshot, now=now),
            )
        )
        found, pushed = await _both(find_links(azure, named), _pushed(azure, known, snapshot))
        facts = await read_facts(azure, snapshot, missing)
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
                pushed=pushed,
            )
            row_id = recorded.pull_request_id
            links = store_links(session, snapshot, found, cause=cause, actor=actor, now=now)
            read = ReadChecks(asked_at, _or_none(statuses), _or_none(policies))
            checks_changed = record_checks(
                session,
                row_id,
                recorded.state,
                read,
                cause=cause,
                now=now,
                is_new=recorded.is_new,
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


def _place(known: "_Known | None", told: Repository | None) -> tuple[str, str] | None:
    """Project and repository, by what is stored, else by what a webhook says."""
    if known is not None:
        return known.project_id, known.repository_id
    if told is not None and told.project_id and told.id:
        return told.project_id, told.id
    return None


async def _both(
    first: Coroutine[Any, Any, S],
    second: Coroutine[Any, Any, T],
) -> tuple[S, T]:
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


async def _pushed(
    azure: AzureDevOps, known: "_Known | None", snapshot: PullRequestSnapshot
) -> PushedCommits | None:
    """What moved the source branch, asked only when it moved and somebody is told in words.

    Nothing else waits long for it, or fails with it: without it the thread hears of new commits.
    """
    old, new = known.source_commit if known else "", snapshot.source_commit
    if known is None or not known.tells_commits or not old or not new or old == new:
        return None
    asked = azure.pushed_commits(
        snapshot.repository.id,
        old=old,
        new=new,
        target_branch=branch_name(snapshot.target_ref),
    )
    try:
        return await within(PUSH_TIME_S, asked)
    except AzureDevOpsError as error:
        log.info("new commits not counted: %s", log_safe(str(error)))
        return None


def _or_none(part: Part[T]) -> tuple[T, ...] | None:
    return part if isinstance(part, tuple) else None


def _must_be_repeated(part: object) -> bool:
    """Whether a part is missing for now only; what we may not see will not come by asking again."""
    return isinstance(part, Unreachable | RateLimited)


def _known_before(session: Session, connection: str, number: int) -> "_Known | None":
    row = pull_requests.by_number(session, connection, number)
    if row is None or row.id is None:
        return None
    repository = session.get(RepositoryRow, (connection, row.repository_id))
    if repository is None:
        return None
    state = load_state(row)
    return _Known(
        project_id=repository.project_id,
        repository_id=repository.id,
        source_commit=state.source_commit,
        tells_commits=_tells_commits(session, state),
        as_of=row.as_of,
    )


def _tells_commits(session: Session, state: PullRequestState) -> bool:
    reach = load_reach(session, state.connection, state.repository)
    loud = [
        each for each in reach.subscribers if each.places.of(EventKind.COMMITS, each.kind) in _WORDS
    ]
    if not loud:
        return False
    subject = subject_of(state, load_facts(session, state, reach))
    return any(is_about(each, state, subject) for each in loud)


def _newer_than(known: datetime, snapshot: PullRequestSnapshot) -> PullRequestSnapshot:
    """The snapshot with a time after what was known when it was asked for.

    It is newer than that, whatever the clocks say: ours may have been set back, and Azure DevOps'
    may be ahead. Else nothing that was read would count until our clock has caught up.
    """
    if snapshot.as_of > known:
        return snapshot
    return replace(snapshot, as_of=known + timedelta(microseconds=1))
