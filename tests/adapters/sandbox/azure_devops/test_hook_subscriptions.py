"""Subscriptions to service hooks over REST."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.adapters.sandbox.azure_devops.scene import (
    Receiver,
    Shop,
)


def subscription_body(shop: Shop, url: str, **more: Any) -> dict[str, Any]:
    return {
        "publisherId": "tfs",
        "eventType": "git.push",
        "resourceVersion": "1.0",
        "consumerId": "webHooks",
        "consumerActionId": "httpRequest",
        "publisherInputs": {"projectId": shop.project.id, "repository": "", "branch": ""},
        "consumerInputs": {"url": url, "basicAuthUsername": "u", "basicAuthPassword": "p4ss"},
    } | more


async def test_a_subscription_is_made_read_changed_and_deleted_over_rest(
    shop: Shop, receiver: Receiver
) -> None:
    path = "_apis/hooks/subscriptions"
    made = await shop.rest("POST", path, subscription_body(shop, receiver.url))
    one = f"{path}/{made.json['id']}"
    assert made.json["consumerInputs"]["basicAuthPassword"] == "********"
    assert "p4ss" not in made.text

    changed = dict(made.json, status="disabledByUser")
    assert (await shop.rest("PUT", one, changed)).json["status"] == "disabledByUser"
    await shop.sandbox.commit(shop.web, "main", {"a": "a"}, shop.maya, "unheard")
    assert (await shop.rest("PUT", one, dict(changed, status="enabled"))).status == 200
    await shop.sandbox.commit(shop.web, "main", {"b": "b"}, shop.maya, "heard")
    await shop.sandbox.hooks.idle()
    (delivery,) = receiver.deliveries
    # The mask that came back has not become the password.
    assert base64.b64decode(delivery.headers["Authorization"].split()[1]) == b"u:p4ss"

    history = await shop.rest("GET", f"{one}/notifications")
    assert [note["result"] for note in history.json["value"]] == ["succeeded"]
    details = await shop.rest("GET", f"{one}/notifications/1")
    assert details.json["details"]["event"]["resource"]["commits"][0]["comment"] == "heard"
    assert (await shop.rest("DELETE", one)).status == 204
    assert (await shop.rest("GET", one)).status == 404


@pytest.mark.parametrize(
    "change",
    [
        {"publisherId": "azure-devops"},
        {"eventType": "git.moved"},
        {"consumerInputs": {"url": "ftp://x"}},
        {"consumerInputs": {"url": "http://x", "basicAuthPassword": "with space"}},
    ],
)
async def test_a_wrong_subscription_gets_400(shop: Shop, change: dict[str, Any]) -> None:
    body = subscription_body(shop, "http://127.0.0.1:9/hook") | change
    answer = await shop.rest("POST", "_apis/hooks/subscriptions", body)
    assert (answer.status, shop.sandbox.hooks.subscriptions) == (400, {})


async def test_the_test_button_sends_fabrikam(shop: Shop, receiver: Receiver) -> None:
    details = subscription_body(shop, receiver.url)
    answer = await shop.rest("POST", "_apis/hooks/testnotifications", {"details": details})
    (one,) = receiver.deliveries
    assert answer.json["result"] == "succeeded"
    assert one.resource["repository"]["id"] == "4bc14d40-c903-45e2-872e-0462c7748079"
    assert "Jamal Hartnett" in one.body["message"]["text"]
