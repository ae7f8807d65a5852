"""A target branch moved: which open pull requests do not merge any more?

Azure DevOps does not promise to merge them on trial again. Its list says for each which target's
commit it merged last. Of those that are behind the branch's tip, the ones whose files the new
commits touch are merged on trial by ourselves, oldest conflicts first. No call is made when no open
pull request is known to have that target. What is interrupted is found again by the sweep, because
it stands in what is stored.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta

from sqlmodel import Session

from bot.cards.view import load_finding, load_state
from bot.conflicts.behind import Behind, last_known
from bot.conflicts.episodes import Finding
from bot.conflicts.following import follow, keep_finding
from bot.conflicts.unaffected import gained_since, leave_unaffected
from bot.log_text import log_safe
from bot.model import MergeStatus, PullRequestSnapshot, TrialMerge, branch_name
from bot.ports import (
    AuthenticationFailed,
    AzureDevOps,
    AzureDevOpsError,
    Forbidden,
    NotFound,
    RateLimited,
    Unreachable,
)
from bot.pull_request_state import PullRequestState
from bot.reconcile import reconcile
from bot.recording import record_snapshot
from bot.services import Services
from storage.queries import conflicts, pull_requests, recording
from storage.tables import PullRequestRow

log = logging.getLogger(__name__)

AT_ONCE = 4
WRITES_AT_ONCE = 20
LONGEST_WAIT_S = 120.0
MANY = 20
AZURE_DEVOPS_BEGINS_WITHIN_S = 5.0

Target = tuple[str, str, str, str]
"""(connection, project id, repository id, whole ref)."""


class TargetMoved:
    """Checks the open pull requests into a branch. Trial merges run beside the webhooks' work."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._running: dict[Target, asyncio.Task[None]] = {}
        self._again: dict[Target, tuple[str, Collection[int]]] = {}

    @property
    def is_idle(self) -> bool:
        """Whether no trial merge is under way."""
        return not self._running

    async def stop(self) -> None:
        """End what runs; the next sweep takes it up again."""
        self._again.clear()
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def pushed(self, target: Target, *, cause: str) -> None:
        """The branch moved: take over what Azure DevOps says, and merge the rest on trial.

        Raises AzureDevOpsError when the list cannot be had.
        """
        listed = await self._list(target)
        gone = await self._take_over(target, listed, cause)
        self._start(target, cause, unsettled(listed) | gone)

    async def _list(self, target: Target) -> Sequence[PullRequestSnapshot]:
        connection, project_id, repository_id, ref = target
        azure = await self._services.azure_devops(connection)
        return await azure.pull_requests(
            project=project_id, repository=repository_id, target_ref=ref
        )

    async def merge_on_trial(
        self, target: Target, *, cause: str, leave_out: Collection[int] = ()
    ) -> int:
        """Merge those that the target's new commits may concern; how many trial merges that were.

        One call for the tip and what it gained, and a trial merge for each whose files it touches,
        those with the oldest conflicts first. ``leave_out`` are pull requests that Azure DevOps is
        merging itself just now, or that it does not list as open any more.

        Raises AzureDevOpsError; what was found before is stored.
        """
        connection, _, repository_id, ref = target
        known = await self._services.db.read(lambda s: _behind(s, target, None, leave_out))
        if not known:
            return 0
        azure = await self._services.azure_devops(connection)
        gained = await gained_since(
            azure, repository_id, branch_name(ref), (one.base_commit for one in known)
        )
        tips = [changes.tip for changes in gained.values()]
        tip = tips[0] if tips else await azure.branch_tip(repository_id, branch_name(ref))
        if tip is None:
            return 0
        await self._forget_overtaken(target, tip, cause)
        behind = await leave_unaffected(
            self._services.db,
            azure,
            (repository_id, ref),
            await self._services.db.read(lambda s: _behind(s, target, tip, leave_out)),
            gained,
            tip=tip,
            now=self._services.clock(),
        )
        places = asyncio.Semaphore(AT_ONCE)

        refused: list[AzureDevOpsError] = []

        async def in_place(one: Behind) -> None:
            async with places:
                if refused:
                    return  # what is refused for one is refused for all
                try:
                    await self._merge(azure, target, one, tip, cause)
                except (Forbidden, AuthenticationFailed, RateLimited) as error:
                    refused.append(error)
                    raise

        ends = await asyncio.gather(*map(in_place, behind), return_exceptions=True)
        for end in ends:
            if isinstance(end, BaseException):
                raise end
        return len(behind)

    async def _forget_overtaken(self, target: Target, tip: str, cause: str) -> None:
        """A branch that was forced back is where Azure DevOps merged last: its word holds again."""
        now, flap = self._services.clock(), self._services.conflict_flap

        def forget(number: int) -> Callable[[Session], object]:
            return lambda s: forget_finding(s, target, number, tip, cause=cause, now=now, flap=flap)

        for number in await self._services.db.read(lambda s: _overtaken(s, target, tip)):
            await self._services.db.write(forget(number))

    def _start(self, target: Target, cause: str, leave_out: Collection[int]) -> None:
        if target in self._running:
            self._again[target] = cause, leave_out
            return
        task = asyncio.create_task(self._try(target, cause, leave_out))
        self._running[target] = task
        task.add_done_callback(lambda done: self._ended(target, done))

    def _ended(self, target: Target, task: asyncio.Task[None]) -> None:
        self._running.pop(target)
        if not task.cancelled() and (error := task.exception()):
            log.error("trial merges into %s failed", log_safe(target[3]), exc_info=error)
        if target in self._again:
            self._start(target, *self._again.pop(target))

    async def _try(self, target: Target, cause: str, leave_out: Collection[int]) -> None:
        try:
            if len(await self._services.db.read(lambda s: _behind(s, target, None, ()))) >= MANY:
                # Two calls for each are saved where Azure DevOps begins by itself to merge again.
                await self._services.sleep(AZURE_DEVOPS_BEGINS_WITHIN_S)
                listed = await self._list(target)
                leave_out = await self._take_over(target, listed, cause) | unsettled(listed)
            await self.merge_on_trial(target, cause=cause, leave_out=leave_out)
        except AzureDevOpsError as error:
            log.info("trial merges into %s: %s", log_safe(target[3]), log_safe(str(error)))

    async def _take_over(
        self, target: Target, listed: Sequence[PullRequestSnapshot], cause: str
    ) -> frozenset[int]:
        """Record what differs. Those not listed any more must be read first: their numbers."""
        services = self._services
        now, flap = services.clock(), services.conflict_flap
        news, missing = await services.db.read(lambda s: _news(s, target, listed))

        def record(summary: PullRequestSnapshot) -> Callable[[Session], object]:
            return lambda s: record_snapshot(s, summary, cause=cause, now=now, flap=flap)

        def ask(session: Session) -> None:
            for pull_request_id in missing.values():
                pull_requests.ask_for_read(session, pull_request_id)

        for start in range(0, len(news), WRITES_AT_ONCE):
            some = news[start : start + WRITES_AT_ONCE]
            await asyncio.gather(*(services.db.write(record(summary)) for summary in some))
        if missing:
            await services.db.write(ask)
        return frozenset(missing)

    async def _merge(
        self, azure: AzureDevOps, target: Target, one: Behind, tip: str, cause: str
    ) -> None:
        connection, project_id, repository_id, ref = target
        try:
            merged = await self._waiting_if_asked(
                azure, project_id, repository_id, tip, one.source_commit
            )
        except (Unreachable, RateLimited, AuthenticationFailed, Forbidden, NotFound):
            raise
        except AzureDevOpsError as error:
            log.info("%s!%s not merged on trial: %s", connection, one.number, log_safe(str(error)))
            return
        if merged.status is MergeStatus.QUEUED:
            return  # not done in time: the next sweep asks again
        now, flap = self._services.clock(), self._services.conflict_flap
        finding = Finding(
            status=merged.status,
            source_commit=one.source_commit,
            target_ref=ref,
            target_commit=tip,
            stale_target_commit=one.stale_target_commit,
            found_at=now,
        )
        await self._services.db.write(
            lambda s: record_finding(
                s, connection, one.number, finding, cause=cause, now=now, flap=flap
            )
        )

    async def _waiting_if_asked(
        self, azure: AzureDevOps, project_id: str, repository_id: str, ours: str, theirs: str
    ) -> TrialMerge:
        """The trial merge, after waiting once when Azure DevOps asks for a pause."""
        try:
            return await azure.trial_merge(project_id, repository_id, ours, theirs)
        except RateLimited as error:
            if error.retry_after_s > LONGEST_WAIT_S:
                raise
            await self._services.sleep(error.retry_after_s)
            return await azure.trial_merge(project_id, repository_id, ours, theirs)


