"""Every storage test runs on SQLite, and on PostgreSQL where there is a server."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from sqlmodel import Session

from storage import dialects
from storage.engine import Database
from tests import postgres
from tests.databases import migrated

BACKENDS = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def empty_database_url(
    backend: str, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[str]:
    """A database without any tables."""
    if backend == "sqlite":
        yield f"sqlite:///{tmp_path / 'pullcord.db'}"
        return
    with postgres.database(request.getfixturevalue("postgres_server")) as url:
        yield url


@pytest.fixture
def database_url(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database with the present schema and nothing in it."""
    if backend == "sqlite":
        yield migrated(tmp_path / "pullcord.db")
        return
    yield request.getfixturevalue("postgres_url")


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """For what only SQLite can do."""
    return migrated(tmp_path / "pullcord.db")


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    async with Database.open(database_url, lock_wait_s=0.1, probe_every_s=0.02) as opened:
        yield opened


@pytest.fixture
def execute_raw(database_url: str) -> Callable[[str], None]:
    """Run a statement behind Pullcord's back."""

    def execute(statement: str) -> None:
        engine = dialects.writer_engine(database_url)
        with engine.begin() as connection:
            connection.exec_driver_sql(statement)
        engine.dispose()

    return execute


@pytest.fixture
def plan() -> Callable[[Session, Callable[[], object]], list[str]]:
    """SQLite's plan of every statement that something runs."""

    def steps(session: Session, run: Callable[[], object]) -> list[str]:
        seen: list[tuple[str, Any]] = []

        def note(_c: object, _cursor: object, statement: str, values: Any, *_: object) -> None:
            seen.append((statement, values))

        connection = session.connection()
        event.listen(connection, "before_cursor_execute", note)
        run()
        event.remove(connection, "before_cursor_execute", note)
        found: list[str] = []
        for statement, values in seen:
            one = values[0] if isinstance(values, list) else values
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", one)
            found += [str(row[3]) for row in rows]
        return found

    return steps
