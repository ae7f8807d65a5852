"""Pull requests and what belongs to them as JSON."""

from __future__ import annotations

from typing import Any

from adapters.sandbox.azure_devops.addresses import Addresses
from adapters.sandbox.azure_devops.git.conflicts import Conflict
from adapters.sandbox.azure_devops.pull_requests.model import (
    LISTED_DESCRIPTION_LIMIT,
    Iteration,
    Label,
    PolicyEvaluation,
    PullRequestStatus,
    Reviewer,
    SandboxPullRequest,
    Thread,
    ThreadComment,
)
from adapters.sandbox.azure_devops.pull_requests.tickets import artifact_url
from adapters.sandbox.azure_devops.timestamps import written
from adapters.sandbox.azure_devops.views import git
from adapters.sandbox.azure_devops.views.people import identity_ref

_BLOBS = {"base": "base_blob", "source": "source_blob", "target": "target_blob"}


def url_of(addresses: Addresses, one: SandboxPullRequest, rest: str = "") -> str:
    """Return the REST address of a pull request or of something below it."""
    return addresses.repository(one.repository, f"/pullRequests/{one.id}{rest}")


def page_of(addresses: Addresses, one: SandboxPullRequest) -> str:
    """Return the page that a person opens."""
    return addresses.repository_page(one.repository, f"/pullrequest/{one.id}")


def pull_request(addresses: Addresses, one: SandboxPullRequest) -> dict[str, Any]:
    """Return a GitPullRequest as one read alone has it."""
    view = _core(addresses, one)
    view["repository"] = git.repository(addresses, one.repository)
    view["labels"] = [label(addresses, one, each) for each in one.labels]
    view["_links"] = {
        "self": {"href": url_of(addresses, one)},
        "repository": {"href": addresses.repository(one.repository)},
        "workItems": {"href": url_of(addresses, one, "/workitems")},
        "statuses": {"href": url_of(addresses, one, "/statuses")},
        "iterations": {"href": url_of(addresses, one, "/iterations")},
    }
    if one.closed_by is not None:
        view["closedBy"] = identity_ref(addresses, one.closed_by)
    if one.auto_complete_set_by is not None:
        view["autoCompleteSetBy"] = identity_ref(addresses, one.auto_complete_set_by)
    if one.completion_options is not None:
        view["completionOptions"] = one.completion_options
    if one.completion_queued is not None:
        view["completionQueueTime"] = written(one.completion_queued)
    return view


def listed(addresses: Addresses, one: SandboxPullRequest) -> dict[str, Any]:
    """Return a GitPullRequest as lists have it: description cut, no links."""
    view = pull_request(addresses, one)
    del view["_links"]
    if "description" in view:
        view["description"] = view["description"][:LISTED_DESCRIPTION_LIMIT]
    return view


def in_hook(addresses: Addresses, one: SandboxPullRequest) -> dict[str, Any]:
    """Return the resource of git.pullrequest.*: there is no closedBy, and no null for "absent"."""
    view = _core(addresses, one)
    view["repository"] = git.repository_in_hook(addresses, one.repository)
    if one.labels:
        view["labels"] = [label(addresses, one, each) for each in one.labels]
    view["_links"] = {
        "web": {"href": page_of(addresses, one)},
        "statuses": {"href": url_of(addresses, one, "/statuses")},
    }
    if one.merge_status == "conflicts":
        view.pop("description", None)
    return view


def reviewer(addresses: Addresses, one: SandboxPullRequest, who: Reviewer) -> dict[str, Any]:
    """Return an IdentityRefWithVote; absent keys mean false."""
    view = identity_ref(addresses, who.person) | {
        "reviewerUrl": url_of(addresses, one, f"/reviewers/{who.person.id}"),
        "vote": who.vote,
        "hasDeclined": who.has_declined,
        "isFlagged": who.is_flagged,
    }
    if who.is_required:
        view["isRequired"] = True
    if who.voted_for:
        view["votedFor"] = [
            reviewer(addresses, one, one.reviewers[group.id])
            for group in who.voted_for
            if group.id in one.reviewers
        ]
    return view


