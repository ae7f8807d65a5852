"""Each earlier schema with a row in every table is brought up to date, and nothing is lost."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pytest
import sqlalchemy as sa

from storage import dialects, schema
from tests.storage.samples import NOW

Rows = Mapping[str, Mapping[str, Any]]
VERSIONS = "alembic_version"


def fill(connection: sa.Connection) -> Rows:
    """One row in every table, parents first; what was stored, as it is read again."""
    tables = sa.MetaData()
    tables.reflect(connection)
    stored: dict[str, dict[str, Any]] = {}
    for table in tables.sorted_tables:
        if table.name == VERSIONS:
            continue
        values: dict[str, Any] = {}
        for column in table.columns:
            [*keys] = column.foreign_keys
            values[column.name] = (
                stored[keys[0].column.table.name][keys[0].column.name] if keys else _sample(column)
            )
        connection.execute(table.insert().values(values))
        stored[table.name] = values
    return read(connection, stored)


def _sample(column: sa.Column[Any]) -> Any:
    kind = column.type
    if isinstance(kind, sa.JSON):
        return {"a": [1, "é"]}
    if isinstance(kind, sa.DateTime) and kind.timezone:
        return NOW
    samples: Mapping[type, Any] = {
        bool: True,
        int: 7,
        float: 0.5,
        bytes: b"\x00\xff",
        datetime: NOW.replace(tzinfo=None),
        str: f"{column.table.name}.{column.name}",
    }
    return samples[kind.python_type]


def read(connection: sa.Connection, columns: Mapping[str, Mapping[str, Any]]) -> Rows:
    """The one row of each of these tables, of it these columns."""
    tables = sa.MetaData()
    tables.reflect(connection)
    found = {}
    for name, values in columns.items():
        table = tables.tables[name]
        [row] = connection.execute(sa.select(*(table.c[column] for column in values))).mappings()
        found[name] = dict(row)
    return found


@pytest.mark.parametrize("revision", schema.revisions())
def test_a_database_of_an_earlier_schema_keeps_every_row(
    empty_database_url: str, revision: str
) -> None:
    engine = dialects.writer_engine(empty_database_url)
    with engine.begin() as connection:
        schema.run_migrations(connection, revision)
    with engine.begin() as connection:
        before = fill(connection)
    assert {"connections", "pull_requests", "outbox", "audit", "people"} <= set(before)

    schema.upgrade(empty_database_url)

    schema.check(empty_database_url)
    with engine.connect() as connection:
        assert read(connection, before) == before
        if connection.dialect.name == "sqlite":
            assert connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall() == []
            assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
    engine.dispose()