def record_finding(
    session: Session,
    connection: str,
    number: int,
    finding: Finding,
    *,
    cause: str,
    now: datetime,
    flap: timedelta,
) -> bool:
    """Store our own finding and what follows of it; False when it is out of date already.

    Runs inside ``Database.write``.
    """
    row = recording.locked_pull_request(session, connection, number)
    if row is None or row.id is None:
        return False
    state = load_state(row)
    said = state.merge.target_commit if state.merge else ""
    if (
        not state.is_active
        or (state.source_commit, state.target_ref) != (finding.source_commit, finding.target_ref)
        or said != finding.stale_target_commit
    ):
        return False
    known = load_finding(session, row.id)
    keep_finding(session, row.id, finding)
    follow(session, row.id, state, state, (), overtaken=known, cause=cause, now=now, flap=flap)
    return True


def forget_finding(
    session: Session,
    target: Target,
    number: int,
    tip: str,
    *,
    cause: str,
    now: datetime,
    flap: timedelta,
) -> bool:
    """Drop our own finding about another commit than the tip, which Azure DevOps merged last.

    False when that is not so any more. Runs inside ``Database.write``.
    """
    row = recording.locked_pull_request(session, target[0], number)
    if row is None or row.id is None or not _is_overtaken(session, row, tip):
        return False
    conflicts.forget_own_finding(session, row.id)
    state = load_state(row)
    follow(session, row.id, state, state, (), cause=cause, now=now, flap=flap)
    return True


