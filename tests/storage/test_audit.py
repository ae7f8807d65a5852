"""The audit: append only, each entry chained to all before it."""

import asyncio
from collections.abc import Callable

import pytest
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, col, select

from storage import audit
from storage.engine import Database
from storage.tables import AuditRow
from tests.storage.samples import NOW


def entry(number: int) -> Callable[[Session], None]:
    def append(session: Session) -> None:
        audit.append(
            session,
            at=NOW,
            actor="Maya Sample <maya@example.com>",
            action="link_added",
            connection="demo",
            subject=f"ticket/demo/{number}",
            before={"links": []},
            after={"links": [number, 1.5, None, "ü\x00\ud800"], "nested": {"b": 1, "a": True}},
            cause=f"event {number}",
        )

    return append


async def fill(db: Database, count: int = 5) -> None:
    for number in range(count):
        await db.write(entry(number))


async def test_entries_can_be_read_back_by_subject(db: Database) -> None:
    await fill(db)
    (row,) = await db.read(lambda s: audit.of_subject(s, "ticket/demo/3"))
    assert (row.actor, row.cause, row.at) == ("Maya Sample <maya@example.com>", "event 3", NOW)
    assert row.before == {"links": []}
    assert len(row.digest) == 64


async def test_an_untouched_chain_fits(db: Database) -> None:
    assert await db.read(audit.verify) is None
    await fill(db)
    seen: list[int] = []
    assert await db.read(lambda s: audit.verify(s, seen.append)) is None
    assert seen == [5]


async def test_several_entries_of_one_transaction_are_chained(db: Database) -> None:
    def three(session: Session) -> None:
        for number in range(3):
            entry(number)(session)

    await db.write(three)
    assert await db.read(audit.verify) is None


async def test_an_entry_of_a_failed_transaction_is_not_there(db: Database) -> None:
    def fail(session: Session) -> None:
        entry(1)(session)
        raise LookupError

    await fill(db, 1)
    with pytest.raises(LookupError):
        await db.write(fail)
    await fill(db, 1)
    assert await db.read(audit.verify) is None
    assert len(await db.read(lambda s: s.exec(select(AuditRow.id)).all())) == 2


@pytest.mark.parametrize("verb", ["UPDATE audit SET actor = 'x'", "DELETE FROM audit"])
async def test_the_database_refuses_to_change_the_audit(
    db: Database, execute_raw: Callable[[str], None], verb: str
) -> None:
    """CHECKS 24: append only."""
    await fill(db)
    with pytest.raises(DBAPIError, match="append only"):
        execute_raw(verb)
    assert await db.read(audit.verify) is None


@pytest.mark.parametrize(
    ("tampering", "first_bad"),
    [
        ("UPDATE audit SET actor = 'somebody else' WHERE id = 3", 3),
        ("UPDATE audit SET cause = '' WHERE id = 1", 1),
        ("""UPDATE audit SET "after" = '{"links": []}' WHERE id = 5""", 5),
        ("DELETE FROM audit WHERE id = 2", 3),
        ("UPDATE audit SET at = '2020-01-01 00:00:00.000000' WHERE id = 4", 4),
    ],
)
async def test_a_change_behind_our_back_is_found(
    db: Database, execute_raw: Callable[[str], None], backend: str, tampering: str, first_bad: int
) -> None:
    await fill(db)
    off = {
        "sqlite": ["DROP TRIGGER audit_refuses_update", "DROP TRIGGER audit_refuses_delete"],
        "postgresql": [
            "DROP TRIGGER audit_refuses ON audit",
            "DROP TRIGGER audit_refuses_delete ON audit",
        ],
    }
    for statement in [*off[backend], tampering]:
        execute_raw(statement)
    assert await db.read(audit.verify) == first_bad


@pytest.mark.parametrize("value", [object(), float("nan")])
async def test_what_is_not_json_is_refused(db: Database, value: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        await db.write(lambda s: audit.append(s, at=NOW, actor="a", action="b", after={"x": value}))


@pytest.mark.postgres
async def test_replicas_write_one_chain(postgres_url: str) -> None:
    async with Database.open(postgres_url) as one, Database.open(postgres_url) as two:
        writes = [db.write(entry(number)) for number in range(40) for db in (one, two)]
        await asyncio.gather(*writes)
        assert await one.read(audit.verify) is None
        ids = await one.read(lambda s: s.exec(select(AuditRow.id).order_by(col(AuditRow.id))).all())
        assert len(ids) == 80


async def test_appending_never_scans(sqlite_url: str, plan: Callable[..., list[str]]) -> None:
    async with Database.open(sqlite_url) as db:
        await fill(db)
        steps = await db.write(lambda s: plan(s, lambda: entry(9)(s)))
    # "SCAN audit" without a sort: the newest entry, read along the primary key and cut after one.
    assert not [step for step in steps if "TEMP B-TREE" in step]
    assert [step for step in steps if "SCAN" in step] == ["SCAN audit"]
