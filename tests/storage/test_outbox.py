"""The outbox: order per conversation, one waiting card, nothing told twice."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlmodel import Session, select

from storage import audit, enqueue, outbox
from storage.engine import Database
from storage.outbox import Claimed
from storage.tables import AuditRow, OutboxRow, Person
from tests.storage.samples import NOW, add_person

MINUTE = timedelta(minutes=1)


async def tell(db: Database, key: str, conversation: str = "", person: int | None = None) -> bool:
    return await db.write(
        lambda s: enqueue.message(
            s,
            key=key,
            payload={"text": key},
            now=NOW,
            conversation_id=conversation,
            person_id=person,
        )
    )


async def card(db: Database, conversation: str, pull_request: int = 1, cause: str = "e1") -> None:
    await db.write(
        lambda s: enqueue.card(
            s, conversation_id=conversation, pull_request_id=pull_request, cause=cause, now=NOW
        )
    )


async def claim(db: Database, minutes: float = 0, limit: int = 100) -> list[Claimed]:
    return await db.write(lambda s: outbox.claim(s, now=NOW + minutes * MINUTE, limit=limit))


async def keys(db: Database, minutes: float = 0) -> list[str]:
    return [
        f"card {row.conversation_id}" if row.kind == "card" else row.key
        for row in await claim(db, minutes)
    ]


async def sent(db: Database, *rows: Claimed) -> None:
    told: dict[int | None, str] = {row.id: f"activity {row.id}" for row in rows}
    await db.write(lambda s: outbox.mark_sent(s, told, now=NOW))


async def row_of(db: Database, row_id: int | None) -> OutboxRow:
    return await db.read(lambda s: s.get_one(OutboxRow, row_id))


async def test_only_the_first_of_a_conversation_is_claimed_until_it_is_sent(db: Database) -> None:
    for key, conversation in (("a1", "a"), ("a2", "a"), ("b1", "b"), ("a3", "a"), ("b2", "b")):
        await tell(db, key, conversation)
    order = []
    while rows := await claim(db):
        order.append([row.key for row in rows])
        assert await claim(db) == []
        await sent(db, *rows)
    assert order == [["a1", "b1"], ["a2", "b2"], ["a3"]]


async def test_one_that_waits_holds_up_its_conversation_and_no_other(db: Database) -> None:
    for key, conversation in (("a1", "a"), ("a2", "a"), ("b1", "b"), ("b2", "b")):
        await tell(db, key, conversation)
    first, other = await claim(db)
    later = NOW + 2 * MINUTE
    await db.write(lambda s: outbox.retry_later(s, first.id, due_at=later, reason="429"))
    await sent(db, other)
    assert await keys(db, minutes=1) == ["b2"]
    assert await keys(db, minutes=2) == ["a1"]
    assert ((await row_of(db, first.id)).attempts, (await row_of(db, first.id)).reason) == (
        1,
        "429",
    )


async def test_one_put_back_unsent_is_not_counted_as_tried(db: Database) -> None:
    await tell(db, "a1", "a")
    (row,) = await claim(db)
    await db.write(lambda s: outbox.put_back(s, row.id, due_at=NOW + MINUTE))
    assert await keys(db) == []
    assert [(again.id, again.attempts) for again in await claim(db, minutes=1)] == [(row.id, 0)]


async def test_a_key_is_told_once_whatever_became_of_it(db: Database) -> None:
    """CHECKS 3: the storage's part of it."""
    assert await tell(db, "k", "a")
    assert not await tell(db, "k", "a")
    await sent(db, *await claim(db))
    assert not await tell(db, "k", "a")
    long = "k" * 10_000
    assert [await tell(db, long, "a"), await tell(db, long, "a")] == [True, False]
    side_by_side = await asyncio.gather(*(tell(db, "k2", "a") for _ in range(16)))
    assert side_by_side.count(True) == 1


async def test_many_changes_of_a_card_wait_as_one(db: Database) -> None:
    for number in range(10):
        await card(db, "a", cause=f"e{number}")
    await card(db, "b")
    await card(db, "a", pull_request=2)
    assert (await db.read(outbox.counts)) == {"pending": 3}
    first = next(row for row in await claim(db) if row.conversation_id == "a")
    assert (first.cause, first.pull_request_id) == ("e9", 1)


async def test_a_change_while_the_card_is_being_sent_is_sent_after_it(db: Database) -> None:
    await card(db, "a")
    (first,) = await claim(db)
    await card(db, "a")
    await card(db, "a")
    assert await claim(db) == []
    await sent(db, first)
    (second,) = await claim(db)
    assert second.id != first.id
    await sent(db, second)
    assert await claim(db) == []


