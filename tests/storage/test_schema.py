"""Migrations and the check at start."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FuturesTimeout
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text
from sqlmodel import SQLModel

from storage import audit, dialects, schema
from storage.engine import CannotStore, Database
from storage.tables import Connection
from tests import postgres
from tests.storage.samples import NOW, add_connection, new_hook


def test_an_empty_database_is_refused_with_the_command_to_run(empty_database_url: str) -> None:
    assert schema.current(empty_database_url) is None
    with pytest.raises(schema.OldSchema, match="pullcord db upgrade"):
        schema.check(empty_database_url)


def test_upgrading_makes_it_fit_and_can_be_repeated(empty_database_url: str) -> None:
    schema.upgrade(empty_database_url)
    schema.check(empty_database_url)
    schema.upgrade(empty_database_url)
    schema.check(empty_database_url)


def test_the_migrations_make_what_the_tables_say(database_url: str) -> None:
    engine = dialects.writer_engine(database_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, SQLModel.metadata) == []
        there = inspect(connection)
        for table in SQLModel.metadata.sorted_tables:
            made = {str(index["name"]) for index in there.get_indexes(table.name)}
            assert {str(index.name) for index in table.indexes} <= made
    engine.dispose()


async def test_upgrading_keeps_what_is_stored(empty_database_url: str) -> None:
    schema.upgrade(empty_database_url)
    async with Database.open(empty_database_url) as db:
        await db.write(add_connection)
        await db.write(lambda s: audit.append(s, at=NOW, actor="a", action="b", after={"x": 1}))
        await db.store_hook(new_hook())
    schema.upgrade(empty_database_url)
    async with Database.open(empty_database_url) as db:
        stored = await db.read(lambda s: s.get_one(Connection, "demo"))
        assert stored.created_at == NOW
        assert await db.read(audit.verify) is None
        assert not await db.store_hook(new_hook())


def test_a_newer_database_is_left_alone(
    database_url: str, execute_raw: Callable[[str], None]
) -> None:
    execute_raw("UPDATE alembic_version SET version_num = '9999'")
    for act in (schema.check, schema.upgrade):
        with pytest.raises(schema.NewerSchema, match="newer"):
            act(database_url)
    assert schema.current(database_url) == "9999"


def test_an_older_database_is_refused(
    database_url: str, execute_raw: Callable[[str], None]
) -> None:
    execute_raw("DELETE FROM alembic_version")
    with pytest.raises(schema.OldSchema, match="pullcord db upgrade"):
        schema.check(database_url)


def test_a_failed_upgrade_leaves_nothing_half_done(empty_database_url: str) -> None:
    engine = dialects.writer_engine(empty_database_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE tickets (x INTEGER)"))  # in the way of the migration
    with pytest.raises(Exception, match="tickets"):
        schema.upgrade(empty_database_url)
    with engine.connect() as connection:
        assert inspect(connection).get_table_names() == ["tickets"]
    engine.dispose()


def test_a_database_that_cannot_be_opened_is_told_without_its_password() -> None:
    with pytest.raises(CannotStore) as caught:
        schema.check("postgresql://maya:canary@127.0.0.1:1/none")
    assert "canary" not in str(caught.value)
    with pytest.raises(CannotStore):
        schema.upgrade("sqlite:////no/such/folder/pullcord.db")


def test_the_scripts_names_tell_their_revisions() -> None:
    scripts = ScriptDirectory(str(Path(schema.__file__).parent / "migrations"))
    known = [script.revision for script in scripts.walk_revisions()]
    assert schema.revisions() == known[::-1]
    assert schema.revisions()[-1] == scripts.get_current_head()


@pytest.mark.postgres
@pytest.mark.slow
def test_replicas_that_upgrade_together_wait_for_one_another(postgres_server: str) -> None:
    """Longer than other statements wait for a lock."""
    with (
        postgres.database(postgres_server) as url,
        ThreadPoolExecutor(1) as threads,
        schema._connection(url) as first,
    ):
        first.execute(text("SELECT pg_advisory_xact_lock(:id)"), {"id": schema._UPGRADE_LOCK})
        second = threads.submit(schema.upgrade, url)
        with pytest.raises(FuturesTimeout):
            second.result(dialects.LOCK_WAIT_S + 1)
        first.rollback()
        second.result(30)
        schema.check(url)
