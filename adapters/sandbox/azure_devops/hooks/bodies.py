"""The body of a delivery, and the headers that go with it."""

from __future__ import annotations

import base64
import uuid
from typing import Any

from adapters.sandbox.azure_devops.addresses import Addresses
from adapters.sandbox.azure_devops.hooks.subscriptions import Notification, Subscription
from adapters.sandbox.azure_devops.timestamps import written

_MINIMAL_KEYS = ("id", "pullRequestId", "pushId", "workItemId", "url")


def delivery_body(
    addresses: Addresses, notification: Notification, collection_id: str, instance_id: str
) -> dict[str, Any]:
    """Draw the whole body now; the resource shows the state of now."""
    event, subscription = notification.event, notification.subscription
    inputs = subscription.consumer_inputs
    version = subscription.resource_version or event.versions[0]
    # A version that the event does not have was seen to give null for both.
    resource = event.draw(version) if version in event.versions else None
    return {
        "subscriptionId": subscription.id,
        "notificationId": notification.number,
        "id": event.id,
        "eventType": event.event_type,
        "publisherId": "tfs",
        "message": _message(notification, inputs.get("messagesToSend", "")),
        "detailedMessage": _message(notification, inputs.get("detailedMessagesToSend", "")),
        "resource": _reduced(resource, inputs.get("resourceDetailsToSend", "")),
        "resourceVersion": version if resource is not None else None,
        "resourceContainers": _containers(addresses, event.project.id, collection_id, instance_id),
        "createdDate": written(event.created),
    }


def delivery_headers(subscription: Subscription) -> dict[str, str]:
    """Return the headers of a delivery: Basic auth, the wished ones, and the service's own."""
    inputs = subscription.consumer_inputs
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "VSServices/19.0 (sandbox)",
        "X-VSS-SubscriptionId": subscription.id,
        "X-VSS-ActivityId": str(uuid.uuid4()),
        "Request-Id": str(uuid.uuid4()),
    }
    user, password = inputs.get("basicAuthUsername", ""), inputs.get("basicAuthPassword", "")
    if user or password:
        credential = base64.b64encode(f"{user}:{password}".encode()).decode()
        headers["Authorization"] = f"Basic {credential}"
    for line in inputs.get("httpHeaders", "").splitlines():
        name, separator, value = line.partition(":")
        if separator:
            headers[name.strip()] = value.strip()
    return headers


def _message(notification: Notification, wanted: str) -> dict[str, str] | None:
    message = notification.event.message()
    if wanted in ("", "all"):
        return message
    return {wanted: message[wanted]} if wanted in message else None


def _reduced(resource: dict[str, Any] | None, wanted: str) -> dict[str, Any] | None:
    if resource is None or wanted in ("", "all"):
        return resource
    if wanted == "none":
        return None
    return {key: resource[key] for key in _MINIMAL_KEYS if key in resource}


def _containers(
    addresses: Addresses, project_id: str, collection_id: str, instance_id: str
) -> dict[str, dict[str, str]]:
    """A server has ``server`` where the service has ``account``."""
    base_url = f"{addresses.base}/"
    outer = "server" if addresses.style == "server" else "account"
    return {
        "collection": {"id": collection_id, "baseUrl": base_url},
        outer: {"id": instance_id, "baseUrl": base_url},
        "project": {"id": project_id, "baseUrl": base_url},
    }
