"""A week of twelve people in four time zones on sixty pull requests, in virtual time.

Everybody hears what concerns him exactly once, when he wants it: compared with a plain model.
"""

import asyncio
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.bot.conflicts.history_world import Where
from tests.bot.week.expected import PAYMENTS, WEB, Expected, Told
from tests.bot.week.script import PULL_REQUESTS, Script, What
from tests.bot.week.team import END, MEMBERS, TEAM
from tests.bot.week.world import PAYMENTS as PAYMENTS_ID
from tests.bot.week.world import WEB as WEB_ID
from tests.bot.week.world import Posted, WeekWorld, chat
from tests.databases import migrated

SEED = 4
pytestmark = pytest.mark.timeout(300)  # all of the week is played for the first test
CARD_LINE = re.compile(r"^Shop / \w+  #(\d+)")
DIGEST_ROW = re.compile(r"^\*\*(.+?)\*\* \| \[(#\d+ [^\]]+)\]")
REMINDED = re.compile(r"(#\d+ Change \w+ \d+) has waited for your review")


@dataclass(frozen=True)
class Week:
    """What was done, what was posted, and what was to be heard."""

    script: Script
    posted: tuple[Posted, ...]
    expected: Expected

    def heard(self, place: str) -> list[Told]:
        """What came in a place, in the model's words."""
        cards = {
            str(number): self.script.pull_requests[int(found[1])].name
            for number, each in enumerate(self.posted, 1)
            if (found := CARD_LINE.match(each.words))
        }
        return [(p.minute, _said(p, cards)) for p in self.posted if p.place == place]


def _said(posted: Posted, cards: dict[str, str]) -> tuple[str, ...]:
    words = re.sub(r"\\(.)", r"\1", posted.words)
    lines = words.split("\n")
    if found := CARD_LINE.match(words):
        return ("card", next(name for name in cards.values() if name.startswith(f"#{found[1]} ")))
    if posted.thread_id:
        return ("reply", cards[posted.thread_id], posted.summary)
    if lines[0] == "Your digest":
        rows = [f"{row[1]} {row[2]}" for line in lines if (row := DIGEST_ROW.match(line))]
        return ("digest", *rows, *(line[2:] for line in lines if line.startswith("• ")))
    if "You asked to be reminded" in words:
        return ("reminder", *sorted(set(REMINDED.findall(words))))
    sentences = [line[2:] for line in lines if line.startswith("- ")]
    if sentences:
        return (lines[0], *sentences)
    if "has conflicts with" in posted.summary:
        return (posted.summary,)
    end = next(n for n, line in enumerate(lines) if line.startswith("Shop / "))
    return tuple(lines[:end])


async def play(folder: Path, template: Path, script: Script) -> tuple[Posted, ...]:
    world = WeekWorld(folder, template)
    try:
        await world.build()
        for step in script.steps:
            await world.take(step, script.pull_requests.get(step.number))
        await world.pass_until(END - 1)
        return tuple(world.teams.posted)
    finally:
        await world.close()


@pytest.fixture(scope="module")
def week(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Week]:
    folder = tmp_path_factory.mktemp("week")
    migrated(folder / "template.db")
    script = Script(SEED)
    posted = asyncio.run(play(folder, folder / "template.db", script))
    yield Week(script, posted, Expected(script))


@pytest.mark.parametrize("key", MEMBERS)
def test_each_of_the_team_hears_all_that_concerns_him_once_and_in_time(
    week: Week, key: str
) -> None:
    assert week.heard(chat(key)) == week.expected.people[key].heard


@pytest.mark.parametrize(("place", "key"), [(WEB_ID, WEB), (PAYMENTS_ID, PAYMENTS)])
def test_each_channel_has_what_its_subscription_asks_for_once(
    week: Week, place: str, key: str
) -> None:
    assert week.heard(place) == sorted(week.expected.channels[key], key=lambda told: told[0])


@pytest.mark.parametrize("key", [each.key for each in TEAM if not (each.is_loud or each.urgent)])
def test_nothing_comes_in_quiet_hours(week: Week, key: str) -> None:
    person = week.expected.people[key]  # with the absence that he had said
    early = [
        (minute, said)
        for minute, said in week.heard(chat(key))
        if not person.member.works(minute, None)
        or (person.is_away(minute) and person.away is not None)
    ]
    assert early == []


def test_the_week_has_all_that_it_is_meant_to_try(week: Week) -> None:
    steps = Counter(step.what for step in week.script.steps)
    assert steps[What.OPEN] == PULL_REQUESTS
    assert all(steps[what] for what in What)
    assert {step.killed for step in week.script.steps} == {None, Where.STORED, Where.SENDING}
    heard = [said for each in TEAM for _, said in week.heard(chat(each.key))]
    for sign in (
        "digest",
        "reminder",
        "card",
        "Outside your working hours",
        "While you had it snoozed",
        "Nothing stands in its way now",
        "please look again",
        "has conflicts with",
        "mentioned you",
        "completed #",
        "abandoned #",
    ):
        assert any(sign in piece for said in heard for piece in said), sign
    assert len({each.zone for each in TEAM}) == 4
    assert len(TEAM) == 12
