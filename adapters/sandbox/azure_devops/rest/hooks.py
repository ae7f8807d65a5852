"""Service hook subscriptions, their history, and the Test button."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from adapters.sandbox.azure_devops import errors
from adapters.sandbox.azure_devops.hooks.events import HookEvent
from adapters.sandbox.azure_devops.hooks.samples import sample_body
from adapters.sandbox.azure_devops.hooks.subscriptions import (
    Notification,
    Subscription,
    notification_view,
)
from adapters.sandbox.azure_devops.projects import SandboxProject
from adapters.sandbox.azure_devops.rest.call import Answer, Call, Route, listing

EVENT_TYPES = frozenset(
    {
        "git.push",
        "git.pullrequest.created",
        "git.pullrequest.updated",
        "git.pullrequest.merged",
        "ms.vss-code.git-pullrequest-comment-event",
        "git.repo.renamed",
        "git.repo.deleted",
        "workitem.created",
        "workitem.updated",
        "workitem.commented",
        "build.complete",
    }
)
_CREDENTIAL = re.compile(r"^\S{1,256}$")
_SETTABLE_STATUSES = ("enabled", "disabledByUser")


async def list_subscriptions(call: Call) -> Answer:
    """List subscriptions; ``publisherId`` and ``eventType`` filter."""
    event_type = call.query.get("eventType")
    publisher = call.query.get("publisherId", "tfs")
    return listing(
        one.view(call.addresses)
        for one in call.org.hooks.subscriptions.values()
        if event_type in (None, one.event_type) and publisher == "tfs"
    )


async def get_subscription(call: Call) -> Answer:
    """Read one subscription."""
    return Answer(call.org.hooks.find(call.params["id"]).view(call.addresses))


async def create_subscription(call: Call) -> Answer:
    """Create a subscription of the web hook consumer."""
    body = call.json_object()
    publisher_inputs, consumer_inputs = _checked_inputs(call, body)
    now = call.org.clock()
    subscription = Subscription(
        str(body["eventType"]),
        publisher_inputs,
        consumer_inputs,
        body.get("resourceVersion"),
        call.actor,
        now,
        now,
    )
    call.org.hooks.subscriptions[subscription.id] = subscription
    return Answer(subscription.view(call.addresses))


async def replace_subscription(call: Call) -> Answer:
    """Change a subscription, or enable it again."""
    subscription, body = call.org.hooks.find(call.params["id"]), call.json_object()
    publisher_inputs, consumer_inputs = _checked_inputs(call, body)
    status = body.get("status", subscription.status)
    if status not in (*_SETTABLE_STATUSES, subscription.status):
        raise errors.invalid_argument(f"The status cannot be set to '{status}'.")
    subscription.replace_inputs(publisher_inputs, consumer_inputs)
    subscription.event_type = str(body["eventType"])
    subscription.resource_version = body.get("resourceVersion", subscription.resource_version)
    subscription.modified = call.org.clock()
    if status == "enabled":
        subscription.enable()
    else:
        subscription.status = status
    return Answer(subscription.view(call.addresses))


async def delete_subscription(call: Call) -> Answer:
    """Delete a subscription; what waits for it is not sent."""
    subscription = call.org.hooks.find(call.params["id"])
    subscription.status = "disabledByUser"
    del call.org.hooks.subscriptions[subscription.id]
    return Answer(status=204)


async def list_notifications(call: Call) -> Answer:
    """List what was sent for a subscription, newest first; without details."""
    subscription = call.org.hooks.find(call.params["id"])
    result, status = call.query.get("result"), call.query.get("status")
    found = [
        one
        for one in reversed(subscription.notifications)
        if result in (None, one.result) and status in (None, one.status)
    ]
    shown = found[: call.integer("maxResults", 100)]
    return listing(notification_view(one, details=False) for one in shown)


async def get_notification(call: Call) -> Answer:
    """Read one delivery with its request, response and event."""
    subscription = call.org.hooks.find(call.params["id"])
    number = call.number("notification")
    if not 1 <= number <= len(subscription.notifications):
        raise errors.no_such_path(f"notifications/{number}")
    return Answer(notification_view(subscription.notifications[number - 1], details=True))


async def query_notifications(call: Call) -> Answer:
    """Find deliveries of several subscriptions."""
    body = call.json_object()
    ids = body.get("subscriptionIds") or list(call.org.hooks.subscriptions)
    details = bool(body.get("includeDetails"))
    result, status = body.get("resultType"), body.get("status")
    limit = int(body.get("maxResults") or 100)
    found = [
        one
        for subscription_id in ids
        for one in reversed(call.org.hooks.find(str(subscription_id)).notifications)
        if result in (None, one.result) and status in (None, one.status)
    ]
    shown = [notification_view(one, details=details) for one in found[:limit]]
    return Answer({**body, "results": shown})


async def send_test(call: Call) -> Answer:
    """Send the Fabrikam sample at once, as the Test button does, and answer how it went."""
    details = call.json_object().get("details")
    if not isinstance(details, Mapping):
        raise errors.bad_body("A test notification must have details.")
    wanted = {
        "publisherId": "tfs",
        "consumerId": "webHooks",
        "consumerActionId": "httpRequest",
        **details,
    }
    publisher_inputs, consumer_inputs = _checked_inputs(call, wanted)
    now, event_type = call.org.clock(), str(details["eventType"])
    version = details.get("resourceVersion")
    subscription = Subscription(
        event_type, publisher_inputs, consumer_inputs, version, call.actor, now, now
    )
    event = HookEvent(event_type, _any_project(call), "A test", now, lambda _version: {})
    notification = Notification(1, subscription, event, now)
    await call.org.hooks.send_alone(notification, sample_body(event_type, version))
    return Answer(notification_view(notification, details=True))


def _checked_inputs(call: Call, body: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
    """Return publisher and consumer inputs after the checks that the service makes."""
    if body.get("publisherId") != "tfs" or body.get("eventType") not in EVENT_TYPES:
        raise errors.invalid_argument("The publisher has no event of this type.")
    if (body.get("consumerId"), body.get("consumerActionId")) != ("webHooks", "httpRequest"):
        raise errors.invalid_argument("Only the consumer webHooks/httpRequest is known here.")
    publisher = {k: str(v) for k, v in (body.get("publisherInputs") or {}).items()}
    consumer = {k: str(v) for k, v in (body.get("consumerInputs") or {}).items()}
    if not consumer.get("url", "").startswith(("http://", "https://")):
        raise errors.invalid_argument("The consumer input url must be an http or https address.")
    for name in ("basicAuthUsername", "basicAuthPassword"):
        if consumer.get(name) and _CREDENTIAL.match(consumer[name]) is None:
            raise errors.invalid_argument(f"{name} has spaces or more than 256 characters.")
    if publisher.get("projectId"):
        call.org.project(publisher["projectId"], call.actor)
    return publisher, consumer


def _any_project(call: Call) -> SandboxProject:
    for project in call.org.projects.values():
        return project
    raise errors.project_not_found("")


ROUTES = (
    Route("GET", "hooks/subscriptions", list_subscriptions),
    Route("POST", "hooks/subscriptions", create_subscription),
    Route("GET", "hooks/subscriptions/{id}", get_subscription),
    Route("PUT", "hooks/subscriptions/{id}", replace_subscription),
    Route("DELETE", "hooks/subscriptions/{id}", delete_subscription),
    Route("GET", "hooks/subscriptions/{id}/notifications", list_notifications),
    Route("GET", "hooks/subscriptions/{id}/notifications/{notification}", get_notification),
    Route("POST", "hooks/notificationsquery", query_notifications),
    Route("POST", "hooks/testnotifications", send_test),
)
