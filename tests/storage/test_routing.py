"""What deciding who hears reads: subscriptions in reach, and what filters need beside."""

from typing import Any

import pytest
from sqlmodel import Session

from bot.notices.filters import Filters
from bot.notices.wishes import read_stored
from storage.engine import Database
from storage.one_text import moment_of
from storage.queries import people, radar, reviews, routing
from storage.tables import ConversationRow, Subscription
from tests.storage.samples import (
    NOW,
    add_connection,
    add_conversation,
    add_person,
    add_pull_request,
)

SHOP, WEB = ("Größe", "p1"), ("Web", "r1")


@pytest.mark.parametrize(
    ("values", "is_found"),
    [
        ({"repository": ""}, True),
        ({"repository": "WEB"}, True),
        ({"repository": "r1"}, True),
        ({"repository": "w*"}, True),
        ({"repository": "Web2"}, False),
        ({"project": "p1"}, True),
        ({"project": "GROSSE"}, False),
        ({"project": "GRÖßE"}, True),
        ({"project": "Other"}, False),
        ({"paused_at": NOW}, False),
        ({"state": "left"}, False),
    ],
    ids=str,
)
async def test_subscriptions_in_reach_are_found_in_any_case(
    db: Database, values: dict[str, Any], is_found: bool
) -> None:
    stored = {"project": "Größe", "repository": "", **values}
    state = stored.pop("state", "active")

    def write(session: Session) -> list[int]:
        add_connection(session)
        add_conversation(session, "19:x")
        session.get_one(ConversationRow, "19:x").state = state
        session.add(
            Subscription(conversation_id="19:x", connection="demo", created_at=NOW, **stored)
        )
        session.flush()
        found = routing.subscriptions_in_reach(session, "demo", project=SHOP, repository=WEB)
        rows = routing.read_in_reach(found)
        assert [moment_of(row.created_at) for row in rows] == [NOW] * is_found
        return [row.id for row in rows]

    assert await db.write(write) == ([1] if is_found else [])


async def test_filters_and_places_are_read_as_they_were_stored(db: Database) -> None:
    filters = {"path": ["größe/**", "!a\\b"], "title": ['"pay" 🙂'], "bots": True, "min_files": 3}

    def write(session: Session) -> object:
        add_connection(session)
        add_conversation(session, "19:x")
        session.add(
            Subscription(
                conversation_id="19:x",
                connection="demo",
                project="Größe",
                target_branches=["release/*"],
                drafts="silent",
                options={"filters": filters, "places": {"vote": "direct"}},
                created_at=NOW,
            )
        )
        session.flush()
        found = routing.subscriptions_in_reach(session, "demo", project=SHOP, repository=WEB)
        [row] = routing.read_in_reach(found)
        return read_stored(row.options, row.target_branches, row.drafts)

    read = await db.write(write)
    assert not isinstance(read, str)
    assert getattr(read, "filters", None) == Filters(
        target=("release/*",),
        drafts="silent",
        path=("größe/**", "!a\\b"),
        title=('"pay" 🙂',),
        bots=True,
        min_files=3,
    )


async def test_facts_of_filters_are_kept_and_replaced(db: Database) -> None:
    def write(session: Session) -> None:
        add_connection(session)
        row_id = add_pull_request(session)
        maya = add_person(session)
        assert routing.labels(session, "demo", 12) is None
        for labels in (["urgent"], ["größe", "wip"], []):
            routing.keep_labels(session, "demo", 12, labels, now=NOW)
            session.flush()
            assert routing.labels(session, "demo", 12) == tuple(labels)
        assert routing.changed_files(session, "demo", "c1", "refs/heads/main") is None
        for files in (["/a", "/ö"], ["/b"]):
            radar.keep_files(session, "demo", "c1", "refs/heads/main", files, now=NOW)
            session.flush()
            assert routing.changed_files(session, "demo", "c1", "refs/heads/main") == tuple(files)
        for members in (["jonas"], ["maya", "jonas"]):
            reviews.keep_group(session, "demo", "g1", members, now=NOW)
            session.flush()
            found = routing.group_members(session, "demo", ["g1", "g2"])
            assert {key: row.members for key, row in found.items()} == {"g1": members}
        for _ in range(2):
            reviews.took_turns(session, "demo", "g1", [maya], now=NOW)
            reviews.join_thread(session, row_id, 7, "jonas")
            reviews.keep_reviewed(session, row_id, "jonas", "c1", now=NOW)
            session.flush()
        assert reviews.turns(session, "demo", "g1") == {maya: NOW}
        assert reviews.participants(session, row_id, 7) == {"jonas"}
        assert reviews.reviewed(session, row_id) == {"jonas": "c1"}

    await db.write(write)


@pytest.mark.parametrize(
    ("kind", "is_removed", "is_found"),
    [("personal", False, True), ("personal", True, False), ("channel", False, False)],
)
async def test_whose_chat_it_is(db: Database, kind: str, is_removed: bool, is_found: bool) -> None:
    def write(session: Session) -> None:
        add_connection(session)
        add_conversation(session, "a:maya")
        session.get_one(ConversationRow, "a:maya").kind = kind
        person = people.get(session, add_person(session))
        assert person is not None
        person.personal_conversation_id = "a:maya"
        person.removed_at = NOW if is_removed else None
        session.add(
            Subscription(
                conversation_id="a:maya", connection="demo", project="Größe", created_at=NOW
            )
        )
        session.flush()
        assert people.with_chat(session, "") is None
        assert is_removed or people.with_chat(session, "a:maya") == person
        found = routing.subscriptions_in_reach(session, "demo", project=SHOP, repository=WEB)
        [row] = routing.read_in_reach(found)
        assert row.person_id == (person.id if is_found else 0)

    await db.write(write)
