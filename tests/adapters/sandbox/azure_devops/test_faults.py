"""Trouble on demand, and the record of every request."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from tests.adapters.sandbox.azure_devops.scene import Shop, Sleeps


async def test_a_rate_limit_blocks_once_with_tf400733(shop: Shop) -> None:
    shop.sandbox.faults.rate_limit(5, path="/_apis/projects")
    blocked = await shop.rest("GET", "_apis/projects")
    free = await shop.rest("GET", "_apis/projects")
    assert (blocked.status, blocked.headers["Retry-After"]) == (429, "5")
    assert blocked.json["message"].startswith("TF400733")
    assert blocked.headers["X-RateLimit-Remaining"] == "0"
    assert free.status == 200


async def test_retry_after_can_come_on_a_200(shop: Shop) -> None:
    shop.sandbox.faults.add(headers={"Retry-After": "3"}, times=1)
    answer = await shop.rest("GET", "_apis/projects")
    assert (answer.status, answer.headers["Retry-After"]) == (200, "3")
    assert answer.json["count"] == 1
    assert "Retry-After" not in (await shop.rest("GET", "_apis/projects")).headers


async def test_a_fault_hits_only_its_method_and_path(shop: Shop) -> None:
    shop.sandbox.faults.add("POST", r"/refs$", status=503, body="<html>busy</html>")
    hit = await shop.rest("POST", f"{shop.git}/refs", [])
    assert (hit.status, hit.text) == (503, "<html>busy</html>")
    assert (await shop.rest("GET", f"{shop.git}/refs")).status == 200
    shop.sandbox.faults.clear()
    assert (await shop.rest("POST", f"{shop.git}/refs", [])).status == 200


async def test_a_dropped_connection_has_no_answer(shop: Shop) -> None:
    shop.sandbox.faults.add(drop=True, times=1)
    with pytest.raises(aiohttp.ClientConnectionError):
        await shop.rest("POST", f"{shop.git}/refs", [])  # aiohttp would repeat a dropped GET
    assert shop.sandbox.calls[-1].status is None


async def test_work_can_be_done_and_its_answer_lost(shop: Shop) -> None:
    shop.sandbox.faults.add("POST", "/workitems/", drop=True, after=True, times=1)
    operations = [{"op": "add", "path": "/fields/System.Title", "value": "Made"}]
    with pytest.raises(aiohttp.ClientConnectionError):
        await shop.rest.document("POST", "Shop/_apis/wit/workitems/$Bug", operations)
    assert shop.sandbox.work_item(1).fields["System.Title"] == "Made"


async def test_a_hanging_request_is_let_go_by_clear(shop: Shop) -> None:
    fault = shop.sandbox.faults.add(hang=True)
    asked = asyncio.create_task(shop.rest("POST", f"{shop.git}/refs", []))
    await fault.struck.wait()
    assert not asked.done()
    shop.sandbox.faults.clear()
    with pytest.raises(aiohttp.ClientConnectionError):
        await asked


async def test_a_delay_uses_the_injected_sleep_or_an_event(shop: Shop, sleeps: Sleeps) -> None:
    go = asyncio.Event()
    shop.sandbox.faults.add(delay=30.0, times=1)
    assert (await shop.rest("GET", "_apis/projects")).status == 200
    assert sleeps.asked == [30.0]
    fault = shop.sandbox.faults.add(delay=go, times=1)
    asked = asyncio.create_task(shop.rest("GET", "_apis/projects"))
    await fault.struck.wait()
    assert not asked.done()
    go.set()
    assert (await asked).status == 200


async def test_every_call_is_recorded_with_its_owner(shop: Shop) -> None:
    await shop.as_(shop.jonas)("GET", "Shop/_apis/wit/workitems/9")
    await shop.with_token("no")("GET", "_apis/projects")
    first, second = shop.sandbox.calls
    assert (first.method, first.path, first.status, first.owner) == (
        "GET",
        "/Shop/_apis/wit/workitems/9",
        404,
        "jonas@example.com",
    )
    assert first.query == {"api-version": "7.1"}
    assert (second.status, second.owner) == (203, None)
