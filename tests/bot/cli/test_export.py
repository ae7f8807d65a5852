"""``pullcord export``, ``backup`` and ``restore``, as an operator types them."""

import asyncio
import csv
import io
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import Session

from bot.export import csv_line, month_span
from storage import audit
from storage.engine import Database
from storage.tables import Connection, Link, RepositoryRow, TicketRow
from tests.bot.cli.conftest import Run

NOVEMBER = datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC)
DECEMBER = datetime(2026, 12, 1, tzinfo=UTC)
FORMULA = '=cmd|"/c calc"!A1,\r\nand a second line'


def _fill(session: Session) -> None:
    session.add(
        Connection(name="contoso", base_url="https://dev.azure.com/contoso", created_at=NOVEMBER)
    )
    session.flush()
    session.add(
        RepositoryRow(
            connection="contoso", id="r1", name="shop", project_id="p1", project_name="Web"
        )
    )
    session.add(TicketRow(connection="contoso", number=7, title="@SUM(1)", as_of=NOVEMBER))
    for ticket, at in ((7, NOVEMBER), (8, DECEMBER)):
        session.add(
            Link(
                connection="contoso", ticket=ticket, repository_id="r1", branch="feature/7",
                pull_request=12, origin="manual", created_by=FORMULA, created_at=at,
            )
        )  # fmt: skip
    for at in (NOVEMBER, DECEMBER):
        audit.append(session, at=at, actor=FORMULA, action="did", after={"title": "-1+1"})


def _stored(path: Path, fill: Callable[[Session], None] = _fill) -> None:
    async def write() -> None:
        async with Database.open(f"sqlite:///{path}") as db:
            await db.write(fill)

    asyncio.run(write())


def test_links_of_a_month_are_rfc_4180_and_open_inert(run: Run, database: Path) -> None:
    """CHECKS 21."""
    _stored(database)
    done = run("export", "links", "--month", "2026-11")
    assert done.exit_code == 0
    raw = done.stdout_bytes.decode()
    assert raw.endswith("\r\n")
    assert not re.search(r"(?<!\r)\n", raw)
    (row,) = csv.DictReader(io.StringIO(raw, newline=""))
    assert (row["ticket"], row["repository"], row["pull_request"]) == ("7", "shop", "12")
    assert row["made_by"] == f"'{FORMULA}"
    assert row["ticket_title"] == "'@SUM(1)"
    assert row["made_at"] == "2026-11-30T23:59:59Z"


def test_the_audit_as_json_is_as_it_was_written(run: Run, database: Path) -> None:
    _stored(database)
    done = run("export", "audit", "--json")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["actor"] for row in rows] == [FORMULA, FORMULA]
    assert rows[0]["after"] == {"title": "-1+1"}
    assert "2 rows" in run("export", "audit", "--out", "audit.csv").output


def test_a_wrong_month_is_wrong_usage(run: Run, database: Path) -> None:
    assert database.exists()
    for month in ("11-2026", "2026-13", "2026-00", "0000-01", "9999-12"):
        assert run("export", "audit", "--month", month).exit_code == 2
    assert run("export", "nonsense").exit_code == 2


def test_without_a_database_the_reason_is_one_line(run: Run) -> None:
    done = run("export", "links")
    assert done.exit_code == 1
    assert "pullcord db upgrade" in done.output


def test_a_month_begins_and_ends_in_utc() -> None:
    assert month_span("2026-12").end == datetime(2027, 1, 1, tzinfo=UTC)
    assert month_span("2026-02").start == datetime(2026, 2, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["=1", "+1", "-1", "@a", "\t1", "\r=1", "\n=1", " =1", "\ufeff=1", "＝1", "\x01=1"]
)
def test_what_a_spreadsheet_would_calculate_gets_an_apostrophe(text: str) -> None:
    """CHECKS 21."""
    (row,) = csv.reader(io.StringIO(csv_line([text]), newline=""))
    assert row == [f"'{text}"]


@given(st.lists(st.text(st.characters(exclude_characters="\x00")), min_size=1))
def test_any_texts_come_back_and_none_is_a_formula(texts: list[str]) -> None:
    """CHECKS 21."""
    (row,) = csv.reader(io.StringIO(csv_line(texts), newline="")) if any(texts) else ([*texts],)
    for read, text in zip(row, texts, strict=True):
        assert read in (text, f"'{text}")
        assert not read.lstrip().startswith(("=", "+", "-", "@")), read


def test_backup_and_restore_bring_everything_back(run: Run, database: Path) -> None:
    _stored(database)
    made = run("backup", "copy.backup")
    assert made.exit_code == 0
    assert "2 of them audit (whole)" in made.output
    assert "PULLCORD_SECRET_KEY" in made.output
    assert "--force" in run("backup", "copy.backup").output
    assert run("backup", "copy.backup", "--force").exit_code == 0
    refused = run("restore", "copy.backup")
    assert refused.exit_code == 1
    assert "--replace" in refused.output
    done = run("restore", "copy.backup", "--replace")
    assert done.exit_code == 0
    assert "before-restore" in done.output
    assert "The audit is whole" in run("audit", "verify").output
    assert len(run("export", "audit", "--json").stdout.splitlines()) == 2


def test_no_database_no_backup(run: Run, tmp_path: Path) -> None:
    done = run("backup", "copy.backup")
    assert done.exit_code == 1
    assert "pullcord db upgrade" in done.output
    assert not (tmp_path / "copy.backup").exists()
    (tmp_path / "strange").write_text("hello")
    assert "no database" in run("restore", "strange").output
