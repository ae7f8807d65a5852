"""The writer: group commit, savepoints, and what happens when the database cannot take it."""

import asyncio
import sqlite3
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, select

from storage import dialects, schema
from storage.engine import CannotRead, CannotStore, Database
from storage.tables import Connection, Lease
from tests.storage.samples import NOW, add_connection, new_hook


def names(session: Session) -> list[str]:
    return list(session.exec(select(Connection.name).order_by(Connection.name)).all())


def add(name: str) -> Callable[[Session], None]:
    return lambda session: add_connection(session, name)


class Gate:
    """Holds the writer at a function, so that what comes meanwhile forms one batch."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.open = threading.Event()

    def hold(self, _session: Session) -> None:
        self.reached.set()
        assert self.open.wait(30)

    async def close(self, db: Database) -> "asyncio.Task[None]":
        held = asyncio.create_task(db.write(self.hold))
        await asyncio.to_thread(self.reached.wait, 30)
        return held


async def healthy(db: Database) -> None:
    while not db.is_healthy:  # health is a state, and has no event to wait for
        await asyncio.sleep(0)


async def test_a_write_returns_what_its_function_returned_and_is_read_back(db: Database) -> None:
    def store(session: Session) -> str:
        add_connection(session, "demo")
        return "done"

    assert await db.write(store) == "done"
    assert await db.read(names) == ["demo"]


async def test_rows_can_be_used_after_the_session(db: Database) -> None:
    def store(session: Session) -> Connection:
        row = Connection(name="demo", base_url="https://example.com", created_at=NOW)
        session.add(row)
        return row

    written = await db.write(store)
    read = await db.read(lambda session: session.get_one(Connection, "demo"))
    assert (written.base_url, read.base_url) == ("https://example.com", "https://example.com")
    assert read.created_at == NOW


async def test_what_waits_is_committed_at_once(db: Database) -> None:
    commits: list[int] = []
    engine = db._writer_engine
    event.listen(engine, "commit", lambda _connection: commits.append(1))
    gate = Gate()
    held = await gate.close(db)
    waiting = [asyncio.create_task(db.write(add(f"c{number:02}"))) for number in range(50)]
    await asyncio.sleep(0)
    gate.open.set()
    await asyncio.gather(held, *waiting)
    assert len(await db.read(names)) == 50
    assert len(commits) == 2


async def test_a_functions_own_error_reaches_its_caller_and_undoes_only_its_own(
    db: Database,
) -> None:
    def fail(session: Session) -> None:
        add_connection(session, "half")
        raise LookupError("no such thing")

    gate = Gate()
    held = await gate.close(db)
    tasks = [asyncio.create_task(db.write(fn)) for fn in (add("a"), fail, add("b"))]
    await asyncio.sleep(0)
    gate.open.set()
    first, second, third = await asyncio.gather(*tasks, return_exceptions=True)
    await held
    assert (first, third) == (None, None)
    assert isinstance(second, LookupError)
    assert await db.read(names) == ["a", "b"]
    assert db.is_healthy


async def test_a_broken_constraint_is_its_callers_error(db: Database) -> None:
    await db.write(add("a"))
    with pytest.raises(IntegrityError):
        await db.write(add("a"))
    await db.write(add("b"))
    assert await db.read(names) == ["a", "b"]


async def test_an_error_does_not_repeat_what_was_to_be_stored(db: Database) -> None:
    """CHECKS 23."""

    def store(session: Session) -> None:
        values = {"name": None, "base_url": "canary-secret", "holder": "canary-secret"}
        session.connection().execute(
            text("INSERT INTO leases (name, holder) VALUES (:name, :holder)"), values
        )

    with pytest.raises(IntegrityError) as caught:
        await db.write(store)
    assert "canary-secret" not in str(caught.value).split("DETAIL")[0]
    assert caught.value.hide_parameters


async def test_stop_iteration_reaches_its_caller(db: Database) -> None:
    def store(_session: Session) -> None:
        raise StopIteration

    with pytest.raises(RuntimeError, match="StopIteration"):
        await db.write(store)


async def test_a_reader_cannot_write(db: Database) -> None:
    with pytest.raises(CannotRead):
        await db.read(add("a"))
    assert await db.read(names) == []


async def test_what_is_committed_on_sqlite_survives_a_power_cut(sqlite_url: str) -> None:
    """Flushed to the disk at each commit (SQLite, "PRAGMA synchronous": 2 is FULL)."""

    def pragmas(session: Session) -> list[object]:
        names = ("journal_mode", "synchronous", "foreign_keys")
        run = session.connection().exec_driver_sql
        return [run(f"PRAGMA {name}").scalar_one() for name in names]

    async with Database.open(sqlite_url) as db:
        assert await db.write(pragmas) == ["wal", 2, 1]


async def test_a_read_does_not_wait_for_a_write_under_way(db: Database) -> None:
    await db.write(add("a"))
    gate = Gate()

    def store(session: Session) -> None:
        add_connection(session, "b")
        gate.hold(session)

    writing = asyncio.create_task(db.write(store))
    await asyncio.to_thread(gate.reached.wait, 30)
    assert await db.read(names) == ["a"]
    gate.open.set()
    await writing
    assert await db.read(names) == ["a", "b"]


async def test_a_read_is_one_snapshot(db: Database) -> None:
    await db.write(add("a"))
    gate = Gate()

    def twice(session: Session) -> tuple[list[str], list[str]]:
        first = names(session)
        gate.hold(session)
        return first, names(session)

    reading = asyncio.create_task(db.read(twice))
    await asyncio.to_thread(gate.reached.wait, 30)
    await db.write(add("b"))
    gate.open.set()
    assert await reading == (["a"], ["a"])


async def test_closing_writes_what_waits_and_refuses_what_comes(
    db: Database, database_url: str
) -> None:
    gate = Gate()
    held = await gate.close(db)
    waiting = asyncio.create_task(db.write(add("a")))
    await asyncio.sleep(0)
    closing = asyncio.create_task(db.close())
    gate.open.set()
    await asyncio.gather(held, waiting, closing)
    for late in (db.write(add("b")), db.store_hook(new_hook()), db.read(names)):
        with pytest.raises(CannotStore):
            await late
    async with Database.open(database_url) as again:
        assert await again.read(names) == ["a"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
async def test_nobody_waits_for_ever_when_the_writer_dies(db: Database) -> None:
    gate = Gate()

    def die(session: Session) -> None:
        gate.hold(session)
        raise SystemExit

    dying = asyncio.create_task(db.write(die))
    await asyncio.to_thread(gate.reached.wait, 30)
    waiting = asyncio.create_task(db.store_hook(new_hook()))
    await asyncio.sleep(0)
    gate.open.set()
    for task in (dying, waiting):
        with pytest.raises(CannotStore):
            await task
    assert not db.is_healthy
    with pytest.raises(CannotStore):
        await db.write(add("a"))


async def test_too_much_waiting_is_refused_at_once(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.writer.MOST_WAITING", 3)
    gate = Gate()
    held = await gate.close(db)
    waiting = [asyncio.create_task(db.write(add(f"c{number}"))) for number in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(CannotStore, match="Too many"):
        await db.write(add("one too many"))
    gate.open.set()
    await asyncio.gather(held, *waiting)
    assert await db.read(names) == ["c0", "c1", "c2"]


async def test_when_the_commit_fails_every_caller_of_the_batch_hears_of_it(
    sqlite_url: str,
) -> None:
    def violate_at_commit(session: Session) -> None:
        connection = session.connection()
        connection.execute(text("PRAGMA defer_foreign_keys=ON"))
        connection.execute(
            text(
                "INSERT INTO hooks (id, connection, event_type, inputs, status, created_at)"
                " VALUES ('h', 'nobody', '', '{}', '', '2026-01-01 00:00:00.000000')"
            )
        )

    async with Database.open(sqlite_url, probe_every_s=0.02) as db:
        gate = Gate()
        held = await gate.close(db)
        batch = [
            asyncio.create_task(work)
            for work in (
                db.write(add("a")),
                db.write(violate_at_commit),
                db.store_hook(new_hook()),
            )
        ]
        await asyncio.sleep(0)
        gate.open.set()
        await held
        ends = await asyncio.gather(*batch, return_exceptions=True)
        assert [type(end) for end in ends] == [CannotStore] * 3
        assert await db.read(names) == []
        await healthy(db)
        await db.write(add("a"))


def limit(pages: int) -> Callable[[Session], None]:
    """Let the file have no more pages; SQLite makes of too few: no more than there are."""

    def run(session: Session) -> None:
        session.connection().exec_driver_sql(f"PRAGMA max_page_count={pages}")

    return run


def fill(session: Session) -> None:
    session.add(Lease(name="x", holder="y" * 300_000, until=NOW))


# --- CHECKS 11 ------------------------------------------------------------------------------


async def test_a_full_disk_is_refused_and_recovers_by_itself(sqlite_url: str) -> None:
    """CHECKS 11: SQLITE_FULL, here by a limit of pages."""

    big = b"x" * 300_000
    async with Database.open(sqlite_url, probe_every_s=0.02) as db:
        await db.write(add("a"))
        await db.write(limit(1))
        with pytest.raises(CannotStore, match="full"):
            await db.store_hook(new_hook(body=big))
        assert not db.is_healthy
        with pytest.raises(CannotStore, match="full"):
            await db.write(fill)
        assert await db.read(names) == ["a"]
        await db.write(limit(100_000))
        await healthy(db)
        assert await db.store_hook(new_hook(body=big))


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small file system cannot be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


async def test_a_really_full_disk_is_refused_and_recovers_by_itself(tiny_disk: Path) -> None:
    """CHECKS 11: no space left on the device."""
    url = f"sqlite:///{tiny_disk / 'pullcord.db'}"
    schema.upgrade(url)
    async with Database.open(url, probe_every_s=0.02) as db:
        await db.write(add("a"))
        ballast = tiny_disk / "ballast"
        with ballast.open("wb", buffering=0) as file, pytest.raises(OSError, match="space"):
            while True:
                file.write(b"x" * 4096)
        with pytest.raises(CannotStore):
            await db.store_hook(new_hook(body=b"x" * 200_000))
        assert not db.is_healthy
        assert await db.read(names) == ["a"]
        ballast.unlink()
        await healthy(db)
        assert await db.store_hook(new_hook(body=b"x" * 200_000))
        whole = await db.read(
            lambda s: s.connection().exec_driver_sql("PRAGMA integrity_check").scalar_one()
        )
        assert whole == "ok"


async def test_a_locked_database_is_refused_and_recovers_by_itself(sqlite_url: str) -> None:
    """CHECKS 11: another process holds the write lock for longer than the time-out."""
    other = dialects.writer_engine(sqlite_url)
    async with Database.open(sqlite_url, lock_wait_s=0.05, probe_every_s=0.02) as db:
        with other.begin():
            with pytest.raises(CannotStore, match="locked"):
                await db.write(add("a"))
            with pytest.raises(CannotStore, match="locked"):
                await db.store_hook(new_hook())
            assert not db.is_healthy
            assert await db.read(names) == []
        await healthy(db)
        await db.write(add("a"))
        assert await db.read(names) == ["a"]
    other.dispose()


async def test_the_wait_for_a_lock_leaves_time_to_answer_within_two_seconds() -> None:
    """CHECKS 11: at worst a caller waits for the batch before its own and for its own."""
    assert 2 * dialects.LOCK_WAIT_S < 1.8


async def test_a_read_only_database_is_refused(sqlite_url: str) -> None:
    """CHECKS 11: read-only."""
    path = sqlite_url.removeprefix("sqlite:///")
    async with Database.open(sqlite_url) as db:
        await db.write(add("a"))
    async with Database.open(f"sqlite:///file:{path}?mode=ro&uri=true") as db:
        with pytest.raises(CannotStore, match="readonly"):
            await db.write(add("b"))
        with pytest.raises(CannotStore, match="readonly"):
            await db.store_hook(new_hook())
        assert not db.is_healthy
        assert await db.read(names) == ["a"]


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "pullcord.db"
    path.write_bytes(b"this is no database" * 100)
    async with Database.open(f"sqlite:///{path}") as db:
        with pytest.raises(CannotStore, match="not a database"):
            await db.write(add("a"))
        with pytest.raises(CannotRead):
            await db.read(names)


async def test_a_hook_is_answered_in_time_when_the_writer_hangs(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CHECKS 11."""
    monkeypatch.setattr("storage.engine.HOOK_ANSWER_S", 0.01)
    gate = Gate()
    held = await gate.close(db)
    with pytest.raises(CannotStore, match="in time"):
        await db.store_hook(new_hook())
    monkeypatch.undo()
    gate.open.set()
    await held
    assert not await db.store_hook(new_hook())  # it was stored after all


