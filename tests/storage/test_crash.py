"""CHECKS 1: what was acknowledged survives SIGKILL at any point."""

import asyncio
import random
import sys
from pathlib import Path

from sqlmodel import Session, col, select

from storage import audit
from storage.dialects import is_sqlite
from storage.engine import Database
from storage.tables import AuditRow, InboxRow, OutboxRow

ROUNDS = 3
LINES = 800


async def lines_until_killed(url: str, prefix: str, after: int) -> set[str]:
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.storage.crash_child",
        url,
        prefix,
        stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    assert child.stdout is not None
    try:
        acknowledged = [await child.stdout.readline() for _ in range(after)]
    finally:
        child.kill()
    acknowledged += (await child.stdout.read()).splitlines(keepends=True)
    await child.wait()
    return {line.decode().strip() for line in acknowledged if line.endswith(b"\n")}


def look(session: Session) -> tuple[set[str], set[str], set[str], str]:
    integrity = "ok"
    if is_sqlite(session):
        integrity = session.connection().exec_driver_sql("PRAGMA integrity_check").scalar_one()
    return (
        set(session.exec(select(InboxRow.dedup_key)).all()),
        set(session.exec(select(OutboxRow.key)).all()),
        set(session.exec(select(AuditRow.subject).where(col(AuditRow.action) == "queued")).all()),
        integrity,
    )


async def test_every_acknowledged_write_is_there_after_sigkill(database_url: str) -> None:
    acknowledged: set[str] = set()
    for number in range(ROUNDS):
        after = random.randint(1, LINES)  # any point will do
        acknowledged |= await lines_until_killed(database_url, str(number), after)
        async with Database.open(database_url) as db:
            hooks, messages, audited, integrity = await db.read(look)
            assert integrity == "ok"
            assert acknowledged <= hooks | messages
            assert messages == audited  # a transaction is there as a whole or not at all
            assert await db.read(audit.verify) is None
    assert any(key.startswith("hook/") for key in acknowledged)
