"""Episodes in the database, and what of them is queued, on SQLite."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, col, select

from bot.cards.view import load_state, load_view
from bot.conflicts.ending import is_end_to_tell
from bot.conflicts.episodes import FLAP, Finding
from bot.conflicts.following import follow
from bot.conflicts.target_moved import record_finding
from bot.conflicts.telling import tell, tell_clean
from bot.model import MergeStatus, PullRequestSnapshot, Vote
from bot.recording import record_snapshot
from storage import audit
from storage.engine import Database
from storage.queries import conflicts
from storage.tables import (
    ConflictEpisode,
    Connection,
    ConversationRow,
    OutboxRow,
    Person,
    PostedAlert,
    PostedCard,
    PullRequestRow,
    Subscription,
)
from tests.bot.pull_request_samples import (
    ABANDONED,
    CLEAN,
    CONFLICT,
    JONAS,
    QUEUED,
    START,
    at,
    hooked,
    seen,
    votes,
)
from tests.bot.releasing import release_due
from tests.databases import migrated

BEFORE = START - timedelta(days=1)
G = "9" * 40


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    url = migrated(tmp_path / "pullcord.db")
    async with Database.open(url) as database:
        await database.write(_furnish)
        yield database


def _furnish(session: Session) -> None:
    """A channel and a group chat that follow the project; Maya, the author, has a chat."""
    session.add(
        Connection(name="contoso", base_url="https://dev.azure.com/contoso", created_at=BEFORE)
    )
    for conversation_id, kind in (
        ("19:web", "channel"),
        ("19:group", "groupChat"),
        ("a:maya", "personal"),
        ("a:jonas", "personal"),
    ):
        session.add(
            ConversationRow(
                id=conversation_id,
                kind=kind,
                service_url="https://smba.example/teams",
                tenant_id="t",
                created_at=BEFORE,
            )
        )
    session.flush()
    for conversation_id in ("19:web", "19:group"):
        session.add(
            Subscription(
                conversation_id=conversation_id,
                connection="contoso",
                project="shop",
                options={"places": {"created": "thread", "commits": "thread"}},
                created_at=BEFORE,
            )
        )
    for name in ("maya", "jonas"):
        session.add(
            Person(
                teams_user_id=f"29:{name}",
                name=f"{name.title()} Sample",
                mail=f"{name}@example.com",
                personal_conversation_id=f"a:{name}",
            )
        )


async def record(db: Database, *snapshots: PullRequestSnapshot, **more: Any) -> None:
    for snapshot in snapshots:
        await db.write(
            lambda s, one=snapshot: record_snapshot(  # type: ignore[misc]  # bound in the loop
                s, one, cause="test", now=one.as_of, **more
            )
        )
        await release_due(db, snapshot.as_of)


async def examined(db: Database, now: datetime, *, is_held: bool = False) -> None:
    """The watch examined what is due and told of it; people hear of it later when it is held."""

    def work(session: Session) -> None:
        for row in conflicts.claim_due(session, now=now, limit=99):
            state = load_state(session.get_one(PullRequestRow, row.pull_request_id))
            if row.ended_at is None:
                row.examined_at = now
                if row.told_at is None:
                    tell(session, row, state, cause="test", now=now)
            elif is_end_to_tell(row):
                row.ended_actor = "Maya Sample"
                tell_clean(session, row, state, cause="test", now=now)
            row.due_at = None
            session.add(row)

    await db.write(work)
    if not is_held:
        await release_due(db, now)


async def delivered(db: Database) -> None:
    """All that waits was sent, and its cards and alerts are where they belong."""

    def sent(session: Session) -> None:
        for row in session.exec(select(OutboxRow).where(OutboxRow.state == "pending")).all():
            row.state = "sent"
            session.add(row)
            posted: dict[str, Any] = {"conversation_id": row.conversation_id, "activity_id": "1"}
            if row.kind == "card":
                session.merge(PostedCard(pull_request_id=row.pull_request_id or 0, **posted))
            if row.kind == "alert":
                session.merge(
                    PostedAlert(
                        episode_id=row.episode_id or 0, posted_at=at(0), updated_at=at(0), **posted
                    )
                )

    await db.write(sent)


async def waiting(db: Database, *kinds: str) -> list[tuple[str, str, str]]:
    """(kind, where to, what it says) of what waits to be sent."""
    found = await db.read(
        lambda s: s.exec(
            select(OutboxRow).where(OutboxRow.state == "pending").order_by(col(OutboxRow.id))
        ).all()
    )
    return [
        (
            row.kind,
            row.conversation_id or f"person {row.person_id}",
            (row.payload or {}).get("summary", ""),
        )
        for row in found
        if row.kind in (kinds or (row.kind,))
    ]


async def episodes(db: Database) -> list[ConflictEpisode]:
    return await db.read(
        lambda s: list(s.exec(select(ConflictEpisode).order_by(col(ConflictEpisode.id))).all())
    )


async def test_an_episode_is_stored_with_the_conflict_and_told_when_it_was_examined(
    db: Database,
) -> None:
    await record(db, seen(**CLEAN), seen(1, target_commit=G, **CONFLICT))
    [episode] = await episodes(db)
    assert (episode.began_at, episode.due_at, episode.told_at) == (at(1), at(1), None)
    assert (episode.target_commit, episode.last_clean_target_commit) == (G, "f" * 40)
    assert await waiting(db, "alert") == []
    await examined(db, at(1))
    assert await waiting(db, "alert") == [
        ("alert", "19:web", ""),
        ("alert", "19:group", ""),
        ("alert", "a:maya", ""),
    ]


async def test_reviewers_are_not_bothered(db: Database) -> None:
    await record(db, seen(1, **votes((JONAS, Vote.APPROVED)), **CONFLICT))
    await delivered(db)
    await examined(db, at(2))
    assert "a:jonas" not in [place for _, place, _ in await waiting(db)]


async def test_repeated_and_late_snapshots_tell_nothing_again(db: Database) -> None:
    """CHECKS 3 and 5."""
    history = [seen(), hooked(1, **CONFLICT), seen(2, **CONFLICT)]
    await record(db, *history)
    await examined(db, at(2))
    await delivered(db)
    await record(db, *history, *reversed(history))
    await examined(db, at(3))
    assert len(await episodes(db)) == 1
    assert await waiting(db) == []


async def test_its_end_turns_alerts_green_and_is_one_short_reply(db: Database) -> None:
    await record(db, seen(1, **CONFLICT))
    await examined(db, at(2))
    await delivered(db)
    await record(db, seen(181, source_commit="b" * 40, **CLEAN))
    at_once = [
        ("message", "19:web", "New commits, now at bbbbbbb"),
        ("message", "19:group", "#12 Add search: New commits, now at bbbbbbb"),
        ("alert", "19:group", ""),
        ("alert", "19:web", ""),
        ("alert", "a:maya", ""),
    ]
    assert await waiting(db, "message", "alert") == at_once
    await examined(db, at(182))
    await examined(db, at(183))
    said = "Clean again after 3 h, by Maya Sample's push to feature/search/fast"
    assert await waiting(db, "message", "alert") == [
        *at_once,
        ("message", "19:group", f"#12 Add search: {said}"),
        ("message", "19:web", said),
    ]


async def test_one_that_ends_before_it_was_told_is_never_told(db: Database) -> None:
    await record(db, seen(1, **CONFLICT), seen(2, **CLEAN))
    await examined(db, at(3))
    assert await waiting(db, "alert") == []
    assert [e.due_at for e in await episodes(db)] == [None]


async def test_a_flap_is_no_second_alert_and_a_later_conflict_is(db: Database) -> None:
    await record(db, seen(1, **CONFLICT))
    await examined(db, at(1))
    await delivered(db)
    await record(db, seen(10, **CLEAN), seen(12, **CONFLICT))
    await examined(db, at(12))
    assert len(await episodes(db)) == 1
    assert len(await waiting(db, "alert")) == 3  # red again in place
    await delivered(db)
    await record(db, seen(20, **CLEAN), seen(40, **CONFLICT))
    await examined(db, at(40))
    first, second = await episodes(db)
    assert (first.ended_at, second.ended_at) == (at(20), None)
    told = await db.read(lambda s: conflicts.told_in(s, second.id or 0))
    assert told == {"19:web", "19:group", "a:maya"}


async def test_an_author_who_was_not_told_because_it_seemed_over_hears_when_it_is_back(
    db: Database,
) -> None:
    await record(db, seen(1, **CONFLICT))
    await examined(db, at(1), is_held=True)
    await record(db, seen(10, **CLEAN))  # what waits for him is looked at, and let go
    assert "a:maya" not in {place for _, place, _ in await waiting(db, "alert")}
    await record(db, seen(12, **CONFLICT))
    await examined(db, at(12))
    assert [place for _, place, _ in await waiting(db, "alert")].count("a:maya") == 1


async def test_the_flap_can_be_set(db: Database) -> None:
    flap = {"flap": timedelta(0)}
    await record(db, seen(1, **CONFLICT), seen(10, **CLEAN), seen(12, **CONFLICT), **flap)
    assert len(await episodes(db)) == 2


async def test_an_abandoned_one_is_over_without_a_reply(db: Database) -> None:
    await record(db, seen(1, **CONFLICT))
    await examined(db, at(1))
    await delivered(db)
    await record(db, seen(90, closed_by=JONAS, **ABANDONED))
    assert [e.ended_by for e in await episodes(db)] == ["abandoned"]
    assert not any("Clean again" in said for _, _, said in await waiting(db))


async def test_the_author_without_a_chat_is_mentioned_in_the_thread(db: Database) -> None:
    def forget_chat(session: Session) -> None:
        maya = session.exec(select(Person).where(Person.teams_user_id == "29:maya")).one()
        maya.personal_conversation_id = ""
        session.add(maya)

    await db.write(forget_chat)
    await record(db, seen(1, **CONFLICT))
    await delivered(db)
    await examined(db, at(1))
    said = "Maya Sample: #12 Add search has conflicts with main"
    assert await waiting(db, "alert", "message") == [
        ("alert", "19:web", ""),
        ("alert", "19:group", ""),
        ("message", "19:group", said),
        ("message", "19:web", said),
    ]
    [row, _] = await db.read(
        lambda s: s.exec(
            select(OutboxRow).where(col(OutboxRow.key).startswith("conflict-mention"))
        ).all()
    )
    assert row.payload is not None
    assert row.payload["mentions"] == [{"user_id": "29:maya", "name": "Maya Sample"}]
    assert "<at>Maya Sample</at>" in row.payload["text"]


async def test_the_author_without_a_chat_and_without_a_channel_is_written_to(
    db: Database,
) -> None:
    def alone(session: Session) -> None:
        for row in session.exec(select(Subscription)).all():
            session.delete(row)
        maya = session.exec(select(Person).where(Person.teams_user_id == "29:maya")).one()
        maya.personal_conversation_id = ""
        session.add(maya)

    await db.write(alone)
    await record(db, seen(1, **CONFLICT))
    await examined(db, at(1))
    assert await waiting(db) == [("alert", "person 1", "")]


async def test_an_old_conflict_at_first_sight_is_no_news(db: Database) -> None:
    old = {"created_at": BEFORE - timedelta(days=9)}
    await record(db, seen(1, **old, **CONFLICT))
    await examined(db, at(1))
    assert await waiting(db) == []
    assert len(await episodes(db)) == 1


async def finds(db: Database, minutes: float, status: MergeStatus, **values: str) -> bool:
    finding = Finding(status, "a" * 40, "refs/heads/main", G, "f" * 40, at(minutes))
    for name, value in values.items():
        object.__setattr__(finding, name, value)
    return await db.write(
        lambda s: record_finding(
            s, "contoso", 12, finding, cause="test", now=at(minutes), flap=FLAP
        )
    )


async def test_an_own_finding_begins_an_episode_and_shows_on_the_card(db: Database) -> None:
    await record(db, seen(**CLEAN))
    await delivered(db)
    assert await finds(db, 5, MergeStatus.CONFLICTS)
    [episode] = await episodes(db)
    assert (episode.is_own_finding, episode.began_at) == (True, at(5))
    assert episode.last_clean_target_commit == "f" * 40
    assert await waiting(db, "card") == [("card", "19:group", ""), ("card", "19:web", "")]
    view = await db.read(lambda s: load_view(s, episode.pull_request_id, "", at(6)))
    assert view.has_conflicts
    assert not view.state.has_conflicts
    entries = await db.read(lambda s: audit.of_subject(s, "pull_request/contoso/12"))
    assert "conflict_episode_begun" in [entry.action for entry in entries]


async def test_a_finding_about_what_was_before_is_not_taken(db: Database) -> None:
    await record(db, seen(**CLEAN))
    assert not await finds(db, 5, MergeStatus.CONFLICTS, source_commit="b" * 40)
    assert not await finds(db, 5, MergeStatus.CONFLICTS, stale_target_commit="b" * 40)
    assert not await finds(db, 5, MergeStatus.CONFLICTS, target_ref="refs/heads/x")
    await record(db, seen(90, closed_by=JONAS, **ABANDONED))
    assert not await finds(db, 95, MergeStatus.CONFLICTS)
    assert await episodes(db) == []


async def test_stale_words_of_azure_devops_do_not_end_an_own_finding(db: Database) -> None:
    await record(db, seen(**CLEAN))
    await finds(db, 5, MergeStatus.CONFLICTS)
    await record(db, hooked(6, **CLEAN), seen(7, title="New title", **CLEAN))
    assert [e.ended_at for e in await episodes(db)] == [None]
    await record(db, seen(8, title="New title", target_commit=G, **CLEAN))
    assert [e.ended_at for e in await episodes(db)] == [at(8)]


async def test_new_commits_end_an_own_finding_when_azure_devops_has_merged_them(
    db: Database,
) -> None:
    """Between the push and its merge nothing is known anew, and the target ended nothing."""
    new = {"source_commit": "b" * 40}
    await record(db, seen(**CLEAN))
    await finds(db, 5, MergeStatus.CONFLICTS)
    await record(db, seen(6, **new, **QUEUED))
    assert [e.ended_at for e in await episodes(db)] == [None]
    await record(db, seen(7, target_commit=G, **new, **CLEAN))
    assert [(e.ended_at, e.ended_by) for e in await episodes(db)] == [(at(7), "source")]


async def test_following_again_what_is_known_does_nothing(db: Database) -> None:
    await record(db, seen(1, **CONFLICT))
    before = len(await db.read(lambda s: audit.of_subject(s, "pull_request/contoso/12")))

    def again(session: Session) -> None:
        row = session.exec(select(PullRequestRow)).one()
        state = load_state(row)
        follow(session, row.id or 0, state, state, (), cause="test", now=at(2), flap=FLAP)

    await db.write(again)
    entries = await db.read(lambda s: audit.of_subject(s, "pull_request/contoso/12"))
    assert (len(await episodes(db)), len(entries)) == (1, before)
