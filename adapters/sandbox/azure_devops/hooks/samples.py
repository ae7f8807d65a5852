"""The body that the Test button sends: Microsoft's Fabrikam sample, not a real event."""

from __future__ import annotations

from typing import Any

FABRIKAM_REPOSITORY_ID = "4bc14d40-c903-45e2-872e-0462c7748079"
_FABRIKAM = "https://fabrikam.visualstudio.com/DefaultCollection"
_NO_SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"


def sample_body(event_type: str, resource_version: str | None) -> dict[str, Any]:
    """Return a sample delivery that names Fabrikam and Jamal Hartnett, as the service's do."""
    sentence = f"Jamal Hartnett caused a sample of {event_type}"
    message = {"text": sentence, "html": sentence, "markdown": sentence}
    return {
        "subscriptionId": _NO_SUBSCRIPTION,
        "notificationId": 1,
        "id": "03c164c2-8912-4d5e-8009-3707d5f83734",
        "eventType": event_type,
        "publisherId": "tfs",
        "message": message,
        "detailedMessage": message,
        "resource": {
            "id": 1,
            "repository": {
                "id": FABRIKAM_REPOSITORY_ID,
                "name": "Fabrikam",
                "url": f"{_FABRIKAM}/_apis/git/repositories/{FABRIKAM_REPOSITORY_ID}",
                "project": {"id": "6ce954b1-ce1f-45d1-b94d-e6bf2464ba2c", "name": "Fabrikam"},
            },
            "createdBy": {"displayName": "Jamal Hartnett"},
            "url": f"{_FABRIKAM}/_apis/git/repositories/{FABRIKAM_REPOSITORY_ID}",
        },
        "resourceVersion": resource_version or "1.0",
        "resourceContainers": {
            "collection": {"id": "c12d0eb8-e382-443b-9f9c-c52cba5014c2"},
            "account": {"id": "f844ec47-a9db-4511-8281-8b63f4eaf94e"},
            "project": {"id": "be9b3917-87e6-42a4-a549-2bc06a7a878f"},
        },
        "createdDate": "2016-09-19T13:03:27.2879096Z",
    }
