"""What the tests' databases share, because it is the same for each of them: tables and statements.

Making the schema by its migrations, and compiling the same statements for each database anew, took
more than half of the processor time of a test that opens one.
"""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Engine, event
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine import Connection
from sqlalchemy.engine.default import DefaultDialect

from storage import schema


def migrated(path: Path) -> str:
    """A SQLite file with the present schema and nothing in it; its URL."""
    path.write_bytes(_template())
    return f"sqlite:///{path}"


@cache
def _template() -> bytes:
    """Migrated once in this process."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "pullcord.db"
        schema.upgrade(f"sqlite:///{path}")
        return path.read_bytes()


def compile_once() -> None:
    """From now on, a statement is compiled for the first database that it runs on.

    SQLAlchemy's caches know a statement by itself and the engine's dialect object. Here those of
    one kind count as the same, and what was compiled is kept for all engines.
    """
    compiled: dict[object, object] = {}

    def share(connection: Connection) -> None:
        connection.execution_options(compiled_cache=compiled)

    event.listen(Engine, "engine_connect", share)
    for kind in (SQLiteDialect_pysqlite, PGDialect_psycopg):
        kind.__eq__ = _is_alike  # type: ignore[method-assign, assignment]  # replaced on purpose
        kind.__hash__ = _kind  # type: ignore[method-assign, assignment]  # as above


def _is_alike(one: DefaultDialect, other: object) -> bool:
    return one is other or (
        isinstance(other, DefaultDialect)
        and type(one) is type(other)
        and one.server_version_info == other.server_version_info
        and getattr(one, "_json_serializer", None) is getattr(other, "_json_serializer", None)
    )


def _kind(dialect: DefaultDialect) -> int:
    return hash(type(dialect))
