"""What the radar tells a person goes by the person's settings, as all that is told directly."""

from datetime import date, time, timedelta

import pytest
from sqlmodel import Session, col, select

from bot.held_release import release
from bot.notices.holding import HoldingRules
from bot.notices.kinds import EventKind
from bot.people_preferences import change_preferences
from bot.preferences import Delivery, Preferences, WorkingHours
from bot.prepared import prepare
from storage import held
from storage.queries import conflicts, people
from storage.tables import ConversationRow, HeldNotice
from tests.bot.conflicts.test_radar_runner import opened, pairs, radar, shown, told
from tests.bot.workflows.conftest import CONNECTION, World, world
from tests.claimed import in_hand

__all__ = ["world"]

QUIET = HoldingRules(is_quiet=True)
NIGHT = WorkingHours(timezone="UTC", start=time(0, 0), end=time(0, 1), days=frozenset(range(7)))
OWN = f"{CONNECTION}/1"

ROWS = [
    ("says nothing", Preferences(), "sent"),
    ("off", Preferences(kinds={EventKind.CONFLICT: Delivery.OFF}), "conflict is off"),
    ("digest", Preferences(kinds={EventKind.CONFLICT: Delivery.DIGEST}), "waits for digest"),
    ("working hours", Preferences(hours=NIGHT), "waits for quiet"),
    (
        "urgent",
        Preferences(hours=NIGHT, urgent=frozenset({EventKind.CONFLICT})),
        "sent",
    ),
    ("mute pr", Preferences(muted_pull_requests=frozenset({OWN})), "the pull request is muted"),
    ("snooze", "tomorrow", "waits for snooze"),
    ("away", "away", "waits for quiet"),
    ("mute repo", "repo", "the repository is muted"),
]


@pytest.mark.parametrize(
    ("chosen", "outcome"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS]
)
async def test_what_an_author_chose_holds_for_the_radar_too(
    world: World, chosen: Preferences | str, outcome: str
) -> None:
    """Maya chose; Jonas, who did not, is told at once."""
    now = world.clock()
    preferences = {
        "tomorrow": Preferences(snoozed_until=now + timedelta(days=1)),
        "away": Preferences(away_until=date(now.year + 1, 1, 1)),
        "repo": Preferences(muted_repositories=frozenset({f"{CONNECTION}/{world.shop.id}"})),
    }
    wanted = preferences[chosen] if isinstance(chosen, str) else chosen
    maya = world.maya.id or 0
    await world.db.write(
        lambda s: change_preferences(s, maya, lambda _: wanted, actor="Maya", cause="test", now=now)
    )
    await world.subscribe()
    await opened(world, "one", world.maya_there)
    await opened(world, "two", world.jonas_there)
    await radar(world).run()
    await world.db.write(
        lambda s: release(s, held.due_addressees(s, now=world.clock()), QUIET, now=world.clock())
    )
    assert await became_of(world) == {maya: outcome, world.jonas.id or 0: "sent"}
    sent = {row.person_id for row in await world.outbox() if row.key.startswith("radar:")}
    assert sent == {world.jonas.id} | ({maya} if outcome == "sent" else set())


async def test_a_pair_that_ends_while_it_waits_is_not_told_and_one_that_is_back_is(
    world: World,
) -> None:
    await world.subscribe()
    await opened(world, "one", world.maya_there)
    second = await opened(world, "two", world.jonas_there)
    await radar(world).run()
    for changes, is_over in (({"other.txt": "mine"}, True), ({"README.md": "three"}, False)):
        await world.sandbox.force_push(world.shop, "two", changes, world.jonas_there, "again")
        await world.reads.read(CONNECTION, second, cause="test")
        await radar(world).run()
        (pair,) = await pairs(world)
        assert (pair.ended_at is not None) == is_over
        assert len(await told(world)) == (0 if is_over else 2)
    assert set((await became_of(world)).values()) == {"sent"}


async def test_who_snoozed_the_conflicts_of_his_own_is_not_told(world: World) -> None:
    await world.subscribe()
    number = await opened(world, "one", world.maya_there)
    await opened(world, "two", world.jonas_there)
    row, maya = await world.stored(number), world.maya.id or 0
    until = world.clock() + timedelta(days=1)
    await world.db.write(lambda s: conflicts.snooze(s, row.id or 0, maya, until=until))
    await radar(world).run()
    assert set(await became_of(world)) == {world.jonas.id}


async def test_the_message_says_why_it_came_and_names_the_readers_own(world: World) -> None:
    await world.subscribe()
    await opened(world, "one", world.maya_there)
    second = await opened(world, "two", world.jonas_there)
    chat = "a:jonas"

    def with_chat(session: Session) -> None:
        kind = {"kind": "personal", "service_url": "https://smba.example/", "tenant_id": "t"}
        session.add(ConversationRow(id=chat, created_at=world.clock(), **kind))
        session.flush()
        person = people.get(session, world.jonas.id or 0)
        assert person is not None
        person.personal_conversation_id = chat
        session.add(person)

    await world.db.write(with_chat)
    await radar(world).run()
    assert len(await pairs(world)) == 1
    rows = {each.conversation_id: each for each in await told(world)}
    assert set(rows) == {"", chat}  # Maya's chat is opened when it is sent
    row = rows[chat]
    prepared = await world.read(lambda s: prepare(s, in_hand(row), world.clock()))
    assert prepared is not None
    assert f"conflict author {CONNECTION}:{second}" in str(prepared.message.card)
    assert "Why did I get this?" not in await shown(world, row)  # where the reader is not known


async def became_of(world: World) -> dict[int, str]:
    """What became of what was kept for each person."""
    rows = await world.read(lambda s: s.exec(select(HeldNotice).order_by(col(HeldNotice.id))).all())
    return {
        row.person_id or 0: row.outcome or (f"waits for {row.reason}" if row.reason else "waits")
        for row in rows
        if row.key.startswith("radar:")
    }
