"""Moved refs: branches created and deleted, commits pushed, and what follows from it.

Answers follow "Refs - Update Refs" and "Pushes - Create" of Microsoft's git REST documentation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from adapters.sandbox.azure_devops import errors
from adapters.sandbox.azure_devops.git import history, objects
from adapters.sandbox.azure_devops.git.objects import FileContent
from adapters.sandbox.azure_devops.hooks import events
from adapters.sandbox.azure_devops.people import SandboxIdentity
from adapters.sandbox.azure_devops.projects import (
    ZERO_SHA,
    Push,
    RefOutcome,
    RefUpdate,
    SandboxRepository,
)
from adapters.sandbox.azure_devops.pull_requests.lifecycle import add_iteration

if TYPE_CHECKING:
    from adapters.sandbox.azure_devops.organization import Organization

COMMITS_TOLD = 25
"""How many commits a push remembers and its service hook lists."""


@dataclass(frozen=True, slots=True)
class FileEdit:
    """One change of a pushed commit; ``kind`` add, edit, delete or rename."""

    kind: str
    path: str
    content: FileContent = None
    original_path: str | None = None


@dataclass(frozen=True, slots=True)
class NewCommit:
    """One commit to push."""

    message: str
    edits: tuple[FileEdit, ...]


class Pushes:
    """Everything that moves refs of one organisation's repositories."""

    def __init__(self, organization: Organization) -> None:
        self._org = organization
        self._counter = 0

    async def update_refs(
        self, repository: SandboxRepository, actor: SandboxIdentity, updates: Sequence[RefUpdate]
    ) -> list[RefOutcome]:
        """Create, move or delete refs, each for itself; refusals are in the outcome, not raised."""
        outcomes = []
        async with repository.lock:
            for update in updates:
                status = await self._judge(repository, actor, update)
                outcomes.append(RefOutcome(update, status))
                if status == "succeeded":
                    await self._point(repository, update)
                    await self.moved(repository, actor, [update])
        return outcomes

    async def push(
        self,
        repository: SandboxRepository,
        actor: SandboxIdentity,
        ref: str,
        old: str,
        commits: Sequence[NewCommit],
    ) -> Push:
        """Commit on top of ``old`` and move the ref there.

        With forty zeros as ``old`` the first commit has no parent: editing a file then fails,
        because nothing exists "at commit 0000…".

        Raises:
            AzureDevOpsError: stale ``old``, no permission, or an edit that does not fit.
        """
        if not objects.valid_ref_name(ref):
            raise errors.invalid_argument(f"The reference name '{ref}' is not valid.")
        async with repository.lock:
            self._org.access.require(actor, "contribute", repository)
            tip = await self._org.git.on(repository.id, objects.ref_tip, ref)
            if (tip or ZERO_SHA) != old:
                raise errors.stale_reference(ref)
            if tip is None:
                self._org.access.require(actor, "createBranch", repository)
                await self._refuse_collision(repository, ref)
            new = tip
            for commit in commits:
                new = await self._write(repository, actor, new, commit)
            if new is None:
                raise errors.invalid_argument("A push must have at least one commit.")
            update = RefUpdate(ref, old, new)
            await self._point(repository, update)
            return await self.moved(repository, actor, [update])

    async def force(
        self, repository: SandboxRepository, actor: SandboxIdentity, ref: str, commit: str
    ) -> Push:
        """Point a branch at any commit, whatever it pointed at before."""
        async with repository.lock:
            tip = await self._org.git.on(repository.id, objects.ref_tip, ref)
            update = RefUpdate(ref, tip or ZERO_SHA, commit)
            await self._point(repository, update)
            return await self.moved(repository, actor, [update])

    async def moved(
        self, repository: SandboxRepository, actor: SandboxIdentity, updates: Sequence[RefUpdate]
    ) -> Push:
        """Record refs that have just moved, tell of it, and see to the pull requests.

        The caller holds the repository's lock.
        """
        self._counter += 1
        push = Push(
            id=self._counter,
            repository_id=repository.id,
            pusher=actor,
            date=self._org.clock(),
            updates=tuple(updates),
            commits=await self._new_commits(repository, updates),
        )
        repository.pushes.append(push)
        if repository.default_branch is None:
            repository.default_branch = updates[0].name
        facts = [
            await self._org.git.on(repository.id, history.commit_facts, sha) for sha in push.commits
        ]
        self._org.hooks.publish(events.pushed(self._org, repository, push, facts))
        for update in updates:
            await self._follow_up(repository, actor, update)
        return push

    async def _follow_up(
        self, repository: SandboxRepository, actor: SandboxIdentity, update: RefUpdate
    ) -> None:
        """A moved source is a new iteration and a new trial merge; a moved target maybe a merge."""
        for pull_request in list(self._org.pull_requests.values()):
            if pull_request.repository is not repository or pull_request.status != "active":
                continue
            if pull_request.source_ref == update.name and update.new != ZERO_SHA:
                forced = update.old != ZERO_SHA and not await self._org.git.on(
                    repository.id, history.is_ancestor, update.old, update.new
                )
                reason = "forcePush" if forced else "push"
                await add_iteration(self._org, pull_request, actor, reason, update.new)
                # At once with its merge: an outcome about other commits is never read beside it.
                pull_request.last_source = update.new
                self._org.hooks.publish(
                    events.pull_request_updated(self._org, pull_request, actor, "PushNotification")
                )
                self._org.merges.request_trial(pull_request, actor)
            elif pull_request.target_ref == update.name and self._org.remerge_on_target_push:
                self._org.merges.request_trial(pull_request, actor)

    async def _judge(
        self, repository: SandboxRepository, actor: SandboxIdentity, update: RefUpdate
    ) -> str:
        """Return the GitRefUpdateStatus that an update gets."""
        access, git = self._org.access, self._org.git
        if not objects.valid_ref_name(update.name):
            return "invalidRefName"
        tip = await git.on(repository.id, objects.ref_tip, update.name)
        if tip is None and update.new == ZERO_SHA:
            return "succeededNonExistentRef"
        if (tip or ZERO_SHA) != update.old:
            return "staleOldObjectId"
        if tip is None:
            if not access.may(actor, "createBranch", repository):
                return "createBranchPermissionRequired"
            existing = await git.on(repository.id, objects.list_refs)
            if objects.colliding_ref(existing, update.name):
                return "refNameConflict"
        if not access.may(actor, "contribute", repository):
            return "writePermissionRequired"
        if update.new == ZERO_SHA:
            return "succeeded"
        if not await git.on(repository.id, objects.is_commit, update.new):
            return "unresolvableToCommit"
        if (
            tip is not None
            and not access.may(actor, "forcePush", repository)
            and not await git.on(repository.id, history.is_ancestor, tip, update.new)
        ):
            return "forcePushRequired"
        return "succeeded"

    async def _point(self, repository: SandboxRepository, update: RefUpdate) -> None:
        if update.new == ZERO_SHA:
            await self._org.git.on(repository.id, objects.drop_ref, update.name)
        else:
            await self._org.git.on(repository.id, objects.point_ref, update.name, update.new)

    async def _refuse_collision(self, repository: SandboxRepository, ref: str) -> None:
        existing = await self._org.git.on(repository.id, objects.list_refs)
        other = objects.colliding_ref(existing, ref)
        if other is not None:
            raise errors.invalid_argument(f"'{ref}' cannot be created because '{other}' exists.")

    async def _write(
        self,
        repository: SandboxRepository,
        actor: SandboxIdentity,
        parent: str | None,
        commit: NewCommit,
    ) -> str:
        there = await self._org.git.on(repository.id, objects.paths_at, parent)
        at = parent or ZERO_SHA
        changes: dict[str, FileContent] = {}
        for edit in commit.edits:
            _check_edit(edit, there, at)
            if edit.kind == "rename":
                changes[edit.original_path or ""] = None
                changes[edit.path] = edit.content or await self._content(
                    repository, at, edit.original_path or ""
                )
            else:
                changes[edit.path] = edit.content
        return await self._org.git.on(
            repository.id,
            objects.write_commit,
            [parent] if parent else [],
            changes,
            self._org.author(actor),
            commit.message,
        )

    async def _content(self, repository: SandboxRepository, commit: str, path: str) -> bytes:
        item = await self._org.git.on(repository.id, objects.read_item, commit, path)
        if item is None or item.content is None:
            raise errors.path_missing_in_push(path, commit)
        return item.content

    async def _new_commits(
        self, repository: SandboxRepository, updates: Sequence[RefUpdate]
    ) -> tuple[str, ...]:
        """Commits are told for moved branches only: not for new or deleted ones, nor for tags."""
        found: list[str] = []
        for update in updates:
            if ZERO_SHA in (update.old, update.new) or not update.name.startswith("refs/heads/"):
                continue
            commits = await self._org.git.on(
                repository.id,
                history.commits_between,
                update.new,
                update.old,
                limit=COMMITS_TOLD,
            )
            found += [commit.id for commit in commits]
        return tuple(found)


def edits_from(changes: Mapping[str, FileContent], there: set[str]) -> tuple[FileEdit, ...]:
    """Return edits for plain path → content changes, given the paths that exist."""
    edits = []
    for path, content in changes.items():
        known = path.lstrip("/") in there
        kind = "delete" if content is None else ("edit" if known else "add")
        edits.append(FileEdit(kind, path, content))
    return tuple(edits)


def _check_edit(edit: FileEdit, there: set[str], commit: str) -> None:
    path = edit.path.lstrip("/")
    if not path:
        raise errors.invalid_argument("A change must name a path.")
    if edit.kind in ("add", "rename") and path in there:
        raise errors.path_exists_in_push(edit.path, commit)
    if edit.kind in ("edit", "delete") and path not in there:
        raise errors.path_missing_in_push(edit.path, commit)
    if edit.kind == "rename" and (edit.original_path or "").lstrip("/") not in there:
        raise errors.path_missing_in_push(edit.original_path or "", commit)
    if edit.kind not in ("add", "edit", "delete", "rename"):
        raise errors.invalid_argument(f"The change type '{edit.kind}' is not supported.")
