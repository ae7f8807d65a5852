"""What was sent for service hook subscriptions, and how it went: kept for seven days."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from adapters.sandbox.azure_devops import errors
from adapters.sandbox.azure_devops.hooks.subscriptions import Notification, notification_view
from adapters.sandbox.azure_devops.rest.call import Answer, Call, Route, listing
from adapters.sandbox.azure_devops.rest.hooks import (
    may_edit,
    subscription_in_path,
    visible_subscription,
)

HISTORY_KEPT_FOR = timedelta(days=7)


async def list_notifications(call: Call) -> Answer:
    """List what was sent for a subscription, newest first; without details."""
    subscription = subscription_in_path(call)
    result, status = call.query.get("result"), call.query.get("status")
    found = [
        one
        for one in reversed(subscription.notifications)
        if result in (None, one.result) and status in (None, one.status) and _is_kept(call, one)
    ]
    shown = found[: call.integer("maxResults", 100)]
    return listing(notification_view(one, details=False) for one in shown)


async def get_notification(call: Call) -> Answer:
    """Read one delivery with its request, response and event."""
    subscription = subscription_in_path(call)
    number = call.number("notification")
    if not 1 <= number <= len(subscription.notifications):
        raise errors.no_such_path(f"notifications/{number}")
    notification = subscription.notifications[number - 1]
    if not _is_kept(call, notification):
        raise errors.no_such_path(f"notifications/{number}")
    return Answer(notification_view(notification, details=True))


async def query_notifications(call: Call) -> Answer:
    """Find deliveries of several subscriptions, the newest first, with a count of each result."""
    body = call.json_object()
    ids = body.get("subscriptionIds") or [
        one.id for one in call.org.hooks.subscriptions.values() if may_edit(call, one)
    ]
    asked = [visible_subscription(call, str(each)) for each in ids]
    per_subscription = int(body.get("maxResultsPerSubscription") or 0) or None
    matching = {
        one.id: [each for each in reversed(one.notifications) if _matches(call, each, body)]
        for one in asked
    }
    cut = [each for found in matching.values() for each in found[:per_subscription]]
    cut.sort(key=lambda each: each.created, reverse=True)
    shown = cut[: int(body.get("maxResults") or 100)]
    details = bool(body.get("includeDetails"))
    return Answer(
        {
            **body,
            "associatedSubscriptions": [one.view(call.addresses) for one in asked],
            "results": [notification_view(one, details=details) for one in shown],
            "summary": [_summary(id_, found) for id_, found in matching.items()],
        }
    )


def _is_kept(call: Call, notification: Notification) -> bool:
    return call.org.clock() - notification.created <= HISTORY_KEPT_FOR


def _matches(call: Call, one: Notification, body: Mapping[str, Any]) -> bool:
    earliest, latest = _moment(body, "minCreatedDate"), _moment(body, "maxCreatedDate")
    return (
        _is_kept(call, one)
        and body.get("resultType") in (None, one.result)
        and body.get("status") in (None, one.status)
        and (earliest is None or one.created >= earliest)
        and (latest is None or one.created <= latest)
    )


def _moment(body: Mapping[str, Any], name: str) -> datetime | None:
    text = body.get(name)
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        raise errors.bad_body(f"{name} is no date and time.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _summary(subscription_id: str, found: Sequence[Notification]) -> dict[str, Any]:
    counts = Counter(one.result for one in found)
    return {
        "subscriptionId": subscription_id,
        "results": [
            {"result": result, "notificationCount": count} for result, count in counts.items()
        ],
    }


ROUTES = (
    Route("GET", "hooks/subscriptions/{id}/notifications", list_notifications),
    Route("GET", "hooks/subscriptions/{id}/notifications/{notification}", get_notification),
    Route("POST", "hooks/notificationsquery", query_notifications),
)
