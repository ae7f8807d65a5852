import asyncio
import random
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlmodel import Session, col, select

from bot.cards.pull_request import draw_pull_request
from bot.cards.view import load_view
from bot.model import (
    Comment,
    CommentHook,
    Identity,
    PullRequestSnapshot,
    RepositoryHook,
    Reviewer,
    TicketHook,
    Vote,
)
from bot.recording import (
    PullRequestUnknown,
    Recorded,
    record_comment,
    record_repository,
    record_snapshot,
    record_ticket,
    show_card,
)
from storage import audit, outbox
from storage.engine import Database
from storage.tables import (
    AuditRow,
    Connection,
    ConversationRow,
    IdentityRow,
    Link,
    OutboxRow,
    Person,
    PostedCard,
    PullRequestRow,
    RepositoryRow,
    ReviewerRow,
    Subscription,
    TicketRow,
)
from tests.bot.pull_request_samples import (
    CLEAN,
    COMPLETED,
    CONFLICT,
    JONAS,
    LENA,
    MAYA,
    START,
    WEB,
    at,
    hooked,
    seen,
    votes,
)
from tests.bot.releasing import release_due
from tests.databases import migrated

T = TypeVar("T")
BEFORE = START - timedelta(days=1)


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    url = migrated(tmp_path / "pullcord.db")
    async with Database.open(url) as database:
        await database.write(_furnish)
        yield database


def _furnish(session: Session) -> None:
    """A connection, a channel that follows the project, and two people, one with a chat."""
    session.add(
        Connection(name="contoso", base_url="https://dev.azure.com/contoso", created_at=BEFORE)
    )
    for conversation_id, kind in (("19:web", "channel"), ("a:jonas", "personal")):
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
    session.add(
        Subscription(
            conversation_id="19:web",
            connection="contoso",
            project="SHOP",
            options={"places": {"created": "thread", "commits": "thread"}},
            created_at=BEFORE,
        )
    )
    session.add(Person(teams_user_id="29:m", name="Maya Sample", mail="maya@example.com"))
    session.add(
        Person(
            teams_user_id="29:j",
            name="Jonas Sample",
            mail="jonas@example.com",
            personal_conversation_id="a:jonas",
        )
    )


async def record(db: Database, snapshot: PullRequestSnapshot, **more: Any) -> Recorded:
    recorded = await db.write(
        lambda s: record_snapshot(
            s,
            snapshot,
            cause=more.get("cause", "test"),
            actor=more.get("actor", ""),
            now=snapshot.as_of,
        )
    )
    await release_due(db, snapshot.as_of)
    return recorded


async def rows(db: Database, table: type[T]) -> list[T]:
    key: Any = table
    return list(await db.read(lambda s: s.exec(select(key)).all()))


async def queued(db: Database) -> list[tuple[str, str, str]]:
    """(kind, to whom, what it says) in order."""
    found = await db.read(lambda s: s.exec(select(OutboxRow).order_by(col(OutboxRow.id))).all())
    return [
        (
            row.kind,
            row.conversation_id or f"person {row.person_id}",
            (row.payload or {}).get("summary", ""),
        )
        for row in found
    ]


async def deliver(db: Database) -> None:
    """All that waits was sent, and its cards are where they belong."""

    def sent(session: Session) -> None:
        for row in session.exec(select(OutboxRow).where(OutboxRow.state == "pending")).all():
            row.state = "sent"
            session.add(row)
            if row.kind == "card":
                session.merge(
                    PostedCard(
                        conversation_id=row.conversation_id,
                        pull_request_id=row.pull_request_id or 0,
                        activity_id="1",
                    )
                )

    await db.write(sent)


async def test_a_new_pull_request_is_stored_told_and_audited_at_once(db: Database) -> None:
    recorded = await record(db, seen(**votes((JONAS, Vote.NONE))), cause="webhook/1")
    assert await queued(db) == [
        ("card", "19:web", ""),
        ("message", "19:web", "Maya Sample opened this pull request"),
        ("card", "a:jonas", ""),
    ]
    [stored] = await rows(db, PullRequestRow)
    assert (stored.number, stored.title, stored.status) == (12, "Add search", "active")
    [reviewer] = await rows(db, ReviewerRow)
    assert (reviewer.identity_id, reviewer.vote) == (JONAS.id, 0)
    entries = await db.read(lambda s: audit.of_subject(s, "pull_request/contoso/12"))
    assert [(e.action, e.actor, e.cause) for e in entries] == [
        ("pull_request_created", "Maya Sample <maya@example.com>", "webhook/1")
    ]
    view = await db.read(lambda s: load_view(s, recorded.pull_request_id, "a:jonas", at(1)))
    assert view.waits_for_viewer


