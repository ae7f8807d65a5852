"""Conflict episodes and alerts in the database, and the way there from an older one."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from storage import dialects, enqueue, outbox, schema
from storage.engine import Database
from storage.queries import conflicts
from storage.tables import ConflictEpisode, OutboxRow, PostedAlert
from tests.storage.samples import (
    NOW,
    add_connection,
    add_conversation,
    add_person,
    add_pull_request,
)


def furnish(session: Session) -> int:
    add_connection(session)
    add_conversation(session, "19:web")
    return add_pull_request(session)


def episode(pull_request_id: int, **values: Any) -> ConflictEpisode:
    defaults: dict[str, Any] = {
        "connection": "demo",
        "pull_request_id": pull_request_id,
        "number": 12,
        "began_at": NOW,
        "opened_at": NOW,
        "target_ref": "refs/heads/main",
    }
    return ConflictEpisode(**(defaults | values))


def upgrade_to(url: str, revision: str) -> None:
    engine = dialects.writer_engine(url)
    with engine.begin() as connection:
        schema.run_migrations(connection, revision)
    engine.dispose()


async def test_a_database_of_the_first_schema_keeps_its_data(empty_database_url: str) -> None:
    """What stands in conflict at the upgrade was told already: it is not told again."""
    upgrade_to(empty_database_url, "0001")
    engine = dialects.writer_engine(empty_database_url)
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO connections (name, base_url, api_version, projects, branch_template,"
                " secret_hash, old_secret_hash, settings, created_at, paused_reason) VALUES"
                " ('demo', 'https://example.com', '7.1', '[]', '', '', '', '{}', :now, '')"
            ),
            {"now": NOW},
        )
        for number, since in ((12, NOW), (13, None)):
            connection.execute(
                text(
                    "INSERT INTO pull_requests (connection, number, repository_id, title, status,"
                    " is_draft, author_id, source_ref, target_ref, conflicted_since, created_at,"
                    " as_of, updated_at, needs_read, state) VALUES ('demo', :number, 'r1', 'T',"
                    " 'active', false, 'a', 'refs/heads/x', 'refs/heads/main', :since, :now, :now,"
                    " :now, false, '{}')"
                ),
                {"number": number, "since": since, "now": NOW},
            )
        connection.execute(
            text(
                "INSERT INTO outbox (key, kind, lane, conversation_id, thread_id, cause, state,"
                " reason, attempts, created_at, due_at, activity_id) VALUES ('k', 'message',"
                " '19:web', '19:web', '', '', 'pending', '', 0, :now, :now, '')"
            ),
            {"now": NOW},
        )
    engine.dispose()

    schema.upgrade(empty_database_url)

    schema.check(empty_database_url)
    async with Database.open(empty_database_url) as db:
        [stored] = await db.read(lambda s: s.exec(select(ConflictEpisode)).all())
        assert (stored.number, stored.began_at, stored.told_at) == (12, NOW, NOW)
        assert (stored.ended_at, stored.due_at, stored.files) == (None, None, [])
        [row] = await db.read(lambda s: s.exec(select(OutboxRow)).all())
        assert (row.key, row.episode_id) == ("k", None)
        assert len(await db.write(lambda s: outbox.claim(s, now=NOW))) == 1


async def test_a_pull_request_has_one_open_episode(db: Database) -> None:
    number = await db.write(furnish)
    await db.write(lambda s: conflicts.add(s, episode(number, ended_at=NOW)).id)
    await db.write(lambda s: conflicts.add(s, episode(number)).id)
    with pytest.raises(IntegrityError):
        await db.write(lambda s: conflicts.add(s, episode(number)).id)


async def test_work_is_taken_once_oldest_conflicts_first_and_again_after_its_lease(
    db: Database,
) -> None:
    def prepare(session: Session) -> None:
        furnish(session)
        for minutes, number in ((5, 1), (0, 2), (9, 3)):
            key = add_pull_request(session, number=100 + number)
            began = NOW - timedelta(minutes=minutes)
            row = conflicts.add(session, episode(key, number=100 + number, began_at=began))
            conflicts.ask_for_work(session, row, due_at=NOW)

    def take(session: Session, at: datetime) -> list[int]:
        return [row.number for row in conflicts.claim_due(session, now=at, limit=2)]

    await db.write(prepare)
    assert await db.write(lambda s: take(s, NOW)) == [103, 101]
    assert await db.write(lambda s: take(s, NOW)) == [102]
    assert await db.write(lambda s: take(s, NOW)) == []
    assert await db.read(conflicts.counts) == {"pending": 3}
    assert await db.write(lambda s: take(s, NOW + conflicts.LEASE)) == [103, 101]
    await db.write(lambda s: conflicts.resume(s, now=NOW))
    assert await db.write(lambda s: take(s, NOW)) == [103, 101]


async def test_work_put_off_by_a_clock_that_went_back_is_due(db: Database) -> None:
    def prepare(session: Session) -> None:
        row = conflicts.add(session, episode(furnish(session)))
        conflicts.ask_for_work(session, row, due_at=NOW + timedelta(days=400))

    await db.write(prepare)
    taken = await db.write(lambda s: len(conflicts.claim_due(s, now=NOW, limit=9)))
    assert taken == 1


async def test_an_alert_is_queued_once_for_each_place(db: Database) -> None:
    def queue(session: Session, **place: Any) -> bool:
        return enqueue.alert(
            session, about=enqueue.AlertOf(episode_id=1), pull_request_id=1, now=NOW, **place
        )

    await db.write(furnish)
    assert await db.write(lambda s: queue(s, conversation_id="19:web"))
    assert not await db.write(lambda s: queue(s, conversation_id="19:web"))
    assert await db.write(lambda s: queue(s, person_id=7))
    with pytest.raises(ValueError, match="either"):
        await db.write(lambda s: queue(s, conversation_id="19:web", person_id=7))
    rows = await db.read(lambda s: s.exec(select(OutboxRow).order_by(col(OutboxRow.id))).all())
    assert [(row.kind, row.lane, row.episode_id) for row in rows] == [
        ("alert", "19:web", 1),
        ("alert", "person/7", 1),
    ]
    assert await db.read(lambda s: conflicts.told_in(s, 1)) == {"19:web"}


async def test_an_alert_that_waits_shows_what_is_newest_so_it_is_queued_once(
    db: Database,
) -> None:
    def refresh(session: Session) -> None:
        enqueue.refresh_alert(
            session,
            about=enqueue.AlertOf(episode_id=1),
            pull_request_id=1,
            conversation_id="19:web",
            cause="c",
            now=NOW,
        )

    await db.write(furnish)
    await db.write(refresh)
    await db.write(refresh)
    assert await db.read(outbox.counts) == {"pending": 1}
    await db.write(lambda s: len(outbox.claim(s, now=NOW)))
    await db.write(refresh)  # the one being sent may have been drawn before
    assert await db.read(outbox.counts) == {"pending": 1, "sending": 1}


async def test_places_of_an_alert_are_those_where_it_still_stands(db: Database) -> None:
    def prepare(session: Session) -> None:
        key = conflicts.add(session, episode(furnish(session))).id or 0
        for place, activity in (("a", "1"), ("b", "")):
            add_conversation(session, place)
            session.add(
                PostedAlert(
                    episode_id=key,
                    conversation_id=place,
                    activity_id=activity,
                    posted_at=NOW,
                    updated_at=NOW,
                )
            )

    await db.write(prepare)
    assert await db.read(lambda s: conflicts.alert_places(s, 1)) == {"a"}


async def test_a_snooze_ends_by_itself(db: Database) -> None:
    def prepare(session: Session) -> int:
        number, person = furnish(session), add_person(session)
        assert (number, person) == (1, 1)
        conflicts.snooze(session, number, person, until=NOW + timedelta(days=1))
        return person

    await db.write(prepare)

    async def is_snoozed(at: datetime) -> bool:
        return await db.read(lambda s: conflicts.is_snoozed(s, 1, 1, now=at))

    assert await is_snoozed(NOW)
    assert not await is_snoozed(NOW + timedelta(days=1))
