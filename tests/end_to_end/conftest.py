"""Fixtures of the end-to-end suite: a whole bot between two sandboxes, over HTTP."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from tests.end_to_end.scene import Scene, open_scene

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
