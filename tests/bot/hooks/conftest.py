"""Fixtures of the tests of the feed."""

import pytest

from tests.bot.hooks.feeding import Feeding
from tests.bot.workflows.conftest import World, world

__all__ = ["world"]


@pytest.fixture
async def feeding(world: World) -> Feeding:
    """Pullcord has made every hook, and a channel follows the repository."""
    await world.subscribe(options={"places": {"created": "thread"}})
    made = Feeding(world)
    await made.install()
    return made
