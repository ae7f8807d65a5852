"""Fixtures of the end-to-end suite: a whole bot between two sandboxes, over HTTP."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from tests.end_to_end.scene import Scene, open_scene
from tests.end_to_end.serving import Forks, Served

OpenScene = Callable[..., Awaitable[Scene]]


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def opened(tmp_path: Path, http: aiohttp.ClientSession) -> AsyncIterator[OpenScene]:
    """Opens a scene with the options of ``Stage.build``, and closes it at the end."""
    scenes: list[Scene] = []

    async def make(**options: Any) -> Scene:
        scenes.append(await open_scene(tmp_path, http, **options))
        return scenes[-1]

    yield make
    for scene in scenes:
        await scene.stage.close()


@pytest.fixture
async def scene(opened: OpenScene) -> Scene:
    """Everybody has moved in, and the channel Web follows Shop/web."""
    made = await opened()
    await made.move_in()
    return made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    """The same, one for all tests of a module that leave nothing behind.

    Such a module says ``pytestmark = pytest.mark.asyncio(loop_scope="module")``.
    """
    async with aiohttp.ClientSession() as session:
        made = await open_scene(tmp_path_factory.mktemp("shared"), session)
        try:
            await made.move_in()
            yield made
        finally:
            await made.stage.close()


@pytest.fixture(scope="session")
def started_forks() -> Iterator[Forks]:
    forks = Forks()
    yield forks
    forks.close()


@pytest.fixture
async def forks(started_forks: Forks) -> Forks:
    """What starts ``pullcord serve`` as a process of its own."""
    await asyncio.to_thread(started_forks.wait_ready)
    return started_forks


@pytest.fixture
async def served(scene: Scene, forks: Forks, http: aiohttp.ClientSession) -> AsyncIterator[Served]:
    """The bot of ``scene`` in a process of its own, not started yet."""
    await scene.stage.bot.stop()
    process = Served(scene.stage, forks, http)
    yield process
    await process.close()
