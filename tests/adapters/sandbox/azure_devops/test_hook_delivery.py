"""Delivery of service hooks: retries, probation, outages, and the knobs that make trouble."""

from __future__ import annotations

import aiohttp
import pytest

from adapters.sandbox.azure_devops import (
    PROBATION_SCHEDULE_S,
    RETRY_SCHEDULE_S,
)
from tests.adapters.sandbox.azure_devops.scene import (
    Receiver,
    Shop,
    Sleeps,
    listen,
    opened,
)

CREATED = "git.pullrequest.created"


async def test_a_transient_failure_is_retried_on_the_documented_schedule(
    shop: Shop, receiver: Receiver, sleeps: Sleeps
) -> None:
    """CHECKS 10: 8 retries, 183 s in all, under the same notification id."""
    hook = listen(shop, receiver, CREATED)
    receiver.script = [503, 502, 504, 408, 503, 503, 503, 503]
    await opened(shop)
    await shop.sandbox.hooks.idle()
    assert tuple(sleeps.asked) == RETRY_SCHEDULE_S
    assert sum(RETRY_SCHEDULE_S) == 183
    assert {one.body["notificationId"] for one in receiver.deliveries} == {1}
    assert len(receiver.deliveries) == 9
    assert hook.status == "enabled"
    assert hook.notifications[0].result == "succeeded"


async def test_when_retries_end_the_hook_is_on_probation_and_events_are_lost(
    shop: Shop, receiver: Receiver
) -> None:
    shop.sandbox.hooks.probation_schedule_s = ()
    hook = listen(shop, receiver, CREATED)
    receiver.script = [503] * 9
    await opened(shop)
    await shop.sandbox.hooks.idle()
    await opened(shop, "feature/b")
    await shop.sandbox.hooks.idle()
    assert hook.status != "enabled"
    assert len(receiver.deliveries) == 9
    assert len(hook.notifications) == 1


@pytest.mark.parametrize("status", [400, 401, 404, 500])
async def test_another_failure_is_not_retried_and_probation_ends_with_a_success(
    shop: Shop, receiver: Receiver, sleeps: Sleeps, status: int
) -> None:
    hook = listen(shop, receiver, CREATED)
    receiver.script = [status, status]
    await opened(shop)
    await shop.sandbox.hooks.idle()
    while hook.status == "onProbation":
        await sleeps(0)
    asked = [seconds for seconds in sleeps.asked if seconds]
    assert asked == list(PROBATION_SCHEDULE_S[:2])
    assert hook.status == "enabled"
    assert len(receiver.deliveries) == 3


async def test_seven_failed_probation_tries_disable_the_hook(
    shop: Shop, receiver: Receiver, sleeps: Sleeps
) -> None:
    hook = listen(shop, receiver, CREATED)
    receiver.script = [500] * 8
    await opened(shop)
    await shop.sandbox.hooks.idle()
    while hook.status == "onProbation":
        await sleeps(0)
    assert (hook.status, hook.probation_retries) == ("disabledBySystem", 7)


async def test_410_disables_the_hook_at_once(shop: Shop, receiver: Receiver) -> None:
    hook = listen(shop, receiver, CREATED)
    receiver.script = [410]
    await opened(shop)
    await opened(shop, "feature/b")
    await shop.sandbox.hooks.idle()
    assert hook.status == "disabledBySystem"
    assert len(receiver.deliveries) == 1


async def test_nobody_listening_puts_the_hook_on_probation(shop: Shop, receiver: Receiver) -> None:
    shop.sandbox.hooks.probation_schedule_s = ()
    hook = shop.sandbox.add_hook("http://127.0.0.1:9/hook", CREATED, project=shop.project)
    await opened(shop)
    await shop.sandbox.hooks.idle()
    assert hook.status != "enabled"
    assert hook.notifications[0].error is not None


async def test_deliveries_can_be_shuffled_doubled_and_lost(shop: Shop, receiver: Receiver) -> None:
    hooks = shop.sandbox.hooks
    listen(shop, receiver, "git.push")
    listen(shop, receiver, CREATED)
    hooks.drop(lambda event: event.event_type == CREATED)
    hooks.duplicate(2)
    hooks.pause()
    await opened(shop)
    for number in range(10):
        await shop.sandbox.commit(shop.web, "main", {f"{number}": "x"}, shop.maya, str(number))
    hooks.shuffle(7)
    with pytest.raises(RuntimeError, match="paused"):
        await hooks.idle()
    hooks.resume()
    await hooks.idle()
    numbers = [one.body["notificationId"] for one in receiver.deliveries]
    assert receiver.of(CREATED) == []
    assert numbers != sorted(numbers)
    assert sorted(numbers) == sorted([*range(1, 13), *range(1, 13)])


async def test_hooks_wait_while_stopped_and_go_out_after_the_restart(
    shop: Shop, receiver: Receiver
) -> None:
    listen(shop, receiver, CREATED)
    port = shop.sandbox.port
    await shop.sandbox.stop()
    with pytest.raises(aiohttp.ClientConnectorError):
        await shop.rest("GET", "_apis/projects")
    one = await opened(shop)
    assert receiver.deliveries == []
    await shop.sandbox.start(port=port)
    await shop.sandbox.hooks.idle()
    assert receiver.deliveries[0].resource["pullRequestId"] == one.id
    assert (await shop.rest("GET", f"_apis/git/pullrequests/{one.id}")).status == 200


async def test_hooks_go_on_while_only_rest_is_down(shop: Shop, receiver: Receiver) -> None:
    listen(shop, receiver, CREATED)
    await shop.sandbox.take_down()
    await opened(shop)
    await shop.sandbox.hooks.idle()
    with pytest.raises(aiohttp.ClientConnectorError):
        await shop.rest("GET", "_apis/projects")
    await shop.sandbox.bring_up()
    assert len(receiver.deliveries) == 1
    assert (await shop.rest("GET", "_apis/projects")).status == 200


async def test_a_mistake_inside_a_delivery_is_raised_by_idle(
    shop: Shop, receiver: Receiver
) -> None:
    hook = listen(shop, receiver, CREATED)
    del hook.consumer_inputs["url"]
    await opened(shop)
    with pytest.raises(KeyError, match="url"):
        await shop.sandbox.hooks.idle()
    await shop.sandbox.hooks.idle()
