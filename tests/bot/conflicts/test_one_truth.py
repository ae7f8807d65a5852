"""Whoever found a conflict or its end: all that shows it says the same, with the same beginning."""

from datetime import datetime

from sqlmodel import Session

from bot.cards.alert_view import load_alert
from bot.cards.standing import standing
from bot.cards.view import load_view
from bot.held_item import read_item
from bot.model import MergeStatus
from bot.notices.reasons import Role
from bot.reminders.seen import load_seen
from storage.engine import Database
from storage.queries import conflict_lists, conflicts, pull_request_lists
from storage.tables import HeldNotice, PullRequestRow, Subscription
from tests.bot.conflicts.test_following import (
    BEFORE,
    G,
    db,
    delivered,
    episodes,
    examined,
    finds,
    record,
    waiting,
)
from tests.bot.pull_request_samples import CLEAN, CONFLICT, WEB, at, seen

__all__ = ["db"]

WHERE = [("contoso", WEB.id)]


async def shown(db: Database) -> list[datetime | None]:
    """Since when it has conflicts: on the card, in lists, to reminders and the digest."""

    def read(session: Session) -> list[datetime | None]:
        view = load_view(session, 1, "", at(9))
        [listed] = pull_request_lists.list_open(session, WHERE, limit=9)
        [waits] = load_seen(session, [session.get_one(PullRequestRow, 1)])
        blocked = conflict_lists.in_repositories(session, WHERE).conflicted
        begun = blocked[0].since if blocked else None
        assert listed.has_conflicts == view.has_conflicts == waits.has_conflicts == bool(blocked)
        return [standing(view).since, begun, waits.conflicts_since]

    return await db.read(read)


async def test_an_own_finding_counts_everywhere_from_the_episodes_begin_on(db: Database) -> None:
    await record(db, seen(1, **CLEAN))
    assert await finds(db, 2, MergeStatus.CONFLICTS)
    [begun] = [row.began_at for row in await episodes(db)]
    assert await shown(db) == [begun] * 3
    await record(db, seen(5, **CONFLICT, target_commit=G))  # Azure DevOps agrees later
    assert await shown(db) == [begun] * 3


async def test_what_only_azure_devops_old_word_calls_a_conflict_is_shown_nowhere(
    db: Database,
) -> None:
    await record(db, seen(1, **CONFLICT))
    assert await finds(db, 2, MergeStatus.SUCCEEDED)
    assert await shown(db) == [None] * 3


async def test_the_green_alert_calls_it_an_own_finding_until_azure_devops_agrees(
    db: Database,
) -> None:
    async def is_own() -> bool:
        return (await db.read(lambda s: load_alert(s, 1, at(9)))).is_own_finding

    await record(db, seen(1, **CONFLICT))
    await examined(db, at(1))
    await finds(db, 2, MergeStatus.SUCCEEDED)
    assert await is_own()
    await examined(db, at(2))
    await delivered(db)
    await record(db, seen(5, **CLEAN, target_commit=G))
    assert not await is_own()
    assert ("alert", "19:web", "") in await waiting(db)


async def test_an_own_finding_that_azure_devops_calls_clean_is_its_word(db: Database) -> None:
    await record(db, seen(1, **CLEAN))
    await finds(db, 2, MergeStatus.CONFLICTS)
    await examined(db, at(2))
    await record(db, seen(5, **CLEAN, target_commit=G))
    [episode] = await episodes(db)
    assert (episode.ended_at is not None, episode.is_own_finding) == (True, False)


async def test_the_cause_is_looked_for_since_the_last_clean_merge_whoever_made_it(
    db: Database,
) -> None:
    await record(db, seen(1, **CLEAN))
    for minutes, status, tip in (
        (2, MergeStatus.CONFLICTS, "1" * 40),
        (20, MergeStatus.SUCCEEDED, "2" * 40),
        (40, MergeStatus.CONFLICTS, "3" * 40),
        (60, MergeStatus.SUCCEEDED, "4" * 40),
    ):
        assert await finds(db, minutes, status, target_commit=tip)
    await record(db, seen(80, target_commit="5" * 40, **CONFLICT))
    found = [row.last_clean_target_commit for row in await episodes(db)]
    assert found == ["f" * 40, "2" * 40, "4" * 40]


async def test_the_oldest_conflicts_come_first_whoever_found_them(db: Database) -> None:
    old = {"created_at": BEFORE}
    await record(db, seen(1, **CLEAN, **old), seen(1, number=13, **CLEAN, **old))
    await finds(db, 2, MergeStatus.CONFLICTS)
    await record(db, seen(3, number=14, **CONFLICT, **old))
    found = await db.read(
        lambda s: conflicts.open_on_target(s, "contoso", WEB.id, ["refs/heads/main"])
    )
    assert [row.number for row in found] == [12, 14, 13]


def jonas_follows(session: Session) -> None:
    """In his own chat, and there he asks for more than cards."""
    session.add(
        Subscription(
            conversation_id="a:jonas",
            connection="contoso",
            project="shop",
            options={"places": {"conflict": "thread"}},
            created_at=BEFORE,
        )
    )


async def test_who_follows_in_his_own_chat_gets_the_same_alert_which_turns_green(
    db: Database,
) -> None:
    await db.write(jonas_follows)
    await record(db, seen(1, **CLEAN), seen(2, **CONFLICT))
    await examined(db, at(2))
    assert ("alert", "a:jonas", "") in await waiting(db)
    roles = await db.read(lambda s: [read_item(s.get_one(HeldNotice, n).payload) for n in (1, 2)])
    assert [item.role for item in roles] == [Role.AUTHOR, Role.SUBSCRIBER]
    drawn = await db.read(
        lambda s: [load_alert(s, 1, at(3), chat=f"a:{n}") for n in ("maya", "jonas")]
    )
    assert [alert.reader for alert in drawn] == [Role.AUTHOR, Role.SUBSCRIBER]
    await delivered(db)
    await record(db, seen(4, **CLEAN))
    assert {place for _, place, _ in await waiting(db, "alert")} >= {"a:maya", "a:jonas"}


async def test_a_follower_who_snoozed_its_conflicts_is_not_alerted(db: Database) -> None:
    await db.write(jonas_follows)
    await record(db, seen(1, **CLEAN))
    await db.write(lambda s: conflicts.snooze(s, 1, 2, until=at(99)))
    await record(db, seen(2, **CONFLICT))
    await examined(db, at(2))
    assert ("alert", "a:jonas", "") not in await waiting(db)
    assert ("alert", "a:maya", "") in await waiting(db)