@pytest.mark.postgres
async def test_a_dropped_connection_costs_nobody_a_write(postgres_url: str) -> None:
    async with Database.open(postgres_url, probe_every_s=0.02) as db:
        await db.write(add("a"))
        with psycopg.connect(postgres_url, autocommit=True) as other:
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'pullcord' AND datname = current_database()"
            )
        await db.write(add("b"))
        assert await db.store_hook(new_hook())


@pytest.mark.postgres
async def test_a_lock_held_elsewhere_fails_only_who_needs_it(postgres_url: str) -> None:
    async with Database.open(postgres_url, lock_wait_s=0.1, probe_every_s=0.02) as db:
        with psycopg.connect(postgres_url) as other:
            other.execute("LOCK TABLE leases")
            gate = Gate()
            held = await gate.close(db)
            blocked = asyncio.create_task(
                db.write(lambda session: session.add(Lease(name="x", holder="y", until=NOW)))
            )
            free = asyncio.create_task(db.store_hook(new_hook()))
            await asyncio.sleep(0)
            gate.open.set()
            with pytest.raises(CannotStore, match="lock timeout"):
                await blocked
            assert await free
            await held
        await healthy(db)


@pytest.mark.postgres
async def test_a_deadlock_with_somebody_else_is_tried_again(postgres_url: str) -> None:
    both_hold = threading.Barrier(2)

    def move(first: str, second: str) -> Callable[[Session], None]:
        is_first_time = True

        def run(session: Session) -> None:
            nonlocal is_first_time
            session.connection().execute(
                text("UPDATE connections SET paused_reason = 'x' WHERE name = :n"), {"n": first}
            )
            if is_first_time:
                is_first_time = False
                both_hold.wait(30)
            session.connection().execute(
                text("UPDATE connections SET paused_reason = 'x' WHERE name = :n"), {"n": second}
            )

        return run

    def move_by_hand() -> None:
        engine = dialects.writer_engine(postgres_url, lock_wait_s=20)
        with Session(engine) as session, session.begin():
            session.connection().execute(text("SET deadlock_timeout = '30s'"))  # so it goes on
            move("b", "a")(session)
        engine.dispose()

    async with Database.open(postgres_url, lock_wait_s=20) as db:
        await db.write(add("a"))
        await db.write(add("b"))
        by_hand = asyncio.create_task(asyncio.to_thread(move_by_hand))
        await db.write(move("a", "b"))
        await by_hand


