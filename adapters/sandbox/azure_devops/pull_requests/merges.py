"""Runs merges in the background, as the service does: trial merges and completions.

The answer to a request says ``queued``; the outcome comes later. A request that a newer one has
overtaken (the source moved again) is dropped.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any

from adapters.sandbox.azure_devops.git import merging, objects
from adapters.sandbox.azure_devops.hooks import events
from adapters.sandbox.azure_devops.people import SandboxIdentity
from adapters.sandbox.azure_devops.projects import ZERO_SHA, RefUpdate
from adapters.sandbox.azure_devops.pull_requests.model import MergeStatus, SandboxPullRequest
from adapters.sandbox.azure_devops.pull_requests.tickets import move_tickets_on

if TYPE_CHECKING:
    from adapters.sandbox.azure_devops.organization import Organization

Sleep = Callable[[float], Awaitable[object]]
Work = Callable[[], Coroutine[Any, Any, None]]


class Merges:
    """The merge queue of one organisation.

    Args:
        organization: whose pull requests are merged.
        sleep: awaited with the delay in seconds.
        delay_s: how long each merge waits before it starts; 0 for at once.
    """

    def __init__(self, organization: Organization, sleep: Sleep, delay_s: float) -> None:
        self._org = organization
        self._sleep = sleep
        self.delay_s = delay_s
        self._running: dict[asyncio.Task[None], Work] = {}
        self._unfinished: list[Work] = []
        self._failures: list[BaseException] = []

    def request_trial(self, pull_request: SandboxPullRequest, actor: SandboxIdentity) -> None:
        """Queue a trial merge of the two branch tips."""
        self._queue(pull_request)
        merge_round = pull_request.merge_round
        self._spawn(lambda: self._trial(pull_request, merge_round, actor))

    def request_completion(
        self, pull_request: SandboxPullRequest, actor: SandboxIdentity, options: dict[str, Any]
    ) -> None:
        """Queue the completing merge; the pull request stays active until it is done."""
        self._queue(pull_request)
        pull_request.completion_options = options
        pull_request.completion_queued = self._org.clock()
        merge_round = pull_request.merge_round
        self._spawn(lambda: self._complete(pull_request, merge_round, actor))

    def run_later(self, work: Callable[[], Awaitable[None]]) -> None:
        """Run any other work as a merge of the queue: after the delay, in the background."""

        async def run() -> None:
            if self.delay_s:
                await self._sleep(self.delay_s)
            await work()

        self._spawn(run)

    async def settled(self) -> None:
        """Wait until no merge is queued or running, and raise what one of them raised."""
        while self._running:
            await asyncio.wait(self._running)
        if self._failures:
            raise self._failures.pop(0)

    async def stop(self) -> None:
        """Stop merges that have not run; ``resume`` starts them again."""
        stopped = dict(self._running)
        for task in stopped:
            task.cancel()
        await asyncio.gather(*stopped, return_exceptions=True)
        self._unfinished += [work for task, work in stopped.items() if task.cancelled()]

    def resume(self) -> None:
        """Start again what ``stop`` has stopped."""
        works, self._unfinished = self._unfinished, []
        for work in works:
            self._spawn(work)

    def _queue(self, pull_request: SandboxPullRequest) -> None:
        pull_request.merge_round += 1
        pull_request.merge_status = "queued"

    def _spawn(self, work: Work) -> None:
        task = asyncio.create_task(work())
        self._running[task] = work
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._running.pop(task, None)
        failure = None if task.cancelled() else task.exception()
        if failure is not None:
            self._failures.append(failure)

    async def _trial(
        self, pull_request: SandboxPullRequest, merge_round: int, actor: SandboxIdentity
    ) -> None:
        if self.delay_s:
            await self._sleep(self.delay_s)
        async with pull_request.repository.lock:
            if pull_request.merge_round != merge_round or pull_request.status != "active":
                return
            source, target = await self._tips(pull_request)
            if target is None:
                self._fail(pull_request, "The target branch does not exist.")
            else:
                await self._merge_on_trial(pull_request, source, target, actor)
            self._publish_merge(pull_request, actor)
        self.complete_when_ready(pull_request)

    async def _merge_on_trial(
        self, pull_request: SandboxPullRequest, source: str, target: str, actor: SandboxIdentity
    ) -> None:
        number, repository = pull_request.id, pull_request.repository
        result = await self._org.git.on(
            repository.id,
            merging.merge,
            target,
            source,
            self._org.author(actor),
            f"Merge pull request {number} from {pull_request.source_ref} into"
            f" {pull_request.target_ref}",
        )
        self._record(pull_request, source, target, result)
        if result.commit is not None:
            await self._org.git.on(
                repository.id, objects.point_ref, f"refs/pull/{number}/merge", result.commit
            )

    async def _complete(
        self, pull_request: SandboxPullRequest, merge_round: int, actor: SandboxIdentity
    ) -> None:
        if self.delay_s:
            await self._sleep(self.delay_s)
        async with pull_request.repository.lock:
            if pull_request.merge_round != merge_round or pull_request.status != "active":
                return
            source, target = await self._tips(pull_request)
            if target is None:
                self._fail(pull_request, "The target branch does not exist.")
                self._publish_merge(pull_request, actor)
                return
            result = await self._merge_for_good(pull_request, source, target, actor)
            self._record(pull_request, source, target, result)
            self._publish_merge(pull_request, actor)
            if result.commit is None:
                pull_request.completion_queued = None
                return
            await self._finish(pull_request, target, result.commit, actor)

    async def _merge_for_good(
        self, pull_request: SandboxPullRequest, source: str, target: str, actor: SandboxIdentity
    ) -> merging.MergeResult:
        options = pull_request.completion_options or {}
        strategy = options.get("mergeStrategy") or (
            "squash" if options.get("squashMerge") else "noFastForward"
        )
        message = options.get("mergeCommitMessage") or (
            f"Merged PR {pull_request.id}: {pull_request.title}"
        )
        return await self._org.git.on(
            pull_request.repository.id,
            merging.complete,
            target,
            source,
            strategy,
            self._org.author(actor),
            message,
        )

    async def _finish(
        self, pull_request: SandboxPullRequest, target: str, merged: str, actor: SandboxIdentity
    ) -> None:
        """Move the target branch, close the pull request, and tell of it."""
        repository = pull_request.repository
        await self._org.git.on(repository.id, objects.point_ref, pull_request.target_ref, merged)
        pull_request.status = "completed"
        pull_request.closed = self._org.clock()
        pull_request.closed_by = actor
        pull_request.completion_queued = None
        moved = [RefUpdate(pull_request.target_ref, target, merged)]
        options = pull_request.completion_options or {}
        source_tip = await self._org.git.on(repository.id, objects.ref_tip, pull_request.source_ref)
        if options.get("deleteSourceBranch") and source_tip is not None:
            await self._org.git.on(repository.id, objects.drop_ref, pull_request.source_ref)
            moved.append(RefUpdate(pull_request.source_ref, source_tip, ZERO_SHA))
        for update in moved:
            await self._org.pushes.moved(repository, actor, [update])
        self._org.hooks.publish(
            events.pull_request_updated(self._org, pull_request, actor, "StatusUpdateNotification")
        )
        # Two deliveries for one completion were seen on the service: this is the second.
        self._publish_merge(pull_request, actor)
        if options.get("transitionWorkItems"):
            move_tickets_on(self._org, pull_request, actor)

    def complete_when_ready(self, pull_request: SandboxPullRequest) -> None:
        """Start the completion when auto-complete is set and nothing stands against it."""
        setter = pull_request.auto_complete_set_by
        if (
            setter is None
            or pull_request.status != "active"
            or pull_request.is_draft
            or pull_request.merge_status != "succeeded"
            or pull_request.completion_queued is not None
        ):
            return
        required = [r for r in pull_request.reviewers.values() if r.is_required]
        blocked = any(p.is_blocking and p.status != "approved" for p in pull_request.policies)
        rejected = any(r.vote == -10 for r in pull_request.reviewers.values())
        if blocked or rejected or any(r.vote < 5 for r in required):
            return
        options = dict(pull_request.completion_options or {}, triggeredByAutoComplete=True)
        self.request_completion(pull_request, setter, options)

    async def set_outcome(
        self, pull_request: SandboxPullRequest, status: MergeStatus, message: str, kind: str
    ) -> None:
        """Give a merge the outcome that real git cannot produce (failure, rejectedByPolicy)."""
        async with pull_request.repository.lock:
            pull_request.merge_round += 1
            pull_request.merge_status = status
            pull_request.merge_failure = message
            pull_request.merge_failure_type = kind
            pull_request.last_merge = None
            self._publish_merge(pull_request, pull_request.author)

    async def _tips(self, pull_request: SandboxPullRequest) -> tuple[str, str | None]:
        repository = pull_request.repository
        source = await self._org.git.on(repository.id, objects.ref_tip, pull_request.source_ref)
        target = await self._org.git.on(repository.id, objects.ref_tip, pull_request.target_ref)
        return source or pull_request.last_source or ZERO_SHA, target

    def _record(
        self,
        pull_request: SandboxPullRequest,
        source: str,
        target: str,
        result: merging.MergeResult,
    ) -> None:
        pull_request.last_source, pull_request.last_target = source, target
        pull_request.merge_base, pull_request.conflicts = result.base, result.conflicts
        pull_request.last_merge = result.commit
        pull_request.merge_status = "succeeded" if result.commit else "conflicts"
        pull_request.merge_failure, pull_request.merge_failure_type = None, "none"

    def _fail(self, pull_request: SandboxPullRequest, message: str) -> None:
        pull_request.merge_status = "failure"
        pull_request.merge_failure = message
        pull_request.merge_failure_type = "unknown"
        pull_request.last_merge, pull_request.completion_queued = None, None

    def _publish_merge(self, pull_request: SandboxPullRequest, actor: SandboxIdentity) -> None:
        self._org.hooks.publish(events.pull_request_merge_attempted(self._org, pull_request, actor))