async def test_a_review_is_open_until_the_vote_or_the_end(db: Database) -> None:
    async def open_reviews() -> set[str]:
        return {row.identity_id for row in await rows(db, ReviewerRow) if row.is_open}

    both = {JONAS.id, LENA.id}
    await record(db, seen(1, is_draft=True, **votes((JONAS, Vote.NONE), (LENA, Vote.NONE))))
    assert await open_reviews() == both
    await record(db, seen(2, **votes((JONAS, Vote.APPROVED), (LENA, Vote.NONE))))
    assert await open_reviews() == {LENA.id}
    await record(db, seen(3, **votes((JONAS, Vote.NONE), (LENA, Vote.NONE))))
    assert await open_reviews() == both
    await record(db, seen(4, **COMPLETED, **votes((JONAS, Vote.NONE), (LENA, Vote.NONE))))
    assert await open_reviews() == set()


async def test_identities_are_matched_to_people_by_mail(db: Database) -> None:
    await record(db, seen(**votes((JONAS, Vote.NONE), (LENA, Vote.NONE))))
    matched = {row.id: row.matched_by for row in await rows(db, IdentityRow)}
    assert matched == {MAYA.id: "mail", JONAS.id: "mail", LENA.id: ""}


async def test_the_author_without_a_chat_is_told_as_a_person(db: Database) -> None:
    await record(db, seen(**votes((JONAS, Vote.NONE))))
    await record(db, seen(1, **votes((JONAS, Vote.APPROVED))))
    assert (
        "message",
        "person 1",
        "Jonas Sample approved #12 Add search",
    ) in await queued(db)


async def test_a_reviewer_whose_chat_has_the_card_is_asked_by_a_message(db: Database) -> None:
    await record(db, seen(**votes((JONAS, Vote.NONE))))
    await deliver(db)
    await record(db, seen(1))
    await deliver(db)
    await record(db, seen(2, **votes((JONAS, Vote.NONE))))
    assert (await queued(db))[-1] == (
        "message",
        "a:jonas",
        "Maya Sample asks for your review of #12 Add search",
    )


async def test_a_vote_refreshes_every_card_that_is_there(db: Database) -> None:
    await record(db, seen(**votes((JONAS, Vote.NONE))))
    await deliver(db)
    await record(db, seen(1, **votes((JONAS, Vote.APPROVED))))
    waiting = (await queued(db))[3:]
    assert waiting == [
        ("card", "19:web", ""),
        ("card", "a:jonas", ""),
        ("message", "person 1", "Jonas Sample approved #12 Add search"),
        ("message", "19:web", "Jonas Sample approved"),
    ]


async def test_the_audit_has_before_and_after_and_who_voted(db: Database) -> None:
    await record(db, seen(**votes((JONAS, Vote.NONE))))
    await record(db, seen(1, **votes((JONAS, Vote.REJECTED))), actor="Pat Sample <pat@example.com>")
    [entry, _] = await db.read(lambda s: audit.of_subject(s, "pull_request/contoso/12"))
    assert entry.actor == "Jonas Sample <jonas@example.com>"
    assert entry.before == {"value": 0}
    assert entry.after is not None and entry.after["value"] == -10


HISTORY = [
    seen(is_draft=True),
    hooked(1, **votes((JONAS, Vote.NONE))),
    seen(2, source_commit="b" * 40, **votes((JONAS, Vote.NONE))),
    hooked(3, source_commit="b" * 40, **votes((JONAS, Vote.NONE)), **CONFLICT),
    seen(4, source_commit="b" * 40, **votes((JONAS, Vote.WAITING_FOR_AUTHOR)), **CONFLICT),
    hooked(5, source_commit="c" * 40, **votes((JONAS, Vote.WAITING_FOR_AUTHOR)), **CLEAN),
    seen(6, source_commit="c" * 40, **votes((JONAS, Vote.APPROVED)), **CLEAN),
    hooked(90, source_commit="c" * 40, **votes((JONAS, Vote.APPROVED)), **CLEAN, **COMPLETED),
    seen(
        91,
        source_commit="c" * 40,
        closed_by=JONAS,
        **votes((JONAS, Vote.APPROVED)),
        **CLEAN,
        **COMPLETED,
    ),
]


async def test_checks_3_repeated_snapshots_tell_and_audit_nothing_again(db: Database) -> None:
    """CHECKS 3."""
    for snapshot in HISTORY:
        await record(db, snapshot)
    told, entries = await queued(db), len(await rows(db, AuditRow))
    await asyncio.gather(*(record(db, snapshot) for snapshot in HISTORY * 16))
    assert await queued(db) == told
    assert len(await rows(db, AuditRow)) == entries
    assert len({row.key for row in await rows(db, OutboxRow)}) == len(told)