@pytest.mark.postgres
async def test_replicas_take_turns_so_what_one_finds_is_still_so_when_it_writes(
    postgres_url: str,
) -> None:
    """Both see that something is missing; without turns the second would break a constraint."""
    gate = Gate()

    def add_if_missing(session: Session) -> bool:
        if "a" in names(session):
            return False
        gate.hold(session)
        add_connection(session, "a")
        return True

    async with Database.open(postgres_url) as one, Database.open(postgres_url) as two:
        first = asyncio.create_task(one.write(add_if_missing))
        await asyncio.to_thread(gate.reached.wait, 30)
        second = asyncio.create_task(two.write(add_if_missing))
        await waits_for_its_turn(postgres_url)
        gate.open.set()
        assert (await first, await second) == (True, False)


@pytest.mark.postgres
async def test_a_replica_that_writes_for_long_is_waited_for_more_than_once(
    postgres_url: str,
) -> None:
    gate = Gate()
    async with (
        Database.open(postgres_url) as one,
        Database.open(postgres_url, lock_wait_s=0.5) as two,
    ):
        held = await gate.close(one)
        waiting = asyncio.create_task(two.write(add("a")))
        await waits_for_its_turn(postgres_url)
        with psycopg.connect(postgres_url) as other:
            tried = _turn_waiter(other)
            while _turn_waiter(other) == tried:  # its first wait ends, and the next begins
                await asyncio.sleep(0)
        gate.open.set()
        await asyncio.gather(held, waiting)
        assert two.is_healthy


