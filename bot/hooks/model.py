"""Service hook subscriptions as plain values, and what is needed from Azure DevOps for them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

PROJECT = "projectId"
NOTIFICATION = "notificationType"
NARROWING = (
    "repository",
    "branch",
    "pushedBy",
    "pullrequestCreatedBy",
    "pullrequestReviewersContains",
    "mergeResult",
    "areaPath",
    "workItemType",
    "tag",
    "changedFields",
    "commentPattern",
    "definitionName",
    "buildStatus",
)
"""Filters that leave events out; empty means any (Azure DevOps, "Service hooks events")."""


class HookStatus(StrEnum):
    """Status of a subscription (Azure DevOps REST, SubscriptionStatus)."""

    ENABLED = "enabled"
    ON_PROBATION = "onProbation"
    DISABLED_BY_USER = "disabledByUser"
    DISABLED_BY_SYSTEM = "disabledBySystem"
    DISABLED_BY_INACTIVE_IDENTITY = "disabledByInactiveIdentity"


def key_of(event_type: str, inputs: Mapping[str, str]) -> str:
    """What makes two subscriptions the same: ``git.pullrequest.updated/PushNotification@GUID``."""
    return f"{event_type}/{inputs.get(NOTIFICATION, '')}@{inputs.get(PROJECT, '').lower()}"


@dataclass(frozen=True, slots=True)
class WantedHook:
    """One subscription that should be there.

    ``title`` is the event as Azure DevOps' pages name it, ``change`` its kind of update there.
    """

    event_type: str
    resource_version: str
    project_id: str
    project: str
    title: str
    notification_type: str = ""
    change: str = ""

    @property
    def inputs(self) -> dict[str, str]:
        """The publisher inputs that are not left at "any"."""
        kind = {NOTIFICATION: self.notification_type} if self.notification_type else {}
        return {PROJECT: self.project_id, **kind}

    @property
    def key(self) -> str:
        return key_of(self.event_type, self.inputs)

    def __str__(self) -> str:
        kind = f" ({self.change})" if self.change else ""
        return f"{self.title}{kind} in {self.project}"


@dataclass(frozen=True, slots=True)
class HookSubscription:
    """One subscription of the consumer "Web Hooks" that is there, without anything secret.

    ``is_signed``: it sends a password or the header ``X-ADO-Signature``. ``sends_all``: it sends
    whole resources.
    """

    id: str
    event_type: str
    resource_version: str
    inputs: Mapping[str, str]
    url: str
    status: HookStatus
    is_signed: bool
    sends_all: bool
    created_by: str = ""
    last_success_at: datetime | None = None

    @property
    def key(self) -> str:
        return key_of(self.event_type, self.inputs)


@dataclass(frozen=True, slots=True)
class NewHook:
    """What a subscription is made from. Basic authentication needs an https ``url``."""

    wanted: WantedHook
    url: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class FailedDelivery:
    """A delivery that Azure DevOps gave up. ``number`` counts within the subscription."""

    subscription_id: str
    number: int
    at: datetime


@dataclass(frozen=True, slots=True)
class DeliveryDetails:
    """Its event as it would have been delivered, None when Azure DevOps keeps none; and the error.

    ``answer`` is the HTTP status of the last attempt, None when there was no answer.
    """

    event: Mapping[str, Any] | None
    error: str = ""
    answer: int | None = None


class ServiceHooks(Protocol):
    """Service hooks of one connection. Every method may raise AzureDevOpsError."""

    async def hooks(self) -> Sequence[HookSubscription]:
        """Every web hook that the credential may see."""

    async def create_hook(self, new: NewHook) -> HookSubscription:
        """Raises Forbidden without the right to edit subscriptions."""

    async def replace_hook(self, hook_id: str, new: NewHook) -> HookSubscription:
        """Write a hook as it should be, and switch it on."""

    async def remove_hook(self, hook_id: str) -> None:
        """One that is not there any more is no error."""

    async def failed_deliveries(
        self, hook_ids: Sequence[str], *, since: datetime, until: datetime
    ) -> Sequence[FailedDelivery]:
        """Deliveries created in that time that were given up, oldest first (kept for 7 days)."""

    async def delivery(self, hook_id: str, number: int) -> DeliveryDetails:
        """One delivery with its event."""
