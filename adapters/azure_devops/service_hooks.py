"""Service hook subscriptions and their history (Azure DevOps REST, Service Hooks)."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from adapters.azure_devops.calls import Calls, reading_answer
from adapters.azure_devops.fields import FieldError, Fields
from adapters.azure_devops.http import segment
from bot.hooks.model import (
    NARROWING,
    DeliveryDetails,
    FailedDelivery,
    HookStatus,
    HookSubscription,
    NewHook,
)
from bot.ports import NotFound

SUBSCRIPTIONS = "_apis/hooks/subscriptions"
WEB_HOOKS = {"consumerId": "webHooks", "consumerActionId": "httpRequest"}
PUBLISHER = {"publisherId": "tfs"}
USER_NAME = "pullcord"
SIGNATURE_HEADER = "X-ADO-Signature"
MOST_DELIVERIES = 1000
KNOWN_INPUTS = ("projectId", "notificationType", *NARROWING)

_STATUS_LINE = re.compile(r"^(?:HTTP/\S+\s+|StatusCode:\s*)?(\d{3})\b", re.IGNORECASE)
_STATUS_IN_ERROR = re.compile(r"\((\d{3})\)")


class HookCalls(Calls):
    """Calls about service hooks (``bot.hooks.model.ServiceHooks``)."""

    async def hooks(self) -> Sequence[HookSubscription]:
        """Every web hook that the credential may see; the list is not paged."""
        answer = await self._http.get(SUBSCRIPTIONS, {**PUBLISHER, **WEB_HOOKS})
        with reading_answer():
            return [_subscription(each) for each in answer.items() if _is_web_hook(each)]

    async def create_hook(self, new: NewHook) -> HookSubscription:
        """Make a subscription."""
        answer = await self._http.post(SUBSCRIPTIONS, _body(new))
        with reading_answer():
            return _subscription(answer.fields())

    async def replace_hook(self, hook_id: str, new: NewHook) -> HookSubscription:
        """Write a subscription whole, its secret too, and switch it on."""
        path = f"{SUBSCRIPTIONS}/{segment(hook_id, 'subscription')}"
        body = {**_body(new), "id": hook_id, "status": HookStatus.ENABLED.value}
        answer = await self._http.put(path, body)
        with reading_answer():
            return _subscription(answer.fields())

    async def remove_hook(self, hook_id: str) -> None:
        """Delete a subscription; one that is gone already is no error."""
        try:
            await self._http.delete(f"{SUBSCRIPTIONS}/{segment(hook_id, 'subscription')}")
        except NotFound:
            return

    async def failed_deliveries(
        self, hook_ids: Sequence[str], *, since: datetime, until: datetime
    ) -> Sequence[FailedDelivery]:
        """What was given up, oldest first; at most the newest thousand."""
        if not hook_ids:
            return []
        query = {
            **PUBLISHER,
            "subscriptionIds": list(hook_ids),
            "resultType": "failed",
            "minCreatedDate": _written(since),
            "maxCreatedDate": _written(until),
            "maxResults": MOST_DELIVERIES,
            "includeDetails": False,
        }
        answer = await self._http.read_by_post("_apis/hooks/notificationsquery", query)
        with reading_answer():
            found = [
                FailedDelivery(
                    each.guid("subscriptionId"), each.number("id"), each.moment("createdDate")
                )
                for each in answer.fields().objects("results")
                if each.text("result", "") == "failed"
            ]
        return sorted(found, key=lambda each: (each.at, each.subscription_id, each.number))

    async def delivery(self, hook_id: str, number: int) -> DeliveryDetails:
        """One delivery with its event."""
        path = f"{SUBSCRIPTIONS}/{segment(hook_id, 'subscription')}/notifications/{number}"
        answer = await self._http.get(path)
        with reading_answer():
            details = answer.fields().optional_object("details")
            if details is None:
                return DeliveryDetails(None)
            event = details.optional_object("event")
            error = details.text("errorMessage", "")
            return DeliveryDetails(
                event.members if event is not None else None,
                error,
                _status(details.text("response", ""), error),
            )


def _written(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"


def _is_web_hook(each: Fields) -> bool:
    return all(each.text(name, "") == value for name, value in WEB_HOOKS.items())


def _subscription(each: Fields) -> HookSubscription:
    consumer = each.optional_object("consumerInputs") or Fields({}, "consumerInputs")
    creator = each.optional_object("createdBy")
    return HookSubscription(
        id=each.guid("id"),
        event_type=each.text("eventType"),
        resource_version=each.text("resourceVersion", ""),
        inputs=_inputs(each.optional_object("publisherInputs")),
        url=consumer.text("url", ""),
        status=_hook_status(each.text("status", HookStatus.ENABLED.value)),
        is_signed=_is_signed(consumer),
        sends_all=consumer.text("resourceDetailsToSend", "") in ("", "all"),
        created_by=creator.text("displayName", "") if creator is not None else "",
        last_success_at=each.optional_moment("lastSuccessfulAttemptDate"),
    )


def _inputs(publisher: Fields | None) -> Mapping[str, str]:
    """The filters that are set; Azure DevOps adds inputs of its own, which filter nothing."""
    if publisher is None:
        return {}
    return {name: value for name in KNOWN_INPUTS if (value := publisher.text(name, ""))}


def _hook_status(text: str) -> HookStatus:
    try:
        return HookStatus(text)
    except ValueError:
        raise FieldError("status is none of those that are documented") from None


def _is_signed(consumer: Fields) -> bool:
    """Whether it sends a secret; the password comes back masked, the headers as they are."""
    names = [
        line.partition(":")[0].strip() for line in consumer.text("httpHeaders", "").split("\n")
    ]
    has_header = SIGNATURE_HEADER.lower() in (name.lower() for name in names)
    return has_header or bool(consumer.text("basicAuthPassword", ""))


def _status(response: str, error: str) -> int | None:
    """The HTTP status of the last attempt; its place is not documented, so two are looked at."""
    found = _STATUS_LINE.match(response.strip()) or _STATUS_IN_ERROR.search(error)
    return int(found[1]) if found else None


def _body(new: NewHook) -> dict[str, Any]:
    wanted = new.wanted
    return {
        **PUBLISHER,
        **WEB_HOOKS,
        "eventType": wanted.event_type,
        "resourceVersion": wanted.resource_version,
        "publisherInputs": wanted.inputs,
        "consumerInputs": {
            "url": new.url,
            **_signature(new),
            "resourceDetailsToSend": "all",
            "messagesToSend": "none",
            "detailedMessagesToSend": "none",
        },
    }


def _signature(new: NewHook) -> Mapping[str, str]:
    """Azure DevOps sends a password to https addresses only; a header to any ("Web Hooks")."""
    if new.url.startswith("https://"):
        return {"basicAuthUsername": USER_NAME, "basicAuthPassword": new.secret}
    return {"httpHeaders": f"{SIGNATURE_HEADER}:{new.secret}"}
