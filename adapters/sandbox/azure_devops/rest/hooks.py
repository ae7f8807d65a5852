"""Service hook subscriptions and the Test button."""

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
_NO_RIGHT = "Access denied: the permission Edit Subscriptions is needed for this project."


async def list_subscriptions(call: Call) -> Answer:
    """List what the caller may view; publisher, event type and consumer filter."""
    query = call.query
    wanted = {
        "publisherId": "tfs",
        "consumerId": "webHooks",
        "consumerActionId": "httpRequest",
    }
    is_known = all(query.get(name, value) == value for name, value in wanted.items())
    return listing(
        one.view(call.addresses)
        for one in call.org.hooks.subscriptions.values()
        if is_known and query.get("eventType") in (None, one.event_type) and may_edit(call, one)
    )


async def get_subscription(call: Call) -> Answer:
    """Read one subscription."""
    return Answer(subscription_in_path(call).view(call.addresses))


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
    subscription, body = subscription_in_path(call), call.json_object()
    publisher_inputs, consumer_inputs = _checked_inputs(call, body)
    status = body.get("status", subscription.status)
    if status not in (*_SETTABLE_STATUSES, subscription.status):
        raise errors.invalid_argument(f"The status cannot be set to '{status}'.")
    subscription.replace_inputs(publisher_inputs, consumer_inputs)
    subscription.event_type = str(body["eventType"])
    subscription.resource_version = body.get("resourceVersion", subscription.resource_version)
    subscription.modified, subscription.modified_by = call.org.clock(), call.actor
    if status == "enabled":
        subscription.enable()
    else:
        subscription.status = status
    return Answer(subscription.view(call.addresses))


async def delete_subscription(call: Call) -> Answer:
    """Delete a subscription; what waits for it is not sent."""
    subscription = subscription_in_path(call)
    subscription.status = "disabledByUser"
    del call.org.hooks.subscriptions[subscription.id]
    return Answer(status=204)


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
    needs_https = call.org.hooks.basic_auth_needs_https
    if needs_https and consumer.get("basicAuthPassword") and consumer["url"].startswith("http:"):
        raise errors.invalid_argument("Basic authentication needs an https address.")
    if publisher.get("projectId"):
        project = call.org.project(publisher["projectId"], call.actor)
        _require_right(call, project)
    return publisher, consumer


def visible_subscription(call: Call, id_: str) -> Subscription:
    """The subscription, if the caller may view it; 403 is not documented but seen elsewhere."""
    subscription = call.org.hooks.find(id_)
    if not may_edit(call, subscription):
        raise errors.unauthorized(_NO_RIGHT)
    return subscription


def subscription_in_path(call: Call) -> Subscription:
    """Return the subscription of the path, if the caller may view it."""
    return visible_subscription(call, call.params["id"])


def may_edit(call: Call, subscription: Subscription) -> bool:
    """Tell whether the caller may view and edit a subscription."""
    project = call.org.projects.get(subscription.publisher_inputs.get("projectId", ""))
    return project is None or call.org.access.may_edit_hooks(call.actor, project)


def _require_right(call: Call, project: SandboxProject) -> None:
    if not call.org.access.may_edit_hooks(call.actor, project):
        raise errors.unauthorized(_NO_RIGHT)


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
    Route("POST", "hooks/testnotifications", send_test),
)
