"""One batch of the writer: each function in a savepoint, one commit for all."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

from sqlalchemy import Engine
from sqlalchemy.engine import Connection
from sqlmodel import Session

from storage import dialects
from storage.errors import CannotStore
from storage.hook_lane import MOST_AT_ONCE, HashedHook, insert_at_once, insert_hooks
from storage.session import KeepingSession

_BACK = "ROLLBACK TO SAVEPOINT hooks"


class Job(NamedTuple):
    """A function to run, or a hook for the inbox's lane, and who waits for it."""

    work: Callable[[Session], Any] | HashedHook
    future: "asyncio.Future[Any]"
    loop: asyncio.AbstractEventLoop

    @property
    def size(self) -> int:
        """Bytes it keeps in memory while it waits, where that is known."""
        return len(self.work.hook.body) if isinstance(self.work, HashedHook) else 0


class Answer(NamedTuple):
    """What a job's caller is told: a result, or an error."""

    job: Job
    result: Any = None
    error: BaseException | None = None


class BatchLost(Exception):
    """Nothing of the batch is stored. ``str()`` is the reason in a few words."""

    def __init__(self, error: BaseException, *, may_try_again: bool) -> None:
        super().__init__(
            next(filter(None, map(dialects.trouble, _chain(error))), None) or (type(error).__name__)
        )
        self.may_try_again = may_try_again


def commit_batch(engine: Engine, batch: Sequence[Job]) -> list[Answer]:
    """Run and commit the batch; an answer for each job.

    Raises:
        BatchLost: nothing of it is stored.
    """
    hooks = [job.work for job in batch if isinstance(job.work, HashedHook)]
    if len(hooks) == len(batch) and (news := _commit_hooks(engine, hooks)) is not None:
        return [Answer(job, is_new) for job, is_new in zip(batch, news, strict=True)]
    is_committing = False
    try:
        with engine.connect() as connection, connection.begin() as transaction:
            answers = _answers(connection, batch)
            is_committing = True
            transaction.commit()
    except BatchLost:
        raise
    except Exception as error:  # whatever it is, every caller of the batch must hear of it
        # A connection that broke during COMMIT may have committed: doing it again is the caller's
        # decision, not ours.
        may_try_again = dialects.is_collision(error) or (
            dialects.is_disconnect(error) and not is_committing
        )
        raise BatchLost(error, may_try_again=may_try_again) from error
    return answers


def _commit_hooks(engine: Engine, hooks: Sequence[HashedHook]) -> list[bool] | None:
    """A batch of nothing but hooks as one statement, which SQLite commits by itself.

    A transaction around it costs more: inside one, SQLite keeps what a statement changes a second
    time, and each statement waits for the interpreter. None when it is no such batch or did not go
    well: ``commit_batch`` goes on, and takes for known what may be stored already.
    """
    if engine.dialect.name != "sqlite" or len(hooks) > MOST_AT_ONCE:
        return None
    pooled = engine.raw_connection()
    try:
        cursor = pooled.cursor()
        try:
            news = insert_at_once(cursor, hooks)
        except Exception:  # whatever it is: the ordinary way meets it again and answers each
            return None
        finally:
            cursor.close()
    finally:
        pooled.close()
    return news


def cannot(job: Job, reason: str, cause: BaseException | None = None) -> Answer:
    """The answer to a job that the database could not take."""
    error = CannotStore(f"The database cannot store this now: {reason}.")
    error.__cause__ = cause
    return Answer(job, error=error)


def _answers(connection: Connection, batch: Sequence[Job]) -> list[Answer]:
    hooks = [(job, job.work) for job in batch if isinstance(job.work, HashedHook)]
    answers = _store_hooks(connection, hooks) if hooks else []
    if len(hooks) < len(batch):
        _take_turn(connection)
    for job in batch:
        if not isinstance(job.work, HashedHook):
            answers.append(_run_in_savepoint(connection, job, job.work))
    return answers


def _take_turn(connection: Connection) -> None:
    try:
        dialects.take_turn(connection)
    except Exception as error:
        if dialects.is_lock_wait(error):  # the others are busy, not hung: wait once more
            raise BatchLost(error, may_try_again=True) from error
        raise


def _store_hooks(connection: Connection, hooks: Sequence[tuple[Job, HashedHook]]) -> list[Answer]:
    # In plain SQL: SQLAlchemy's own savepoint costs more than the insert.
    connection.exec_driver_sql("SAVEPOINT hooks")
    try:
        news = insert_hooks(connection, [hook for _, hook in hooks])
    except Exception as error:  # judged below: trouble is for all, else the guilty one is found
        _roll_back(connection, partial(connection.exec_driver_sql, _BACK), error)
        if dialects.trouble(error) is None and len(hooks) > 1:
            return [answer for one in hooks for answer in _store_hooks(connection, [one])]
        return [_failed(job, error) for job, _ in hooks]
    connection.exec_driver_sql("RELEASE SAVEPOINT hooks")
    return [Answer(job, result=is_new) for (job, _), is_new in zip(hooks, news, strict=True)]


def _run_in_savepoint(
    connection: Connection, job: Job, function: Callable[[Session], Any]
) -> Answer:
    with KeepingSession(
        connection, join_transaction_mode="create_savepoint", expire_on_commit=False
    ) as session:
        try:
            result = function(session)
            session.commit()
        except Exception as error:  # the caller's own error goes back to the caller
            _roll_back(connection, session.rollback, error)
            return _failed(job, error)
    _refuse_lost_transaction(connection, None)
    return Answer(job, result=result)


def _roll_back(connection: Connection, rollback: Callable[[], object], cause: Exception) -> None:
    """Go back to the savepoint. Some errors take the whole transaction with them."""
    if dialects.is_collision(cause) or dialects.is_disconnect(cause):
        raise BatchLost(cause, may_try_again=True) from cause
    _refuse_lost_transaction(connection, cause)
    try:
        rollback()
    except Exception as error:
        raise BatchLost(cause, may_try_again=False) from error


def _refuse_lost_transaction(connection: Connection, cause: Exception | None) -> None:
    """SQLite ends the whole transaction by itself when it is out of space or memory.

    Without this look the next statement would start a transaction of its own, and those whose work
    is gone would be told that it is stored (SQLite, "Response To Errors Within A Transaction").
    """
    driver = connection.connection.driver_connection
    if connection.dialect.name == "sqlite" and not getattr(driver, "in_transaction", True):
        lost = cause or RuntimeError("a function ended the transaction of its batch")
        raise BatchLost(lost, may_try_again=False) from cause


def _failed(job: Job, error: Exception) -> Answer:
    reason = dialects.trouble(error)
    if reason is not None:
        return cannot(job, reason, error)
    if isinstance(error, StopIteration):  # a future refuses to carry it
        wrapped = RuntimeError("the function raised StopIteration")
        wrapped.__cause__ = error
        return Answer(job, error=wrapped)
    return Answer(job, error=error)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what it came of: the first reason may be a failed rollback's own."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