async def test_a_card_that_goes_back_takes_the_one_behind_it_along(db: Database) -> None:
    """The earlier place is kept, because replies in the thread come after the card."""
    await card(db, "a")
    (first,) = await claim(db)
    await tell(db, "reply", "a")
    await card(db, "a")
    await db.write(lambda s: outbox.retry_later(s, first.id, due_at=NOW, reason="503"))
    (again,) = await claim(db)
    assert (again.id, again.kind) == (first.id, "card")
    await sent(db, again)
    (reply,) = await claim(db)
    assert reply.key == "reply"
    await sent(db, reply)
    assert await claim(db) == []
    assert await db.read(outbox.counts) == {"sent": 2, "dropped": 1}


async def test_what_goes_to_a_person_is_in_order_too(db: Database) -> None:
    await tell(db, "m1", person=1)
    await tell(db, "j1", person=2)
    await tell(db, "m2", person=1)
    rows = await claim(db)
    assert [row.key for row in rows] == ["m1", "j1"]
    await db.write(lambda s: outbox.address(s, rows[0].id, conversation_id="chat"))
    assert await claim(db) == []
    await sent(db, *rows)
    assert await keys(db) == ["m2"]


async def test_a_message_goes_to_a_conversation_or_to_a_person(db: Database) -> None:
    with pytest.raises(ValueError, match="either"):
        await tell(db, "k")
    with pytest.raises(ValueError, match="either"):
        await tell(db, "k", "a", person=1)


async def test_a_conversation_that_is_gone_loses_what_waits_there(db: Database) -> None:
    person = await db.write(add_person)

    def has_chat(session: Session) -> None:
        session.get_one(Person, person).personal_conversation_id = "a"

    await db.write(has_chat)
    await card(db, "a")
    await tell(db, "a1", "a")
    await tell(db, "p1", person=person)
    await tell(db, "b1", "b")
    dropped = await db.write(
        lambda s: outbox.drop_conversation(s, "a", reason="the bot was removed", now=NOW)
    )
    assert dropped == 3
    assert await keys(db) == ["b1"]
    assert await db.read(outbox.counts) == {"dropped": 3, "sending": 1}


async def test_sent_rows_keep_what_teams_called_them(db: Database) -> None:
    await tell(db, "a1", "a")
    await tell(db, "b1", "b")
    rows = await claim(db)
    await sent(db, *rows)
    for row in rows:
        stored = await row_of(db, row.id)
        assert (stored.state, stored.activity_id, stored.sent_at) == (
            "sent",
            f"activity {row.id}",
            NOW,
        )
    await db.write(lambda s: outbox.mark_sent(s, {}, now=NOW))


@pytest.mark.parametrize("text", ["größe 🙂", 'a "b" \\\\ c\n', "half \ud83d of it", "null", ""])
async def test_messages_are_read_together_as_they_were_stored(db: Database, text: str) -> None:
    payload = {"text": text, "mentions": [{"name": text}], "summary": None}
    for conversation in ("a", "b"):
        await db.write(
            lambda s, c=conversation: enqueue.message(  # type: ignore[misc]  # no types for a lambda's defaults
                s, key=c, payload=payload, now=NOW, conversation_id=c
            )
        )
    await card(db, "c")
    rows = await claim(db)
    assert [(row.key, row.created_at) for row in rows[:2]] == [("a", NOW), ("b", NOW)]
    ids = [row.id for row in rows]
    found = await db.read(lambda s: outbox.payloads(s, [*ids, 999]))
    assert found == {ids[0]: payload, ids[1]: payload}
    assert await db.read(lambda s: outbox.payloads(s, ids[2:])) == {}


async def test_a_dead_letter_frees_its_conversation_and_can_be_tried_again(db: Database) -> None:
    await tell(db, "a1", "a")
    await tell(db, "a2", "a")
    (row,) = await claim(db)
    await db.write(lambda s: outbox.mark_dead(s, row.id, reason="too large", now=NOW))
    assert [(one.key, one.reason) for one in await db.read(outbox.dead_letters)] == [
        ("a1", "too large")
    ]
    await sent(db, *await claim(db))
    assert await db.write(lambda s: outbox.retry_dead(s, now=NOW)) == 1
    assert [(again.key, again.attempts) for again in await claim(db)] == [("a1", 0)]


async def test_what_a_dead_process_was_sending_is_sent_again_and_the_audit_says_so(
    db: Database,
) -> None:
    """CHECKS 2: the storage's part of it."""
    await tell(db, "a1", "a")
    await card(db, "b", cause="event 7")
    rows = await claim(db)
    await card(db, "b")
    after_the_lease = NOW + 10 * MINUTE
    assert await db.write(lambda s: outbox.requeue_interrupted(s, now=after_the_lease)) == 2
    again = await claim(db, minutes=10)
    assert [(row.id, row.attempts) for row in again] == [(row.id, 0) for row in rows]
    entries = await db.read(lambda s: s.exec(select(AuditRow)).all())
    assert [(one.action, one.subject, one.cause) for one in entries] == [
        ("delivery_retried", "conversation/a", ""),
        ("delivery_retried", "conversation/b", "event 7"),
    ]
    assert await db.read(audit.verify) is None
    await sent(db, *again)
    assert await claim(db, minutes=10) == []  # the later card was joined with the earlier


