"""Reviewers, votes, comments and statuses of a pull request."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from adapters.sandbox.azure_devops import errors
from adapters.sandbox.azure_devops.builds import SandboxBuild
from adapters.sandbox.azure_devops.hooks import events
from adapters.sandbox.azure_devops.people import SandboxIdentity
from adapters.sandbox.azure_devops.pull_requests.model import (
    BUILD_VALIDATION,
    MINIMUM_REVIEWERS,
    VOTES,
    PolicyEvaluation,
    PolicyType,
    PullRequestStatus,
    Reviewer,
    SandboxPullRequest,
    Thread,
    ThreadComment,
)

if TYPE_CHECKING:
    from adapters.sandbox.azure_devops.organization import Organization

STATUS_STATES = ("notSet", "pending", "succeeded", "failed", "error", "notApplicable")
POLICY_STATUSES = ("queued", "running", "approved", "rejected", "notApplicable", "broken")


def require_active(pull_request: SandboxPullRequest) -> None:
    """Refuse work on a pull request that is completed or abandoned."""
    if pull_request.status != "active":
        raise errors.pull_request_not_editable(pull_request.id)


def set_reviewer(
    org: Organization,
    pull_request: SandboxPullRequest,
    actor: SandboxIdentity,
    person: SandboxIdentity,
    *,
    required: bool | None = None,
    vote: int | None = None,
    declined: bool | None = None,
    flagged: bool | None = None,
) -> Reviewer:
    """Add a reviewer or change one; a vote counts also for the person's groups.

    Raises:
        AzureDevOpsError: the pull request is closed, the vote is none of 10, 5, 0, -5, -10, or it
            is in another one's name.
    """
    require_active(pull_request)
    if vote is not None and vote not in VOTES:
        raise errors.invalid_argument(
            f"The vote {vote} is not one of {', '.join(map(str, VOTES))}."
        )
    known = pull_request.reviewers.get(person.id)
    if vote is not None and person.id != actor.id and vote != (known.vote if known else 0):
        raise errors.unauthorized("TF401186: You cannot record a vote for someone else.")
    reviewer = known or Reviewer(person)
    listing = (reviewer.is_required, reviewer.has_declined)
    pull_request.reviewers[person.id] = reviewer
    reviewer.is_required = reviewer.is_required if required is None else required
    reviewer.has_declined = reviewer.has_declined if declined is None else declined
    reviewer.is_flagged = reviewer.is_flagged if flagged is None else flagged
    if known is None or listing != (reviewer.is_required, reviewer.has_declined):
        _publish(org, pull_request, actor, "ReviewersUpdateNotification")
    if vote is not None and vote != reviewer.vote:
        _record_vote(org, pull_request, reviewer, vote)
        _publish(org, pull_request, actor, "ReviewerVoteNotification")
        org.merges.complete_when_ready(pull_request)
    return reviewer


def _record_vote(
    org: Organization, pull_request: SandboxPullRequest, reviewer: Reviewer, vote: int
) -> None:
    reviewer.vote = vote
    reviewer.voted_for = [
        group
        for group in org.people.groups_of(reviewer.person)
        if group.id in pull_request.reviewers
    ]
    for group in reviewer.voted_for:
        pull_request.reviewers[group.id].vote = vote


def remove_reviewer(
    org: Organization, pull_request: SandboxPullRequest, actor: SandboxIdentity, identity_id: str
) -> None:
    """Take a reviewer off; taking off one who is not there changes nothing."""
    require_active(pull_request)
    if pull_request.reviewers.pop(identity_id.lower(), None) is not None:
        _publish(org, pull_request, actor, "ReviewersUpdateNotification")


def comment(
    org: Organization,
    pull_request: SandboxPullRequest,
    actor: SandboxIdentity,
    text: str,
    *,
    thread: Thread | None = None,
    parent_id: int = 0,
    kind: str = "text",
) -> tuple[Thread, ThreadComment]:
    """Write a comment, in a thread or as the first of a new one.

    A reply in a resolved thread makes it active again.
    """
    if not text.strip():
        raise errors.invalid_argument("A comment must have content.")
    now = org.clock()
    if thread is None:
        thread = Thread(len(pull_request.threads) + 1, now, now)
        pull_request.threads.append(thread)
    elif kind == "text":
        thread.status = "active"
    written = ThreadComment(len(thread.comments) + 1, actor, text, now, now, parent_id, kind)
    thread.comments.append(written)
    thread.updated = now
    org.hooks.publish(events.pull_request_commented(org, pull_request, thread, written))
    return thread, written


def find_thread(pull_request: SandboxPullRequest, thread_id: int) -> Thread:
    """Return a thread by its number.

    Raises:
        AzureDevOpsError: 404, there is none.
    """
    for thread in pull_request.threads:
        if thread.id == thread_id:
            return thread
    raise errors.AzureDevOpsError(
        404,
        "DiscussionThreadNotFoundException",
        f"TF401399: The comment thread {thread_id} was not found.",
        namespace="Microsoft.TeamFoundation.CodeReview.Server",
    )


def post_status(
    org: Organization,
    pull_request: SandboxPullRequest,
    actor: SandboxIdentity,
    *,
    state: str,
    name: str,
    genre: str | None = None,
    description: str = "",
    target_url: str | None = None,
    iteration_id: int | None = None,
) -> PullRequestStatus:
    """Post a status; only an active pull request takes one.

    Raises:
        AzureDevOpsError: 403 when it is closed, 400 for an unknown state, iteration or no name.
    """
    if pull_request.status != "active":
        raise errors.status_not_editable()
    if state not in STATUS_STATES:
        raise errors.invalid_argument(f"The status state '{state}' is unknown.")
    if not name:
        raise errors.invalid_argument("A status must have a context with a name.")
    if iteration_id is not None and not 1 <= iteration_id <= len(pull_request.iterations):
        raise errors.invalid_argument(f"The iteration {iteration_id} does not exist.")
    status = PullRequestStatus(
        id=len(pull_request.statuses) + 1,
        state=state,
        description=description,
        genre=genre,
        name=name,
        target_url=target_url,
        created_by=actor,
        created=org.clock(),
        iteration_id=iteration_id,
    )
    pull_request.statuses.append(status)
    return status


def set_policy(
    org: Organization,
    pull_request: SandboxPullRequest,
    name: str,
    status: str,
    *,
    blocking: bool,
    type_: PolicyType = MINIMUM_REVIEWERS,
    settings: Mapping[str, Any] | None = None,
    context: Mapping[str, Any] | None = None,
) -> PolicyEvaluation:
    """Give a branch policy's verdict on the pull request; policies are told apart by name.

    Raises:
        AzureDevOpsError: 400, there is no such verdict.
    """
    if status not in POLICY_STATUSES:
        raise errors.invalid_argument(f"The policy status '{status}' is unknown.")
    found = next((p for p in pull_request.policies if p.name == name), None)
    if found is None:
        found = PolicyEvaluation(str(uuid.uuid4()), name, type_, status, blocking, org.clock())
        pull_request.policies.append(found)
    found.status, found.is_blocking, found.started = status, blocking, org.clock()
    found.settings = dict(settings) if settings is not None else found.settings
    found.context = dict(context) if context is not None else found.context
    org.merges.complete_when_ready(pull_request)
    return found


def judge_build(
    org: Organization, pull_request: SandboxPullRequest, build: SandboxBuild
) -> PolicyEvaluation:
    """A build of the pull request's merge ended: its build validation has a verdict."""
    return set_policy(
        org,
        pull_request,
        build.definition,
        "approved" if build.result == "succeeded" else "rejected",
        blocking=True,
        type_=BUILD_VALIDATION,
        settings={"buildDefinitionId": build.definition_id, "displayName": None},
        context={
            "buildId": build.id,
            "buildDefinitionId": build.definition_id,
            "buildDefinitionName": build.definition,
            "buildIsNotCurrent": False,
            "isExpired": False,
        },
    )


def _publish(
    org: Organization, pull_request: SandboxPullRequest, actor: SandboxIdentity, kind: str
) -> None:
    org.hooks.publish(events.pull_request_updated(org, pull_request, actor, kind))
