"""Pull requests: listed, read, opened, changed; their commits, iterations and conflicts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from adapters.sandbox.azure_devops import errors
from adapters.sandbox.azure_devops.git import history
from adapters.sandbox.azure_devops.people import SandboxIdentity
from adapters.sandbox.azure_devops.pull_requests import lifecycle
from adapters.sandbox.azure_devops.pull_requests.model import Iteration, SandboxPullRequest
from adapters.sandbox.azure_devops.pull_requests.tickets import tickets_of
from adapters.sandbox.azure_devops.rest.call import Answer, Call, Route, listing, page
from adapters.sandbox.azure_devops.views import git, work_items
from adapters.sandbox.azure_devops.views import pull_requests as views

LIST_DEFAULT, LIST_MAXIMUM = 101, 1000
_STATUSES = ("active", "abandoned", "completed", "all", "notset")


async def list_pull_requests(call: Call) -> Answer:
    """List pull requests of a repository, a project or the organisation, newest first."""
    project = call.project()
    repository = call.repository() if "repository" in call.params else None
    status = call.query.get("searchCriteria.status", "active").lower()
    if status not in _STATUSES:
        raise errors.invalid_argument(f"The status '{status}' is unknown.")
    found = [
        one
        for one in reversed(call.org.pull_requests.values())
        if project in (None, one.repository.project)
        and repository in (None, one.repository)
        and not one.repository.is_deleted
        and call.org.access.sees(call.actor, one.repository)
        and status in ("all", one.status if status != "notset" else status)
        and _matches(call, one)
    ]
    shown = page(call, found, default=LIST_DEFAULT, maximum=LIST_MAXIMUM)
    return listing(views.listed(call.addresses, one) for one in shown)


async def get_pull_request(call: Call) -> Answer:
    """Read one pull request."""
    found = call.pull_request()
    view = views.pull_request(call.addresses, found)
    if call.flag("includeWorkItemRefs"):
        view["workItemRefs"] = _ticket_refs(call, found)
    if call.flag("includeCommits"):
        view["commits"] = await _commits(call, found, 100)
    return Answer(view)


async def create_pull_request(call: Call) -> Answer:
    """Open a pull request; its merge is still queued in the answer."""
    body = call.json_object()
    source, target = body.get("sourceRefName"), body.get("targetRefName")
    if not source or not target:
        raise errors.invalid_argument("sourceRefName and targetRefName are required.")
    options = body.get("completionOptions")
    opened = await lifecycle.open_pull_request(
        call.org,
        call.repository(),
        call.actor,
        source_ref=str(source),
        target_ref=str(target),
        title=str(body.get("title") or ""),
        description=str(body.get("description") or ""),
        is_draft=bool(body.get("isDraft")),
        reviewers=[
            (_identity(call, entry.get("id")), bool(entry.get("isRequired")))
            for entry in body.get("reviewers") or ()
        ],
        work_items=[_ticket_number(entry) for entry in body.get("workItemRefs") or ()],
        labels=[str(entry.get("name")) for entry in body.get("labels") or ()],
        completion_options=options if isinstance(options, dict) else None,
    )
    view = views.pull_request(call.addresses, opened)
    if body.get("workItemRefs"):
        view["workItemRefs"] = _ticket_refs(call, opened)
    return Answer(view, 201)


async def update_pull_request(call: Call) -> Answer:
    """Change or complete a pull request; completing answers 200 while it is still queued."""
    found = call.pull_request()
    await lifecycle.edit(call.org, found, call.actor, call.json_object())
    return Answer(views.pull_request(call.addresses, found))


async def list_commits(call: Call) -> Answer:
    """List the commits that the pull request would bring, newest first."""
    return listing(await _commits(call, call.pull_request(), call.integer("$top", 100)))


async def list_iterations(call: Call) -> Answer:
    """List iterations, oldest first."""
    found = call.pull_request()
    return listing(views.iteration(call.addresses, found, step) for step in found.iterations)


async def get_iteration(call: Call) -> Answer:
    """Read one iteration."""
    found = call.pull_request()
    return Answer(views.iteration(call.addresses, found, _iteration(call, found)))


async def list_changes(call: Call) -> Answer:
    """List files changed by an iteration, from the common commit or since ``$compareTo``."""
    found = call.pull_request()
    step = _iteration(call, found)
    since = call.integer("$compareTo", 0)
    start = found.iterations[since - 1].source if since else step.common
    changes = await call.org.git.on(
        found.repository.id, history.changes_between, start, step.source
    )
    shown = page(call, changes, default=100, maximum=2000)
    entries = []
    for number, change in enumerate(shown, start=call.integer("$skip", 0) + 1):
        view = git.file_change(call.addresses, found.repository, change)
        entries.append({"changeTrackingId": number, "changeId": number, **view})
    view = {"changeEntries": entries}
    following = call.integer("$skip", 0) + len(shown)
    if following < len(changes):
        return Answer(view | {"nextSkip": following, "nextTop": len(changes) - following})
    return Answer(view)


async def list_tickets(call: Call) -> Answer:
    """List linked work items, as references."""
    return listing(_ticket_refs(call, call.pull_request()))


async def list_conflicts(call: Call) -> Answer:
    """List the conflicts of the last merge; in use by many, though not in the public spec."""
    found = call.pull_request()
    views_of_conflicts = [
        views.conflict(call.addresses, found, number, conflict)
        for number, conflict in enumerate(found.conflicts, start=1)
    ]
    return listing(page(call, views_of_conflicts, default=100, maximum=1000))


def _matches(call: Call, one: SandboxPullRequest) -> bool:
    wanted = {
        name: call.query.get(f"searchCriteria.{name}")
        for name in ("targetRefName", "sourceRefName", "creatorId", "reviewerId", "repositoryId")
    }
    present = {
        "targetRefName": {one.target_ref},
        "sourceRefName": {one.source_ref},
        "creatorId": {one.author.id},
        "reviewerId": set(one.reviewers),
        "repositoryId": {one.repository.id},
    }
    for name, value in wanted.items():
        if value and value not in present[name] and value.lower() not in present[name]:
            return False
    by_closing = call.query.get("searchCriteria.queryTimeRangeType", "created") == "closed"
    moment = one.closed if by_closing else one.created
    earliest, latest = _moment(call, "minTime"), _moment(call, "maxTime")
    if earliest is None and latest is None:
        return True
    return (
        moment is not None
        and (earliest is None or moment >= earliest)
        and (latest is None or moment <= latest)
    )


def _moment(call: Call, name: str) -> datetime | None:
    text = call.query.get(f"searchCriteria.{name}")
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise errors.invalid_argument(f"searchCriteria.{name} is not a date.") from error
    if moment.tzinfo is None:
        raise errors.invalid_argument(f"searchCriteria.{name} has no time zone.")
    return moment


def _identity(call: Call, identity_id: Any) -> SandboxIdentity:
    person = call.org.people.by_id(str(identity_id))
    if person is None:
        raise errors.invalid_argument(f"The identity {identity_id} is not known.")
    return person


def _ticket_number(entry: Any) -> int:
    number = str(entry.get("id", "")) if isinstance(entry, dict) else ""
    if not number.isdigit():
        raise errors.invalid_argument("A workItemRefs entry must have a numeric id.")
    return int(number)


def _ticket_refs(call: Call, one: SandboxPullRequest) -> list[dict[str, str]]:
    return [work_items.reference(call.addresses, item) for item in tickets_of(call.org, one)]


async def _commits(call: Call, one: SandboxPullRequest, limit: int) -> list[dict[str, Any]]:
    step = one.iterations[-1]
    facts = await call.org.git.on(
        one.repository.id, history.commits_between, step.source, step.target, limit=limit
    )
    return [git.commit(call.addresses, one.repository, each) for each in facts]


def _iteration(call: Call, one: SandboxPullRequest) -> Iteration:
    number = call.number("iteration")
    if not 1 <= number <= len(one.iterations):
        raise errors.invalid_argument(f"The iteration {number} does not exist.")
    return one.iterations[number - 1]


_IN_REPOSITORY = "git/repositories/{repository}/pullRequests"
_ONE = f"{_IN_REPOSITORY}/{{pullRequest}}"

ROUTES = (
    Route("GET", "git/pullRequests", list_pull_requests),
    Route("GET", "git/pullRequests/{pullRequest}", get_pull_request),
    Route("GET", _IN_REPOSITORY, list_pull_requests),
    Route("POST", _IN_REPOSITORY, create_pull_request),
    Route("GET", _ONE, get_pull_request),
    Route("PATCH", _ONE, update_pull_request),
    Route("GET", f"{_ONE}/commits", list_commits),
    Route("GET", f"{_ONE}/iterations", list_iterations),
    Route("GET", f"{_ONE}/iterations/{{iteration}}", get_iteration),
    Route("GET", f"{_ONE}/iterations/{{iteration}}/changes", list_changes),
    Route("GET", f"{_ONE}/workitems", list_tickets),
    Route("GET", f"{_ONE}/conflicts", list_conflicts, preview=True),
)
