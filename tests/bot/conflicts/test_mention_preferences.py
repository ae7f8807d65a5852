"""An author without a chat is mentioned of a conflict only when his settings let that disturb."""

from datetime import timedelta

import pytest
from sqlmodel import Session, select

from bot.notices.kinds import EventKind
from bot.people_preferences import dump_preferences
from bot.preferences import Delivery, Preferences
from storage.engine import Database
from storage.tables import HeldNotice, Person
from tests.bot.conflicts.test_following import db, examined, record, waiting
from tests.bot.pull_request_samples import CONFLICT, START, WEB, at, seen

__all__ = ["db"]

ROWS = {
    "says nothing": (Preferences(), 2, None),
    "off": (Preferences(kinds={EventKind.CONFLICT: Delivery.OFF}), 0, "conflict is off"),
    "digest": (Preferences(kinds={EventKind.CONFLICT: Delivery.DIGEST}), 0, ""),
    "muted": (
        Preferences(muted_pull_requests=frozenset({"contoso/12"})),
        0,
        "the pull request is muted",
    ),
    "repository muted": (
        Preferences(muted_repositories=frozenset({f"contoso/{WEB.id}"})),
        0,
        "the repository is muted",
    ),
    "snoozed": (Preferences(snoozed_until=START + timedelta(days=1)), 0, ""),
    "away": (Preferences(away_until=(START + timedelta(days=7)).date()), 0, ""),
}


@pytest.mark.parametrize(("chosen", "mentions", "kept"), ROWS.values(), ids=ROWS)
async def test_a_mention_is_held_back_where_a_direct_message_would_be(
    db: Database, chosen: Preferences, mentions: int, kept: str | None
) -> None:
    """``kept`` is what became of the direct message instead: None there is none, "" it waits."""

    def choose(session: Session) -> None:
        maya = session.exec(select(Person).where(Person.teams_user_id == "29:maya")).one()
        maya.personal_conversation_id = ""
        maya.preferences = dump_preferences(chosen)
        session.add(maya)

    await db.write(choose)
    await record(db, seen(1, **CONFLICT))
    await examined(db, at(1))
    said = [text for _, _, text in await waiting(db, "message") if "conflicts" in text]
    assert said == ["Maya Sample: #12 Add search has conflicts with main"] * mentions
    rows = await db.read(lambda s: s.exec(select(HeldNotice)).all())
    conflict = [row.outcome for row in rows if row.kind == EventKind.CONFLICT]
    assert conflict == ([] if kept is None else [kept])
