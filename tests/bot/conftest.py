"""Fixtures of the tests in which people talk with the bot."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from adapters.sandbox.azure_devops import AzureDevOpsSandbox
from adapters.sandbox.teams import TeamsSandbox
from storage.engine import Database
from tests.bot.talking import APP_ID, APP_PASSWORD, TENANT_ID, Clock, Talk
from tests.databases import migrated


@pytest.fixture
async def quiet_talk(tmp_path: Path) -> AsyncIterator[Talk]:
    """The team before the app is installed anywhere."""
    clock = Clock()
    azure = AzureDevOpsSandbox(tmp_path / "git", clock=clock)
    teams = TeamsSandbox(app_id=APP_ID, app_password=APP_PASSWORD, tenant_id=TENANT_ID, clock=clock)
    await azure.start()
    await teams.start()
    url = migrated(tmp_path / "pullcord.db")
    async with Database.open(url) as db, aiohttp.ClientSession() as session:
        made = Talk(db, azure, teams, session, clock)
        runner = await made.build()
        try:
            yield made
        finally:
            await made.turns.drain()
            await made.client.close()
            await runner.cleanup()
            await teams.stop()
            await azure.stop()


@pytest.fixture
async def talk(quiet_talk: Talk) -> Talk:
    """The team with the app installed and greeted."""
    await quiet_talk.move_in()
    return quiet_talk
