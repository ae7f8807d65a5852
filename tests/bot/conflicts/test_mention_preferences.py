"""An author without a chat is mentioned of a conflict when his settings let that disturb."""

from datetime import timedelta

import pytest
from sqlmodel import Session, select

from bot.notices.kinds import EventKind
from bot.people_preferences import dump_preferences
from bot.preferences import Delivery, Preferences
from storage.engine import Database
from storage.tables import HeldNotice, Person
from tests.bot.conflicts.test_following import db, examined, record, waiting
from tests.bot.pull_request_samples import CLEAN, CONFLICT, START, WEB, at, seen
from tests.bot.releasing import release_due

__all__ = ["db"]

WEEKS_LATER = START + timedelta(days=14)
SENT, WAITS = "sent", ""
ROWS = {
    "says nothing": (Preferences(), SENT),
    "off": (Preferences(kinds={EventKind.CONFLICT: Delivery.OFF}), "conflict is off"),
    "digest": (Preferences(kinds={EventKind.CONFLICT: Delivery.DIGEST}), WAITS),
    "muted": (
        Preferences(muted_pull_requests=frozenset({"contoso/12"})),
        "the pull request is muted",
    ),
    "repository muted": (
        Preferences(muted_repositories=frozenset({f"contoso/{WEB.id}"})),
        "the repository is muted",
    ),
    "snoozed": (Preferences(snoozed_until=START + timedelta(days=1)), WAITS),
    "away": (Preferences(away_until=(START + timedelta(days=7)).date()), WAITS),
}


async def outcomes(db: Database) -> list[str]:
    rows = await db.read(lambda s: s.exec(select(HeldNotice)).all())
    return [row.outcome for row in rows if row.kind == EventKind.CONFLICT]


async def mentions(db: Database) -> list[str]:
    """Where he is mentioned; he is written to nowhere else."""
    queued = await waiting(db)
    assert not [place for _, place, _ in queued if place.startswith(("person", "a:"))]
    said = "Maya Sample: #12 Add search has conflicts with main"
    return [place for kind, place, text in queued if kind == "message" and text == said]


async def begins(db: Database, chosen: Preferences) -> None:
    def choose(session: Session) -> None:
        maya = session.exec(select(Person).where(Person.teams_user_id == "29:maya")).one()
        maya.personal_conversation_id = ""
        maya.preferences = dump_preferences(chosen)
        session.add(maya)

    await db.write(choose)
    await record(db, seen(1, **CONFLICT))
    await examined(db, at(1))


@pytest.mark.parametrize(("chosen", "became"), ROWS.values(), ids=ROWS)
async def test_a_mention_is_held_back_where_a_direct_message_would_be_and_comes_later(
    db: Database, chosen: Preferences, became: str
) -> None:
    await begins(db, chosen)
    assert await outcomes(db) == [became]
    assert bool(await mentions(db)) == (became == SENT)
    await release_due(db, WEEKS_LATER)
    assert bool(await mentions(db)) == (became in (SENT, WAITS))


async def test_a_mention_that_waited_until_it_merged_again_is_not_made(db: Database) -> None:
    await begins(db, ROWS["snoozed"][0])
    await record(db, seen(2, **CLEAN))
    await release_due(db, WEEKS_LATER)
    assert await mentions(db) == []
    assert await outcomes(db) == ["the conflict is over"]
