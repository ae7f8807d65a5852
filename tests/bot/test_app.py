"""Starting and stopping the whole bot."""

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlmodel import Session

from bot.app import CannotStart
from bot.cli.demo.stage import CONNECTION, Stage
from storage.engine import Database
from storage.tables import Connection
from tests.databases import migrated


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    migrated(tmp_path / "pullcord.db")
    made = await Stage.build(tmp_path)
    yield made
    await made.close()


async def test_it_does_not_start_without_an_app_id(stage: Stage) -> None:
    await stage.bot.stop()
    stage.settings.teams_app_id = ""
    with pytest.raises(CannotStart, match="PULLCORD_TEAMS_APP_ID"):
        await stage.make_bot().start()
    stage.settings.teams_app_id = "7e1f0a2b-0000-4000-8000-00000000b07a"
    stage.bot = stage.make_bot()
    await stage.start_bot()


async def test_it_does_not_start_with_a_connection_that_has_no_webhook_secret_CHECKS_18(
    stage: Stage,
) -> None:
    """What its hooks deliver would be refused, and nobody would see it."""

    def take(session: Session) -> str:
        row = session.get_one(Connection, CONNECTION)
        row.secret_hash, kept = "", row.secret_hash
        return kept

    kept = await stage.bot.db.write(take)
    await stage.bot.stop()
    with pytest.raises(CannotStart, match=f"`pullcord rotate-secret {CONNECTION}`"):
        await stage.make_bot().start()
    async with Database.open(stage.settings.database_url.get_secret_value()) as db:
        await db.write(lambda s: setattr(s.get_one(Connection, CONNECTION), "secret_hash", kept))
    stage.bot = stage.make_bot()
    await stage.start_bot()


async def test_a_port_that_is_taken_is_named(stage: Stage) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        own, stage.settings.port = stage.settings.port, taken.getsockname()[1]
        with pytest.raises(CannotStart, match="PULLCORD_PORT"):
            await stage.make_bot().start()
        stage.settings.port = own


async def test_a_part_that_fails_is_named(stage: Stage) -> None:
    """A crashed loop ends ``pullcord serve`` instead of being ignored."""
    failing = asyncio.create_task(stage.bot.failed())

    async def broken() -> int:
        raise RuntimeError("a defect")

    stage.bot.delivery.start_due = broken  # type: ignore[method-assign]  # the defect
    stage.bot.delivery.wake()
    assert await failing == "delivery"


async def test_it_stops_and_starts_again_on_the_same_port(stage: Stage) -> None:
    port = stage.bot.web.port
    await stage.restart_bot()
    assert stage.bot.web.port == port
    await stage.restart_bot()


async def test_stopping_leaves_no_task_behind(tmp_path: Path) -> None:
    before = asyncio.all_tasks()
    migrated(tmp_path / "pullcord.db")
    stage = await Stage.build(tmp_path)
    await stage.close()
    assert {task.get_name() for task in asyncio.all_tasks() - before} == set()
