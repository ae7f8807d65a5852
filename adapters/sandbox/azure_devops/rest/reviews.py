"""Reviewers, comment threads, statuses and labels of a pull request."""

from __future__ import annotations

from typing import Any

from adapters.sandbox.azure_devops import errors
from adapters.sandbox.azure_devops.pull_requests import lifecycle, reviews
from adapters.sandbox.azure_devops.pull_requests.model import SandboxPullRequest
from adapters.sandbox.azure_devops.rest.call import Answer, Call, Route, listing
from adapters.sandbox.azure_devops.views import pull_requests as views

_THREAD_STATUSES = ("unknown", "active", "fixed", "wontFix", "closed", "byDesign", "pending")
_COMMENT_KINDS = ("unknown", "text", "codeChange", "system")


async def list_reviewers(call: Call) -> Answer:
    """List reviewers with their votes."""
    found = call.pull_request()
    return listing(views.reviewer(call.addresses, found, who) for who in found.reviewers.values())


async def get_reviewer(call: Call) -> Answer:
    """Read one reviewer."""
    found = call.pull_request()
    who = found.reviewers.get(call.params["reviewer"].lower())
    if who is None:
        raise errors.AzureDevOpsError(
            404, "GitPullRequestReviewerNotFoundException", "TF401182: The reviewer was not found."
        )
    return Answer(views.reviewer(call.addresses, found, who))


async def put_reviewer(call: Call) -> Answer:
    """Add a reviewer or change one; vote only as oneself."""
    found, body = call.pull_request(), call.json_object()
    person = call.org.people.by_id(call.params["reviewer"])
    if person is None:
        raise errors.invalid_argument(f"The identity {call.params['reviewer']} is not known.")
    vote = body.get("vote")
    if vote is not None and not isinstance(vote, int):
        raise errors.bad_body("The vote must be a number.")
    who = reviews.set_reviewer(
        call.org,
        found,
        call.actor,
        person,
        required=_optional_bool(body, "isRequired"),
        vote=vote,
        declined=_optional_bool(body, "hasDeclined"),
        flagged=_optional_bool(body, "isFlagged"),
    )
    return Answer(views.reviewer(call.addresses, found, who))


async def delete_reviewer(call: Call) -> Answer:
    """Take a reviewer off."""
    reviews.remove_reviewer(call.org, call.pull_request(), call.actor, call.params["reviewer"])
    return Answer()


async def list_threads(call: Call) -> Answer:
    """List comment threads, oldest first."""
    found = call.pull_request()
    return listing(views.thread(call.addresses, found, one) for one in found.threads)


async def get_thread(call: Call) -> Answer:
    """Read one thread."""
    found = call.pull_request()
    thread = reviews.find_thread(found, call.number("thread"))
    return Answer(views.thread(call.addresses, found, thread))


async def create_thread(call: Call) -> Answer:
    """Start a thread with its first comment."""
    found, body = call.pull_request(), call.json_object()
    comments = body.get("comments") or []
    if not comments or not isinstance(comments[0], dict):
        raise errors.bad_body("A thread must have at least one comment.")
    status = _enumerated(body.get("status", "active"), _THREAD_STATUSES)
    thread = None
    for entry in comments:
        thread, _ = reviews.comment(
            call.org,
            found,
            call.actor,
            str(entry.get("content") or ""),
            thread=thread,
            parent_id=int(entry.get("parentCommentId") or 0),
            kind=_enumerated(entry.get("commentType", "text"), _COMMENT_KINDS),
        )
    assert thread is not None  # there was at least one comment
    thread.status = status
    thread.file_path = (body.get("threadContext") or {}).get("filePath")
    return Answer(views.thread(call.addresses, found, thread))


async def update_thread(call: Call) -> Answer:
    """Change a thread's status."""
    found = call.pull_request()
    thread = reviews.find_thread(found, call.number("thread"))
    thread.status = _enumerated(call.json_object().get("status", thread.status), _THREAD_STATUSES)
    thread.updated = call.org.clock()
    return Answer(views.thread(call.addresses, found, thread))


async def list_comments(call: Call) -> Answer:
    """List the comments of a thread."""
    found = call.pull_request()
    thread = reviews.find_thread(found, call.number("thread"))
    return listing(
        views.comment(call.addresses, found, thread.id, said) for said in thread.comments
    )


