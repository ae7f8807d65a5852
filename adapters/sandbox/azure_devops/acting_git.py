"""What people do with branches and files in the sandbox, as plain calls."""

from __future__ import annotations

from collections.abc import Mapping

from adapters.sandbox.azure_devops import errors
from adapters.sandbox.azure_devops.git import merging, objects
from adapters.sandbox.azure_devops.git.objects import FileContent
from adapters.sandbox.azure_devops.organization import Organization
from adapters.sandbox.azure_devops.people import SandboxIdentity
from adapters.sandbox.azure_devops.projects import ZERO_SHA, RefUpdate, SandboxRepository
from adapters.sandbox.azure_devops.pushes import NewCommit, edits_from


class GitActing:
    """Commits, branches and tags. Names are short (``main``) or full (``refs/tags/v1``)."""

    _org: Organization

    async def commit(
        self,
        repository: SandboxRepository,
        branch: str,
        changes: Mapping[str, FileContent],
        author: SandboxIdentity,
        message: str,
        *,
        start_from: str | None = None,
    ) -> str:
        """Push one commit; None as content deletes a file. Returns the new tip.

        A branch that does not exist starts from ``start_from`` (branch or SHA), by default from
        the default branch; in an empty repository from nothing.
        """
        ref = full_ref(branch)
        tip = await self._tip(repository, ref)
        if tip is None and repository.default_branch not in (None, ref):
            start = await self._start(repository, start_from)
            await self._update_ref(repository, ref, ZERO_SHA, start, author)
            tip = start
        there = await self._org.git.on(repository.id, objects.paths_at, tip)
        commit = NewCommit(message, edits_from(changes, there))
        push = await self._org.pushes.push(repository, author, ref, tip or ZERO_SHA, [commit])
        await self._settle()
        return push.updates[0].new

    async def force_push(
        self,
        repository: SandboxRepository,
        branch: str,
        changes: Mapping[str, FileContent],
        author: SandboxIdentity,
        message: str,
        *,
        onto: str | None = None,
    ) -> str:
        """Replace a branch by one commit on top of ``onto`` (default branch): a rebase by hand."""
        start = await self._start(repository, onto)
        tip = await self._org.git.on(
            repository.id,
            objects.write_commit,
            [start],
            changes,
            self._org.author(author),
            message,
        )
        await self._org.pushes.force(repository, author, full_ref(branch), tip)
        await self._settle()
        return tip

    async def merge_branch(
        self,
        repository: SandboxRepository,
        branch: str,
        other: str,
        author: SandboxIdentity,
        *,
        resolved: Mapping[str, FileContent] | None = None,
    ) -> str:
        """Merge another branch into this one by hand, with ``resolved`` for the conflicts.

        Raises:
            ValueError: a conflict has no resolution.
        """
        tip, theirs = await self._start(repository, branch), await self._start(repository, other)
        merged = await self._org.git.on(
            repository.id,
            merging.merge_resolved,
            tip,
            theirs,
            resolved or {},
            self._org.author(author),
            f"Merge {other} into {branch}",
        )
        await self._update_ref(repository, full_ref(branch), tip, merged, author)
        await self._settle()
        return merged

    async def create_branch(
        self,
        repository: SandboxRepository,
        branch: str,
        actor: SandboxIdentity,
        *,
        start_from: str | None = None,
    ) -> str:
        """Create a branch (or a tag, by its full name) and return its commit."""
        start = await self._start(repository, start_from)
        await self._update_ref(repository, full_ref(branch), ZERO_SHA, start, actor)
        return start

    async def delete_branch(
        self, repository: SandboxRepository, branch: str, actor: SandboxIdentity
    ) -> None:
        """Delete a branch or tag."""
        tip = await self._start(repository, branch)
        await self._update_ref(repository, full_ref(branch), tip, ZERO_SHA, actor)

    async def tip(self, repository: SandboxRepository, branch: str) -> str | None:
        """Return the commit that a branch points at, None when there is no such branch."""
        return await self._tip(repository, full_ref(branch))

    async def read_file(
        self, repository: SandboxRepository, path: str, branch: str | None = None
    ) -> bytes | None:
        """Return a file's content at a branch or SHA, None when it is not there."""
        commit = await self._start(repository, branch)
        item = await self._org.git.on(repository.id, objects.read_item, commit, path)
        return item.content if item is not None else None

    async def _tip(self, repository: SandboxRepository, ref: str) -> str | None:
        return await self._org.git.on(repository.id, objects.ref_tip, ref)

    async def _start(self, repository: SandboxRepository, start_from: str | None) -> str:
        name = start_from or repository.default_branch or ""
        tip = await self._tip(repository, full_ref(name)) if name else None
        if tip is None and await self._org.git.on(repository.id, objects.is_commit, name):
            tip = name
        if tip is None:
            raise errors.version_not_found(name)
        return tip

    async def _update_ref(
        self, repository: SandboxRepository, ref: str, old: str, new: str, actor: SandboxIdentity
    ) -> None:
        (outcome,) = await self._org.pushes.update_refs(
            repository, actor, [RefUpdate(ref, old, new)]
        )
        if not outcome.success:
            raise errors.invalid_argument(f"{ref} was not updated: {outcome.status}.")

    async def _settle(self) -> None:
        if self._org.merges.delay_s == 0:
            await self._org.merges.settled()


def full_ref(branch: str) -> str:
    """Return the full name of a branch given in short or in full."""
    return branch if branch.startswith("refs/") else f"refs/heads/{branch}"
