"""Which pull requests' checks are due, and which failed."""

from datetime import timedelta

from sqlmodel import Session

from storage.engine import Database
from storage.queries import checks
from storage.tables import CheckWatch, FailedCheck
from tests.storage.samples import NOW, add_connection, add_pull_request

MINUTE = timedelta(minutes=1)


def _fill(session: Session) -> None:
    add_connection(session)
    for number, due in ((1, NOW - MINUTE), (2, NOW + MINUTE), (3, None), (4, NOW - 2 * MINUTE)):
        row_id = add_pull_request(session, number)
        watch = CheckWatch(pull_request_id=row_id, asked_at=NOW, changed_at=NOW, due_at=due)
        session.merge(watch)


async def test_what_is_due_is_claimed_once_longest_first(db: Database) -> None:
    await db.write(_fill)
    claimed = await db.write(lambda s: checks.claim_due(s, now=NOW, limit=10))
    assert [number for _, number in claimed] == [4, 1]
    assert await db.write(lambda s: checks.claim_due(s, now=NOW, limit=10)) == []
    later = NOW + checks.CLAIM + MINUTE
    again = await db.write(lambda s: checks.claim_due(s, now=later, limit=10))
    assert {number for _, number in again} == {1, 2, 4}


async def test_a_clock_that_went_back_holds_nothing_up(db: Database) -> None:
    await db.write(_fill)
    before = NOW - timedelta(days=3)
    claimed = await db.write(lambda s: checks.claim_due(s, now=before, limit=10))
    assert {number for _, number in claimed} == {1, 2, 4}


async def test_failures_are_replaced_by_what_is_failing_now(db: Database) -> None:
    def write(session: Session) -> list[str]:
        _fill(session)
        for names in (("lint", "tests"), ("tests",)):
            rows = [
                FailedCheck(pull_request_id=1, name=name, kind="status", since=NOW)
                for name in names
            ]
            checks.keep_failures(session, 1, rows)
        return [row.name for row in checks.failures(session, 1)]

    assert await db.write(write) == ["tests"]