def label(addresses: Addresses, one: SandboxPullRequest, tag: Label) -> dict[str, Any]:
    """Return a WebApiTagDefinition."""
    return {
        "id": tag.id,
        "name": tag.name,
        "active": True,
        "url": url_of(addresses, one, f"/labels/{tag.id}"),
    }


def comment(
    addresses: Addresses, one: SandboxPullRequest, thread_id: int, said: ThreadComment
) -> dict[str, Any]:
    """Return a Comment; a deleted one has no content."""
    thread_url = url_of(addresses, one, f"/threads/{thread_id}")
    view: dict[str, Any] = {
        "id": said.id,
        "parentCommentId": said.parent_id,
        "author": identity_ref(addresses, said.author),
        "publishedDate": written(said.published),
        "lastUpdatedDate": written(said.updated),
        "lastContentUpdatedDate": written(said.updated),
        "commentType": said.kind,
        "usersLiked": [],
        "_links": {
            "self": {"href": f"{thread_url}/comments/{said.id}"},
            "repository": {"href": addresses.repository(one.repository)},
            "threads": {"href": thread_url},
        },
    }
    if said.is_deleted:
        view["isDeleted"] = True
    else:
        view["content"] = said.text
    return view


def thread(addresses: Addresses, one: SandboxPullRequest, which: Thread) -> dict[str, Any]:
    """Return a GitPullRequestCommentThread."""
    view: dict[str, Any] = {
        "id": which.id,
        "publishedDate": written(which.published),
        "lastUpdatedDate": written(which.updated),
        "status": which.status,
        "comments": [comment(addresses, one, which.id, said) for said in which.comments],
        "properties": {},
        "identities": None,
        "isDeleted": False,
        "_links": {"self": {"href": url_of(addresses, one, f"/threads/{which.id}")}},
    }
    view["threadContext"] = {"filePath": which.file_path} if which.file_path else None
    return view


def iteration(addresses: Addresses, one: SandboxPullRequest, step: Iteration) -> dict[str, Any]:
    """Return a GitPullRequestIteration."""
    view: dict[str, Any] = {
        "id": step.id,
        "description": "",
        "author": identity_ref(addresses, step.author),
        "createdDate": written(step.created),
        "updatedDate": written(step.created),
        "sourceRefCommit": {"commitId": step.source},
        "targetRefCommit": {"commitId": step.target},
        "hasMoreCommits": False,
        "reason": step.reason,
        "_links": {"self": {"href": url_of(addresses, one, f"/iterations/{step.id}")}},
    }
    if step.common is not None:
        view["commonRefCommit"] = {"commitId": step.common}
    return view


def status(
    addresses: Addresses, one: SandboxPullRequest, posted: PullRequestStatus
) -> dict[str, Any]:
    """Return a GitPullRequestStatus."""
    view: dict[str, Any] = {
        "id": posted.id,
        "state": posted.state,
        "description": posted.description,
        "context": {"name": posted.name, "genre": posted.genre},
        "creationDate": written(posted.created),
        "updatedDate": written(posted.created),
        "createdBy": identity_ref(addresses, posted.created_by),
        "targetUrl": posted.target_url,
        "_links": {"self": {"href": url_of(addresses, one, f"/statuses/{posted.id}")}},
    }
    if posted.iteration_id is not None:
        view["iterationId"] = posted.iteration_id
    return view


def conflict(
    addresses: Addresses, one: SandboxPullRequest, number: int, found: Conflict
) -> dict[str, Any]:
    """Return a GitConflict of its kind; paths start with a slash."""
    owner = one.repository
    view: dict[str, Any] = {
        "conflictId": number,
        "conflictType": found.kind,
        "conflictPath": f"/{found.path}",
        "mergeOrigin": {"pullRequestId": one.id},
        "mergeSourceCommit": git.commit_ref(addresses, owner, one.last_source or ""),
        "mergeTargetCommit": git.commit_ref(addresses, owner, one.last_target or ""),
        "resolutionStatus": "unresolved",
        "resolutionError": "none",
        "url": url_of(addresses, one, f"/conflicts/{number}"),
    }
    if one.merge_base is not None:
        view["mergeBaseCommit"] = git.commit_ref(addresses, owner, one.merge_base)
    for side, attribute in _BLOBS.items():
        blob = getattr(found, attribute)
        key = _blob_key(found.kind, side)
        if blob is not None and key is not None:
            view[key] = {
                "objectId": blob,
                "url": addresses.repository(owner, f"/blobs/{blob}"),
            }
    return view | _paths(found)


