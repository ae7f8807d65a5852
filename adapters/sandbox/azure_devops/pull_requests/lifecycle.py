"""What happens to a whole pull request: opened, edited, retargeted, abandoned, completed."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from adapters.sandbox.azure_devops import errors
from adapters.sandbox.azure_devops.git import history, merging, objects
from adapters.sandbox.azure_devops.hooks import events
from adapters.sandbox.azure_devops.people import SandboxIdentity
from adapters.sandbox.azure_devops.projects import ZERO_SHA, SandboxRepository
from adapters.sandbox.azure_devops.pull_requests.model import (
    BUILD_VALIDATION,
    DESCRIPTION_LIMIT,
    Iteration,
    Label,
    Reviewer,
    SandboxPullRequest,
)
from adapters.sandbox.azure_devops.pull_requests.tickets import link_ticket

if TYPE_CHECKING:
    from adapters.sandbox.azure_devops.organization import Organization

EDITABLE = frozenset(
    {
        "status",
        "title",
        "description",
        "completionOptions",
        "mergeOptions",
        "autoCompleteSetBy",
        "targetRefName",
        "isDraft",
        "lastMergeSourceCommit",
    }
)


async def open_pull_request(
    org: Organization,
    repository: SandboxRepository,
    author: SandboxIdentity,
    *,
    source_ref: str,
    target_ref: str,
    title: str,
    description: str = "",
    is_draft: bool = False,
    reviewers: Iterable[tuple[SandboxIdentity, bool]] = (),
    work_items: Iterable[int] = (),
    labels: Iterable[str] = (),
    completion_options: Mapping[str, Any] | None = None,
) -> SandboxPullRequest:
    """Open a pull request and queue its trial merge.

    Args:
        org: where.
        repository: holds both branches.
        author: who opens it.
        source_ref: full ref name, ``refs/heads/…``.
        target_ref: full ref name.
        title: required by Azure DevOps.
        description: Markdown, at most 4,000 characters.
        is_draft: whether reviewers are not asked yet.
        reviewers: pairs of identity and "required".
        work_items: numbers to link.
        labels: names.
        completion_options: as in the REST API.

    Raises:
        AzureDevOpsError: a rule of the service is broken; the message says which.
    """
    _check_texts(title, description)
    numbers = list(work_items)
    for number in numbers:
        org.work_items.get(number, author)
    async with repository.lock:
        org.access.require(author, "pullRequestContribute", repository)
        source = await _branch_tip(org, repository, source_ref)
        target = await _branch_tip(org, repository, target_ref)
        if source_ref == target_ref:
            raise errors.invalid_argument("The source and target branch must not be the same.")
        if active_between(org, repository, source_ref, target_ref) is not None:
            raise errors.pull_request_exists(source_ref, target_ref)
        pull_request = SandboxPullRequest(
            id=org.next_pull_request_id(),
            repository=repository,
            title=title,
            description=description,
            source_ref=source_ref,
            target_ref=target_ref,
            author=author,
            created=org.clock(),
            is_draft=is_draft,
            last_source=source,
            last_target=target,
            completion_options=dict(completion_options) if completion_options else None,
        )
        for person, required in reviewers:
            pull_request.reviewers[person.id] = Reviewer(person, is_required=required)
        pull_request.labels = [Label(str(uuid.uuid4()), name) for name in labels]
        org.pull_requests[pull_request.id] = pull_request
        await add_iteration(org, pull_request, author, "create", source)
        for number in numbers:
            link_ticket(org, pull_request, number, author)
        org.hooks.publish(events.pull_request_created(org, pull_request))
        org.merges.request_trial(pull_request, author)
    return pull_request


async def edit(
    org: Organization,
    pull_request: SandboxPullRequest,
    actor: SandboxIdentity,
    changes: Mapping[str, Any],
) -> None:
    """Apply what a PATCH may change; other keys are ignored, as the service does.

    Raises:
        AzureDevOpsError: a value is refused, or the pull request is closed.
    """
    async with pull_request.repository.lock:
        org.access.require(actor, "pullRequestContribute", pull_request.repository)
        wanted = {key: value for key, value in changes.items() if key in EDITABLE}
        if not wanted:
            raise errors.invalid_argument("The pull request update has nothing that can change.")
        status = wanted.get("status", pull_request.status)
        if pull_request.status == "completed" or (
            pull_request.status == "abandoned" and status != "active"
        ):
            raise errors.pull_request_not_editable(pull_request.id)
        _edit_texts(pull_request, wanted)
        if "completionOptions" in wanted and isinstance(wanted["completionOptions"], dict):
            pull_request.completion_options = dict(wanted["completionOptions"])
        if "isDraft" in wanted:
            _set_draft(org, pull_request, actor, draft=bool(wanted["isDraft"]))
        if "targetRefName" in wanted:
            await _retarget(org, pull_request, actor, str(wanted["targetRefName"]))
        elif "mergeOptions" in wanted:
            org.merges.request_trial(pull_request, actor)
        if "autoCompleteSetBy" in wanted:
            _set_auto_complete(org, pull_request, actor, wanted["autoCompleteSetBy"])
        await _change_status(org, pull_request, actor, status, wanted)


def active_between(
    org: Organization, repository: SandboxRepository, source_ref: str, target_ref: str
) -> SandboxPullRequest | None:
    """Return the active pull request between two branches, if there is one."""
    for other in org.pull_requests.values():
        if (
            other.repository is repository
            and other.status == "active"
            and (other.source_ref, other.target_ref) == (source_ref, target_ref)
        ):
            return other
    return None


async def add_iteration(
    org: Organization,
    pull_request: SandboxPullRequest,
    author: SandboxIdentity,
    reason: str,
    source: str,
) -> None:
    """Record that the source or the target is another one now."""
    repository = pull_request.repository
    target = await org.git.on(repository.id, objects.ref_tip, pull_request.target_ref)
    target = target or pull_request.last_target or source
    common = await org.git.on(repository.id, history.merge_base, source, target)
    number = len(pull_request.iterations) + 1
    pull_request.iterations.append(
        Iteration(number, author, org.clock(), reason, source, target, common)
    )
    if reason in ("push", "forcePush"):
        _queue_builds(pull_request)


def _queue_builds(pull_request: SandboxPullRequest) -> None:
    """New commits need new builds: the verdicts of build validation do not hold any more."""
    for policy in pull_request.policies:
        if policy.type is BUILD_VALIDATION:
            policy.status = "queued"
            if policy.context is not None:
                policy.context = policy.context | {"buildIsNotCurrent": True}


def _check_texts(title: str, description: str) -> None:
    if not title.strip():
        raise errors.invalid_argument("A pull request must have a title.")
    if len(title) > 400:
        raise errors.invalid_argument("The title must not be longer than 400 characters.")
    if len(description) > DESCRIPTION_LIMIT:
        raise errors.invalid_argument(
            f"Invalid argument value. Parameter name: The description for the pull request must"
            f" not be longer than {DESCRIPTION_LIMIT} characters."
        )


def _edit_texts(pull_request: SandboxPullRequest, wanted: Mapping[str, Any]) -> None:
    """A change of title or description fires none of the service hooks."""
    title = str(wanted.get("title", pull_request.title))
    description = str(wanted.get("description", pull_request.description) or "")
    _check_texts(title, description)
    pull_request.title, pull_request.description = title, description


def _set_draft(
    org: Organization, pull_request: SandboxPullRequest, actor: SandboxIdentity, *, draft: bool
) -> None:
    if pull_request.is_draft == draft:
        return
    pull_request.is_draft = draft
    kind = org.draft_change_notification
    if kind is not None:
        org.hooks.publish(events.pull_request_updated(org, pull_request, actor, kind))
    org.merges.complete_when_ready(pull_request)


async def _retarget(
    org: Organization, pull_request: SandboxPullRequest, actor: SandboxIdentity, target_ref: str
) -> None:
    if target_ref == pull_request.target_ref:
        return
    repository = pull_request.repository
    await _branch_tip(org, repository, target_ref)
    if target_ref == pull_request.source_ref:
        raise errors.invalid_argument("The source and target branch must not be the same.")
    if active_between(org, repository, pull_request.source_ref, target_ref) is not None:
        raise errors.pull_request_exists(pull_request.source_ref, target_ref)
    pull_request.target_ref = target_ref
    source = pull_request.last_source or ZERO_SHA
    await add_iteration(org, pull_request, actor, "retarget", source)
    org.merges.request_trial(pull_request, actor)


def _set_auto_complete(
    org: Organization, pull_request: SandboxPullRequest, actor: SandboxIdentity, wanted: Any
) -> None:
    identity_id = wanted.get("id") if isinstance(wanted, dict) else None
    if not identity_id or set(str(identity_id)) <= {"0", "-"}:
        pull_request.auto_complete_set_by = None
        return
    if str(identity_id).lower() != actor.id:
        raise errors.invalid_argument("Auto-complete can be set only in one's own name.")
    if pull_request.is_draft:
        raise errors.invalid_argument("Auto-complete cannot be set on a draft pull request.")
    pull_request.auto_complete_set_by = actor
    org.merges.complete_when_ready(pull_request)


async def _change_status(
    org: Organization,
    pull_request: SandboxPullRequest,
    actor: SandboxIdentity,
    status: str,
    wanted: Mapping[str, Any],
) -> None:
    if status == "completed":
        await _start_completion(org, pull_request, actor, wanted)
    elif status == "abandoned" and pull_request.status == "active":
        pull_request.status, pull_request.closed = "abandoned", org.clock()
        pull_request.closed_by, pull_request.auto_complete_set_by = actor, None
        pull_request.completion_queued = None
        _publish_status(org, pull_request, actor)
    elif status == "active" and pull_request.status == "abandoned":
        if active_between(
            org, pull_request.repository, pull_request.source_ref, pull_request.target_ref
        ):
            raise errors.pull_request_exists(pull_request.source_ref, pull_request.target_ref)
        pull_request.status, pull_request.closed, pull_request.closed_by = "active", None, None
        _publish_status(org, pull_request, actor)
        org.merges.request_trial(pull_request, actor)
    elif status not in ("active", "abandoned", "notSet"):
        raise errors.invalid_argument(f"The status '{status}' is not one that can be set.")


async def _start_completion(
    org: Organization,
    pull_request: SandboxPullRequest,
    actor: SandboxIdentity,
    wanted: Mapping[str, Any],
) -> None:
    """Queue the completion of exactly the commit that the caller has seen.

    An all-zero commit id counts as "not given" and merges anyway, as seen on the service.
    """
    commit = (wanted.get("lastMergeSourceCommit") or {}).get("commitId")
    if not commit:
        raise errors.invalid_argument(
            "Invalid argument value. Parameter name: You must specify a valid"
            " LastMergeSourceCommit."
        )
    tip = await org.git.on(pull_request.repository.id, objects.ref_tip, pull_request.source_ref)
    if commit not in (ZERO_SHA, tip or pull_request.last_source):
        raise errors.pull_request_stale()
    if pull_request.is_draft:
        raise errors.invalid_argument("A draft pull request cannot be completed. Publish it first.")
    options = dict(pull_request.completion_options or {})
    if options.get("mergeStrategy", "noFastForward") not in merging.STRATEGIES:
        raise errors.invalid_argument(f"Unknown mergeStrategy '{options['mergeStrategy']}'.")
    rejected = [p for p in pull_request.policies if p.is_blocking and p.status != "approved"]
    if rejected and not options.get("bypassPolicy"):
        raise errors.AzureDevOpsError(
            403,
            "GitPullRequestUpdateRejectedByPolicyException",
            "TF402455: Pushes to this branch are not permitted; a branch policy is not met:"
            f" {rejected[0].name}.",
            namespace="Microsoft.TeamFoundation.Git.Server",
        )
    org.merges.request_completion(pull_request, actor, options)


def _publish_status(
    org: Organization, pull_request: SandboxPullRequest, actor: SandboxIdentity
) -> None:
    org.hooks.publish(
        events.pull_request_updated(org, pull_request, actor, "StatusUpdateNotification")
    )


async def _branch_tip(org: Organization, repository: SandboxRepository, ref: str) -> str:
    if not ref.startswith("refs/heads/"):
        raise errors.invalid_argument(f"'{ref}' is not a full branch name (refs/heads/…).")
    tip = await org.git.on(repository.id, objects.ref_tip, ref)
    if tip is None:
        raise errors.AzureDevOpsError(
            404,
            "GitPullRequestBranchNotFoundException",
            f"TF401398: The pull request cannot be activated because the branch {ref} does not"
            " exist.",
            namespace="Microsoft.TeamFoundation.Git.Server",
        )
    return tip


def labelled(pull_request: SandboxPullRequest, name: str) -> Label:
    """Add a label, or return the one that is there."""
    for label in pull_request.labels:
        if label.name.casefold() == name.casefold():
            return label
    label = Label(str(uuid.uuid4()), name)
    pull_request.labels.append(label)
    return label
