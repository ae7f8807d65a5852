"""CHECKS 11: while the database cannot take anything, nobody is told that it did."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from adapters.sandbox.teams import render_text
from tests.end_to_end.conftest import OpenScene
from tests.end_to_end.scene import Scene
from tests.end_to_end.waiting import eventually

ANSWER_WITHIN_S = 2.0


@asynccontextmanager
async def full(scene: Scene) -> AsyncIterator[None]:
    """The file may not grow any more."""
    await pragma(scene, "max_page_count=1")
    yield
    await pragma(scene, "max_page_count=1000000")


@asynccontextmanager
async def read_only(scene: Scene) -> AsyncIterator[None]:
    await pragma(scene, "query_only=ON")
    yield
    # No write gets through to end it: it is ended on the writer's own connection.
    connection = scene.stage.bot.db._writer_engine.raw_connection()
    connection.cursor().execute("PRAGMA query_only=OFF")
    connection.close()


@asynccontextmanager
async def locked(scene: Scene) -> AsyncIterator[None]:
    """Another process holds the write lock."""
    other = sqlite3.connect(scene.stage.folder / "pullcord.db", isolation_level=None)
    other.execute("PRAGMA busy_timeout=5000")
    other.execute("BEGIN IMMEDIATE")
    yield
    other.execute("ROLLBACK")
    other.close()


async def pragma(scene: Scene, what: str) -> None:
    def run(session: object) -> None:
        session.connection().exec_driver_sql(f"PRAGMA {what}")  # type: ignore[attr-defined]

    await scene.stage.bot.db.write(run)


Trouble = Callable[[Scene], AbstractAsyncContextManager[None]]
TROUBLES = [full, read_only, locked]


async def ready(scene: Scene) -> int:
    async with scene.http.get(f"{scene.stage.bot.url}/readyz") as answer:
        return answer.status


async def recovered(scene: Scene) -> None:
    async def is_ready() -> bool:
        return await ready(scene) == 200

    await eventually(is_ready)


async def troubled(scene: Scene) -> None:
    """The bot has noticed."""

    async def is_red() -> bool:
        return await ready(scene) == 503

    await eventually(is_red)


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_a_webhook_that_cannot_be_stored_is_503_and_told_after_recovery_CHECKS_11(
    scene: Scene, trouble: Trouble
) -> None:
    pull_request = await scene.opens(scene.maya, "Pay later")
    scene.azure.hooks.pause()
    await scene.azure.comment(pull_request, scene.jonas.azure_devops, "Why?" + "x" * 20_000)
    async with trouble(scene):
        big = {"eventType": "tfvc.checkin", "text": "x" * 1_500_000}
        async with asyncio.timeout(ANSWER_WITHIN_S):
            async with scene.http.post(
                scene.hook_url(),
                json=big,
                headers={"X-ADO-Signature": scene.stage.webhook_secret},
            ) as answer:
                assert answer.status == 503
                assert int(answer.headers["Retry-After"]) > 0
        assert await ready(scene) == 503
        async with scene.http.get(f"{scene.stage.bot.url}/healthz") as alive:
            assert alive.status == 200
        async with scene.http.get(f"{scene.stage.bot.url}/metrics") as metrics:
            assert metrics.status == 200
    await recovered(scene)
    scene.azure.hooks.resume()
    await scene.stage.settle()
    comments = [reply for reply in scene.thread(pull_request) if "Why?" in reply]
    assert len(comments) == 1
    check = await scene.read(
        lambda s: s.connection().exec_driver_sql("PRAGMA integrity_check").scalar_one()
    )
    assert check == "ok"


async def test_a_command_that_cannot_be_stored_is_503_and_answered_when_it_comes_again(
    scene: Scene,
) -> None:
    async with locked(scene):
        answer = await scene.teams.say(scene.priya.teams, scene.channel, "help")
        assert answer.status == 503
        assert answer.message is not None
        assert answer.message.replies == []
    await recovered(scene)
    assert (await scene.teams.resend(answer.activity)).status == 200
    await scene.stage.settle()
    assert len(answer.message.replies) == 1


async def test_a_message_that_teams_took_is_not_sent_again_when_that_could_not_be_noted(
    scene: Scene,
) -> None:
    held = scene.teams.faults.hold(method="POST", path="/activities")
    pull_request = await scene.opens(scene.maya, "Pay later", settle=False)
    await held.reached()
    async with locked(scene):
        scene.teams.faults.clear()  # Teams answers, and nothing can be written
        await troubled(scene)
    await recovered(scene)
    await scene.stage.settle()
    assert scene.thread(pull_request) == ["Maya Sample opened this pull request"]
    assert await scene.audit("delivery_retried") == []


async def test_webhooks_in_hand_when_the_database_fails_go_on_after_it(opened: OpenScene) -> None:
    """They do not wait for the end of their lease."""
    scene = await opened()
    await scene.move_in()
    pull_request = await scene.opens(scene.maya, "Pay later")
    hang = asyncio.Event()
    fault = scene.azure.faults.add(path="pullrequests", delay=hang)
    await scene.azure.vote(pull_request, scene.jonas.azure_devops, 10)
    await fault.struck.wait()
    async with locked(scene):
        hang.set()
        await troubled(scene)
    scene.azure.faults.clear()
    await recovered(scene)
    async with asyncio.timeout(20):
        await scene.stage.settle()
    assert scene.thread(pull_request).count("Jonas Sample approved") == 1
    assert "✓ Jonas Sample" in render_text(scene.card(pull_request))
