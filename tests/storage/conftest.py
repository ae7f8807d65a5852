"""Every storage test runs on SQLite, and on PostgreSQL where there is a server."""

import os
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import event
from sqlalchemy.engine import make_url
from sqlmodel import Session

from storage import dialects, schema
from storage.engine import Database

SERVER = "PULLCORD_TEST_POSTGRES_URL"
BACKENDS = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]


@pytest.fixture(scope="session")
def postgres_server() -> str:
    url = os.environ.get(SERVER, "")
    if not url and os.environ.get("PULLCORD_REQUIRE_POSTGRES") == "1":
        pytest.fail(f"{SERVER} is not set, and PULLCORD_REQUIRE_POSTGRES asks for these tests")
    if not url:
        pytest.skip(f"no PostgreSQL server: {SERVER} is not set (.ci/postgres starts one)")
    return url


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str) -> Iterator[str]:
    """A migrated database that the tests' databases are copied from."""
    name = f"pullcord_template_{uuid.uuid4().hex}"
    _administer(postgres_server, f'CREATE DATABASE "{name}"')
    schema.upgrade(_named(postgres_server, name))
    yield name
    _administer(postgres_server, f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "pullcord.db"
    schema.upgrade(f"sqlite:///{path}")
    return path


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
    server: str = request.getfixturevalue("postgres_server")
    yield from _postgres_database(server)


@pytest.fixture
def database_url(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database with the present schema and nothing in it."""
    if backend == "sqlite":
        template: Path = request.getfixturevalue("sqlite_template")
        path = tmp_path / "pullcord.db"
        path.write_bytes(template.read_bytes())
        yield f"sqlite:///{path}"
        return
    server: str = request.getfixturevalue("postgres_server")
    yield from _postgres_database(server, request.getfixturevalue("postgres_template"))


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """For what only SQLite can do."""
    path = tmp_path / "pullcord.db"
    path.write_bytes(sqlite_template.read_bytes())
    return f"sqlite:///{path}"


@pytest.fixture
def postgres_url(postgres_server: str, postgres_template: str) -> Iterator[str]:
    """For what only PostgreSQL can do; mark such a test ``postgres``."""
    yield from _postgres_database(postgres_server, postgres_template)


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


def _postgres_database(server: str, template: str = "template0") -> Iterator[str]:
    name = f"pullcord_test_{uuid.uuid4().hex}"
    _administer(server, f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    yield _named(server, name)
    _administer(server, f'DROP DATABASE "{name}" WITH (FORCE)')


def _administer(server: str, statement: str) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(statement)


def _named(server: str, name: str) -> str:
    return make_url(server).set(database=name).render_as_string(hide_password=False)


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
