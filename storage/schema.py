"""The schema's version: make it, bring it up to date, and refuse one that does not fit."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import SQLAlchemyError

from storage import dialects
from storage.errors import CannotStore

_MIGRATIONS = Path(__file__).parent / "migrations"
_UPGRADE_LOCK = 0x70756C6D  # any constant of our own; PostgreSQL: one replica upgrades at a time
_UPGRADE_WAIT_S = 300
LOCK_WAIT_S = 5.0  # a Pullcord that is just ending may still write


class SchemaError(Exception):
    """The database's schema does not fit this Pullcord. ``str()`` says what to do."""


class OldSchema(SchemaError):
    """The database is empty or from an older Pullcord."""


class NewerSchema(SchemaError):
    """The database was upgraded by a newer Pullcord than this one."""


def upgrade(url: str) -> None:
    """Bring a database up to date, from nothing on; does nothing to one that is.

    Raises:
        ValueError: the URL is neither SQLite nor PostgreSQL.
        NewerSchema: a newer Pullcord has been here.
        CannotStore: the database cannot be opened or written.
    """
    with _connection(url) as connection:
        if connection.dialect.name == "postgresql":
            # Replicas that are started together all upgrade: one does, the others wait for it.
            connection.execute(text(f"SET LOCAL lock_timeout = '{_UPGRADE_WAIT_S}s'"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:id)"), {"id": _UPGRADE_LOCK})
        _refuse_newer(_current(connection))
        run_migrations(connection)


def current(url: str) -> str | None:
    """The database's revision; None when there is no schema yet.

    Raises:
        ValueError: the URL is neither SQLite nor PostgreSQL.
        CannotStore: the database cannot be opened.
    """
    with _connection(url) as connection:
        return _current(connection)


def check(url: str) -> None:
    """Make sure that the schema is the one of this Pullcord.

    Raises:
        OldSchema: it is missing or older; the message has the command to run.
        NewerSchema: it is of a newer Pullcord.
        ValueError: the URL is neither SQLite nor PostgreSQL.
        CannotStore: the database cannot be opened.
    """
    found = current(url)
    _refuse_newer(found)
    if found is None:
        raise OldSchema("The database has no tables yet: run `pullcord db upgrade`.")
    if found != revisions()[-1]:
        raise OldSchema("The database is from an older Pullcord: run `pullcord db upgrade`.")


@contextmanager
def _connection(url: str) -> Iterator[Connection]:
    """One transaction on a database, with its errors as ours."""
    engine = dialects.writer_engine(url, lock_wait_s=LOCK_WAIT_S)
    try:
        with engine.begin() as connection:
            yield connection
    except SQLAlchemyError as error:
        reason = dialects.trouble(error)
        if reason is None:
            raise
        raise CannotStore(f"The database cannot be opened or written: {reason}.") from error
    finally:
        engine.dispose()


def run_migrations(connection: Connection, target: str = "head") -> None:
    """Bring the database of this transaction to a revision, the newest unless one is named."""
    # Here only, because `serve` never needs Alembic and its eleven megabytes.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, target)


def _current(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return revision


def _refuse_newer(revision: str | None) -> None:
    if revision is not None and revision not in revisions():
        raise NewerSchema(
            "The database was upgraded by a newer Pullcord: run that one, or go back to a backup."
        )


def revisions() -> list[str]:
    """The revisions that this Pullcord knows, oldest first: a script's name begins with its own."""
    return sorted(path.name.partition("_")[0] for path in (_MIGRATIONS / "versions").glob("0*.py"))
