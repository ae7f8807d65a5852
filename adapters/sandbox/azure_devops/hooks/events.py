"""Events, as service hooks tell them.

An event keeps a function that draws its ``resource`` when it is delivered, not when it happened:
two quick changes can give two bodies with the same late state, as on the service.
"""

from __future__ import annotations

import html
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from adapters.sandbox.azure_devops.builds import SandboxBuild
from adapters.sandbox.azure_devops.git.history import CommitFacts
from adapters.sandbox.azure_devops.people import SandboxIdentity
from adapters.sandbox.azure_devops.projects import Push, SandboxProject, SandboxRepository
from adapters.sandbox.azure_devops.pull_requests.model import (
    SandboxPullRequest,
    Thread,
    ThreadComment,
)
from adapters.sandbox.azure_devops.timestamps import written
from adapters.sandbox.azure_devops.views import builds, git, work_items
from adapters.sandbox.azure_devops.views import pull_requests as views
from adapters.sandbox.azure_devops.views.people import identity_ref
from adapters.sandbox.azure_devops.work_items.model import (
    SandboxWorkItem,
    WorkItemComment,
    WorkItemUpdate,
)

if TYPE_CHECKING:
    from adapters.sandbox.azure_devops.organization import Organization

Draw = Callable[[str], dict[str, Any]]

_GIT_VERSIONS = ("1.0", "1.0-preview.1")
_COMMENT_VERSIONS = ("1.0", "2.0")
_REPOSITORY_VERSIONS = ("1.0-preview.1",)
_WORK_ITEM_VERSIONS = ("1.0", "3.1-preview.3", "5.1-preview.3")
_BUILD_VERSIONS = ("1.0", "2.0")


@dataclass(frozen=True, slots=True)
class HookEvent:
    """One thing that happened.

    Args:
        event_type: such as ``git.push``.
        project: where it happened.
        text: one English sentence, the ``message`` of the body.
        created: when it happened.
        draw: resource version → ``resource``.
        versions: resource versions that work; any other gives ``resource: null``.
        inputs: publisher input → values that match it, compared without case.
        pull_request_id: set for events of a pull request.
        id: the event's GUID, shared by all subscriptions that hear of it.
    """

    event_type: str
    project: SandboxProject
    text: str
    created: datetime
    draw: Draw = field(repr=False)
    versions: tuple[str, ...] = _GIT_VERSIONS
    inputs: Mapping[str, frozenset[str]] = field(default_factory=dict)
    pull_request_id: int | None = None
    id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def message(self) -> dict[str, str]:
        """Return the sentence as text, HTML and Markdown."""
        return {
            "text": self.text,
            "html": html.escape(self.text),
            "markdown": self.text,
        }


def pushed(
    org: Organization, repository: SandboxRepository, push: Push, commits: Sequence[CommitFacts]
) -> HookEvent:
    """git.push: without ``commits`` when a branch came or went, and for tags."""

    def draw(_version: str) -> dict[str, Any]:
        view = git.push(org.addresses, repository, push, commits or None)
        return view | {"repository": git.repository_in_hook(org.addresses, repository)}

    names = [update.name for update in push.updates]
    return HookEvent(
        "git.push",
        repository.project,
        f"{push.pusher.display_name} pushed updates to {', '.join(map(_short, names))} of"
        f" {repository.name}",
        push.date,
        draw,
        inputs={
            "repository": frozenset({repository.id}),
            "branch": _branches(*names),
            "pushedBy": frozenset({push.pusher.id}),
        },
    )


def pull_request_created(org: Organization, pull_request: SandboxPullRequest) -> HookEvent:
    """git.pullrequest.created."""
    actor = pull_request.author.display_name
    return _pull_request_event(org, pull_request, "git.pullrequest.created", f"{actor} created")


def pull_request_updated(
    org: Organization, pull_request: SandboxPullRequest, actor: SandboxIdentity, kind: str
) -> HookEvent:
    """git.pullrequest.updated of one notificationType; the body does not say which."""
    return _pull_request_event(
        org,
        pull_request,
        "git.pullrequest.updated",
        f"{actor.display_name} updated",
        {"notificationType": frozenset({kind.casefold()})},
    )


def pull_request_merge_attempted(
    org: Organization, pull_request: SandboxPullRequest, actor: SandboxIdentity
) -> HookEvent:
    """git.pullrequest.merged, which means "merge attempted"; also for a merge that failed."""
    outcome = pull_request.merge_status
    results = {outcome.casefold()}
    if outcome != "succeeded":
        results.add("unsuccessful")
    return _pull_request_event(
        org,
        pull_request,
        "git.pullrequest.merged",
        f"{actor.display_name} attempted to merge",
        {"mergeResult": frozenset(results)},
    )


def pull_request_commented(
    org: Organization, pull_request: SandboxPullRequest, thread: Thread, said: ThreadComment
) -> HookEvent:
    """ms.vss-code.git-pullrequest-comment-event: at 1.0 the comment alone, at 2.0 wrapped."""

    def draw(version: str) -> dict[str, Any]:
        comment = views.comment(org.addresses, pull_request, thread.id, said)
        if version == "1.0":
            return comment
        return {
            "comment": comment,
            "pullRequest": views.in_hook(org.addresses, pull_request),
        }

    repository = pull_request.repository
    return HookEvent(
        "ms.vss-code.git-pullrequest-comment-event",
        repository.project,
        f"{said.author.display_name} has commented on a pull request",
        org.clock(),
        draw,
        _COMMENT_VERSIONS,
        {
            "repository": frozenset({repository.id}),
            "branch": _branches(pull_request.target_ref),
        },
        pull_request.id,
    )