@pytest.mark.parametrize("seed", range(8))
async def test_checks_5_any_order_ends_in_the_true_state(db: Database, seed: int) -> None:
    """CHECKS 5: what was told is never older than what was shown, and the end is the truth."""
    shuffled = HISTORY * 2
    random.Random(seed).shuffle(shuffled)
    for snapshot in shuffled:
        await record(db, snapshot)
    [row] = await rows(db, PullRequestRow)
    assert (row.status, row.is_draft, row.conflicted_since) == ("completed", False, None)
    [reviewer] = await rows(db, ReviewerRow)
    assert reviewer.vote == Vote.APPROVED
    view = await db.read(lambda s: load_view(s, row.id or 0, "", at(100)))
    assert view.state.closed_by == JONAS
    keys = [each.key for each in await rows(db, OutboxRow)]
    assert len(keys) == len(set(keys))


async def test_an_old_webhook_asks_for_a_read_and_a_read_answers_it(db: Database) -> None:
    await record(db, seen(10, title="New"))
    assert (await record(db, hooked(5, title="Old"))).needs_read
    [row] = await rows(db, PullRequestRow)
    assert row.needs_read and row.title == "New"
    await record(db, seen(11, title="New"))
    assert not (await rows(db, PullRequestRow))[0].needs_read


async def test_failed_recording_leaves_nothing(db: Database) -> None:
    def fails(session: Session) -> None:
        record_snapshot(session, seen(), cause="test", now=START)
        raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        await db.write(fails)
    assert await queued(db) == []
    assert await rows(db, PullRequestRow) == []
    assert await rows(db, AuditRow) == []


async def test_paused_subscriptions_and_gone_conversations_hear_nothing(db: Database) -> None:
    def pause(session: Session) -> None:
        row = session.exec(select(Subscription)).one()
        row.paused_at = START
        session.add(row)

    await db.write(pause)
    await record(db, seen())
    assert await queued(db) == []

    def gone(session: Session) -> None:
        row = session.exec(select(Subscription)).one()
        row.paused_at = None
        conversation = session.get_one(ConversationRow, "19:web")
        conversation.state = "gone"
        session.add_all([row, conversation])

    await db.write(gone)
    await record(db, seen(1, source_commit="b" * 40))
    assert await queued(db) == []


async def test_wild_texts_are_stored_and_read_again(db: Database) -> None:
    wild = Identity("id-\x00", "N\ud800ul\x00", "wild'; DROP TABLE people;--%_")
    snapshot = seen(title="a\x00b\ud83d", author=wild, reviewers=(Reviewer(wild),))
    recorded = await record(db, snapshot)
    assert recorded.state.title == "a\ufffdb\ufffd"
    assert (await record(db, snapshot)).changes == ()


# --- comments ---------------------------------------------------------------------------------


def comment(text: str = "Looks good", **more: Any) -> CommentHook:
    written = Comment(7, 1, JONAS, text, at(5))
    return CommentHook(replace(written, **more), WEB.id, 12)


async def said(db: Database, hook: CommentHook) -> Recorded:
    recorded = await db.write(
        lambda s: record_comment(s, "contoso", hook, cause="webhook/2", now=at(6))
    )
    await release_due(db, at(6))
    return recorded


async def test_checks_3_a_comment_is_told_once_whatever_comes_again(db: Database) -> None:
    """CHECKS 3."""
    await record(db, seen())
    told = len(await queued(db))
    await said(db, comment())
    assert (await queued(db))[told:] == [
        ("message", "person 1", "Jonas Sample commented on #12 Add search: Looks good"),
        ("message", "19:web", "Jonas Sample commented: Looks good"),
    ]
    await said(db, comment())
    await said(db, comment("Edited", updated_at=at(7)))
    await said(db, comment(is_deleted=True))
    assert len(await queued(db)) == told + 2


async def test_who_is_mentioned_is_named_though_not_in_teams(db: Database) -> None:
    """Azure DevOps' name of them, or their account; of whom nothing is known, nobody says more."""
    ids = [f"{number}" * 8 + "-0000-4000-8000-" + "0" * 12 for number in (1, 2, 3)]

    def known(session: Session) -> None:
        for id_, name in zip(ids, ("Otto Sample", ""), strict=False):
            session.add(
                IdentityRow(
                    connection="contoso", id=id_, display_name=name, unique_name="zoe@example.com"
                )
            )

    await db.write(known)
    await record(db, seen())
    told = len(await queued(db))
    await said(db, comment(" ".join(f"@<{id_.upper()}>" for id_ in ids)))
    text = "@Otto Sample @zoe@example.com @somebody"
    assert (await queued(db))[told:] == [
        ("message", "person 1", f"Jonas Sample commented on #12 Add search: {text}"),
        ("message", "19:web", f"Jonas Sample commented: {text}"),
    ]


