"""What was dealt with long ago is forgotten, what is young or still open stays."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest
from sqlmodel import Session, SQLModel, select

from storage import housekeeping
from storage.dialects import is_sqlite
from storage.engine import Database
from storage.housekeeping import Retention, forget_old
from storage.tables import BranchBuild, HeldNotice, Reminder, TicketNews
from tests.storage.samples import NOW, add_connection, add_pull_request
from tests.storage.test_growth import Plan, session

__all__ = ["session"]

LONG_AGO, LATELY = NOW - timedelta(days=91), NOW - timedelta(days=89)


def _build(ref: str, long_ago: bool) -> SQLModel:
    return BranchBuild(
        connection="demo",
        definition_id=1,
        source_ref=ref,
        build_id=1,
        result="failed",
        finished_at=LONG_AGO if long_ago else LATELY,
    )


def _ticket(number: int, long_ago: bool) -> SQLModel:
    return TicketNews(
        connection="demo", number=number, rev=1, seen_at=LONG_AGO if long_ago else LATELY
    )


def _held(key: str, long_ago: bool, is_open: bool = False) -> SQLModel:
    at = LONG_AGO if long_ago else LATELY
    released = None if is_open else at
    return HeldNotice(key=key, kind="vote", due_at=at, created_at=at, released_at=released)


def _reminder(session: Session, number: int, long_ago: bool, status: str) -> SQLModel:
    at = LONG_AGO if long_ago else LATELY
    row_id = add_pull_request(session, number, status=status)
    return Reminder(
        key=f"r{number}",
        rule="review",
        owner="person/1",
        pull_request_id=row_id,
        since=at,
        planned_at=at,
        due_at=at,
        state="told",
        created_at=at,
    )


Rows = Callable[[Session], list[SQLModel]]
TABLES: dict[str, tuple[type[SQLModel], Rows, int]] = {
    "builds": (
        BranchBuild,
        lambda _: [_build("refs/heads/a", True), _build("refs/heads/b", False)],
        1,
    ),
    "tickets": (TicketNews, lambda _: [_ticket(1, True), _ticket(2, False)], 1),
    "held": (
        HeldNotice,
        lambda _: [_held("a", True), _held("b", False), _held("c", True, True)],
        2,
    ),
    "reminders": (
        Reminder,
        lambda s: [
            _reminder(s, 1, True, "completed"),
            _reminder(s, 2, False, "completed"),
            _reminder(s, 3, True, "active"),
        ],
        2,
    ),
}


@pytest.mark.parametrize(("table", "rows", "stay"), TABLES.values(), ids=TABLES)
async def test_what_is_old_and_done_with_goes_and_the_rest_stays(
    db: Database, table: type[SQLModel], rows: Rows, stay: int
) -> None:
    def fill(session: Session) -> None:
        add_connection(session)
        session.add_all(rows(session))

    await db.write(fill)
    assert await db.write(lambda s: forget_old(s, now=NOW)) == 1
    assert await db.write(lambda s: forget_old(s, now=NOW)) == 0
    assert len(await db.read(lambda s: s.exec(select(table)).all())) == stay
    all_ = Retention(sent=timedelta(0))
    await db.write(lambda s: forget_old(s, now=NOW, retention=all_))
    left = await db.read(lambda s: s.exec(select(table)).all())
    assert len(left) == stay - 1


def test_builds_and_tickets_that_are_old_are_found_by_an_index(
    session: Session, plan: Plan
) -> None:
    if is_sqlite(session):
        steps = plan(session, partial(housekeeping.forget_old, session, now=NOW))
        for index in ("ix_branch_builds_finished", "ix_ticket_news_seen"):
            assert any(index in step for step in steps), steps
