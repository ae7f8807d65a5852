"""Repositories, refs, pushes, commits, differences, files and trial merges."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from adapters.sandbox.azure_devops import errors
from adapters.sandbox.azure_devops.git import history, merging, objects
from adapters.sandbox.azure_devops.organization import MergeOperation
from adapters.sandbox.azure_devops.projects import (
    ZERO_SHA,
    Push,
    RefUpdate,
    SandboxRepository,
)
from adapters.sandbox.azure_devops.pushes import FileEdit, NewCommit
from adapters.sandbox.azure_devops.rest.call import Answer, Call, Route, listing, page
from adapters.sandbox.azure_devops.views import git as views


async def list_repositories(call: Call) -> Answer:
    """List repositories of a project, or of all."""
    project = call.project()
    return listing(
        views.repository(call.addresses, one)
        for one in call.org.repositories.values()
        if project in (None, one.project)
        and not one.is_deleted
        and call.org.access.sees(call.actor, one)
    )


async def get_repository(call: Call) -> Answer:
    """Read one repository."""
    return Answer(views.repository(call.addresses, call.repository()))


async def list_refs(call: Call) -> Answer:
    """List refs by prefix (``filter``, without ``refs/``) or part; paged by a header."""
    repository = call.repository()
    prefix = f"refs/{call.query.get('filter', '')}"
    part = call.query.get("filterContains", "")
    refs = await call.org.git.on(repository.id, objects.list_refs, prefix)
    found = [(name, sha) for name, sha in refs.items() if part in name]
    start = call.integer("continuationToken", 0)
    top = call.integer("$top", len(found))
    shown = found[start : start + top]
    more = start + top < len(found)
    headers = {"x-ms-continuationtoken": str(start + top)} if more else None
    creators = {
        update.name: push.pusher
        for push in repository.pushes
        for update in push.updates
        if update.old == ZERO_SHA
    }
    return listing(
        (
            views.ref(call.addresses, repository, name, sha, creators.get(name))
            for name, sha in shown
        ),
        headers,
    )


async def update_refs(call: Call) -> Answer:
    """Create, move and delete refs; 200 even when one of them was refused."""
    repository = call.repository()
    updates = []
    for entry in call.json_list():
        try:
            updates.append(
                RefUpdate(str(entry["name"]), entry["oldObjectId"], entry["newObjectId"])
            )
        except (KeyError, TypeError) as error:
            raise errors.bad_body("Give name, oldObjectId and newObjectId.") from error
    outcomes = await call.org.pushes.update_refs(repository, call.actor, updates)
    return listing(views.ref_outcome(repository, outcome) for outcome in outcomes)


async def push(call: Call) -> Answer:
    """Push commits to one ref."""
    repository = call.repository()
    body = call.json_object()
    try:
        (update,) = body["refUpdates"]
        commits = [_commit(entry) for entry in body["commits"]]
        ref, old = str(update["name"]), str(update["oldObjectId"])
    except (KeyError, TypeError, ValueError) as error:
        raise errors.bad_body("A push has one refUpdates entry and commits.") from error
    made = await call.org.pushes.push(repository, call.actor, ref, old, commits)
    return Answer(await _push_view(call, repository, made, new=True), 201)


async def list_pushes(call: Call) -> Answer:
    """List pushes, newest first; ``searchCriteria.refName`` filters."""
    repository = call.repository()
    ref = call.query.get("searchCriteria.refName")
    with_refs = call.flag("searchCriteria.includeRefUpdates")
    found = [
        one
        for one in reversed(repository.pushes)
        if ref is None or any(update.name == ref for update in one.updates)
    ]
    shown = []
    for one in page(call, found, default=100, maximum=1000):
        view = views.push(call.addresses, repository, one)
        if not with_refs and ref is None:
            del view["refUpdates"]
        shown.append(view)
    return listing(shown)


async def get_item(call: Call) -> Answer:
    """Read one file as JSON or raw, or list a folder (``scopePath`` and ``recursionLevel``)."""
    repository = call.repository()
    label, commit = await _version(call, repository, "versionDescriptor")
    path = call.query.get("path")
    if path is None:
        return await _list_items(call, repository, label, commit)
    found = await call.org.git.on(repository.id, objects.read_item, commit, path)
    if found is None:
        raise errors.item_not_found(path, repository.name, label)
    wants_json = "json" in call.accept or call.query.get("$format", "").lower() == "json"
    if not wants_json and found.content is not None:
        return Answer(found.content, content_type="application/octet-stream")
    view = views.item(
        call.addresses, repository, found, label, with_content=call.flag("includeContent")
    )
    return Answer(view)


async def list_commits(call: Call) -> Answer:
    """List commits, newest first.

    With ``compareVersion`` the walk starts there and leaves out what ``itemVersion`` reaches. Of
    the history modes ``firstParent`` and the default are known.
    """
    repository = call.repository()
    if repository.default_branch is None:
        return listing([])
    _, item = await _version(call, repository, "searchCriteria.itemVersion")
    tip, hidden = item, None
    if call.query.get("searchCriteria.compareVersion.version"):
        _, tip = await _version(call, repository, "searchCriteria.compareVersion")
        hidden = item
    skip = call.integer("searchCriteria.$skip", call.integer("$skip", 0))
    top = call.integer("searchCriteria.$top", call.integer("$top", 100))
    found = await call.org.git.on(
        repository.id,
        history.commits_between,
        tip,
        hidden,
        path=call.query.get("searchCriteria.itemPath"),
        limit=skip + top,
        first_parent=call.query.get("searchCriteria.historyMode", "").lower() == "firstparent",
    )
    return listing(
        views.full_commit(call.addresses, repository, facts) for facts in found[skip : skip + top]
    )


async def get_commit(call: Call) -> Answer:
    """Read one commit."""
    repository = call.repository()
    sha = call.params["commit"]
    if not await call.org.git.on(repository.id, objects.is_commit, sha):
        raise errors.version_not_found(f"Commit: {sha}")
    facts = await call.org.git.on(repository.id, history.commit_facts, sha)
    return Answer(views.full_commit(call.addresses, repository, facts))


async def compare_commits(call: Call) -> Answer:
    """Compare two versions; from their common commit when ``diffCommonCommit`` is true."""
    repository, git = call.repository(), call.org.git
    _, base = await _version(call, repository, "base")
    _, target = await _version(call, repository, "target")
    common = await git.on(repository.id, history.merge_base, base, target)
    start = common if call.flag("diffCommonCommit") else base
    changes = await git.on(repository.id, history.changes_between, start, target)
    ahead, behind = await git.on(repository.id, history.ahead_behind, base, target)
    shown = page(call, changes, default=100, maximum=10_000)
    counts: dict[str, int] = {}
    for change in changes:
        name = change.change_type.replace("edit, rename", "Rename, Edit").title()
        counts[name] = counts.get(name, 0) + 1
    view: dict[str, Any] = {
        "allChangesIncluded": len(shown) == len(changes),
        "changeCounts": counts,
        "changes": [views.file_change(call.addresses, repository, one) for one in shown],
        "baseCommit": base,
        "targetCommit": target,
        "aheadCount": ahead,
        "behindCount": behind,
    }
    if common is not None:
        view["commonCommit"] = common
    return Answer(view)


async def start_merge(call: Call) -> Answer:
    """Queue a stand-alone trial merge of two commits."""
    repository, body = call.repository(), call.json_object()
    parents = body.get("parents")
    if not isinstance(parents, list) or len(parents) != 2:
        raise errors.invalid_argument("A merge needs exactly two parents.")
    for sha in parents:
        if not await call.org.git.on(repository.id, objects.is_commit, str(sha)):
            raise errors.version_not_found(f"Commit: {sha}")
    operations = call.org.merge_operations
    operation = MergeOperation(
        len(operations) + 1,
        repository.id,
        (str(parents[0]), str(parents[1])),
        str(body.get("comment") or "Trial merge"),
    )
    operations[operation.id] = operation

    async def run() -> None:
        operation.result = await call.org.git.on(
            repository.id,
            merging.merge,
            *operation.parents,
            call.org.author(call.actor),
            operation.comment,
        )

    call.org.merges.run_later(run)
    return Answer(_merge_view(call, repository, operation), 201)


async def get_merge(call: Call) -> Answer:
    """Read how a stand-alone trial merge went."""
    repository = call.repository()
    operation = call.org.merge_operations.get(call.number("operation"))
    if operation is None or operation.repository_id != repository.id:
        raise errors.AzureDevOpsError(
            404,
            "GitAsyncRefOperationNotFoundException",
            f"TF401408: The merge operation {call.params['operation']} was not found.",
            namespace="Microsoft.TeamFoundation.Git.Server",
        )
    return Answer(_merge_view(call, repository, operation))


def _merge_view(
    call: Call, repository: SandboxRepository, operation: MergeOperation
) -> dict[str, Any]:
    view: dict[str, Any] = {
        "mergeOperationId": operation.id,
        "parents": list(operation.parents),
        "comment": operation.comment,
        "status": "queued",
        "_links": {
            "self": {"href": call.addresses.repository(repository, f"/merges/{operation.id}")}
        },
    }
    if operation.result is None:
        return view
    if operation.result.commit is not None:
        view["status"] = "completed"
        view["detailedStatus"] = {"mergeCommitId": operation.result.commit}
    else:
        view["status"] = "failed"
        view["detailedStatus"] = {"failureMessage": "The merge has conflicts."}
    return view


def _commit(entry: dict[str, Any]) -> NewCommit:
    return NewCommit(
        str(entry.get("comment") or "No message"), tuple(_edit(one) for one in entry["changes"])
    )


def _edit(change: dict[str, Any]) -> FileEdit:
    kind = str(change["changeType"]).lower()
    path = str(change["item"]["path"])
    new = change.get("newContent")
    content = None
    if new is not None:
        content = str(new["content"]).encode()
        if str(new.get("contentType", "rawtext")).lower() == "base64encoded":
            try:
                content = base64.b64decode(content, validate=True)
            except binascii.Error as error:
                raise errors.bad_body(f"The content of {path} is not base64.") from error
    if content is None and kind in ("add", "edit"):
        raise errors.bad_body(f"The change of {path} has no newContent.")
    return FileEdit(kind, path, content, change.get("sourceServerItem"))


async def _push_view(
    call: Call, repository: SandboxRepository, made: Push, *, new: bool
) -> dict[str, Any]:
    update = made.updates[0]
    hidden = update.old if update.old != ZERO_SHA else None
    commits = await call.org.git.on(
        repository.id, history.commits_between, update.new, hidden, limit=100
    )
    return views.push(call.addresses, repository, made, commits if new else None)


async def _list_items(call: Call, repository: SandboxRepository, label: str, commit: str) -> Answer:
    scope = call.query.get("scopePath", "/")
    whole = call.query.get("recursionLevel", "").lower() == "full"
    found = await call.org.git.on(
        repository.id, objects.list_items, commit, scope, whole_depth=whole
    )
    if not found:
        raise errors.item_not_found(scope, repository.name, label)
    return listing(
        views.item(call.addresses, repository, one, label, with_content=False) for one in found
    )


async def _version(call: Call, repository: SandboxRepository, prefix: str) -> tuple[str, str]:
    """Resolve a version descriptor to (name, commit); without one, the default branch.

    ``prefix`` base and target are spelt ``baseVersion`` and ``baseVersionType`` in the query.
    """
    if prefix in ("base", "target"):
        name = call.query.get(f"{prefix}Version")
        kind = call.query.get(f"{prefix}VersionType", "branch")
    else:
        name = call.query.get(f"{prefix}.version")
        kind = call.query.get(f"{prefix}.versionType", "branch")
    if not name:
        name, kind = (repository.default_branch or "").removeprefix("refs/heads/"), "branch"
    label = f"{kind.title()}: {name}"
    if kind.lower() == "commit":
        if await call.org.git.on(repository.id, objects.is_commit, name):
            return name, name
        raise errors.version_not_found(label)
    folder = "tags" if kind.lower() == "tag" else "heads"
    ref = name if name.startswith("refs/") else f"refs/{folder}/{name}"
    tip = await call.org.git.on(repository.id, objects.ref_tip, ref)
    if tip is None:
        raise errors.version_not_found(label)
    return name, tip


_ONE = "git/repositories/{repository}"

ROUTES = (
    Route("GET", "git/repositories", list_repositories),
    Route("GET", _ONE, get_repository),
    Route("GET", f"{_ONE}/refs", list_refs),
    Route("POST", f"{_ONE}/refs", update_refs),
    Route("POST", f"{_ONE}/pushes", push),
    Route("GET", f"{_ONE}/pushes", list_pushes),
    Route("GET", f"{_ONE}/items", get_item),
    Route("GET", f"{_ONE}/commits", list_commits),
    Route("GET", f"{_ONE}/commits/{{commit}}", get_commit),
    Route("GET", f"{_ONE}/diffs/commits", compare_commits),
    Route("POST", f"{_ONE}/merges", start_merge),
    Route("GET", f"{_ONE}/merges/{{operation}}", get_merge),
)