async def test_a_comment_deleted_before_its_webhook_came_is_not_told(db: Database) -> None:
    await record(db, seen())
    told = await queued(db)
    assert (await said(db, comment(is_deleted=True))).changes == ()
    assert (await said(db, comment())).changes == ()
    assert await queued(db) == told


async def test_a_system_comment_is_not_told(db: Database) -> None:
    await record(db, seen())
    assert (await said(db, comment("Jonas voted 10", is_system=True))).changes == ()


async def test_a_comment_on_an_unknown_pull_request_brings_it_or_asks_for_it(db: Database) -> None:
    with pytest.raises(PullRequestUnknown):
        await said(db, comment())
    await said(db, replace(comment(), snapshot=hooked(5)))
    assert (await queued(db))[0] == ("card", "19:web", "")
    assert len(await rows(db, PullRequestRow)) == 1


# --- repositories, tickets, cards -------------------------------------------------------------


async def test_a_renamed_repository_has_its_new_name_on_the_cards(db: Database) -> None:
    recorded = await record(db, seen())
    await deliver(db)
    told = len(await queued(db))
    hook = RepositoryHook("git.repo.renamed", replace(WEB, name="webshop"))
    for _ in range(2):
        await db.write(lambda s: record_repository(s, "contoso", hook, cause="w", now=at(9)))
    assert (await queued(db))[told:] == [("card", "19:web", "")]
    view = await db.read(lambda s: load_view(s, recorded.pull_request_id, "19:web", at(9)))
    assert view.state.repository.name == "webshop"
    assert "/_git/webshop/pullrequest/12" in view.page_url()


async def test_a_deleted_repository_is_marked(db: Database) -> None:
    await record(db, seen())
    hook = RepositoryHook("git.repo.deleted", WEB)
    await db.write(lambda s: record_repository(s, "contoso", hook, cause="w", now=at(9)))
    [row] = await rows(db, RepositoryRow)
    assert row.removed_at == at(9)


async def test_a_ticket_that_changes_is_seen_on_the_cards_unless_the_news_is_old(
    db: Database,
) -> None:
    recorded = await record(db, seen())
    await deliver(db)
    told = len(await queued(db))

    def link(session: Session) -> None:
        session.add(
            Link(
                connection="contoso",
                ticket=123,
                repository_id=WEB.id,
                pull_request=12,
                origin="manual",
                created_at=at(1),
            )
        )

    await db.write(link)
    newer = TicketHook("workitem.updated", 123, 5, "shop", "Bug", "Find things", "Active", at(9))
    older = replace(newer, rev=4, state="New")
    for hook in (newer, older, newer):
        await db.write(lambda s, h=hook: record_ticket(s, "contoso", h, cause="w", now=at(9)))  # type: ignore[misc]
    [row] = await rows(db, TicketRow)
    assert (row.rev, row.state) == (5, "Active")
    assert (await queued(db))[told:] == [("card", "19:web", "")]
    view = await db.read(lambda s: load_view(s, recorded.pull_request_id, "19:web", at(9)))
    assert [ticket.title for ticket in view.tickets] == ["Find things"]


async def test_a_card_can_be_shown_where_nobody_follows(db: Database) -> None:
    recorded = await record(db, seen())
    show: Callable[[Session], None] = lambda s: show_card(  # noqa: E731  # as callers write it
        s, "a:jonas", recorded.pull_request_id, "activity/1", at(2)
    )
    await db.write(show)
    await db.write(show)
    assert [to for kind, to, _ in await queued(db) if kind == "card"] == ["19:web", "a:jonas"]
    assert await db.read(outbox.oldest_pending) is not None


async def test_a_card_in_ones_own_chat_says_why_it_came_to_whoever_reads_it(db: Database) -> None:
    """Jonas follows in his chat and is nobody in Azure DevOps yet."""
    row = (await record(db, seen())).pull_request_id

    def buttons(session: Session, place: str) -> bool:
        return "Why did I get this?" in str(
            draw_pull_request(load_view(session, row, place, at(1))).card
        )

    assert await db.read(lambda s: [buttons(s, place) for place in ("a:jonas", "19:web")]) == [
        True,
        False,
    ]