@pytest.mark.postgres
async def test_a_replica_that_hangs_is_not_waited_for_for_ever(postgres_url: str) -> None:
    gate = Gate()
    async with (
        Database.open(postgres_url) as one,
        Database.open(postgres_url, lock_wait_s=0.05, probe_every_s=0.02) as two,
    ):
        held = await gate.close(one)
        with pytest.raises(CannotStore, match="lock timeout"):
            await two.write(add("a"))
        assert await two.store_hook(new_hook())  # webhooks need no turn
        gate.open.set()
        await held
        await healthy(two)


async def waits_for_its_turn(url: str) -> None:
    with psycopg.connect(url) as other:
        while not _turn_waiter(other):
            await asyncio.sleep(0)


def _turn_waiter(connection: "psycopg.Connection[Any]") -> str:
    """Who waits for its turn, and since when; empty when nobody does."""
    row = connection.execute(
        "SELECT pid::text || waitstart::text FROM pg_locks"
        " WHERE locktype = 'advisory' AND NOT granted"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    ).fetchone()
    return row[0] or "" if row else ""


def test_the_url_of_a_database_is_checked_without_repeating_it() -> None:
    for url in ("mysql://u:canary@h/d", "sqlite://", "canary", "sqlite:///:memory:"):
        with pytest.raises(ValueError, match=r"SQLite|sqlite|database") as caught:
            dialects.database_url(url)
        assert "canary" not in str(caught.value)
    assert dialects.database_url("postgresql://h/d").drivername == "postgresql+psycopg"
    assert dialects.database_url("postgres://h/d").drivername == "postgresql+psycopg"


def test_an_old_sqlite_is_named_before_anything_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 26, 0))
    with pytest.raises(ValueError, match=r"3\.35 or later: use a Python that uv installed"):
        dialects.database_url("sqlite:///pullcord.db")
    assert dialects.database_url("postgresql://h/d").drivername == "postgresql+psycopg"


async def test_a_full_disk_within_a_batch_acknowledges_nothing_that_is_gone(
    sqlite_url: str,
) -> None:
    """CHECKS 11: SQLite ends the whole transaction then, the work of others before it too."""

    async with Database.open(sqlite_url, probe_every_s=0.02) as db:
        await db.write(limit(1))
        gate = Gate()
        held = await gate.close(db)
        works = {"before": add("before"), "big": fill, "after": add("after")}
        tasks = {name: asyncio.create_task(db.write(work)) for name, work in works.items()}
        await asyncio.sleep(0)
        gate.open.set()
        await held
        await asyncio.gather(*tasks.values(), return_exceptions=True)
        told = [name for name, task in tasks.items() if task.exception() is None]
        assert "big" not in told
        assert told == await db.read(names)
