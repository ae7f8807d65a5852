"""The database: one writer with group commit, a small pool of readers."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self, TypeVar

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from storage import dialects, topics
from storage.batch import Job
from storage.errors import CannotRead, CannotStore
from storage.gathering import Gathered
from storage.hook_lane import HashedHook, NewHook
from storage.session import KeepingSession
from storage.writer import PROBE_EVERY_S, Writer

__all__ = ["LONG_BODY_BYTES", "CannotRead", "CannotStore", "Database", "NewHook"]

T = TypeVar("T")

HOOK_ANSWER_S = 1.8
LONG_BODY_BYTES = 64 * 1024
"""Reading or hashing a longer body would hold up the event loop: that is done in a thread."""
CLOSE_WITHIN_S = 8.0


class Database:
    """Everything that Pullcord keeps.

    ``fn`` of ``write`` and ``read`` is synchronous and runs in another thread with a session of
    its own; what it returns may be used afterwards (rows are detached, nothing expires). It must
    not commit, and must do nothing outside the database: it is run again when PostgreSQL gives
    its transaction up in favour of another.
    """

    def __init__(self, writer_engine: Engine, reader_engine: Engine, writer: Writer) -> None:
        self._writer_engine = writer_engine
        self._reader_engine = reader_engine
        self._writer = writer
        self._readers = ThreadPoolExecutor(dialects.READERS, thread_name_prefix="pullcord-reader")
        self._is_closed = False
        self._gathered: dict[asyncio.AbstractEventLoop, Gathered] = {}
        self._listeners: dict[str, list[Callable[[], None]]] = {}

    @classmethod
    def open(
        cls,
        url: str,
        *,
        lock_wait_s: float = dialects.LOCK_WAIT_S,
        probe_every_s: float = PROBE_EVERY_S,
    ) -> Self:
        """Open a database whose schema is there (``storage.schema.upgrade``). Connects when used.

        Args:
            url: ``sqlite:///FILE`` or ``postgresql://…``.
            lock_wait_s: seconds to wait for another process's lock.
            probe_every_s: seconds between tries to write while writing fails.

        Raises:
            ValueError: the URL is neither.
        """
        writer_engine = dialects.writer_engine(url, lock_wait_s=lock_wait_s)
        reader_engine = dialects.reader_engine(url, lock_wait_s=lock_wait_s)
        writer = Writer(writer_engine, probe_every_s=probe_every_s)
        writer.start()
        return cls(writer_engine, reader_engine, writer)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    @property
    def is_healthy(self) -> bool:
        """Whether the last write went well. While not, it is tried again every second."""
        return not self.trouble

    @property
    def trouble(self) -> str:
        """Why writes fail at present, in a few words; empty when they do not."""
        return self._writer.trouble

    async def write(self, fn: Callable[[Session], T]) -> T:
        """Run ``fn`` in a savepoint of the next commit; return what it returned once durable.

        Raises:
            CannotStore: the database could not take it.
            Exception: what ``fn`` raised; nothing of it is stored.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[tuple[T, frozenset[str]]] = loop.create_future()
        self._submit(Job(topics.noted(fn), future, loop))
        result, touched = await future
        for topic in touched:
            for wake in self._listeners.get(topic, ()):
                wake()
        return result

    def _submit(self, job: Job) -> None:
        if self._writer.is_closed:
            raise CannotStore("The database is closed.")
        gathered = self._gathered.get(job.loop)
        if gathered is None:
            gathered = self._gathered[job.loop] = Gathered(job.loop, self._hand_over)
        if not self._writer.has_room(len(gathered.jobs) + 1, gathered.size + job.size):
            raise CannotStore("Too many writes wait for the database.")
        gathered.add(job)

    def _hand_over(self, jobs: Sequence[Job]) -> None:
        self._writer.submit(jobs)
        hooks = [job.future for job in jobs if isinstance(job.work, HashedHook)]
        if hooks:  # one deadline for all that came at the same time
            jobs[0].loop.call_later(HOOK_ANSWER_S, _give_up, hooks)

    def on_write(self, topic: str, wake: Callable[[], None]) -> None:
        """Call ``wake`` on the event loop after each write of this process that touched a topic.

        A hint that saves waiting, not a promise: what another replica wrote is found by looking.
        """
        self._listeners.setdefault(topic, []).append(wake)

    async def store_hook(self, new: NewHook) -> bool:
        """Keep a webhook body durably; True when it was new, False when it was there already.

        Raises:
            CannotStore: it could not be stored, or not within 1.8 s (it may be stored later).
        """
        is_long = len(new.body) > LONG_BODY_BYTES
        hashed = await asyncio.to_thread(HashedHook.of, new) if is_long else HashedHook.of(new)
        loop = asyncio.get_running_loop()
        future: asyncio.Future[bool] = loop.create_future()
        self._submit(Job(hashed, future, loop))
        return await future

    async def read(self, fn: Callable[[Session], T]) -> T:
        """Run ``fn`` on a snapshot of the database; it never waits for writes.

        Raises:
            CannotRead: the database could not answer.
            Exception: what ``fn`` raised.
        """
        if self._is_closed:
            raise CannotRead("The database is closed.")
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._readers, self._read, fn)

    def _read(self, fn: Callable[[Session], T]) -> T:
        try:
            with KeepingSession(self._reader_engine, expire_on_commit=False) as session:
                return fn(session)
        except SQLAlchemyError as error:
            reason = dialects.trouble(error)
            if reason is None:
                raise
            raise CannotRead(f"The database cannot be read now: {reason}.") from error

    async def close(self) -> None:
        """Write what waits, let reads end, and close. Later calls raise CannotStore."""
        if self._is_closed:
            return
        self._is_closed = True
        if (gathered := self._gathered.get(asyncio.get_running_loop())) is not None:
            gathered.flush()
        await asyncio.to_thread(self._writer.stop, within_s=CLOSE_WITHIN_S)
        await asyncio.to_thread(self._readers.shutdown, wait=True, cancel_futures=True)
        self._writer_engine.dispose()
        self._reader_engine.dispose()


def _give_up(futures: "Sequence[asyncio.Future[bool]]") -> None:
    for future in futures:
        if not future.done():
            future.set_exception(CannotStore("The database did not take this in time."))
