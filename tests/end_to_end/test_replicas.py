"""Two replicas share one PostgreSQL database (issue 2, point 2)."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator

import aiohttp
import pytest

from adapters.sandbox.azure_devops import SandboxPullRequest
from adapters.sandbox.azure_devops.people import SandboxIdentity
from storage import audit
from tests.end_to_end.conftest import OpenScene
from tests.end_to_end.replicas import Replicas, ShiftedClock, open_replicas

pytestmark = pytest.mark.postgres


@pytest.fixture
async def replicas(
    opened: OpenScene, postgres_url: str, http: aiohttp.ClientSession
) -> AsyncIterator[Replicas]:
    clock = ShiftedClock()
    scene = await opened(database_url=postgres_url, clock=clock)
    made = await open_replicas(scene, clock, http)
    try:
        await scene.move_in()
        yield made
    finally:
        await made.second.stop()
        await made.balancer.stop()


async def test_under_load_each_event_is_told_once_and_in_order(
    replicas: Replicas, caplog: pytest.LogCaptureFixture
) -> None:
    """Both replicas record, send and audit at the same time, also about the same pull request."""
    caplog.set_level(logging.WARNING)
    scene, count, notes = replicas.scene, 6, 6
    author = scene.azure.add_person("Ada Sample", "ada@example.com")  # nobody in Teams
    made = await asyncio.gather(*(opens(replicas, author, number) for number in range(count)))
    for note in range(notes):
        for one in made:
            await scene.azure.comment(one, scene.jonas.azure_devops, f"note {note} of {one.id}")
    await scene.stage.settle()

    for one in made:
        thread = scene.thread(one)
        told = Counter(line for line in thread if "commented" in line)
        assert told == {
            f"Jonas Sample commented: note {note} of {one.id}": 1 for note in range(notes)
        }, one.id
        assert thread[0] == "Ada Sample opened this pull request"
    assert {row.state for row in await scene.inbox()} == {"done"}
    assert {row.state for row in await scene.outbox()} == {"sent"}
    assert await scene.read(audit.verify) is None
    assert all(bot.db.is_healthy for bot in replicas.both)
    assert [record.getMessage() for record in caplog.records] == []


async def opens(
    replicas: Replicas, author: SandboxIdentity, number: int
) -> SandboxPullRequest:
    scene, branch = replicas.scene, f"feature/load-{number}"
    content = {f"load-{number}.txt": "1\n"}
    repository = scene.stage.repository
    await scene.azure.commit(repository, branch, content, author, f"Work {number}")
    return await scene.azure.create_pull_request(repository, author, branch, title=f"PR {number}")
