from datetime import UTC, datetime
from typing import Any

import pytest

from adapters.azure_devops.envelope import HookEnvelope, envelope

BODY = {
    "subscriptionId": "5A3C7C7E-0000-4a00-8000-00000000a001",
    "notificationId": 7,
    "id": "e-1",
    "eventType": "git.push",
    "createdDate": "2026-11-20T08:15:30.1234567Z",
}


def test_the_envelope_tells_kind_and_delivery() -> None:
    told = envelope(BODY)
    assert told == HookEnvelope(
        event_type="git.push",
        event_id="e-1",
        subscription_id="5a3c7c7e-0000-4a00-8000-00000000a001",
        notification_id=7,
        created_date="2026-11-20T08:15:30.1234567Z",
    )
    assert told.created_at == datetime(2026, 11, 20, 8, 15, 30, 123456, tzinfo=UTC)


def test_pascal_case_is_the_same_envelope() -> None:
    assert envelope({key[0].upper() + key[1:]: value for key, value in BODY.items()}) == envelope(
        BODY
    )


def test_nothing_in_the_envelope_is_required() -> None:
    assert envelope({"id": None}) == HookEnvelope("", "", "", None, "")


def test_the_test_buttons_zero_subscription_is_none() -> None:
    zero = {**BODY, "subscriptionId": "00000000-0000-0000-0000-000000000000"}
    assert envelope(zero).subscription_id == ""


def test_an_event_type_called_event_id_is_read() -> None:
    assert envelope({"eventId": "git.push"}).event_type == "git.push"
    assert envelope({"eventId": "8a6b0f9a"}).event_type == ""


def test_the_documentations_spelling_of_the_kind_is_mended() -> None:
    kind = "ms.azure-devops-code.git-pullrequest-comment-event"
    assert envelope({"eventType": kind}).event_type == "ms.vss-code.git-pullrequest-comment-event"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"eventType": 5}, "eventType"),
        ({"eventType": ["git.push"]}, "eventType"),
        ({"id": {"a": 1}}, "id"),
        ({"id": "x" * 300}, "id"),
        ({"id": "a\x00b"}, "id"),
        ({"subscriptionId": True}, "subscriptionId"),
        ({"notificationId": "7"}, "notificationId"),
        ({"notificationId": True}, "notificationId"),
        ({"notificationId": 1.5}, "notificationId"),
        ({"notificationId": -1}, "notificationId"),
        ({"notificationId": 10**30}, "notificationId"),
        ({"createdDate": 5}, "createdDate"),
    ],
)
def test_a_wrong_type_is_refused_and_named_CHECKS_15(change: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=f"^{named} "):
        envelope({**BODY, **change})