async def test_on_sqlite_a_restart_does_not_wait_for_leases(sqlite_url: str) -> None:
    async with Database.open(sqlite_url) as db:
        await tell(db, "a1", "a")
        await claim(db)
        assert await db.write(lambda s: outbox.requeue_lapsed(s, now=NOW)) == 0
        assert await db.write(lambda s: outbox.requeue_interrupted(s, now=NOW)) == 1
        assert await keys(db) == ["a1"]


async def test_a_lease_can_be_kept_for_longer(db: Database) -> None:
    await tell(db, "a1", "a")
    (row,) = await claim(db)
    assert row.id is not None
    await db.write(lambda s: outbox.renew(s, [row.id or 0], until=NOW + 20 * MINUTE))
    later = NOW + 10 * MINUTE
    assert await db.write(lambda s: outbox.requeue_lapsed(s, now=later)) == 0


async def test_a_clock_that_goes_back_freezes_no_conversation(db: Database) -> None:
    """CHECKS 13: one hour back while running."""
    await tell(db, "a1", "a")
    await tell(db, "b1", "b")
    first = (await claim(db, limit=1))[0]
    await db.write(lambda s: outbox.retry_later(s, first.id, due_at=NOW + MINUTE, reason="429"))
    assert await keys(db, minutes=-60) == ["a1", "b1"]
    due = NOW - 59 * MINUTE
    await db.write(lambda s: outbox.retry_later(s, first.id, due_at=due, reason="429"))
    assert await keys(db, minutes=-60) == []  # and no storm either


async def test_the_backlog_and_the_next_time_to_send_are_known(db: Database) -> None:
    assert (await db.read(outbox.oldest_pending), await db.read(outbox.next_due)) == (None, None)
    await tell(db, "a1", "a")
    (row,) = await claim(db)
    later = NOW + MINUTE
    await db.write(lambda s: outbox.retry_later(s, row.id, due_at=later, reason="429"))
    assert await db.read(outbox.oldest_pending) == NOW
    assert await db.read(outbox.next_due) == later


async def test_what_is_not_needed_any_more_is_dropped(db: Database) -> None:
    await tell(db, "a1", "a")
    (row,) = await claim(db)
    await db.write(lambda s: outbox.drop(s, row.id, reason="unchanged", now=NOW))
    stored = await row_of(db, row.id)
    assert (stored.state, stored.reason, stored.closed_at) == ("dropped", "unchanged", NOW)


async def test_a_row_added_by_hand_finds_its_lane(db: Database) -> None:
    def add(session: Session) -> None:
        for number in range(2):
            session.add(
                OutboxRow(key=f"k{number}", kind="message", person_id=7, created_at=NOW, due_at=NOW)
            )

    await db.write(add)
    assert len(await claim(db)) == 1


@pytest.mark.postgres
async def test_replicas_never_send_the_same_row_nor_two_of_one_conversation(
    postgres_url: str,
) -> None:
    async with Database.open(postgres_url) as one, Database.open(postgres_url) as two:
        for number in range(60):
            await tell(one, f"k{number}", f"c{number % 10}")
        seen: list[str] = []
        for _ in range(6):
            both = await asyncio.gather(claim(one, limit=7), claim(two, limit=7))
            rows = [row for half in both for row in half]
            rows += await claim(one)
            assert len({row.lane for row in rows}) == len(rows) == 10
            seen += [row.key for row in rows]
            await sent(one, *rows)
        assert len(set(seen)) == 60


async def test_claims_read_nothing_but_the_heads_however_much_was_sent(
    sqlite_url: str, plan: Callable[..., list[str]]
) -> None:
    async with Database.open(sqlite_url) as db:
        await tell(db, "a1", "a")
        steps = await db.write(lambda s: plan(s, lambda: outbox.claim(s, now=NOW)))
    scans = [step for step in steps if "SCAN" in step]
    # The two that remain walk the list of lanes itself.
    assert set(scans) <= {"SCAN lanes", "SCAN lanes AS lanes"}, steps
    assert [step for step in steps if "ix_outbox_open" in step], steps


async def test_dropping_and_requeueing_use_an_index(
    sqlite_url: str, plan: Callable[..., list[str]]
) -> None:
    def work(session: Session) -> None:
        outbox.requeue_interrupted(session, now=NOW)
        outbox.drop_person(session, 1, reason="", now=NOW)
        enqueue.card(session, conversation_id="a", pull_request_id=1, cause="", now=NOW)
        outbox.next_due(session)
        outbox.oldest_pending(session)

    async with Database.open(sqlite_url) as db:
        steps = await db.write(lambda s: plan(s, lambda: work(s)))
    assert not [step for step in steps if "SCAN" in step], steps
