"""The inbox's own lane in the writer: all waiting bodies in as few statements as can be.

It speaks to the driver directly: through the ORM the same rows take ten times as long.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.engine import Connection
from sqlalchemy.engine.interfaces import DBAPICursor

from storage.text import bounded_key, storable_text

_COLUMNS = (
    "connection, dedup_key, content_hash, event_type, body, received_at, due_at,"
    " state, reason, attempts"
)
_SQLITE_ROW = "(?, ?, ?, ?, ?, ?, ?, 'pending', '', 0)"
# Few shapes, so that the driver finds its prepared statements again.
_SQLITE_CHUNKS = (256, 128, 64, 32, 16, 8, 4, 2, 1)
_POSTGRESQL_INSERT = (
    f"INSERT INTO inbox ({_COLUMNS})"  # noqa: S608  # constants
    " SELECT *, 'pending', '', 0 FROM unnest(%s::text[], %s::text[], %s::bytea[], %s::text[],"
    " %s::bytea[], %s::timestamptz[], %s::timestamptz[])"
    " ON CONFLICT DO NOTHING RETURNING connection, dedup_key, content_hash"
)


@dataclass(frozen=True, slots=True)
class NewHook:
    """A webhook body to keep. ``dedup_key`` is described at InboxRow; ``received_at`` is UTC."""

    connection: str
    dedup_key: str
    body: bytes
    received_at: datetime
    event_type: str = ""


def insert_hooks(connection: Connection, hooks: Sequence[NewHook]) -> list[bool]:
    """Insert what is new, in order; for each whether it was new (of equal ones the first is)."""
    if connection.dialect.name != "sqlite":
        return _insert_postgresql(connection, hooks)
    cursor = connection.connection.cursor()
    try:
        return insert_into_sqlite(cursor, hooks)
    finally:
        cursor.close()


def _values(hook: NewHook) -> tuple[str, str, bytes, str, bytes]:
    return (
        storable_text(hook.connection),
        bounded_key(storable_text(hook.dedup_key)),
        hashlib.sha256(hook.body).digest(),
        storable_text(hook.event_type),
        hook.body,
    )


def insert_into_sqlite(cursor: DBAPICursor, hooks: Sequence[NewHook]) -> list[bool]:
    """``insert_hooks`` with SQLite's own cursor, inside its transaction."""
    news: list[bool] = []
    for chunk in _chunks(hooks):
        rows = []
        for hook in chunk:
            at = _time_text(hook.received_at)
            rows.append((*_values(hook), at, at))
        news += _insert_chunk(cursor, rows)
    return news


def _time_text(time: datetime) -> str:
    """As SQLAlchemy stores times in SQLite, without its way through strftime."""
    if time.tzinfo is not UTC:
        time = time.astimezone(UTC)
    return time.isoformat(" ", "microseconds").removesuffix("+00:00")


def _chunks(hooks: Sequence[NewHook]) -> Iterator[Sequence[NewHook]]:
    start = 0
    for size in _SQLITE_CHUNKS:
        while len(hooks) - start >= size:
            yield hooks[start : start + size]
            start += size


def _insert_chunk(cursor: DBAPICursor, rows: Sequence[tuple[Any, ...]]) -> list[bool]:
    """One statement for all rows.

    The driver gives the interpreter away at each step of a statement and waits for the event loop
    to give it back, which costs far more than the insert: so neither executemany nor RETURNING.
    """
    values = ", ".join([_SQLITE_ROW] * len(rows))
    cursor.execute(
        f"INSERT INTO inbox ({_COLUMNS}) VALUES {values} ON CONFLICT DO NOTHING",  # noqa: S608  # constants
        [value for row in rows for value in row],
    )
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


def _which_were_new(rows: Sequence[tuple[Any, ...]], inserted: set[tuple[Any, ...]]) -> list[bool]:
    news = []
    for row in rows:
        news.append(row[:3] in inserted)
        inserted.discard(row[:3])
    return news


def _insert_postgresql(connection: Connection, hooks: Sequence[NewHook]) -> list[bool]:
    rows = [(*_values(hook), hook.received_at, hook.received_at) for hook in hooks]
    columns: list[list[Any]] = [list(column) for column in zip(*rows, strict=True)]
    cursor = connection.connection.cursor()
    try:
        cursor.execute(_POSTGRESQL_INSERT, columns)
        inserted = {(name, key, bytes(digest)) for name, key, digest in cursor.fetchall()}
    finally:
        cursor.close()
    return _which_were_new(rows, inserted)