async def create_comment(call: Call) -> Answer:
    """Reply in a thread; a resolved thread becomes active again."""
    found, body = call.pull_request(), call.json_object()
    thread = reviews.find_thread(found, call.number("thread"))
    _, said = reviews.comment(
        call.org,
        found,
        call.actor,
        str(body.get("content") or ""),
        thread=thread,
        parent_id=int(body.get("parentCommentId") or 0),
        kind=_enumerated(body.get("commentType", "text"), _COMMENT_KINDS),
    )
    return Answer(views.comment(call.addresses, found, thread.id, said))


async def list_statuses(call: Call) -> Answer:
    """List every status that was posted, oldest first."""
    found = call.pull_request()
    return listing(
        views.status(call.addresses, found, one)
        for one in found.statuses
        if "iteration" not in call.params or one.iteration_id == call.number("iteration")
    )


async def create_status(call: Call) -> Answer:
    """Post a status on the pull request or on one of its iterations."""
    found, body = call.pull_request(), call.json_object()
    context = body.get("context") or {}
    iteration = call.number("iteration") if "iteration" in call.params else body.get("iterationId")
    posted = reviews.post_status(
        call.org,
        found,
        call.actor,
        state=_enumerated(body.get("state", "notSet"), reviews.STATUS_STATES),
        name=str(context.get("name") or ""),
        genre=context.get("genre"),
        description=str(body.get("description") or ""),
        target_url=body.get("targetUrl"),
        iteration_id=iteration,
    )
    return Answer(views.status(call.addresses, found, posted))


async def list_labels(call: Call) -> Answer:
    """List labels."""
    found = call.pull_request()
    return listing(views.label(call.addresses, found, one) for one in found.labels)


async def create_label(call: Call) -> Answer:
    """Add a label."""
    found, body = call.pull_request(), call.json_object()
    if not body.get("name"):
        raise errors.invalid_argument("A label must have a name.")
    label = lifecycle.labelled(found, str(body["name"]))
    return Answer(views.label(call.addresses, found, label))


async def delete_label(call: Call) -> Answer:
    """Remove a label by id or name."""
    found: SandboxPullRequest = call.pull_request()
    wanted = call.params["label"].casefold()
    found.labels = [one for one in found.labels if wanted not in (one.id, one.name.casefold())]
    return Answer()


def _optional_bool(body: dict[str, Any], name: str) -> bool | None:
    return None if body.get(name) is None else bool(body[name])


def _enumerated(value: Any, names: tuple[str, ...]) -> str:
    """The service takes enumerations as text, any case, or as numbers."""
    if isinstance(value, int) and 0 <= value < len(names):
        return names[value]
    for name in names:
        if str(value).casefold() == name.casefold():
            return name
    raise errors.invalid_argument(f"'{value}' is not one of {', '.join(names)}.")


_ONE = "git/repositories/{repository}/pullRequests/{pullRequest}"
_THREAD = f"{_ONE}/threads/{{thread}}"
_ITERATION = f"{_ONE}/iterations/{{iteration}}"

ROUTES = (
    Route("GET", f"{_ONE}/reviewers", list_reviewers),
    Route("GET", f"{_ONE}/reviewers/{{reviewer}}", get_reviewer),
    Route("PUT", f"{_ONE}/reviewers/{{reviewer}}", put_reviewer),
    Route("PATCH", f"{_ONE}/reviewers/{{reviewer}}", put_reviewer),
    Route("DELETE", f"{_ONE}/reviewers/{{reviewer}}", delete_reviewer),
    Route("GET", f"{_ONE}/threads", list_threads),
    Route("POST", f"{_ONE}/threads", create_thread),
    Route("GET", _THREAD, get_thread),
    Route("PATCH", _THREAD, update_thread),
    Route("GET", f"{_THREAD}/comments", list_comments),
    Route("POST", f"{_THREAD}/comments", create_comment),
    Route("GET", f"{_ONE}/statuses", list_statuses),
    Route("POST", f"{_ONE}/statuses", create_status),
    Route("GET", f"{_ITERATION}/statuses", list_statuses),
    Route("POST", f"{_ITERATION}/statuses", create_status),
    Route("GET", f"{_ONE}/labels", list_labels),
    Route("POST", f"{_ONE}/labels", create_label),
    Route("DELETE", f"{_ONE}/labels/{{label}}", delete_label),
)
