"""Projects, repositories, refs, commits, pushes and files as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from adapters.sandbox.azure_devops.addresses import Addresses
from adapters.sandbox.azure_devops.git.history import CommitFacts, FileChange
from adapters.sandbox.azure_devops.git.objects import StoredItem
from adapters.sandbox.azure_devops.people import SandboxIdentity
from adapters.sandbox.azure_devops.projects import (
    Push,
    RefOutcome,
    SandboxProject,
    SandboxRepository,
)
from adapters.sandbox.azure_devops.timestamps import UNSET, written
from adapters.sandbox.azure_devops.views.people import identity_ref


def project(addresses: Addresses, one: SandboxProject) -> dict[str, Any]:
    """Return a TeamProjectReference."""
    return {
        "id": one.id,
        "name": one.name,
        "url": addresses.api(f"projects/{one.id}"),
        "state": "wellFormed",
        "revision": 11,
        "visibility": "private",
        "lastUpdateTime": written(one.created),
    }


def project_in_hook(addresses: Addresses, one: SandboxProject) -> dict[str, Any]:
    """Return a project as real deliveries have it: visibility and date are place holders."""
    return project(addresses, one) | {"visibility": "unchanged", "lastUpdateTime": UNSET}


def repository(addresses: Addresses, one: SandboxRepository) -> dict[str, Any]:
    """Return a GitRepository; an empty one has no ``defaultBranch``."""
    view: dict[str, Any] = {
        "id": one.id,
        "name": one.name,
        "url": addresses.repository(one),
        "project": project(addresses, one.project),
        "size": 4096,
        "remoteUrl": addresses.repository_page(one),
        "sshUrl": addresses.ssh(one),
        "webUrl": addresses.repository_page(one),
        "isDisabled": False,
    }
    if addresses.style != "server":  # newer than Azure DevOps Server 2022
        view["isInMaintenance"] = False
    if one.default_branch:
        view["defaultBranch"] = one.default_branch
    return view


def repository_in_hook(addresses: Addresses, one: SandboxRepository) -> dict[str, Any]:
    """Return a repository as real deliveries have it."""
    view = repository(addresses, one) | {"project": project_in_hook(addresses, one.project)}
    return {key: view[key] for key in view if key not in ("isDisabled", "isInMaintenance")}


def commit_ref(addresses: Addresses, owner: SandboxRepository, sha: str) -> dict[str, Any]:
    """Return a GitCommitRef with nothing but its id and address."""
    return {"commitId": sha, "url": addresses.repository(owner, f"/commits/{sha}")}


def commit(addresses: Addresses, owner: SandboxRepository, facts: CommitFacts) -> dict[str, Any]:
    """Return a GitCommitRef with author, committer and message."""
    return {
        "commitId": facts.id,
        "author": {
            "name": facts.author_name,
            "email": facts.author_mail,
            "date": written(facts.author_date),
        },
        "committer": {
            "name": facts.committer_name,
            "email": facts.committer_mail,
            "date": written(facts.committer_date),
        },
        "comment": facts.message,
        "url": addresses.repository(owner, f"/commits/{facts.id}"),
    }


def full_commit(
    addresses: Addresses, owner: SandboxRepository, facts: CommitFacts
) -> dict[str, Any]:
    """Return a GitCommitRef as lists of commits have it, parents included."""
    return commit(addresses, owner, facts) | {
        "parents": list(facts.parents),
        "remoteUrl": addresses.repository_page(owner, f"/commit/{facts.id}"),
    }


def ref(
    addresses: Addresses,
    owner: SandboxRepository,
    name: str,
    sha: str,
    creator: SandboxIdentity | None,
) -> dict[str, Any]:
    """Return a GitRef."""
    filter_text = quote(name.removeprefix("refs/"), safe="")
    view: dict[str, Any] = {
        "name": name,
        "objectId": sha,
        "url": addresses.repository(owner, f"/refs?filter={filter_text}"),
    }
    if creator is not None:
        view["creator"] = identity_ref(addresses, creator)
    return view


def ref_outcome(owner: SandboxRepository, outcome: RefOutcome) -> dict[str, Any]:
    """Return a GitRefUpdateResult; the HTTP status is 200 whatever it says."""
    return {
        "repositoryId": owner.id,
        "name": outcome.update.name,
        "oldObjectId": outcome.update.old,
        "newObjectId": outcome.update.new,
        "isLocked": False,
        "updateStatus": outcome.status,
        "success": outcome.success,
    }


def push(
    addresses: Addresses,
    owner: SandboxRepository,
    one: Push,
    commits: Iterable[CommitFacts] | None = None,
) -> dict[str, Any]:
    """Return a GitPush; without ``commits`` the key is absent."""
    url = addresses.repository(owner, f"/pushes/{one.id}")
    view: dict[str, Any] = {
        "refUpdates": [
            {"name": moved.name, "oldObjectId": moved.old, "newObjectId": moved.new}
            for moved in one.updates
        ],
        "repository": repository(addresses, owner),
        "pushedBy": identity_ref(addresses, one.pusher),
        "pushId": one.id,
        "date": written(one.date),
        "url": url,
        "_links": {
            "self": {"href": url},
            "repository": {"href": addresses.repository(owner)},
            "commits": {"href": f"{url}/commits"},
            "pusher": {"href": addresses.identity(one.pusher.id)},
            "refs": {"href": addresses.repository(owner, "/refs")},
        },
    }
    if commits is not None:
        view = {"commits": [commit(addresses, owner, facts) for facts in commits], **view}
    return view


def item(
    addresses: Addresses,
    owner: SandboxRepository,
    one: StoredItem,
    version: str,
    *,
    with_content: bool,
) -> dict[str, Any]:
    """Return a GitItem; the content only when it was asked for."""
    path = quote(one.path)
    view: dict[str, Any] = {
        "objectId": one.object_id,
        "gitObjectType": "tree" if one.is_folder else "blob",
        "commitId": one.commit_id,
        "path": one.path,
        "url": addresses.repository(owner, f"/items{path}?versionDescriptor.version={version}"),
    }
    if one.is_folder:
        view["isFolder"] = True
    if with_content and one.content is not None:
        view["content"] = one.content.decode("utf-8", errors="replace")
    return view


def file_change(
    addresses: Addresses, owner: SandboxRepository, change: FileChange
) -> dict[str, Any]:
    """Return a GitChange."""
    of_file: dict[str, Any] = {
        "objectId": change.object_id,
        "gitObjectType": "blob",
        "path": change.path,
        "url": addresses.repository(owner, f"/items{quote(change.path)}"),
    }
    if change.original_object_id is not None:
        of_file["originalObjectId"] = change.original_object_id
    view: dict[str, Any] = {"item": of_file, "changeType": change.change_type}
    if change.original_path is not None:
        view["originalPath"] = f"/{change.original_path}"
    return view
