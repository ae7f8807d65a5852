"""Fixtures of the tests that play Azure DevOps, Pullcord and Teams in one process."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from storage.schema import upgrade
from tests.bot.conflicts.history_world import World


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the present schema, to be copied."""
    path = tmp_path_factory.mktemp("template") / "pullcord.db"
    upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture
async def world(tmp_path: Path, template: Path) -> AsyncIterator[World]:
    """Everybody is there, and nothing has happened."""
    made = World(tmp_path, template)
    await made.build()
    yield made
    await made.close()
