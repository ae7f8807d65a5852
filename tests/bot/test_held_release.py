"""What waits is told as one message where it belongs together, and says how late it is."""

import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import event
from sqlmodel import Session, col, select

from adapters.sandbox.teams import render_text
from bot.held_release import release
from bot.model import Comment, CommentHook, PullRequestSnapshot, Vote
from bot.notices.holding import HoldingRules
from bot.notices.kinds import EventKind
from bot.notices.lateness import SWEEP_CAUSE
from bot.people_preferences import dump_preferences
from bot.preferences import Delivery, Preferences
from bot.recording import record_comment, record_snapshot
from storage import held
from storage.engine import Database
from storage.tables import Connection, ConversationRow, OutboxRow, Person, Subscription
from tests.bot.pull_request_samples import CLEAN, JONAS, START, WEB, at, seen, votes
from tests.databases import migrated

BEFORE = START - timedelta(days=1)
NIGHT = 14 * 60  # minutes after START: 23:00
MORNING = 24 * 60
AT_ONCE = HoldingRules()
A_MINUTE = HoldingRules(review_window=timedelta(seconds=60))
READY = "Nothing stands in its way now: you can complete it"


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    url = migrated(tmp_path / "pullcord.db")
    async with Database.open(url) as database:
        await database.write(_furnish)
        yield database


def _furnish(session: Session) -> None:
    """The author's chat, her zone, and a channel."""
    session.add(
        Connection(name="contoso", base_url="https://dev.azure.com/contoso", created_at=BEFORE)
    )
    for key, kind in (("19:web", "channel"), ("a:maya", "personal")):
        session.add(
            ConversationRow(
                id=key,
                kind=kind,
                service_url="https://smba.example/teams",
                tenant_id="t",
                created_at=BEFORE,
            )
        )
    session.flush()
    session.add(
        Subscription(
            conversation_id="19:web", connection="contoso", project="shop", created_at=BEFORE
        )
    )
    session.add(
        Person(
            teams_user_id="29:maya",
            name="Maya Sample",
            mail="maya@example.com",
            personal_conversation_id="a:maya",
            timezone="UTC",
        )
    )


async def sees(db: Database, snapshot: PullRequestSnapshot, cause: str) -> None:
    await db.write(lambda s: record_snapshot(s, snapshot, cause=cause, now=snapshot.as_of))


async def comment(db: Database, minutes: float, number: int, text: str) -> None:
    """Jonas wrote; each comment comes with a webhook of its own."""
    hook = CommentHook(Comment(7, number, JONAS, text, at(minutes)), WEB.id, 12)
    await db.write(
        lambda s: record_comment(s, "contoso", hook, cause=f"webhook/c{number}", now=at(minutes))
    )


def jonas(vote: Vote, minutes: float) -> PullRequestSnapshot:
    return seen(minutes, **votes((JONAS, vote), **CLEAN))


async def look(db: Database, now: datetime, rules: HoldingRules) -> None:
    """The loop of held messages comes round."""

    def tell(session: Session) -> None:
        release(session, held.due_addressees(session, now=now), rules, now=now)

    await db.write(tell)


async def told(db: Database, place: str) -> list[str]:
    """The first lines of what is to be sent to a place."""

    def read(session: Session) -> list[str]:
        rows = session.exec(
            select(OutboxRow)
            .where(OutboxRow.conversation_id == place, OutboxRow.kind == "message")
            .order_by(col(OutboxRow.id))
        ).all()
        payloads = [row.payload or {} for row in rows]
        return [
            (payload.get("text") or render_text(json.loads(payload["card_text"]))).split("\n")[0]
            for payload in payloads
        ]

    return await db.read(read)


async def test_without_a_window_webhooks_that_are_looked_at_together_are_messages_of_their_own(
    db: Database,
) -> None:
    await sees(db, jonas(Vote.NONE, 0), "webhook/1")
    await comment(db, 1, 1, "Why twice?")
    await comment(db, 1, 2, "A test is missing")
    await look(db, at(2), AT_ONCE)
    for place, on in (("a:maya", " on #12 Add search"), ("19:web", "")):
        assert await told(db, place) == [
            f"Jonas Sample commented{on}: Why twice?",
            f"Jonas Sample commented{on}: A test is missing",
        ]


async def test_what_one_webhook_brought_is_one_message_without_a_window_too(db: Database) -> None:
    await sees(db, jonas(Vote.NONE, 0), "webhook/1")
    await comment(db, 1, 1, "Why twice?")
    await sees(db, jonas(Vote.APPROVED, 1), "webhook/2")
    await look(db, at(2), AT_ONCE)
    assert await told(db, "a:maya") == [
        "Jonas Sample commented on #12 Add search: Why twice?",
        f"Jonas Sample approved #12 Add search. {READY}",
    ]


@pytest.mark.parametrize("rules", [AT_ONCE, A_MINUTE], ids=["no window", "a minute"])
async def test_what_waited_for_the_morning_is_one_message_with_any_window(
    db: Database, rules: HoldingRules
) -> None:
    await sees(db, jonas(Vote.NONE, 0), "webhook/1")
    await comment(db, NIGHT, 1, "Why twice?")
    await look(db, at(NIGHT + 1), rules)
    await sees(db, jonas(Vote.APPROVED, NIGHT + 2), "webhook/2")
    await look(db, at(NIGHT + 3), rules)
    assert await told(db, "a:maya") == []
    await look(db, at(MORNING), rules)
    assert await told(db, "a:maya") == [
        f"Jonas Sample approved #12 Add search, with 1 comment. {READY}"
    ]


