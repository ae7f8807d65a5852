"""What people do in the sandbox, as plain calls: the same core as behind the REST handlers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from adapters.sandbox.azure_devops import errors
from adapters.sandbox.azure_devops.acting_git import GitActing, full_ref
from adapters.sandbox.azure_devops.builds import RESULTS, SandboxBuild
from adapters.sandbox.azure_devops.hooks import events
from adapters.sandbox.azure_devops.people import SandboxIdentity
from adapters.sandbox.azure_devops.projects import ZERO_SHA, SandboxRepository
from adapters.sandbox.azure_devops.pull_requests import lifecycle, reviews
from adapters.sandbox.azure_devops.pull_requests.model import (
    MINIMUM_REVIEWERS,
    MergeStatus,
    PolicyType,
    SandboxPullRequest,
)
from adapters.sandbox.azure_devops.work_items.model import (
    ACCEPTANCE_CRITERIA,
    DESCRIPTION,
    SandboxWorkItem,
)

PullRequestOrId = SandboxPullRequest | int

_FIELDS = {
    "title": "System.Title",
    "description": DESCRIPTION,
    "acceptance_criteria": ACCEPTANCE_CRITERIA,
    "state": "System.State",
    "assigned_to": "System.AssignedTo",
    "tags": "System.Tags",
    "area_path": "System.AreaPath",
    "iteration_path": "System.IterationPath",
}


def field_operations(fields: Mapping[str, Any], text_format: str | None) -> list[dict[str, Any]]:
    """Turn friendly or full field names into JSON Patch operations; None removes a field."""
    operations = []
    for name, value in fields.items():
        field = _FIELDS.get(name, name)
        if "." not in field:
            raise ValueError(f"unknown work item field {name!r}")
        written = value.unique_name if isinstance(value, SandboxIdentity) else value
        verb = "remove" if value is None else "add"
        operations.append({"op": verb, "path": f"/fields/{field}", "value": written})
        if text_format == "markdown" and field in (DESCRIPTION, ACCEPTANCE_CRITERIA):
            path = f"/multilineFieldsFormat/{field}"
            operations.append({"op": "add", "path": path, "value": "Markdown"})
    return operations


class Acting(GitActing):
    """People's actions. Branches are named in short (``main``) or in full (``refs/tags/v1``).

    With ``merge_delay`` 0 a call returns after the merges it caused; otherwise they go on in the
    background and ``settled()`` waits for them. What a rule of Azure DevOps refuses raises
    ``AzureDevOpsError``.
    """

    async def create_pull_request(
        self,
        repository: SandboxRepository,
        author: SandboxIdentity,
        source: str,
        *,
        title: str,
        target: str | None = None,
        description: str = "",
        draft: bool = False,
        reviewers: Iterable[SandboxIdentity] = (),
        required_reviewers: Iterable[SandboxIdentity] = (),
        work_items: Iterable[int] = (),
        labels: Iterable[str] = (),
    ) -> SandboxPullRequest:
        """Open a pull request into ``target``, by default into the default branch."""
        pull_request = await lifecycle.open_pull_request(
            self._org,
            repository,
            author,
            source_ref=full_ref(source),
            target_ref=full_ref(target) if target else (repository.default_branch or ""),
            title=title,
            description=description,
            is_draft=draft,
            reviewers=[(person, False) for person in reviewers]
            + [(person, True) for person in required_reviewers],
            work_items=work_items,
            labels=labels,
        )
        await self._settle()
        return pull_request

    async def edit_pull_request(
        self, pull_request: PullRequestOrId, actor: SandboxIdentity, changes: Mapping[str, Any]
    ) -> SandboxPullRequest:
        """Change a pull request by the fields that a REST PATCH takes."""
        found = self.pull_request(pull_request)
        await lifecycle.edit(self._org, found, actor, changes)
        await self._settle()
        return found

    async def set_draft(
        self, pull_request: PullRequestOrId, actor: SandboxIdentity, draft: bool
    ) -> None:
        """Make a draft of it, or publish it."""
        await self.edit_pull_request(pull_request, actor, {"isDraft": draft})

    async def publish(self, pull_request: PullRequestOrId, actor: SandboxIdentity) -> None:
        """Publish a draft."""
        await self.set_draft(pull_request, actor, draft=False)

    async def retarget(
        self, pull_request: PullRequestOrId, actor: SandboxIdentity, target: str
    ) -> None:
        """Give it another target branch."""
        await self.edit_pull_request(pull_request, actor, {"targetRefName": full_ref(target)})

    async def abandon(self, pull_request: PullRequestOrId, actor: SandboxIdentity) -> None:
        """Abandon it."""
        await self.edit_pull_request(pull_request, actor, {"status": "abandoned"})

    async def reactivate(self, pull_request: PullRequestOrId, actor: SandboxIdentity) -> None:
        """Take it up again after it was abandoned."""
        await self.edit_pull_request(pull_request, actor, {"status": "active"})

    async def complete(
        self,
        pull_request: PullRequestOrId,
        actor: SandboxIdentity,
        strategy: str = "noFastForward",
        *,
        delete_source_branch: bool = False,
        transition_work_items: bool = False,
    ) -> SandboxPullRequest:
        """Complete it; look at ``status`` and ``merge_status`` for whether that worked."""
        found = self.pull_request(pull_request)
        tip = await self._tip(found.repository, found.source_ref)
        options = {
            "mergeStrategy": strategy,
            "deleteSourceBranch": delete_source_branch,
            "transitionWorkItems": transition_work_items,
        }
        commit = {"commitId": tip or found.last_source}
        changes = {
            "status": "completed",
            "lastMergeSourceCommit": commit,
            "completionOptions": options,
        }
        return await self.edit_pull_request(found, actor, changes)

    async def set_auto_complete(
        self, pull_request: PullRequestOrId, actor: SandboxIdentity
    ) -> None:
        """Let it complete by itself once it may."""
        await self.edit_pull_request(pull_request, actor, {"autoCompleteSetBy": {"id": actor.id}})

    async def set_merge_outcome(
        self,
        pull_request: PullRequestOrId,
        status: MergeStatus,
        *,
        message: str = "The merge failed.",
        failure_type: str = "unknown",
    ) -> None:
        """Give the last merge an outcome that real git cannot produce here."""
        found = self.pull_request(pull_request)
        await self._org.merges.set_outcome(found, status, message, failure_type)

    async def vote(
        self, pull_request: PullRequestOrId, person: SandboxIdentity, value: int
    ) -> None:
        """Vote 10, 5, 0, -5 or -10; a vote makes one a reviewer."""
        found = self.pull_request(pull_request)
        reviews.set_reviewer(self._org, found, person, person, vote=value)
        await self._settle()

    async def add_reviewer(
        self,
        pull_request: PullRequestOrId,
        person: SandboxIdentity,
        required: bool = False,
        *,
        actor: SandboxIdentity | None = None,
    ) -> None:
        """Ask somebody for a review; ``actor`` is the author by default."""
        found = self.pull_request(pull_request)
        reviews.set_reviewer(self._org, found, actor or found.author, person, required=required)

    async def remove_reviewer(
        self,
        pull_request: PullRequestOrId,
        person: SandboxIdentity,
        *,
        actor: SandboxIdentity | None = None,
    ) -> None:
        """Take a reviewer off."""
        found = self.pull_request(pull_request)
        reviews.remove_reviewer(self._org, found, actor or found.author, person.id)

    async def comment(
        self,
        pull_request: PullRequestOrId,
        person: SandboxIdentity,
        text: str,
        thread_id: int | None = None,
    ) -> int:
        """Comment, in a thread or in a new one; returns the thread's number."""
        found = self.pull_request(pull_request)
        thread = reviews.find_thread(found, thread_id) if thread_id is not None else None
        written_in, _ = reviews.comment(self._org, found, person, text, thread=thread)
        return written_in.id

    async def set_pull_request_status(
        self,
        pull_request: PullRequestOrId,
        person: SandboxIdentity,
        state: str,
        name: str,
        *,
        genre: str | None = None,
        description: str = "",
        target_url: str | None = None,
    ) -> None:
        """Post a status, as a build or another tool does."""
        reviews.post_status(
            self._org,
            self.pull_request(pull_request),
            person,
            state=state,
            name=name,
            genre=genre,
            description=description,
            target_url=target_url,
        )

    async def set_policy(
        self,
        pull_request: PullRequestOrId,
        name: str,
        status: str,
        *,
        blocking: bool = True,
        type_: PolicyType = MINIMUM_REVIEWERS,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        """Give a branch policy's verdict: queued, running, approved, rejected or broken.

        ``settings`` are those of the policy's configuration (``statusName`` and ``statusGenre``
        of a STATUS_POLICY).
        """
        found = self.pull_request(pull_request)
        reviews.set_policy(
            self._org, found, name, status, blocking=blocking, type_=type_, settings=settings
        )
        await self._settle()

    async def update_work_item(
        self,
        number: int,
        person: SandboxIdentity,
        *,
        text_format: str | None = None,
        **fields: Any,
    ) -> SandboxWorkItem:
        """Change fields by friendly name (``state="Active"``) or by full name in ``**{…}``."""
        item = self._org.work_items.get(number, person)
        self._org.work_items.patch(item, field_operations(fields, text_format), person)
        return item

    async def comment_work_item(self, number: int, person: SandboxIdentity, text: str) -> None:
        """Comment on a work item."""
        self._org.work_items.comment(self._org.work_items.get(number, person), text, person)

    async def rename_repository(
        self, repository: SandboxRepository, name: str, actor: SandboxIdentity
    ) -> None:
        """Rename a repository; its GUID stays."""
        old_name, repository.name = repository.name, name
        self._org.hooks.publish(events.repository_renamed(self._org, repository, old_name, actor))

    async def delete_repository(
        self, repository: SandboxRepository, actor: SandboxIdentity
    ) -> None:
        """Delete a repository; it and its pull requests answer 404 from now on."""
        repository.is_deleted = True
        self._org.hooks.publish(events.repository_deleted(self._org, repository, actor))

    async def complete_build(
        self,
        repository: SandboxRepository,
        actor: SandboxIdentity,
        *,
        definition: str,
        result: str = "succeeded",
        branch: str | None = None,
        pull_request: PullRequestOrId | None = None,
        number: int | None = None,
    ) -> SandboxBuild:
        """Finish a build; ``result`` succeeded, partiallySucceeded, failed or canceled.

        With ``pull_request`` it builds that one's merge, as build validation does, and gives the
        policy's verdict. ``number`` of an earlier build runs it again.
        """
        if result not in RESULTS:
            raise ValueError(f"unknown build result {result!r}")
        validated = self.pull_request(pull_request) if pull_request is not None else None
        ref = full_ref(branch) if branch else (repository.default_branch or "")
        if validated is not None:
            ref = f"refs/pull/{validated.id}/merge"
        number, now = number or len(self._org.builds) + 1, self._org.clock()
        known = {one.definition: one.definition_id for one in self._org.builds.values()}
        build = SandboxBuild(
            id=number,
            repository=repository,
            definition_id=known.get(definition, len(known) + 1),
            definition=definition,
            number=f"{now:%Y%m%d}.{number}",
            result=result,
            source_branch=ref,
            source_version=await self._tip(repository, ref) or ZERO_SHA,
            requested_by=actor,
            started=now,
            finished=now,
        )
        self._org.builds[number] = build
        if validated is not None:
            reviews.judge_build(self._org, validated, build)
        self._org.hooks.publish(events.build_completed(self._org, build))
        await self._settle()
        return build

    async def settled(self) -> None:
        """Wait until no merge is queued or running."""
        await self._org.merges.settled()

    def pull_request(self, pull_request: PullRequestOrId) -> SandboxPullRequest:
        """Return a pull request by its number.

        Raises:
            AzureDevOpsError: there is none.
        """
        if isinstance(pull_request, SandboxPullRequest):
            return pull_request
        found = self._org.pull_requests.get(pull_request)
        if found is None:
            raise errors.pull_request_not_found(pull_request)
        return found
