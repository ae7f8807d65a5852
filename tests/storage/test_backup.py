"""Backups of a database in use, put back into either kind of database."""

import sqlite3
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Delete, Update, delete, update
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, col, select

from storage import audit, backup, schema
from storage.audit_cut import ACTION, forget_audit
from storage.backup import BackupError
from storage.engine import Database
from storage.housekeeping import Retention, forget_old
from storage.tables import AuditCut, AuditRow, Connection, InboxRow
from tests.storage.samples import (
    NOW,
    add_connection,
    add_conversation,
    add_pull_request,
    add_repository,
    new_hook,
)


def _fill(session: Session) -> None:
    add_connection(session)
    add_conversation(session, "19:channel")
    add_repository(session)
    add_pull_request(session, state={"title": "Größe 🙂"})
    for number in range(3):
        audit.append(session, at=NOW, actor="Maya", action="did", after={"n": number})


@pytest.fixture
async def filled(database_url: str) -> AsyncIterator[tuple[Database, str]]:
    async with Database.open(database_url) as db:
        await db.write(_fill)
        await db.store_hook(new_hook(body=b"\x00\xff{}"))
        yield db, database_url


async def test_a_backup_of_a_database_in_use_is_whole_and_private(
    filled: tuple[Database, str], tmp_path: Path
) -> None:
    _, url = filled
    file = tmp_path / "copy.backup"
    held = backup.backup(url, file)
    assert (held.rows["audit"], held.rows["pull_requests"], held.rows["inbox"]) == (3, 1, 1)
    assert held.revision == schema.revisions()[-1]
    assert file.stat().st_mode & 0o777 == 0o600
    with pytest.raises(BackupError, match="--force"):
        backup.backup(url, file)
    assert backup.backup(url, file, replace=True) == held


async def test_what_is_restored_is_what_was_backed_up_and_ids_go_on(
    filled: tuple[Database, str], tmp_path: Path, backend: str, request: pytest.FixtureRequest
) -> None:
    db, url = filled
    file = tmp_path / "copy.backup"
    backup.backup(url, file)
    await db.write(lambda s: audit.append(s, at=NOW, actor="later", action="lost"))
    await db.close()
    with pytest.raises(BackupError, match="--replace"):
        backup.restore(file, url, replace=False, now=NOW)
    _, kept = backup.restore(file, url, replace=True, now=NOW)
    assert (kept is not None) == (backend == "sqlite")
    async with Database.open(url) as again:
        assert await again.read(audit.verify) is None
        entries = await again.read(lambda s: s.exec(select(AuditRow.action)).all())
        assert list(entries) == ["did"] * 3
        (row,) = await again.read(lambda s: s.exec(select(InboxRow)).all())
        assert row.body == b"\x00\xff{}"
        assert row.received_at == NOW
        await again.write(lambda s: audit.append(s, at=NOW, actor="a", action="after"))
        newest = await again.read(
            lambda s: s.exec(select(AuditRow).order_by(col(AuditRow.id).desc())).first()
        )
        assert newest is not None
        assert newest.id == 4
        assert await again.read(audit.verify) is None


@pytest.mark.postgres
async def test_a_backup_of_sqlite_moves_to_postgresql(
    sqlite_url: str, postgres_url: str, tmp_path: Path
) -> None:
    async with Database.open(sqlite_url) as db:
        await db.write(_fill)
    file = tmp_path / "moving.backup"
    backup.backup(sqlite_url, file)
    backup.restore(file, postgres_url, replace=False, now=NOW)
    async with Database.open(postgres_url) as moved:
        assert await moved.read(audit.verify) is None
        assert (await moved.read(lambda s: s.get_one(Connection, "demo"))).created_at == NOW


async def test_a_database_in_use_is_not_replaced(sqlite_url: str, tmp_path: Path) -> None:
    file = tmp_path / "copy.backup"
    backup.backup(sqlite_url, file)
    async with Database.open(sqlite_url) as db:
        await db.write(add_connection)
        with pytest.raises(BackupError, match="in use"):
            backup.restore(file, sqlite_url, replace=True, now=NOW)
        assert await db.read(lambda s: s.get(Connection, "demo"))
    _, kept = backup.restore(file, sqlite_url, replace=True, now=NOW)
    assert kept is not None
    async with Database.open(f"sqlite:///{kept}") as old:
        assert await old.read(lambda s: s.get(Connection, "demo")), "what was there is kept whole"


def test_a_damaged_or_strange_file_is_refused(sqlite_url: str, tmp_path: Path) -> None:
    strange = tmp_path / "strange"
    strange.write_bytes(b"no database at all" * 100)
    with pytest.raises(BackupError, match="no database"):
        backup.restore(strange, sqlite_url, replace=True, now=NOW)
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE a (b)")
    with pytest.raises(BackupError, match="no database of Pullcord"):
        backup.restore(other, sqlite_url, replace=True, now=NOW)
    schema.check(sqlite_url)


async def test_old_audit_is_forgotten_and_the_rest_still_verifies(
    filled: tuple[Database, str],
) -> None:
    db, _ = filled
    later = NOW + timedelta(days=400)
    await db.write(lambda s: audit.append(s, at=later, actor="Maya", action="new"))
    await db.write(lambda s: forget_old(s, now=later))
    assert len(await _actions(db)) == 4

    retention = Retention(audit=timedelta(days=365))
    await db.write(lambda s: forget_old(s, now=later, retention=retention))
    assert await _actions(db) == ["new", ACTION]
    assert await db.read(audit.verify) is None
    await db.write(lambda s: forget_old(s, now=later, retention=retention))
    assert await _actions(db) == ["new", ACTION], "nothing more to forget, nothing more to say"


async def test_audit_forgotten_in_rounds_is_said_once_also_when_all_of_it_goes(
    filled: tuple[Database, str],
) -> None:
    db, _ = filled
    later = NOW + timedelta(days=9)
    for expected in (2, 1):
        gone = await db.write(lambda s: forget_audit(s, before=later, now=later, limit=2))
        assert gone == expected
    (said,) = await db.read(lambda s: s.exec(select(AuditRow)).all())
    assert said.after is not None
    assert (said.action, said.after["entries"], said.after["through"]) == (ACTION, 3, 3)
    assert await db.read(audit.verify) is None


async def test_a_hole_in_the_audit_still_shows_after_a_cut(filled: tuple[Database, str]) -> None:
    db, _ = filled
    await db.write(lambda s: forget_audit(s, before=NOW + timedelta(1), now=NOW, limit=1))
    for statement in (delete(AuditRow), update(AuditRow).values(actor="somebody else")):
        with pytest.raises(DBAPIError, match="append only"):
            await db.write(partial(_execute, statement=statement))

    def falsify(session: Session) -> None:
        cut = session.get_one(AuditCut, 1)
        cut.digest = "0" * 64
        session.add(cut)

    await db.write(falsify)
    assert await db.read(audit.verify) == 2


def _execute(session: Session, statement: Delete | Update) -> None:
    session.connection().execute(statement)


async def _actions(db: Database) -> list[str]:
    return list(
        await db.read(lambda s: s.exec(select(AuditRow.action).order_by(col(AuditRow.id))).all())
    )