async def test_a_window_joins_what_comes_within_it(db: Database) -> None:
    await sees(db, jonas(Vote.NONE, 0), "webhook/1")
    await comment(db, 1, 1, "Why twice?")
    await sees(db, jonas(Vote.WAITING_FOR_AUTHOR, 1.5), "webhook/2")
    await look(db, at(1.9), A_MINUTE)
    assert await told(db, "a:maya") == await told(db, "19:web") == []
    await look(db, at(2), A_MINUTE)
    assert await told(db, "a:maya") == [
        "Jonas Sample waits for you on #12 Add search, with 1 comment"
    ]
    [reply] = await told(db, "19:web")
    assert reply.startswith("Jonas Sample waits for the author, with 1 comment")


async def test_a_late_vote_says_so_once_to_each(db: Database) -> None:
    """CHECKS 10: what a sweep found is not told as if it were of this minute."""
    await sees(db, jonas(Vote.NONE, 0), SWEEP_CAUSE)
    await sees(db, jonas(Vote.APPROVED, 40), SWEEP_CAUSE)
    await look(db, at(41), A_MINUTE)
    late = "(late: in the last 41 min)"
    assert await told(db, "a:maya") == [f"Jonas Sample approved #12 Add search {late}. {READY}"]
    assert await told(db, "19:web") == [f"Jonas Sample approved {late}"]


async def test_lateness_is_said_where_the_first_of_the_batch_is_not_wanted(db: Database) -> None:
    """CHECKS 10: who has votes switched off hears how late the rest is."""

    def no_votes(session: Session) -> None:
        person = session.exec(select(Person)).one()
        person.preferences = dump_preferences(Preferences(kinds={EventKind.VOTE: Delivery.OFF}))

    await db.write(no_votes)
    await sees(db, jonas(Vote.NONE, 0), SWEEP_CAUSE)
    await sees(db, jonas(Vote.APPROVED, 40), SWEEP_CAUSE)
    await look(db, at(41), A_MINUTE)
    ready = "#12 Add search is approved and nothing stands in its way: you can complete it"
    assert await told(db, "a:maya") == [f"{ready} (late: in the last 41 min)"]


async def test_what_waits_for_its_time_costs_nothing_when_something_else_is_told(
    db: Database,
) -> None:
    def urgent(session: Session) -> None:
        person = session.exec(select(Person)).one()
        person.preferences = dump_preferences(Preferences(urgent=frozenset({EventKind.VOTE})))

    async def looks(now: datetime) -> int:
        statements: list[str] = []

        def count(*seen: object) -> None:
            statements.append(str(seen[2]))

        def tell(session: Session) -> None:
            event.listen(session.connection(), "before_cursor_execute", count)
            release(session, held.due_addressees(session, now=now), A_MINUTE, now=now)

        await db.write(tell)
        return len(statements)

    await db.write(urgent)
    await sees(db, jonas(Vote.NONE, 0), "webhook/1")
    counts: list[int] = []
    for number, vote in enumerate((Vote.REJECTED, Vote.WAITING_FOR_AUTHOR)):
        for each in range(number * 9):
            await comment(db, NIGHT + number, each, "Why twice?")
        await look(db, at(NIGHT + number + 3), A_MINUTE)
        await sees(db, jonas(vote, NIGHT + number + 4), f"webhook/{vote}")
        await looks(at(NIGHT + number + 4))  # waits for the rest of the review
        counts.append(await looks(at(NIGHT + number + 5.1)))
    assert counts[0] == counts[1]
    assert await told(db, "a:maya") == [
        "Jonas Sample rejected #12 Add search",
        "Jonas Sample waits for you on #12 Add search",
    ]


async def test_a_late_review_of_several_parts_says_so_once(db: Database) -> None:
    """CHECKS 10."""
    await sees(db, jonas(Vote.NONE, 0), SWEEP_CAUSE)
    await sees(db, jonas(Vote.REJECTED, 40), SWEEP_CAUSE)
    await comment(db, 40.5, 1, "Why twice?")
    await comment(db, 40.6, 2, "A test is missing")
    await look(db, at(41), A_MINUTE)
    late = "(late: in the last 41 min)"
    assert await told(db, "a:maya") == [
        f"Jonas Sample rejected #12 Add search, with 2 comments {late}"
    ]
    [reply] = await told(db, "19:web")
    assert reply.startswith(f"Jonas Sample rejected, with 2 comments {late}: ")


async def test_how_late_is_counted_to_when_it_is_told(db: Database) -> None:
    """What a sweep found at night is told in the morning, and that is hours later."""
    await sees(db, jonas(Vote.NONE, NIGHT), SWEEP_CAUSE)
    await sees(db, jonas(Vote.REJECTED, NIGHT + 30), SWEEP_CAUSE)
    await look(db, at(NIGHT + 31), A_MINUTE)
    await look(db, at(MORNING), A_MINUTE)
    said = [text for text in await told(db, "a:maya") if "rejected" in text]
    assert said == ["Jonas Sample rejected #12 Add search (late: in the last 10 h)"]


async def test_what_a_webhook_or_an_early_sweep_brought_is_not_late(db: Database) -> None:
    await sees(db, jonas(Vote.NONE, 0), SWEEP_CAUSE)
    await sees(db, jonas(Vote.REJECTED, 5), SWEEP_CAUSE)
    await look(db, at(6), A_MINUTE)
    await sees(db, jonas(Vote.WAITING_FOR_AUTHOR, 60), "webhook/1")
    await look(db, at(61), A_MINUTE)
    assert await told(db, "19:web") == [
        "Jonas Sample rejected",
        "Jonas Sample waits for the author",
    ]
