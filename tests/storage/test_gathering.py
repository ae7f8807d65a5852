"""Jobs that come at nearly the same time are one batch for the writer."""

import asyncio
from collections.abc import Sequence

import pytest

from storage.batch import Job
from storage.engine import NewHook
from storage.gathering import Gathered
from storage.hook_lane import HashedHook
from tests.storage.samples import NOW


def job(number: int) -> Job:
    loop = asyncio.get_running_loop()
    hook = NewHook("contoso", f"n:{number}", b"{}", NOW)
    return Job(HashedHook.of(hook), loop.create_future(), loop)


class Writer:
    """Remembers what was handed over, batch by batch."""

    def __init__(self) -> None:
        self.batches: list[list[Job]] = []
        self.came = asyncio.Event()

    def take(self, jobs: Sequence[Job]) -> None:
        self.batches.append(list(jobs))
        self.came.set()


async def test_a_job_that_comes_alone_is_handed_over_at_once() -> None:
    writer = Writer()
    gathered = Gathered(asyncio.get_running_loop(), writer.take)
    alone = job(1)
    gathered.add(alone)
    await writer.came.wait()
    assert writer.batches == [[alone]]
    assert gathered.size == 0


async def test_what_comes_while_more_comes_is_one_batch_in_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("storage.gathering.time.perf_counter", lambda: 0.0)
    writer = Writer()
    gathered = Gathered(asyncio.get_running_loop(), writer.take)
    jobs = [job(number) for number in range(5)]
    for each in jobs:
        gathered.add(each)
        await asyncio.sleep(0)
    assert gathered.size == sum(each.size for each in jobs)
    await writer.came.wait()
    assert writer.batches == [jobs]


async def test_a_crowd_that_does_not_end_is_handed_over_in_parts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 0.0
    monkeypatch.setattr("storage.gathering.time.perf_counter", lambda: now)
    writer = Writer()
    gathered = Gathered(asyncio.get_running_loop(), writer.take)
    jobs = [job(number) for number in range(20)]
    for each in jobs:
        gathered.add(each)
        now += 0.003
        await asyncio.sleep(0)
    gathered.flush()
    assert [each for batch in writer.batches for each in batch] == jobs
    assert 4 <= len(writer.batches) <= 10
    gathered.flush()
    assert len(writer.batches[-1]) > 0, "nothing is handed over when there is nothing"
