"""Webhook bodies of 2 KB, as Azure DevOps sends them for pull requests, tickets and pushes."""

import base64
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from benchmarks.load import request_bytes

BODY_BYTES = 2048
SUBSCRIPTION = "6a1f3d52-7b0c-4d8e-9a51-0c8f5b7e1d23"
COMMIT = "b60280bc6e62e2f880f1b63c1e24987664d3bda3"


@dataclass(frozen=True, slots=True)
class Target:
    """The pull request that a body is about."""

    number: int
    title: str
    repository_id: str
    repository_name: str
    project_id: str
    project_name: str
    author: dict[str, Any]
    source_ref: str
    target_ref: str


def pull_request_body(target: Target, notification: int, kind: str = "updated") -> bytes:
    """``git.pullrequest.KIND``; each notification number is one delivery."""
    return _padded(
        _envelope(f"git.pullrequest.{kind}", notification),
        {
            "repository": {
                "id": target.repository_id,
                "name": target.repository_name,
                "project": {"id": target.project_id, "name": target.project_name},
                "defaultBranch": "refs/heads/main",
            },
            "pullRequestId": target.number,
            "status": "active",
            "createdBy": target.author,
            "creationDate": _now(),
            "title": target.title,
            "sourceRefName": target.source_ref,
            "targetRefName": target.target_ref,
            "mergeStatus": "succeeded",
            "lastMergeSourceCommit": {"commitId": COMMIT},
            "lastMergeTargetCommit": {"commitId": COMMIT},
            "reviewers": [],
            "isDraft": False,
        },
    )


def ticket_body(ticket: int, notification: int) -> bytes:
    """``workitem.updated``: a ticket of no pull request, so it is kept and nobody is told."""
    return _padded(
        _envelope("workitem.updated", notification),
        {
            "id": notification,
            "workItemId": ticket,
            "rev": notification,
            "revisedBy": {"displayName": "Maya Sample", "uniqueName": "maya@example.com"},
            "fields": {"System.State": {"oldValue": "New", "newValue": "Active"}},
            "revision": {
                "id": ticket,
                "fields": {
                    "System.Title": f"Ticket {ticket}",
                    "System.State": "Active" if notification % 2 else "Resolved",
                    "System.TeamProject": "Shop",
                    "System.WorkItemType": "Task",
                },
            },
        },
    )


def push_body(repository_id: str, project_id: str, notification: int) -> bytes:
    """``git.push`` to a branch that no pull request has."""
    return _padded(
        _envelope("git.push", notification),
        {
            "pushId": notification,
            "repository": {
                "id": repository_id,
                "name": "web",
                "project": {"id": project_id, "name": "Shop"},
            },
            "refUpdates": [
                {
                    "name": f"refs/heads/topic/{notification}",
                    "oldObjectId": "0" * 40,
                    "newObjectId": COMMIT,
                }
            ],
            "date": _now(),
        },
    )


def delivery(connection: str, secret: str, body: bytes) -> bytes:
    """The whole HTTP request with Basic authentication."""
    credential = base64.b64encode(f"pullcord:{secret}".encode()).decode()
    return request_bytes(
        f"/webhooks/ado/{connection}", body, {"Authorization": f"Basic {credential}"}
    )


def _envelope(event_type: str, notification: int) -> dict[str, Any]:
    return {
        "subscriptionId": SUBSCRIPTION,
        "notificationId": notification,
        "id": f"{notification:08d}-7c64-4b3f-bd9e-91c1a1a35b9c",
        "eventType": event_type,
        "publisherId": "tfs",
        "message": {"text": ""},
        "createdDate": _now(),
        "resourceVersion": "1.0",
    }


def _padded(envelope: dict[str, Any], resource: dict[str, Any]) -> bytes:
    """The body with a message that makes it BODY_BYTES long."""
    body = {**envelope, "resource": resource}
    body["message"] = {"text": "x" * (BODY_BYTES - len(json.dumps(body)))}
    raw = json.dumps(body).encode()
    assert len(raw) == BODY_BYTES
    return raw


def _now() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")
