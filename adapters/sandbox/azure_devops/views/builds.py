"""Builds as JSON: the REST shape, and the two shapes of the service hook."""

from __future__ import annotations

from typing import Any

from adapters.sandbox.azure_devops.addresses import Addresses
from adapters.sandbox.azure_devops.builds import SandboxBuild
from adapters.sandbox.azure_devops.timestamps import written
from adapters.sandbox.azure_devops.views import git
from adapters.sandbox.azure_devops.views.people import identity_ref


def build(addresses: Addresses, one: SandboxBuild) -> dict[str, Any]:
    """Return a Build; also the service hook's resource at version 2.0."""
    project = one.repository.project
    return {
        "id": one.id,
        "buildNumber": one.number,
        "status": "completed",
        "result": one.result,
        "queueTime": written(one.started),
        "startTime": written(one.started),
        "finishTime": written(one.finished),
        "url": addresses.api(f"build/Builds/{one.id}", project),
        "definition": {
            "id": one.definition_id,
            "name": one.definition,
            "path": "\\",
            "type": "build",
            "revision": 1,
            "url": addresses.api(f"build/Definitions/{one.definition_id}", project),
            "project": git.project(addresses, project),
        },
        "project": git.project(addresses, project),
        "uri": f"vstfs:///Build/Build/{one.id}",
        "sourceBranch": one.source_branch,
        "sourceVersion": one.source_version,
        "reason": "pullRequest" if one.source_branch.startswith("refs/pull/") else "individualCI",
        "requestedFor": identity_ref(addresses, one.requested_by),
        "requestedBy": identity_ref(addresses, one.requested_by),
        "repository": {"id": one.repository.id, "type": "TfsGit", "name": one.repository.name},
        "_links": {
            "self": {"href": addresses.api(f"build/Builds/{one.id}", project)},
            "web": {"href": f"{addresses.base}/{project.id}/_build/results?buildId={one.id}"},
        },
    }


def in_hook(addresses: Addresses, one: SandboxBuild, resource_version: str) -> dict[str, Any]:
    """Return the resource of build.complete; at 1.0 ``status`` is the result."""
    if resource_version != "1.0":
        return build(addresses, one)
    project = one.repository.project
    return {
        "uri": f"vstfs:///Build/Build/{one.id}",
        "id": one.id,
        "buildNumber": one.number,
        "url": addresses.api(f"build/Builds/{one.id}", project),
        "startTime": written(one.started),
        "finishTime": written(one.finished),
        "reason": "individualCI",
        "status": one.result,
        "sourceGetVersion": f"LG:{one.source_branch}:{one.source_version}",
        "lastChangedBy": identity_ref(addresses, one.requested_by),
        "retainIndefinitely": False,
        "definition": {
            "definitionType": "build",
            "id": one.definition_id,
            "name": one.definition,
            "url": addresses.api(f"build/Definitions/{one.definition_id}", project),
        },
        "requests": [{"id": one.id, "requestedFor": identity_ref(addresses, one.requested_by)}],
    }
