"""SQLite and PostgreSQL: how each is opened, and the little in which they differ."""

import sqlite3
import sys
from collections.abc import Callable
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from sqlalchemy import Delete, Engine, Insert, Table, Update, create_engine, event, text
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlmodel import Session, SQLModel

from storage.json_text import dump_json, load_json
from storage.tables.partial_index import tell_postgresql
from storage.text import storable_text

if TYPE_CHECKING:
    import psycopg

OLDEST_SQLITE = (3, 35)  # of March 2021; UPDATE with FROM is two versions older
# A caller may wait for the batch before its own and then for its own; both within 2 s.
LOCK_WAIT_S = 0.8
STATEMENT_LIMIT_S = 30
WAL_LIMIT_BYTES = 64 * 1024 * 1024
WRITER_CACHE_KIB = 16 * 1024
READERS = 4
LARGEST_BATCH = 2_000
LARGEST_SHARED_BATCH = 100
"""On PostgreSQL: other replicas wait for the batch, and theirs may wait for LOCK_WAIT_S only."""
_TAKE_TURN = text("SELECT pg_advisory_xact_lock(1886743660)")  # any number of our own

# Result codes that mean "the database cannot do it now" (SQLite, "Result and Error Codes").
_SQLITE_TROUBLE = {
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_NOTADB,
}


def database_url(url: str) -> URL:
    """Parse a database URL as a user writes it.

    Raises:
        ValueError: it is neither ``sqlite:///FILE`` nor ``postgresql://…``, or Python's SQLite is
            too old. The message does not repeat the URL, which may hold a password.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise ValueError(
            "The database URL cannot be read; write sqlite:///FILE or postgresql://USER@HOST/NAME."
        ) from None
    if parsed.drivername in ("postgres", "postgresql", "postgresql+psycopg"):
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername not in ("sqlite", "sqlite+pysqlite"):
        raise ValueError("The database must be sqlite:///FILE or postgresql://USER@HOST/NAME.")
    if not parsed.database or parsed.database == ":memory:":
        raise ValueError("SQLite needs a file: sqlite:///pullcord.db")
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        raise ValueError(
            f"This Python brings SQLite {sqlite3.sqlite_version}, and Pullcord needs 3.35 or later:"
            " use a Python that uv installed, or PostgreSQL."
        )
    return parsed.set(drivername="sqlite+pysqlite")


def writer_engine(url: str, *, lock_wait_s: float = LOCK_WAIT_S) -> Engine:
    """An engine for the one writer: its transactions take the write lock when they begin."""
    return _engine(database_url(url), is_reader=False, size=1, lock_wait_s=lock_wait_s)


def reader_engine(url: str, *, size: int = READERS, lock_wait_s: float = LOCK_WAIT_S) -> Engine:
    """An engine for readers: each transaction is one snapshot, and the database refuses writes."""
    return _engine(database_url(url), is_reader=True, size=size, lock_wait_s=lock_wait_s)


def _engine(url: URL, *, is_reader: bool, size: int, lock_wait_s: float) -> Engine:
    is_sqlite = url.get_backend_name() == "sqlite"
    engine = create_engine(
        url,
        pool_size=size,
        max_overflow=0,
        pool_timeout=lock_wait_s,
        json_serializer=dump_json,
        json_deserializer=load_json,
        hide_parameters=True,  # an error's text must not carry what was to be stored
        connect_args={"timeout": lock_wait_s} if is_sqlite else _postgresql_arguments(url),
    )
    event.listen(engine, "before_cursor_execute", _clean_parameters, retval=True)
    if is_sqlite:
        _prepare_sqlite(engine, is_reader=is_reader)
        return engine
    _prepare_postgresql(engine, lock_wait_s=lock_wait_s)
    if is_reader:
        return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    return engine


def _prepare_sqlite(engine: Engine, *, is_reader: bool) -> None:
    def connected(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves; else SAVEPOINT is not reliable
        # A webhook's body is about 2 KB: larger pages lose less room, and commits are smaller.
        # For a new file only; one that is there keeps its own.
        connection.execute("PRAGMA page_size=8192")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute(f"PRAGMA journal_size_limit={WAL_LIMIT_BYTES}")
        if is_reader:
            connection.execute("PRAGMA query_only=ON")
        else:
            connection.execute(f"PRAGMA cache_size=-{WRITER_CACHE_KIB}")

    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN" if is_reader else "BEGIN IMMEDIATE")

    event.listen(engine, "connect", connected)
    event.listen(engine, "begin", begin)


def _postgresql_arguments(url: URL) -> dict[str, Any]:
    wanted = {
        "connect_timeout": 2,  # seconds; libpq knows none shorter
        "tcp_user_timeout": 1500,  # milliseconds until a silent peer counts as gone
        "application_name": "pullcord",
    }
    return {name: value for name, value in wanted.items() if name not in url.query}


def _prepare_postgresql(engine: Engine, *, lock_wait_s: float) -> None:
    tell_postgresql(SQLModel.metadata)

    def connected(connection: "psycopg.Connection[Any]", _record: object) -> None:
        with connection.cursor() as cursor:
            for name, value in (
                ("lock_timeout", f"{int(lock_wait_s * 1000)}ms"),
                ("statement_timeout", f"{STATEMENT_LIMIT_S}s"),
                ("idle_in_transaction_session_timeout", f"{STATEMENT_LIMIT_S}s"),
                ("timezone", "UTC"),
            ):
                cursor.execute("SELECT set_config(%s, %s, false)", (name, value))
        connection.commit()

    event.listen(engine, "connect", connected)


def _clean_parameters(
    _connection: Connection,
    _cursor: object,
    statement: str,
    parameters: Any,
    _context: object,
    _executemany: bool,
) -> tuple[str, Any]:
    return statement, _cleaned(parameters)


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return storable_text(value)
    if isinstance(value, tuple):
        return tuple(_cleaned(item) for item in value)
    if isinstance(value, list):
        return [_cleaned(item) for item in value]
    if isinstance(value, dict):
        return {key: _cleaned(item) for key, item in value.items()}
    return value


def trouble(error: BaseException) -> str | None:
    """Why the database could not do it now, in a few words; None when the error is something else.

    Broken constraints and wrong SQL are something else: they are the caller's own.
    """
    if isinstance(error, PoolTimeout):
        return "all connections to the database are in use"
    original = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(original, sqlite3.Error):
        code = getattr(original, "sqlite_errorcode", None)
        return str(original) if code is not None and code & 0xFF in _SQLITE_TROUBLE else None
    if _is_postgresql(original, "OperationalError", "errors.ReadOnlySqlTransaction"):
        return _first_line(original or error)
    if _is_postgresql(original, "Error") and is_disconnect(error):
        return _first_line(original or error)
    return None


def _is_postgresql(error: BaseException | None, *names: str) -> bool:
    """Whether it is one of psycopg's errors. The driver is loaded only where PostgreSQL is used."""
    driver = sys.modules.get("psycopg")
    return driver is not None and isinstance(
        error, tuple(attrgetter(name)(driver) for name in names)
    )


