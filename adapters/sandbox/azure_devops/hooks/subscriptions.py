"""Subscriptions to service hooks and the record of what was sent for them.

States, inputs and records follow Microsoft's serviceHooks specification and "Troubleshoot
service hooks" on learn.microsoft.com.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from adapters.sandbox.azure_devops.addresses import Addresses
from adapters.sandbox.azure_devops.hooks.events import HookEvent
from adapters.sandbox.azure_devops.people import SandboxIdentity
from adapters.sandbox.azure_devops.timestamps import written
from adapters.sandbox.azure_devops.views.people import identity_ref

SubscriptionStatus = Literal[
    "enabled", "onProbation", "disabledByUser", "disabledBySystem", "disabledByInactiveIdentity"
]
MASK = "********"
_CONFIDENTIAL = ("basicAuthPassword",)


@dataclass(eq=False, slots=True)
class Notification:
    """One event for one subscription; ``number`` counts from 1 within the subscription."""

    number: int
    subscription: Subscription
    event: HookEvent
    created: datetime
    result: Literal["pending", "succeeded", "failed"] = "pending"
    status: Literal["queued", "requestInProgress", "completed"] = "queued"
    attempts: int = 0
    dequeued: datetime | None = None
    duration_s: float = 0.0
    body: dict[str, Any] | None = None
    response: str | None = None
    error: str | None = None
    finished: datetime | None = None


@dataclass(eq=False, slots=True)
class Subscription:
    """A service hook subscription of the consumer ``webHooks``."""

    event_type: str
    publisher_inputs: dict[str, str]
    consumer_inputs: dict[str, str] = field(repr=False)
    resource_version: str | None
    created_by: SandboxIdentity
    created: datetime
    modified: datetime
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    status: SubscriptionStatus = "enabled"
    probation_retries: int = 0
    last_probation_retry: datetime | None = None
    last_success: datetime | None = None
    modified_by: SandboxIdentity | None = None
    notifications: list[Notification] = field(default_factory=list, repr=False)

    def hears(self, event: HookEvent) -> bool:
        """Tell whether the event matches every input that is set; an empty input means any."""
        if self.event_type != event.event_type:
            return False
        project_id = self.publisher_inputs.get("projectId", "")
        if project_id and project_id.lower() != event.project.id:
            return False
        for name, wanted in self.publisher_inputs.items():
            if wanted and name in event.inputs and wanted.casefold() not in event.inputs[name]:
                return False
        return True

    def notify(self, event: HookEvent, now: datetime) -> Notification:
        """Record that this event shall be told."""
        notification = Notification(len(self.notifications) + 1, self, event, now)
        self.notifications.append(notification)
        return notification

    def enable(self) -> None:
        """Leave probation, or come back from being disabled."""
        self.status, self.probation_retries, self.last_probation_retry = "enabled", 0, None

    def masked_inputs(self) -> dict[str, str]:
        """Return the consumer inputs as REST shows them; headers are not confidential."""
        return {
            name: MASK if name in _CONFIDENTIAL and value else value
            for name, value in self.consumer_inputs.items()
        }

    def view(self, addresses: Addresses) -> dict[str, Any]:
        """Return the Subscription as REST answers it; confidential inputs are masked."""
        view: dict[str, Any] = {
            "id": self.id,
            "url": addresses.api(f"hooks/subscriptions/{self.id}"),
            "status": self.status,
            "publisherId": "tfs",
            "eventType": self.event_type,
            "subscriber": None,
            "resourceVersion": self.resource_version,
            "eventDescription": "",
            "consumerId": "webHooks",
            "consumerActionId": "httpRequest",
            "actionDescription": f"To host {_host(self.consumer_inputs.get('url', ''))}",
            "probationRetries": self.probation_retries,
            "createdBy": identity_ref(addresses, self.created_by),
            "createdDate": written(self.created),
            "modifiedBy": identity_ref(addresses, self.modified_by or self.created_by),
            "modifiedDate": written(self.modified),
            "publisherInputs": dict(self.publisher_inputs),
            "consumerInputs": self.masked_inputs(),
        }
        for key, moment in (
            ("lastProbationRetryDate", self.last_probation_retry),
            ("lastSuccessfulAttemptDate", self.last_success),
        ):
            if moment is not None:
                view[key] = written(moment)
        return view

    def replace_inputs(
        self, publisher_inputs: Mapping[str, str], consumer_inputs: Mapping[str, str]
    ) -> None:
        """Take new inputs; a masked secret that comes back keeps its old value."""
        kept = dict(consumer_inputs)
        for name in _CONFIDENTIAL:
            if kept.get(name) == MASK:
                kept[name] = self.consumer_inputs.get(name, "")
        self.publisher_inputs, self.consumer_inputs = dict(publisher_inputs), kept


def notification_view(notification: Notification, *, details: bool) -> dict[str, Any]:
    """Return the Notification as REST answers it."""
    subscription, event = notification.subscription, notification.event
    changed = notification.finished or notification.created
    view: dict[str, Any] = {
        "id": notification.number,
        "subscriptionId": subscription.id,
        "subscriberId": (subscription.modified_by or subscription.created_by).id,
        "eventId": event.id,
        "status": notification.status,
        "result": notification.result,
        "createdDate": written(notification.created),
        "modifiedDate": written(changed),
    }
    if details:
        view["details"] = {
            "publisherId": "tfs",
            "eventType": event.event_type,
            "consumerId": "webHooks",
            "consumerActionId": "httpRequest",
            "publisherInputs": dict(subscription.publisher_inputs),
            "consumerInputs": subscription.masked_inputs(),
            "requestAttempts": notification.attempts,
            "requestDuration": notification.duration_s,
            "queuedDate": written(notification.created),
            "errorMessage": notification.error,
            "request": f"Method: POST, URI: {subscription.consumer_inputs.get('url', '')}",
            "response": notification.response,
            "event": _event(notification.body),
        }
        for key, moment in (
            ("dequeuedDate", notification.dequeued),
            ("processedDate", notification.dequeued),
            ("completedDate", notification.finished),
        ):
            if moment is not None:
                view["details"][key] = written(moment)
    return view


def _event(body: dict[str, Any] | None) -> dict[str, Any] | None:
    """The Event of the specification is the delivered body without the delivery's own ids."""
    if body is None:
        return None
    return {k: v for k, v in body.items() if k not in ("subscriptionId", "notificationId")}


def _host(url: str) -> str:
    return url.split("://", 1)[-1].split("/", 1)[0]
