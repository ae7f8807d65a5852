"""Ages on cards stay true, quietly."""

from datetime import timedelta

from sqlmodel import select

from adapters.sandbox.teams import Message, render_text
from bot.card_ages import MOST_PER_CONVERSATION, refresh_ages
from bot.prepared import AGE_CAUSE
from bot.recording import show_card
from storage.tables import OutboxRow, PullRequestRow
from tests.bot.talking import Talk


async def grow_older(talk: Talk, **by: float) -> int:
    """Time goes by and the job runs; how many cards it says to draw anew."""
    talk.clock.now += timedelta(**by)
    now = talk.clock.now
    return await talk.db.write(lambda s: refresh_ages(s, now=now))


def card(talk: Talk, number: int) -> Message:
    found = [
        message
        for message in talk.channel.messages
        if message.from_bot and f"#{number}\n" in render_text(message)
    ]
    assert len(found) == 1
    return found[0]


async def opened(talk: Talk, count: int = 1) -> list[int]:
    await talk.say("subscribe Shop/shop", to=talk.channel)
    return [await talk.pull_request(f"Part {n}", talk.jonas_there) for n in range(count)]


async def test_a_card_gets_its_age_in_place_and_nobody_is_told(talk: Talk) -> None:
    [number] = await opened(talk)
    shown = card(talk, number)
    assert " old" not in render_text(shown)

    assert await grow_older(talk, days=1) == 1
    await talk.settle()
    assert ", 1 day old" in render_text(shown)
    assert len(shown.versions) == 2
    assert talk.heard() == []  # no new message anywhere


async def test_a_card_whose_age_reads_the_same_is_left_alone(talk: Talk) -> None:
    await opened(talk)
    assert await grow_older(talk, hours=23) == 0
    assert await grow_older(talk, hours=2) == 1
    await talk.settle()
    assert await grow_older(talk, hours=22) == 0
    assert await grow_older(talk, days=20) == 1  # weeks now
    await talk.settle()
    assert await grow_older(talk, days=4) == 0


async def test_a_closed_one_does_not_grow_older(talk: Talk) -> None:
    [number] = await opened(talk)
    await talk.azure.abandon(number, talk.jonas_there)
    await talk.record(number)
    assert await grow_older(talk, days=3) == 0


async def test_a_card_that_somebody_deleted_does_not_come_back_for_its_age(talk: Talk) -> None:
    [number] = await opened(talk)
    card(talk, number).deleted = True
    assert await grow_older(talk, days=2) == 1
    await talk.settle()
    assert talk.heard() == []
    assert {row.state for row in await talk.outbox()} == {"sent"}
    assert await grow_older(talk, days=2) == 0  # it is known to be gone

    await talk.azure.vote(number, talk.maya_there, 10)  # something happens
    await talk.record(number)
    again = [m for m in talk.channel.messages if not m.deleted and m.from_bot]
    assert any("4 days old" in render_text(message) for message in again)


async def test_a_card_that_waits_for_news_keeps_its_cause(talk: Talk) -> None:
    """What is news must be posted anew where the card was deleted, and is not called an age."""
    await opened(talk)
    row = await talk.read(lambda s: s.exec(select(PullRequestRow)).one())
    now = talk.clock.now
    await talk.db.write(lambda s: show_card(s, talk.channel.id, row.id or 0, "webhook/1", now))
    assert await grow_older(talk, days=2) == 0
    waiting = await talk.read(
        lambda s: s.exec(select(OutboxRow.cause).where(OutboxRow.state == "pending")).all()
    )
    assert waiting == ["webhook/1"]


async def test_news_do_not_queue_behind_many_cards_that_grow_older(talk: Talk) -> None:
    await opened(talk, MOST_PER_CONVERSATION + 3)
    assert await grow_older(talk, days=1) == MOST_PER_CONVERSATION
    await talk.settle()
    assert await grow_older(talk, minutes=15) == 3
    await talk.settle()
    assert await grow_older(talk, minutes=15) == 0
    ages = [row for row in await talk.outbox() if row.cause == AGE_CAUSE]
    assert len(ages) == MOST_PER_CONVERSATION + 3