def _news(
    session: Session, target: Target, listed: Sequence[PullRequestSnapshot]
) -> tuple[list[PullRequestSnapshot], dict[int, int]]:
    """Those listed that differ from what is stored; number: id of those stored but not listed."""
    connection, _, repository_id, ref = target
    rows = conflicts.open_on_target(session, connection, repository_id, [ref])
    stored = {row.number: row for row in rows}
    by_number = {summary.number: summary for summary in listed}
    known = [number for number in stored if number in by_number]  # oldest conflicts first
    news = [by_number[n] for n in known if _is_news(load_state(stored[n]), by_number[n])]
    news += [summary for summary in listed if summary.number not in stored]
    return news, {row.number: row.id or 0 for row in rows if row.number not in by_number}


def unsettled(listed: Sequence[PullRequestSnapshot]) -> frozenset[int]:
    """Numbers of those that Azure DevOps is merging itself just now."""
    return frozenset(each.number for each in listed if each.merge_status is MergeStatus.QUEUED)


def _behind(
    session: Session, target: Target, tip: str | None, leave_out: Collection[int]
) -> list[Behind]:
    """Those whose last merge is not about ``tip`` (None: any), and that we have not merged yet."""
    connection, _, repository_id, ref = target
    found = []
    for row in conflicts.open_on_target(session, connection, repository_id, [ref]):
        state = load_state(row)
        merge = state.merge
        if merge is None or row.number in leave_out or not _is_about_now(state):
            continue  # Azure DevOps has not said its first word, or is at it for newer commits
        if merge.target_commit == tip or not merge.target_commit:
            continue
        one = last_known(state, load_finding(session, row.id or 0))
        if one is not None and one.base_commit != tip:
            found.append(one)
    return found


def _overtaken(session: Session, target: Target, tip: str) -> list[int]:
    """Numbers of those with a finding about another commit than ``tip``, of the last merge."""
    connection, _, repository_id, ref = target
    rows = conflicts.open_on_target(session, connection, repository_id, [ref])
    return [row.number for row in rows if _is_overtaken(session, row, tip)]


def _is_overtaken(session: Session, row: PullRequestRow, tip: str) -> bool:
    state = load_state(row)
    known = load_finding(session, row.id or 0)
    return (
        known is not None
        and known.target_commit != tip
        and state.merge is not None
        and state.merge.target_commit == tip
        and _is_about_now(state)
    )


def _is_about_now(state: PullRequestState) -> bool:
    merge = state.merge
    return (
        merge is not None
        and bool(state.source_commit)
        and merge.source_commit == state.source_commit
        and merge.target_ref == state.target_ref
    )


def _is_news(state: PullRequestState, summary: PullRequestSnapshot) -> bool:
    """Whether it says anything else, or is about a newer trial merge."""
    found = reconcile(state, summary)
    return bool(found.changes) or found.needs_read or _merged(found.state) != _merged(state)


def _merged(state: PullRequestState) -> tuple[object, ...]:
    merge = state.merge
    return (merge.source_commit, merge.target_commit, merge.status) if merge else ()
