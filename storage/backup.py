"""Backups: the whole database as one SQLite file, taken while it is in use, and put back.

Of SQLite the copy is made by SQLite's own backup ("SQLite Backup API"), of PostgreSQL row by row
from one snapshot. So a backup of either can be restored into either.
"""

import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, func, inspect, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, SQLModel

from storage import audit, dialects, schema
from storage.errors import CannotStore

PAGES_AT_ONCE = 2_000
ROWS_AT_ONCE = 500
LOCK_WAIT_S = 10.0


class BackupError(Exception):
    """The backup cannot be made or put back; ``str()`` says why and what to do."""


@dataclass(frozen=True, slots=True)
class BackedUp:
    """What a backup holds: its schema's revision, rows by table, size in bytes."""

    revision: str
    rows: dict[str, int]
    size: int


def backup(url: str, file: Path, *, replace: bool = False) -> BackedUp:
    """Copy the database into a new file, whole and consistent; it may be in use meanwhile.

    Written beside and renamed at the end, so that there is never half a backup. Only the owner may
    read it. Blocks: call it in a thread.

    Raises:
        BackupError: the file is there already, cannot be written, or the copy is not sound.
        SchemaError, ValueError, CannotStore: the database cannot be read.
    """
    if file.exists() and not replace:
        raise BackupError(f"{file} is there already; name another file, or say --force")
    schema.check(url)
    part = file.with_name(f".{file.name}.part")
    try:
        _private(part)
        if _is_sqlite(url):
            _copy_sqlite(_path(url), part)
        else:
            _copy_rows(url, _url(part), is_new=True)
        held = inspect_backup(part)
        part.replace(file)
        _sync_folder(file.parent)
        return held
    except (OSError, sqlite3.Error) as error:
        raise BackupError(f"{file} cannot be written: {_why(error)}") from None
    finally:
        _remove(part)


def restore(file: Path, url: str, *, replace: bool, now: datetime) -> tuple[BackedUp, Path | None]:
    """Put a backup in the place of the database; an older one is brought up to date.

    The database that was there is kept beside it (SQLite) and named in the result. No Pullcord may
    run meanwhile. Blocks: call it in a thread.

    Raises:
        BackupError: the file is no sound backup, or there is a database and ``replace`` is False,
            or the database is in use.
        NewerSchema: the backup is of a newer Pullcord.
        ValueError, CannotStore: the database cannot be reached.
    """
    if not file.is_file():
        raise BackupError(f"there is no file {file}")
    is_sqlite = _is_sqlite(url)
    target = _path(url) if is_sqlite else None
    part = (target or file).with_name(f".{(target or file).name}.restoring")
    try:
        _private(part)
        _check_sound(file)
        _copy_sqlite(file, part)
        schema.upgrade(_url(part))
        held = inspect_backup(part)
        kept = _place_sqlite(part, target, replace, now) if target else None
        if target is None:
            _place_postgresql(part, url, replace)
        return held, kept
    except (OSError, sqlite3.Error) as error:
        raise BackupError(f"{file} cannot be restored: {_why(error)}") from None
    finally:
        _remove(part)


def inspect_backup(file: Path) -> BackedUp:
    """What a backup holds, after looking whether it is sound and its audit whole.

    Raises:
        BackupError: it is not.
    """
    _check_sound(file)
    engine = dialects.reader_engine(_url(file), size=1)
    try:
        with Session(engine) as session:
            revision = session.connection().scalar(text("SELECT version_num FROM alembic_version"))
            there = set(inspect(session.connection()).get_table_names())
            rows = {
                table.name: int(
                    session.connection().scalar(select(func.count()).select_from(table)) or 0
                )
                for table in _tables()
                if table.name in there
            }
            bad = audit.verify(session)
        if bad is not None:
            raise BackupError(f"the audit in {file.name} is broken at entry {bad}")
        return BackedUp(str(revision), rows, file.stat().st_size)
    except SQLAlchemyError as error:
        raise BackupError(f"{file.name} is no backup of Pullcord: {_why(error)}") from None
    finally:
        engine.dispose()


def _copy_sqlite(source: Path, target: Path) -> None:
    with (
        closing(sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True)) as old,
        closing(sqlite3.connect(target, timeout=LOCK_WAIT_S)) as new,
    ):
        old.backup(new, pages=PAGES_AT_ONCE)
        new.execute("PRAGMA journal_mode=DELETE")  # one file, without a log beside it


