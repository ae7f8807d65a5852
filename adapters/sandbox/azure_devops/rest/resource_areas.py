"""The list of resources with their versions that OPTIONS on ``_apis`` answers.

Source: the shape that Microsoft's client libraries read (ApiResourceLocation).
"""

from __future__ import annotations

import uuid
from typing import Any

_RESOURCES = (
    ("git", "repositories", "{project}/_apis/{area}/{resource}/{repositoryId}"),
    ("git", "pullRequests", "{project}/_apis/{area}/repositories/{repositoryId}/{resource}"),
    ("git", "pullRequestConflicts", "{project}/_apis/{area}/repositories/{repositoryId}/conflicts"),
    ("wit", "workItems", "{project}/_apis/{area}/{resource}/{id}"),
    ("hooks", "Subscriptions", "_apis/{area}/{resource}/{subscriptionId}"),
)
_PREVIEW_ONLY = frozenset({"pullRequestConflicts"})


def resource_areas(newest: str) -> dict[str, Any]:
    """The list for a server whose newest released version is this; previews are not released."""
    found = [
        {
            "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{area}/{name}")),
            "area": area,
            "resourceName": name,
            "routeTemplate": template,
            "resourceVersion": 1,
            "minVersion": "1.0",
            "maxVersion": newest,
            "releasedVersion": "0.0" if name in _PREVIEW_ONLY else newest,
        }
        for area, name, template in _RESOURCES
    ]
    return {"count": len(found), "value": found}
