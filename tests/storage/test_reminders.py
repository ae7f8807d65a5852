"""Reminders and digests in the database: once each, whoever else does the same meanwhile."""

from datetime import timedelta

import pytest
from sqlmodel import Session

from storage.engine import Database
from storage.queries import reminders
from storage.queries.reminders import TOLD, VOID, PlannedReminder
from tests.storage.samples import NOW, add_connection, add_pull_request

HOUR = timedelta(hours=1)
OWNER = "person/1"


def _planned(pull_request_id: int, *, due: timedelta = timedelta()) -> PlannedReminder:
    key = reminders.reminder_key(OWNER, "review", pull_request_id, "jonas", NOW)
    return PlannedReminder(key, "review", OWNER, pull_request_id, "jonas", NOW, NOW + due)


@pytest.mark.parametrize(
    ("state", "waits"), [(TOLD, False), (VOID, True)], ids=["told", "not so any more"]
)
async def test_a_reminder_that_was_told_never_waits_again_and_a_void_one_does(
    db: Database, state: str, waits: bool
) -> None:
    def write(session: Session) -> None:
        add_connection(session)
        wanted = _planned(add_pull_request(session))
        assert reminders.plan(session, wanted, now=NOW)
        [row] = reminders.due_of(session, OWNER, now=NOW, limit=9)
        reminders.finish(session, [row.id], state=state, now=NOW)
        assert reminders.due_owners(session, now=NOW) == []
        assert reminders.plan(session, wanted, now=NOW) is waits
        assert reminders.due_owners(session, now=NOW) == ([OWNER] if waits else [])
        assert not reminders.note_once(session, wanted, now=NOW)

    await db.write(write)


async def test_what_is_due_is_given_longest_first_and_later_when_it_is_put_off(
    db: Database,
) -> None:
    def write(session: Session) -> list[list[int]]:
        add_connection(session)
        for number, due in ((1, -HOUR), (2, -2 * HOUR), (3, HOUR)):
            reminders.plan(session, _planned(add_pull_request(session, number), due=due), now=NOW)
        rows = reminders.due_of(session, OWNER, now=NOW, limit=9)
        first = [row.pull_request_id for row in rows]
        reminders.put_off(session, [rows[0].id], due_at=NOW + HOUR)
        rest = [row.pull_request_id for row in reminders.due_of(session, OWNER, now=NOW, limit=9)]
        return [first, rest]

    assert await db.write(write) == [[2, 1], [1]]


async def test_only_one_of_two_replicas_goes_on_to_the_next_digest(db: Database) -> None:
    def advance(session: Session) -> bool:
        return reminders.advance_digest(
            session, OWNER, was_due_at=NOW, due_at=NOW + 24 * HOUR, told_at=NOW
        )

    await db.write(lambda s: reminders.set_digest(s, OWNER, schedule="9:00", due_at=NOW))
    due = await db.read(lambda s: reminders.due_digests(s, now=NOW, limit=9))
    assert [row.owner for row in due] == [OWNER]
    assert [await db.write(advance), await db.write(advance)] == [True, False]
    [row] = (await db.read(reminders.digest_times)).values()
    assert (row.due_at, row.told_at) == (NOW + 24 * HOUR, NOW)
    await db.write(lambda s: reminders.forget_digest(s, OWNER))
    assert await db.read(reminders.digest_times) == {}