def _check_sound(file: Path) -> None:
    try:
        with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            (word,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
            broken = connection.execute("PRAGMA foreign_key_check").fetchone()
            known = connection.execute(
                "SELECT count(*) FROM sqlite_master WHERE name = 'alembic_version'"
            ).fetchone()[0]
    except sqlite3.Error as error:
        raise BackupError(f"{file.name} is no database: {_why(error)}") from None
    if word != "ok" or broken is not None:
        raise BackupError(f"{file.name} is damaged: {word if word != 'ok' else broken[0]}")
    if not known:
        raise BackupError(f"{file.name} is no database of Pullcord")


def _place_sqlite(part: Path, target: Path, replace: bool, now: datetime) -> Path | None:
    kept: Path | None = None
    if target.exists():
        if not replace:
            raise BackupError(
                f"there is a database at {target}; stop Pullcord and say --replace to put the "
                "backup in its place (the present one is kept beside it)"
            )
        _check_unused(target)
        kept = target.with_name(f"{target.name}.before-restore-{now:%Y%m%dT%H%M%SZ}")
        target.replace(kept)
    for suffix in ("-wal", "-shm"):
        target.with_name(target.name + suffix).unlink(missing_ok=True)
    part.replace(target)
    _sync_folder(target.parent)
    return kept


def _check_unused(path: Path) -> None:
    """Take the database for ourselves once: that also brings its log back into the file.

    With exclusive locking SQLite refuses while any other process has a database with a write-ahead
    log open (SQLite, "Write-Ahead Logging", 8).
    """
    try:
        with closing(sqlite3.connect(path, timeout=0.5, isolation_level=None)) as connection:
            connection.execute("PRAGMA locking_mode=EXCLUSIVE")
            connection.execute("BEGIN EXCLUSIVE")
            connection.execute("COMMIT")
            connection.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in (
            sqlite3.SQLITE_BUSY,
            sqlite3.SQLITE_LOCKED,
        ):
            raise BackupError(f"{path} is in use: stop Pullcord first") from None
        # A database that is broken is what one restores over; it is kept beside the new one.


def _place_postgresql(part: Path, url: str, replace: bool) -> None:
    schema.upgrade(url)
    _copy_rows(_url(part), url, is_new=False, replace=replace)


def _copy_rows(source: str, target: str, *, is_new: bool, replace: bool = False) -> None:
    """Every row of every table, from one snapshot into one transaction."""
    if is_new:
        schema.upgrade(target)
    with _transaction(source, is_reader=True) as old, _transaction(target) as new:
        if not is_new:
            _make_room(new, replace)
        for table in _tables():
            for rows in _batches(old, table):
                new.execute(table.insert(), rows)
        if new.dialect.name == "postgresql":
            _continue_counting(new)


def _make_room(connection: Connection, replace: bool) -> None:
    dialects.take_turn(connection)
    tables = list(_tables())
    is_filled = any(connection.scalar(select(table).limit(1)) is not None for table in tables)
    if is_filled and not replace:
        raise BackupError(
            "the database is not empty; stop Pullcord, make a backup of it, and say --replace to "
            "put this one in its place"
        )
    connection.execute(text("ALTER TABLE audit DISABLE TRIGGER USER"))  # it is append only
    listed = ", ".join(f'"{table.name}"' for table in tables)
    connection.execute(text(f"TRUNCATE {listed}"))
    connection.execute(text("ALTER TABLE audit ENABLE TRIGGER USER"))


def _batches(connection: Connection, table: Table) -> Iterator[list[dict[str, Any]]]:
    result = connection.execution_options(yield_per=ROWS_AT_ONCE).execute(select(table))
    for part in result.mappings().partitions(ROWS_AT_ONCE):
        yield [dict(row) for row in part]


def _continue_counting(connection: Connection) -> None:
    """PostgreSQL counts ids by itself: go on behind the highest that was copied."""
    for table in _tables():
        column = table.primary_key.columns.values()[0]
        sequence = connection.scalar(
            text("SELECT pg_get_serial_sequence(:table, :column)"),
            {"table": table.name, "column": column.name},
        )
        if sequence:
            highest = connection.scalar(select(func.max(column)))
            connection.execute(
                text("SELECT setval(:name, :value, :is_used)"),
                {"name": sequence, "value": highest or 1, "is_used": highest is not None},
            )


@contextmanager
def _transaction(url: str, *, is_reader: bool = False) -> Iterator[Connection]:
    engine = dialects.reader_engine(url, size=1) if is_reader else dialects.writer_engine(url)
    try:
        with engine.begin() as connection:
            yield connection
    except SQLAlchemyError as error:
        reason = dialects.trouble(error)
        if reason is None:
            raise
        raise CannotStore(f"The database cannot be read or written: {reason}.") from error
    finally:
        engine.dispose()


def _tables() -> Iterable[Table]:
    """Parents before what refers to them."""
    return SQLModel.metadata.sorted_tables


def _is_sqlite(url: str) -> bool:
    return dialects.database_url(url).get_backend_name() == "sqlite"


def _path(url: str) -> Path:
    return Path(dialects.database_url(url).database or "")


def _url(path: Path) -> str:
    return f"sqlite:///{path.resolve()}"


def _private(path: Path) -> None:
    """An empty file that only the owner may read."""
    _remove(path)
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def _remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm", "-journal"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """So that the new name survives a loss of power; only some systems can."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _why(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    original = getattr(error, "orig", None) or error
    lines = str(original).splitlines()
    return lines[0] if lines else type(error).__name__
