"""Queries whose rows come as one text.

The driver gives the interpreter away for each row that it fetches, and waits until the event loop
gives it back, which costs far more than the row. So where many rows are read at a busy time the
database puts them together.
"""

from datetime import UTC, datetime
from functools import cache
from typing import Any

from sqlalchemy import String, TextualSelect, bindparam, column, text
from sqlmodel import Session

from storage.dialects import is_sqlite
from storage.json_text import load_json


def rows_as_text(
    session: Session, columns: str, source: str, *, lists: tuple[str, ...] = ()
) -> TextualSelect:
    """The query whose one value is a JSON list of rows, each a list; their order is not known.

    Args:
        session: whose database it is for.
        columns: in SQL, separated by commas. A time comes as text, for ``moment_of``; a column of
            JSON must be cast to VARCHAR, because the databases differ in what they make of it.
        source: from FROM to the end, in SQL.
        lists: names of the parameters that are lists, each written as ``IN :name``.
    """
    return _rows_as_text(columns, source, lists, is_sqlite(session))


@cache
def _rows_as_text(
    columns: str, source: str, lists: tuple[str, ...], is_sqlite: bool
) -> TextualSelect:
    collect, one = (
        ("json_group_array", "json_array") if is_sqlite else ("json_agg", "json_build_array")
    )
    row = f"{one}({columns})"
    query = text(f"SELECT CAST(COALESCE({collect}({row}), '[]') AS VARCHAR) {source}")
    expanding: list[Any] = [bindparam(name, expanding=True) for name in lists]
    return query.bindparams(*expanding).columns(column("found", String))


def rows_of(found: str) -> list[list[Any]]:
    """The rows of such a text."""
    rows: list[list[Any]] = load_json(found)
    return rows


def moment_of(stored: str) -> datetime:
    """A time as the database writes it in JSON: SQLite's has no zone, which is UTC."""
    moment = datetime.fromisoformat(stored)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