def work_item_created(
    org: Organization, item: SandboxWorkItem, actor: SandboxIdentity
) -> HookEvent:
    """workitem.created."""
    return _work_item_event(
        org,
        item,
        "workitem.created",
        f"created by {actor.display_name}",
        lambda version: work_items.in_hook(org.addresses, item, version),
    )


def work_item_updated(
    org: Organization, item: SandboxWorkItem, update: WorkItemUpdate
) -> HookEvent:
    """workitem.updated."""
    event = _work_item_event(
        org,
        item,
        "workitem.updated",
        f"updated by {update.actor.display_name}",
        lambda version: work_items.update_in_hook(org.addresses, item, update, version),
        frozenset(name.casefold() for name in update.fields),
    )
    return event


def work_item_commented(
    org: Organization, item: SandboxWorkItem, said: WorkItemComment
) -> HookEvent:
    """workitem.commented."""
    return _work_item_event(
        org,
        item,
        "workitem.commented",
        f"commented on by {said.author.display_name}",
        lambda version: work_items.in_hook(
            org.addresses, item, version, {"System.History": said.text}
        ),
    )


def build_completed(org: Organization, build: SandboxBuild) -> HookEvent:
    """build.complete."""
    status = "stopped" if build.result == "canceled" else build.result.casefold()
    return HookEvent(
        "build.complete",
        build.repository.project,
        f"Build {build.number} {build.result}",
        build.finished,
        lambda version: builds.in_hook(org.addresses, build, version),
        _BUILD_VERSIONS,
        {
            "definitionName": frozenset({build.definition.casefold()}),
            "buildStatus": frozenset({status}),
        },
    )


def repository_renamed(
    org: Organization, repository: SandboxRepository, old_name: str, actor: SandboxIdentity
) -> HookEvent:
    """git.repo.renamed."""
    return _repository_event(
        org,
        repository,
        "git.repo.renamed",
        f"{actor.display_name} renamed {old_name} to {repository.name}",
        lambda _version: {
            "oldName": old_name,
            "newName": repository.name,
            "repository": git.repository_in_hook(org.addresses, repository),
            "initiatedBy": identity_ref(org.addresses, actor),
            "utcTimestamp": written(org.clock()),
        },
    )


def repository_deleted(
    org: Organization, repository: SandboxRepository, actor: SandboxIdentity
) -> HookEvent:
    """git.repo.deleted: there is no repository object any more, only its id and name."""
    return _repository_event(
        org,
        repository,
        "git.repo.deleted",
        f"{actor.display_name} deleted {repository.name}",
        lambda _version: {
            "project": git.project_in_hook(org.addresses, repository.project),
            "repositoryId": repository.id,
            "repositoryName": repository.name,
            "isHardDelete": False,
            "initiatedBy": identity_ref(org.addresses, actor),
            "utcTimestamp": written(org.clock()),
        },
    )


def _pull_request_event(
    org: Organization,
    pull_request: SandboxPullRequest,
    event_type: str,
    sentence: str,
    inputs: Mapping[str, frozenset[str]] | None = None,
) -> HookEvent:
    repository = pull_request.repository
    return HookEvent(
        event_type,
        repository.project,
        f"{sentence} pull request {pull_request.id} ({pull_request.title}) in {repository.name}",
        org.clock(),
        lambda _version: views.in_hook(org.addresses, pull_request),
        _GIT_VERSIONS,
        {
            "repository": frozenset({repository.id}),
            "branch": _branches(pull_request.target_ref),
            "pullrequestCreatedBy": _with_groups(org, pull_request.author),
            "pullrequestReviewersContains": frozenset(pull_request.reviewers),
            **(inputs or {}),
        },
        pull_request.id,
    )


def _work_item_event(
    org: Organization,
    item: SandboxWorkItem,
    event_type: str,
    sentence: str,
    draw: Draw,
    changed_fields: frozenset[str] = frozenset(),
) -> HookEvent:
    title = item.fields["System.Title"]
    return HookEvent(
        event_type,
        item.project,
        f"{item.type.name} #{item.id} ({title}) {sentence}.",
        org.clock(),
        draw,
        _WORK_ITEM_VERSIONS,
        {
            "workItemType": frozenset({item.type.name.casefold()}),
            "areaPath": frozenset({str(item.fields["System.AreaPath"]).casefold()}),
            "changedFields": changed_fields,
        },
    )


def _repository_event(
    org: Organization, repository: SandboxRepository, event_type: str, sentence: str, draw: Draw
) -> HookEvent:
    return HookEvent(
        event_type,
        repository.project,
        sentence,
        org.clock(),
        draw,
        _REPOSITORY_VERSIONS,
        {"repository": frozenset({repository.id})},
    )


def _branches(*refs: str) -> frozenset[str]:
    """Subscriptions name a branch in short; the full name is taken too."""
    return frozenset(name.casefold() for ref in refs for name in (ref, _short(ref)))


def _short(ref: str) -> str:
    return ref.removeprefix("refs/heads/")


def _with_groups(org: Organization, person: SandboxIdentity) -> frozenset[str]:
    return frozenset({person.id, *(group.id for group in org.people.groups_of(person))})
