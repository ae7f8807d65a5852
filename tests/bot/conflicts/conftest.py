"""Fixtures of the tests that play Azure DevOps, Pullcord and Teams in one process."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.bot.conflicts.history_world import World
from tests.bot.conflicts.refilled import Refilled
from tests.databases import migrated


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the present schema, to be copied."""
    path = tmp_path_factory.mktemp("template") / "pullcord.db"
    migrated(path)
    return path


@pytest.fixture(scope="module")
def refilled(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Refilled]:
    """The database of one world after the other."""
    made = Refilled(template, tmp_path_factory.mktemp("refilled"))
    yield made
    asyncio.run(made.db.close())


@pytest.fixture
async def world(tmp_path: Path, template: Path, refilled: Refilled) -> AsyncIterator[World]:
    """Everybody is there, and nothing has happened."""
    made = World(tmp_path, template, refilled)
    await made.build()
    yield made
    await made.close()
