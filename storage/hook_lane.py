"""The inbox's own lane in the writer: all waiting bodies in as few statements as can be.

It speaks to the driver directly: through the ORM the same rows take ten times as long.
"""

import hashlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy.engine import Connection
from sqlalchemy.engine.interfaces import DBAPICursor

from storage.text import bounded_key, storable_text

_COLUMNS = (
    "connection, dedup_key, content_hash, event_type, body, received_at, due_at,"
    " state, reason, attempts"
)
_SQLITE_ROW = "(?, ?, ?, ?, ?, ?, ?, 'pending', '', 0)"
MOST_AT_ONCE = 32
"""Of SQLite's statements there is one for each number of rows; the driver keeps 128 prepared."""
_SQLITE_CHUNKS = (256, 128, 64, 32, 16, 8, 4, 2, 1)
_POSTGRESQL_INSERT = (
    f"INSERT INTO inbox ({_COLUMNS})"  # noqa: S608  # constants
    " SELECT *, 'pending', '', 0 FROM unnest(%s::text[], %s::text[], %s::bytea[], %s::text[],"
    " %s::bytea[], %s::timestamptz[], %s::timestamptz[])"
    " ON CONFLICT DO NOTHING RETURNING connection, dedup_key, content_hash"
)


class NewHook(NamedTuple):
    """A webhook body to keep. ``dedup_key`` is described at InboxRow; ``received_at`` is UTC."""

    connection: str
    dedup_key: str
    body: bytes
    received_at: datetime
    event_type: str = ""


class HashedHook(NamedTuple):
    """A body and its SHA-256.

    It is hashed before the writer's thread has it: hashing gives the interpreter away for a body
    of 2 KB or more, and in a crowd that thread would wait for it again at each.
    """

    hook: NewHook
    digest: bytes

    @classmethod
    def of(cls, hook: NewHook) -> "HashedHook":
        """With its hash. Two megabytes take some milliseconds."""
        return cls(hook, hashlib.sha256(hook.body).digest())


def insert_hooks(connection: Connection, hooks: Sequence[HashedHook]) -> list[bool]:
    """Insert what is new, in order; for each whether it was new (of equal ones the first is)."""
    if connection.dialect.name != "sqlite":
        return _insert_postgresql(connection, hooks)
    cursor = connection.connection.cursor()
    try:
        return [is_new for chunk in _chunks(hooks) for is_new in insert_at_once(cursor, chunk)]
    finally:
        cursor.close()


def _values(hashed: HashedHook) -> tuple[str, str, bytes, str, bytes]:
    hook, digest = hashed
    return (
        storable_text(hook.connection),
        bounded_key(storable_text(hook.dedup_key)),
        digest,
        storable_text(hook.event_type),
        hook.body,
    )


def insert_at_once(cursor: DBAPICursor, hooks: Sequence[HashedHook]) -> list[bool]:
    """``insert_hooks`` as one statement of SQLite, with its own cursor.

    The driver gives the interpreter away at each step of a statement and waits for the event loop
    to give it back, which costs far more than the insert: so neither executemany nor RETURNING.
    """
    rows = []
    for hashed in hooks:
        at = _time_text(hashed.hook.received_at)
        rows.append((*_values(hashed), at, at))
    cursor.execute(_insert_text(len(rows)), [value for row in rows for value in row])
    added = cursor.rowcount
    if added == len(rows):
        return [True] * added
    inserted: set[tuple[Any, ...]] = set()
    if added:
        # The one writer gives ids in sequence, so these are the last ones.
        last = cursor.lastrowid
        cursor.execute(
            "SELECT connection, dedup_key, content_hash FROM inbox WHERE id > ? AND id <= ?",
            (last - added, last),
        )
        inserted = set(cursor.fetchall())
    return _which_were_new(rows, inserted)


def _time_text(time: datetime) -> str:
    """As SQLAlchemy stores times in SQLite, without its way through strftime."""
    if time.tzinfo is not UTC:
        time = time.astimezone(UTC)
    return time.isoformat(" ", "microseconds").removesuffix("+00:00")


def _chunks(hooks: Sequence[HashedHook]) -> Iterator[Sequence[HashedHook]]:
    start = 0
    for size in _SQLITE_CHUNKS:
        while len(hooks) - start >= size:
            yield hooks[start : start + size]
            start += size


@cache
def _insert_text(count: int) -> str:
    values = ", ".join([_SQLITE_ROW] * count)
    return f"INSERT INTO inbox ({_COLUMNS}) VALUES {values} ON CONFLICT DO NOTHING"  # noqa: S608  # constants


def _which_were_new(rows: Sequence[tuple[Any, ...]], inserted: set[tuple[Any, ...]]) -> list[bool]:
    news = []
    for row in rows:
        news.append(row[:3] in inserted)
        inserted.discard(row[:3])
    return news


def _insert_postgresql(connection: Connection, hooks: Sequence[HashedHook]) -> list[bool]:
    rows = [(*_values(each), each.hook.received_at, each.hook.received_at) for each in hooks]
    columns: list[list[Any]] = [list(column) for column in zip(*rows, strict=True)]
    cursor = connection.connection.cursor()
    try:
        cursor.execute(_POSTGRESQL_INSERT, columns)
        inserted = {(name, key, bytes(digest)) for name, key, digest in cursor.fetchall()}
    finally:
        cursor.close()
    return _which_were_new(rows, inserted)
