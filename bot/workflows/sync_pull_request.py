"""Read pull requests again, repair their links, and say what that changed."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from bot.changes import (
    AutoCompleteCleared,
    AutoCompleteSet,
    Change,
    CloserIdentified,
    ConflictEnded,
    ConflictStarted,
    DescriptionChanged,
    PullRequestCreated,
    ReviewerAdded,
    ReviewerMadeRequired,
    ReviewerRemoved,
    TitleChanged,
)
from bot.conflicts.check_now import compare
from bot.fresh_read import FreshRead, FreshReads
from bot.log_text import log_safe
from bot.model import MergeStatus
from bot.notices import texts
from bot.ports import AzureDevOpsError
from bot.pull_request_state import PullRequestState
from bot.recording import Recorded
from bot.services import Services
from bot.sweep import Sweep
from bot.workflows.side_by_side import within
from storage.queries import conflicts
from storage.tables import RepositoryRow

log = logging.getLogger(__name__)

ANSWER_WITHIN_S = 8.0
ALL_WITHIN_S = 60.0
AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Synced:
    """One pull request that was read. ``changes`` are plain sentences; empty: all was right."""

    connection: str
    number: int
    pull_request_id: int
    title: str
    changes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NotSynced:
    """One that could not be read, and why."""

    connection: str
    number: int
    error: AzureDevOpsError


@dataclass(frozen=True, slots=True)
class SyncedRepositories:
    """What syncing whole repositories changed, and which could not be asked."""

    repositories: int
    changed: tuple[Synced, ...]
    failures: tuple[tuple[str, AzureDevOpsError], ...]


async def sync_pull_requests(
    services: Services, wanted: Sequence[tuple[str, int]], *, cause: str, actor: str
) -> list[Synced | NotSynced]:
    """Read each (connection, number), known to us or not, a few at a time. Raises CannotStore."""
    reads = FreshReads(services)
    places = asyncio.Semaphore(AT_ONCE)

    async def sync(connection: str, number: int) -> Synced | NotSynced:
        async with places:
            try:
                reading = reads.read_whole(connection, number, cause=cause, actor=actor)
                read = await within(ANSWER_WITHIN_S, reading)
            except AzureDevOpsError as error:
                return NotSynced(connection, number, error)
            own = await _own_finding(services, read.recorded, cause)
            return _synced(connection, number, read, own)

    return list(await asyncio.gather(*(sync(*each) for each in wanted)))


async def _own_finding(services: Services, recorded: Recorded, cause: str) -> tuple[str, ...]:
    """What merging it with the newest target on trial changed, where Azure DevOps has not."""
    if not recorded.state.is_active or not recorded.state.merge_status.is_settled:
        return ()
    episode = await services.db.read(lambda s: conflicts.latest(s, recorded.pull_request_id))
    had_conflicts = episode is not None and episode.ended_at is None
    try:
        comparing = compare(services, recorded, cause=cause)
        verdict, _ = await within(ANSWER_WITHIN_S, comparing)
    except AzureDevOpsError as error:  # what was read is true without it
        log.info("%d not compared: %s", recorded.state.number, log_safe(str(error)))
        return ()
    target = texts.branch(recorded.state.target_ref)
    if not verdict.is_own or had_conflicts is (verdict.status is MergeStatus.CONFLICTS):
        return ()
    if verdict.status is MergeStatus.CONFLICTS:
        return (f"Conflicts with the newest {target}, as my own trial merge found",)
    if verdict.status is MergeStatus.SUCCEEDED:
        return (f"No conflicts with the newest {target} any more, as my own trial merge found",)
    return ()


async def sync_repositories(
    services: Services, rows: Sequence[RepositoryRow], *, cause: str, actor: str
) -> SyncedRepositories:
    """Compare whole repositories like the sweep does: one list call each, details where needed."""
    sweep = Sweep(services, FreshReads(services))
    places = asyncio.Semaphore(AT_ONCE)
    changed: list[Synced] = []
    failures: list[tuple[str, AzureDevOpsError]] = []

    async def sync(row: RepositoryRow) -> None:
        async with places:
            try:
                found = await within(
                    ALL_WITHIN_S, sweep.sweep_repository(row, cause=cause, actor=actor)
                )
            except AzureDevOpsError as error:
                failures.append((row.name, error))
                return
        every = (_synced(row.connection, number, read) for number, read in found)
        changed.extend(one for one in every if one.changes)

    await asyncio.gather(*(sync(row) for row in rows))
    changed.sort(key=lambda one: (one.connection, one.number))
    return SyncedRepositories(len(rows) - len(failures), tuple(changed), tuple(failures))


def _synced(connection: str, number: int, read: FreshRead, own: tuple[str, ...] = ()) -> Synced:
    return Synced(
        connection=connection,
        number=number,
        pull_request_id=read.recorded.pull_request_id,
        title=texts.pull_request(read.recorded.state),
        changes=(*_sentences(read), *own),
    )


def _sentences(read: FreshRead) -> list[str]:
    said = [_sentence(change, read.recorded.state) for change in read.recorded.changes]
    said += [f"Linked ticket {number}" for number in read.links.added]
    said += [
        f"Took the link to ticket {number} away: it is gone in Azure DevOps"
        for number in read.links.removed
    ]
    if read.checks_changed:
        said.append("Checks updated")
    return said


def _sentence(change: Change, state: PullRequestState) -> str:
    """What changed, in plain text; what came from outside is made harmless by ``texts``."""
    match change:
        case PullRequestCreated():
            return "I had not known it; now it is followed"
        case TitleChanged():
            return f"New title: {texts.pull_request(state)}"
        case DescriptionChanged():
            return "New description"
        case ReviewerAdded(reviewer=who):
            return f"{texts.name_of(who)} is a reviewer now"
        case ReviewerMadeRequired(reviewer=who):
            return f"{texts.name_of(who)} is a required reviewer now"
        case ReviewerRemoved(reviewer=who):
            return f"{texts.name_of(who)} is no reviewer any more"
        case AutoCompleteSet(by=who):
            return f"{texts.name_of(who)} set auto-complete"
        case AutoCompleteCleared():
            return "Auto-complete was taken back"
        case CloserIdentified(by=who):
            return f"Closed by {texts.name_of(who)}"
        case ConflictStarted():
            return f"Conflicts with {texts.branch(state.target_ref)}"
        case ConflictEnded():
            return f"No conflicts with {texts.branch(state.target_ref)} any more"
    return texts.reply(change, state, {})
