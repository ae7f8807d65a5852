"""The envelope of a service-hook body: what it is, and which delivery it is.

Bodies at resource version 3.1-preview.3 are written in PascalCase; one sample of Microsoft's
documentation says ``eventId`` where ``eventType`` is meant. Both are read.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from adapters.azure_devops.dates import parse_moment
from adapters.azure_devops.fields import value_of

MAX_ID_LENGTH = 200
MAX_NOTIFICATION_ID = 2**63 - 1
NO_GUID = "00000000-0000-0000-0000-000000000000"

_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class HookEnvelope(NamedTuple):
    """Which delivery a body is. Texts are "" and the rest None where the body has nothing.

    ``event_id``: of the event; two subscriptions that match one event may share it.
    ``notification_id``: counts per subscription, so it is unique with ``subscription_id`` only.
    ``subscription_id``: "" also for the Test button's all-zero one.
    ``containers``: where it happened, as it came (``resourceContainers``).
    """

    event_type: str
    event_id: str
    subscription_id: str
    notification_id: int | None
    created_date: str
    containers: object = None

    @property
    def project_id(self) -> str:
        """GUID of the project that it happened in; "" if wrong, for nothing depends on it alone."""
        containers = self.containers
        project = value_of(containers, "project") if isinstance(containers, dict) else None
        found = value_of(project, "id") if isinstance(project, dict) else None
        is_guid = isinstance(found, str) and _GUID.fullmatch(found) is not None
        return found.lower() if is_guid and isinstance(found, str) else ""

    @property
    def created_at(self) -> datetime | None:
        """When the event happened, in UTC."""
        return parse_moment(self.created_date)


def envelope(body: Mapping[str, Any]) -> HookEnvelope:
    """Read the envelope of a body.

    Raises:
        ValueError: a value of the envelope has the wrong type; the message names it.
    """
    subscription_id = _text(body, "subscriptionId").lower()
    event_type = _text(body, "eventType") or _misnamed_event_type(body)
    return HookEnvelope(
        # The current documentation went through a search and replace of "vss".
        event_type.replace("ms.azure-devops-", "ms.vss-"),
        _text(body, "id"),
        "" if subscription_id == NO_GUID else subscription_id,
        _notification_id(body),
        _text(body, "createdDate"),
        value_of(body, "resourceContainers"),
    )


def _text(body: Mapping[str, Any], key: str) -> str:
    value = value_of(body, key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError(f"{key} is not a text")
    if len(value) > MAX_ID_LENGTH or (not value.isprintable() and _CONTROL.search(value)):
        raise ValueError(f"{key} is too long or has control characters")
    return value


def _misnamed_event_type(body: Mapping[str, Any]) -> str:
    name = _text(body, "eventId")
    return name if "." in name else ""


def _notification_id(body: Mapping[str, Any]) -> int | None:
    value = value_of(body, "notificationId")
    if value is None:
        return None
    if type(value) is not int:  # True is an int, too
        raise ValueError("notificationId is not a whole number")
    if not 0 <= value <= MAX_NOTIFICATION_ID:
        raise ValueError("notificationId is out of range")
    return value