def policy_evaluation(
    addresses: Addresses, one: SandboxPullRequest, verdict: PolicyEvaluation
) -> dict[str, Any]:
    """Return a PolicyEvaluationRecord; its artifact kind is CodeReview, not Git."""
    project = one.repository.project
    view: dict[str, Any] = {
        "evaluationId": verdict.id,
        "artifactId": f"vstfs:///CodeReview/CodeReviewId/{project.id}/{one.id}",
        "status": verdict.status,
        "startedDate": written(verdict.started),
        "configuration": {
            "id": one.policies.index(verdict) + 1,
            "isEnabled": True,
            "isBlocking": verdict.is_blocking,
            "isDeleted": False,
            "revision": 1,
            "settings": verdict.settings,
            "type": {
                "id": verdict.type.id,
                "displayName": verdict.type.name,
                "url": addresses.api(f"policy/types/{verdict.type.id}", project),
            },
        },
    }
    if verdict.context is not None:
        view["context"] = verdict.context
    if verdict.status in ("approved", "rejected", "notApplicable", "broken"):
        view["completedDate"] = written(verdict.started)
    return view


def _core(addresses: Addresses, one: SandboxPullRequest) -> dict[str, Any]:
    """What the REST answer and the service hook have in common."""
    owner = one.repository
    view: dict[str, Any] = {
        "pullRequestId": one.id,
        "codeReviewId": one.id,
        "status": one.status,
        "createdBy": identity_ref(addresses, one.author),
        "creationDate": written(one.created),
        "title": one.title,
        "sourceRefName": one.source_ref,
        "targetRefName": one.target_ref,
        "mergeStatus": one.merge_status,
        "isDraft": one.is_draft,
        "mergeId": one.merge_id,
        "reviewers": [reviewer(addresses, one, who) for who in one.reviewers.values()],
        "url": url_of(addresses, one),
        "supportsIterations": True,
        "artifactId": artifact_url(one, separator="%2f"),
    }
    if one.description:
        view["description"] = one.description
    if one.closed is not None:
        view["closedDate"] = written(one.closed)
    if one.merge_failure is not None:
        view["mergeFailureMessage"] = one.merge_failure
        view["mergeFailureType"] = one.merge_failure_type
    for key, sha in (
        ("lastMergeSourceCommit", one.last_source),
        ("lastMergeTargetCommit", one.last_target),
        ("lastMergeCommit", one.last_merge),
    ):
        if sha is not None:
            view[key] = git.commit_ref(addresses, owner, sha)
    return view


def _blob_key(kind: str, side: str) -> str | None:
    """Two files that became one have a blob per side and no common base."""
    if kind == "rename2to1":
        return None if side == "base" else f"{side}NewBlob"
    return f"{side}Blob"


def _paths(found: Conflict) -> dict[str, str]:
    """Return the extra path fields that each rename kind has in the specification."""
    keys = {
        "rename1to2": ("sourceNewPath", "targetNewPath"),
        "rename2to1": ("sourceOriginalPath", "targetOriginalPath"),
        "renameAdd": ("sourceOriginalPath", ""),
        "addRename": ("", "targetOriginalPath"),
        "renameDelete": ("sourceNewPath", ""),
        "deleteRename": ("", "targetNewPath"),
        "renameRename": ("originalPath", ""),
    }.get(found.kind, ("", ""))
    pairs = zip(keys, (found.source_path, found.target_path), strict=True)
    return {key: f"/{path}" for key, path in pairs if key and path is not None}
