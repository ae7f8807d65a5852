"""The one writer: takes all that wait, runs each in a savepoint, commits once, answers each."""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Sequence

from sqlalchemy import Engine, text

from storage import dialects
from storage.batch import Answer, BatchLost, Job, cannot, commit_batch
from storage.errors import CannotStore

log = logging.getLogger(__name__)

MOST_WAITING = 20_000
MOST_WAITING_BYTES = 128 * 1024 * 1024
PROBE_EVERY_S = 1.0
ATTEMPTS = 3
_PROBE_NAME = "storage probe"
_PROBE_BYTES = 64 * 1024


class Writer:
    """A thread that owns all writes. Its public methods may be called from any thread."""

    def __init__(self, engine: Engine, *, probe_every_s: float = PROBE_EVERY_S) -> None:
        self._engine = engine
        self._largest_batch = dialects.largest_batch(engine)
        self._probe_every_s = probe_every_s
        self._wake = threading.Condition()
        self._waiting: deque[Job] = deque()
        self._waiting_bytes = 0
        self._in_hand: Sequence[Job] = ()
        self._is_stopping = False
        self._is_dead = False
        self._trouble = ""
        self._thread = threading.Thread(target=self._run, name="pullcord-writer", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    @property
    def trouble(self) -> str:
        """Why writes fail at present; empty when they do not."""
        return "the writer has stopped" if self._is_dead else self._trouble

    def has_room(self, jobs: int, size: int) -> bool:
        """Whether so many more jobs of so many bytes in all may wait."""
        return (
            len(self._waiting) + jobs <= MOST_WAITING
            and self._waiting_bytes + size <= MOST_WAITING_BYTES
        )

    @property
    def is_closed(self) -> bool:
        """Whether it takes no more jobs."""
        return self._is_stopping or self._is_dead

    def submit(self, jobs: Sequence[Job]) -> None:
        """Queue jobs, in their order. Once it is closed they are answered with CannotStore."""
        with self._wake:
            is_closed = self.is_closed
            if not is_closed:
                self._waiting.extend(jobs)
                self._waiting_bytes += sum(job.size for job in jobs)
                self._wake.notify()
        if is_closed:
            _tell([Answer(job, error=CannotStore("The database is closed.")) for job in jobs])

    def stop(self, *, within_s: float) -> None:
        """Write what waits, then end. Whoever is not served within the time gets CannotStore."""
        with self._wake:
            self._is_stopping = True
            self._wake.notify()
        self._thread.join(within_s)
        self._abandon("The database was closed before this was written.")

    def _run(self) -> None:
        try:
            while self._serve():
                pass
        finally:
            # Also when the thread dies of something unforeseen: nobody waits for ever.
            self._is_dead = True
            self._abandon("The database's writer has stopped.")

    def _serve(self) -> bool:
        with self._wake:
            while not self._waiting:
                if self._is_stopping:
                    return False
                was_woken = self._wake.wait(self._probe_every_s if self._trouble else None)
                if not was_woken and self._trouble:
                    break
            count = min(len(self._waiting), self._largest_batch)
            batch = [self._waiting.popleft() for _ in range(count)]
            self._waiting_bytes -= sum(job.size for job in batch)
            self._in_hand = batch
        if batch:
            _tell(self._write(batch))
        else:
            self._probe()
        self._in_hand = ()
        return True

    def _write(self, batch: Sequence[Job]) -> list[Answer]:
        attempt = 1
        while True:
            try:
                answers = commit_batch(self._engine, batch)
            except BatchLost as lost:
                if lost.may_try_again and attempt < ATTEMPTS:
                    attempt += 1
                    continue
                self._turn_red(str(lost))
                return [cannot(job, str(lost), lost) for job in batch]
            self._turn_green(answers)
            return answers

    def _probe(self) -> None:
        """Write something of a size and take it away again, to see whether it works once more."""
        statements: tuple[tuple[str, dict[str, str]], ...] = (
            ("DELETE FROM leases WHERE name = :name", {}),
            (
                "INSERT INTO leases (name, holder, until)"
                " VALUES (:name, :holder, '2000-01-01 00:00:00.000000')",
                {"holder": "x" * _PROBE_BYTES},
            ),
            ("DELETE FROM leases WHERE name = :name", {}),
        )
        try:
            for statement, values in statements:
                with self._engine.begin() as connection:
                    connection.execute(text(statement), {"name": _PROBE_NAME, **values})
        except Exception as error:  # a probe that fails in any way says the same: still not well
            self._turn_red(dialects.trouble(error) or type(error).__name__)
        else:
            self._turn_green([])

    def _turn_red(self, reason: str) -> None:
        if not self._trouble:
            log.error("the database cannot be written: %s", reason)
        self._trouble = reason

    def _turn_green(self, answers: Sequence[Answer]) -> None:
        refused = [answer.error for answer in answers if isinstance(answer.error, CannotStore)]
        if refused:
            self._turn_red(str(refused[0]))
        elif self._trouble:
            log.warning("the database can be written again")
            self._trouble = ""

    def _abandon(self, reason: str) -> None:
        with self._wake:
            jobs = [*self._in_hand, *self._waiting]
            self._waiting.clear()
            self._waiting_bytes = 0
        _tell([Answer(job, error=CannotStore(reason)) for job in jobs])


def _tell(answers: Sequence[Answer]) -> None:
    """Wake each event loop once for all its callers."""
    by_loop: dict[asyncio.AbstractEventLoop, list[Answer]] = {}
    for answer in answers:
        by_loop.setdefault(answer.job.loop, []).append(answer)
    for loop, its_answers in by_loop.items():
        try:
            loop.call_soon_threadsafe(_resolve, its_answers)
        except RuntimeError:
            log.debug("an event loop was closed before its writes were answered")


def _resolve(answers: Sequence[Answer]) -> None:
    for answer in answers:
        future = answer.job.future
        if future.done():
            continue
        if answer.error is None:
            future.set_result(answer.result)
        else:
            future.set_exception(answer.error)
