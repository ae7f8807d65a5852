"""Fixtures: a started sandbox with the sample team, and a web hook receiver."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from adapters.sandbox.azure_devops import AzureDevOpsSandbox
from tests.adapters.sandbox.azure_devops.scene import Clock, Receiver, Shop, Sleeps, open_shop


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sleeps() -> Sleeps:
    return Sleeps()


@pytest.fixture
async def shop(tmp_path: Path, clock: Clock, sleeps: Sleeps) -> AsyncIterator[Shop]:
    sandbox = AzureDevOpsSandbox(tmp_path / "git", clock=clock, sleep=sleeps)
    async with aiohttp.ClientSession() as session:
        yield await open_shop(sandbox, session)
        await sandbox.stop()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as one:
        yield one
