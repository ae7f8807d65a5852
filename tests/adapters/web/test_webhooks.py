"""What makes two deliveries the same (the answers over HTTP are in tests/end_to_end)."""

from typing import Any

import pytest

from adapters.azure_devops.envelope import envelope
from adapters.web.webhooks import dedup_key

SUBSCRIPTION = "11111111-2222-4333-8444-555555555555"


@pytest.mark.parametrize(
    ("body", "key"),
    [
        ({"subscriptionId": SUBSCRIPTION, "notificationId": 7, "id": "e"}, f"n:{SUBSCRIPTION}:7"),
        ({"subscriptionId": SUBSCRIPTION.upper(), "notificationId": 0}, f"n:{SUBSCRIPTION}:0"),
        ({"subscriptionId": SUBSCRIPTION, "id": "e"}, "e:e"),
        ({"notificationId": 7, "id": "e"}, "e:e"),
        ({"subscriptionId": "00000000-0000-0000-0000-000000000000", "notificationId": 1}, "c:"),
        ({}, "c:"),
    ],
)
def test_a_notification_else_an_event_else_the_content(body: dict[str, Any], key: str) -> None:
    assert dedup_key(envelope(body)) == key