def is_disconnect(error: BaseException) -> bool:
    """Whether the connection broke (PostgreSQL restarted, the network dropped it)."""
    return isinstance(error, DBAPIError) and error.connection_invalidated


def is_collision(error: BaseException) -> bool:
    """Whether PostgreSQL gave up this transaction in favour of another one; trying again helps."""
    original = error.orig if isinstance(error, DBAPIError) else error
    return _is_postgresql(original, "errors.DeadlockDetected", "errors.SerializationFailure")


def largest_batch(engine: Engine) -> int:
    """How many jobs the writer may put into one transaction."""
    return LARGEST_BATCH if engine.dialect.name == "sqlite" else LARGEST_SHARED_BATCH


def take_turn(connection: Connection) -> None:
    """Wait until no other replica writes; the turn ends with the transaction.

    So whatever a function of a batch finds is still so when it writes, no two replicas wait for
    each other's rows, ids rise in the order of the commits, and each audit entry follows the one
    before it: on PostgreSQL as on SQLite, which has one writer by itself.

    Raises:
        DBAPIError: others wrote for longer than the lock wait (``is_lock_wait``).
    """
    if connection.dialect.name == "postgresql":
        connection.execute(_TAKE_TURN)


def is_lock_wait(error: BaseException) -> bool:
    """Whether PostgreSQL gave up waiting for a lock."""
    original = error.orig if isinstance(error, DBAPIError) else error
    return _is_postgresql(original, "errors.LockNotAvailable")


def _first_line(error: BaseException) -> str:
    lines = str(error).splitlines()
    return lines[0] if lines else type(error).__name__


def is_sqlite(session: Session) -> bool:
    """Whether this session talks to SQLite, where one process owns the database."""
    return session.get_bind().dialect.name == "sqlite"


def table_of(model: type[SQLModel]) -> Table:
    """The table of a model, typed."""
    table = model.__table__  # type: ignore[attr-defined]  # SQLModel does not declare it
    assert isinstance(table, Table)  # for the type checker
    return table


def insert_new(session: Session, model: type[SQLModel], values: dict[str, Any]) -> bool:
    """Insert a row unless one with the same unique key is there; True when it was inserted."""
    session.flush()
    statement = _insert_new_statement(session.get_bind().dialect.name, model)
    return session.connection().execute(statement, values).rowcount == 1


@cache  # making a statement takes ten times as long as running it
def _insert_new_statement(dialect: str, model: type[SQLModel]) -> Insert:
    # Inline and preserving: else the new id is asked for, and how many rows there were is lost.
    insert = insert_of(dialect)(table_of(model)).inline().on_conflict_do_nothing()
    statement: Insert = insert.execution_options(preserve_rowcount=True)
    return statement


def insert_of(dialect: str) -> Callable[[Table], Any]:
    """The dialect's own INSERT, which knows ON CONFLICT."""
    if dialect == "sqlite":
        return sqlite.insert
    from sqlalchemy.dialects import postgresql  # noqa: PLC0415  2 MB that SQLite does without

    return postgresql.insert


def affected(session: Session, statement: Update | Delete) -> int:
    """Run a statement after what the session has pending; how many rows it touched."""
    session.flush()
    return session.connection().execute(statement).rowcount
