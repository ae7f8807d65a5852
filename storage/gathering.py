"""Jobs that come at nearly the same time, handed to the writer together."""

import asyncio
import time
from collections.abc import Callable, Sequence

from storage.batch import Job

LONGEST_S = 0.01


class Gathered:
    """What one event loop has for the writer.

    Jobs are handed over when a pass of the loop brought no other, or after LONGEST_S: so in a
    crowd each commit is shared by many, the loop and the writer's thread fight less for the
    interpreter, and a job that comes alone waits for one pass.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, hand_over: Callable[[Sequence[Job]], None]
    ) -> None:
        self._loop = loop
        self._hand_over = hand_over
        self.jobs: list[Job] = []
        self.size = 0
        self._began_at = 0.0
        self._seen = 0

    def add(self, job: Job) -> None:
        """Keep a job until it is handed over."""
        if not self.jobs:
            self._began_at = time.perf_counter()
            self._seen = 0
            self._loop.call_soon(self._look)
        self.jobs.append(job)
        self.size += job.size

    def _look(self) -> None:
        is_growing = len(self.jobs) > self._seen
        if is_growing and time.perf_counter() - self._began_at < LONGEST_S:
            self._seen = len(self.jobs)
            self._loop.call_soon(self._look)
        else:
            self.flush()

    def flush(self) -> None:
        """Hand over what there is."""
        jobs, self.jobs, self.size = self.jobs, [], 0
        if jobs:
            self._hand_over(jobs)
