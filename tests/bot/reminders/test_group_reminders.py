"""A group's review is waited for by the one whose turn it is, or else by all who are in it."""

import re
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlmodel import Session, select

from adapters.sandbox.azure_devops import SandboxIdentity
from bot.commands.reviews import PARTLY
from bot.held_messages import HeldMessages
from bot.notices.holding import GroupReviewers, HoldingRules
from bot.own_groups import MOST_READ
from storage.housekeeping import Retention, forget_old
from storage.queries import people as persons
from storage.queries import pull_requests, reviews
from storage.tables import HeldNotice, Person, PullRequestRow, ReviewerRow
from tests.bot.conftest import quiet_talk, talk
from tests.bot.reminders.test_reminders import Team
from tests.bot.talking import CONNECTION, Talk

__all__ = ["quiet_talk", "talk"]

LATER = "2026-11-20 16:30"


async def asked(
    talk: Talk, mode: GroupReviewers, *more: str, group_name: str = "Web Team"
) -> tuple[Team, int]:
    """Maya asks the team for a review; Jonas and Ada, who are in it, want to be reminded."""
    talk.services = replace(talk.services, holding=HoldingRules(group_reviewers=mode))
    talk.restart()
    team = Team(talk)
    people: dict[str, SandboxIdentity] = {
        "maya": talk.maya_there,
        "jonas": talk.jonas_there,
        "ada": talk.azure.add_person("Ada Sample", talk.admin.mail),
    }
    group = talk.azure.add_person(group_name, "", is_group=True, members=list(people.values()))
    for person in (talk.maya, talk.jonas, talk.admin):
        await team.says(person, "remind review 2h")
    await talk.services.db.write(
        lambda s: _asked_before(s, talk.admin.mail, group.id, talk.clock())
    )
    reviewers = [group, *(people[key] for key in more)]
    number = await talk.pull_request("Add search", talk.maya_there, reviewers=reviewers)
    held = HeldMessages(talk.services)
    while await held.work_off():
        pass
    await talk.settle()
    talk.heard()
    return team, number


def _asked_before(session: Session, mail: str, group_id: str, now: datetime) -> None:
    """The next turn is another's than of whoever has this mail."""
    (person,) = persons.with_mail(session, mail)
    reviews.took_turns(session, CONNECTION, group_id, [person.id or 0], now=now)


async def owners(team: Team) -> list[str]:
    """Who is or was reminded."""
    people = await team.talk.read(lambda s: s.exec(select(Person)).all())
    names = {f"person/{person.id}": person.name.split()[0].lower() for person in people}
    return sorted(names[row.owner] for row in await team.rows())


@pytest.mark.parametrize(
    ("mode", "reminded"),
    [
        (GroupReviewers.MEMBERS, ["ada", "jonas"]),
        (GroupReviewers.ROTATION, ["jonas"]),
        (GroupReviewers.NOBODY, ["ada", "jonas"]),
    ],
)
async def test_those_whose_review_it_is_are_reminded_once(
    talk: Talk, mode: GroupReviewers, reminded: list[str]
) -> None:
    team, number = await asked(talk, mode)
    await digests_have_it(team, reminded)
    said = await team.at(LATER)
    assert said.count(f"#{number} Add search has waited for your review") == len(reminded)
    assert await owners(team) == reminded
    assert await team.run() == ""


async def digests_have_it(team: Team, wanted: list[str]) -> None:
    """These have it in their digest, and their ``reviews`` list it."""
    listed = [
        person.display_name.split()[0].lower()
        for person in (team.talk.admin, team.talk.jonas, team.talk.maya)
        if "Waiting for you" in (said := await team.says(person, "digest now"))
        and "Add search for Web Team" in re.sub(r"\]\(.*?\)", "", said)
    ]
    assert listed == wanted
    assert await reviews_have_it(team) == wanted


async def reviews_have_it(team: Team) -> list[str]:
    """Whose ``reviews`` list it, as asked of the group."""
    return [
        person.display_name.split()[0].lower()
        for person in (team.talk.admin, team.talk.jonas, team.talk.maya)
        if "Add search for Web Team"
        in re.sub(r"\]\(.*?\)|\[\d+ ", "", await team.says(person, "reviews"))
    ]


async def test_a_vote_of_the_group_ends_the_waiting(talk: Talk) -> None:
    team, number = await asked(talk, GroupReviewers.MEMBERS)
    await team.run()
    await talk.azure.vote(number, talk.jonas_there, 10)
    await talk.record(number)
    assert await team.at(LATER) == ""
    await digests_have_it(team, [])


async def test_who_is_asked_in_person_besides_is_reminded_once(talk: Talk) -> None:
    team, _ = await asked(talk, GroupReviewers.MEMBERS, "jonas")
    await team.at(LATER)
    assert await owners(team) == ["ada", "jonas"]
    said = await team.says(team.talk.jonas, "reviews")
    assert said.count(" Add search]") == 1
    assert "for Web Team" not in said


async def test_who_wants_no_word_of_reviews_asked_reviews_all_the_same(talk: Talk) -> None:
    """Digests and reminders are their own switches, a nudge is its author's own act."""
    await talk.say("settings review asked off", by=talk.jonas)
    team, number = await asked(talk, GroupReviewers.MEMBERS)
    await digests_have_it(team, ["ada", "jonas"])
    answer = "Told now: Ada Sample (for Web Team), Jonas Sample (for Web Team)."
    assert answer in await team.says(talk.maya, f"nudge {number}")
    await team.at(LATER)
    assert await owners(team) == ["ada", "ada", "jonas", "jonas"], "a nudge and a reminder each"


async def test_it_stays_the_turn_of_who_was_asked_long_ago(talk: Talk) -> None:
    """Who was asked is remembered while the pull request is open."""
    team, number = await asked(talk, GroupReviewers.ROTATION)
    talk.clock.now += timedelta(days=200)
    retention = Retention()
    await talk.services.db.write(lambda s: forget_old(s, now=talk.clock.now, retention=retention))
    assert await reviews_have_it(team) == ["jonas"]
    await talk.azure.abandon(number, talk.maya_there)
    await talk.record(number)
    await talk.services.db.write(lambda s: forget_old(s, now=talk.clock.now, retention=retention))
    assert not await talk.read(lambda s: s.exec(select(HeldNotice)).all())


async def test_reviews_mark_what_is_muted_and_say_what_was_not_looked_at(talk: Talk) -> None:
    team, number = await asked(talk, GroupReviewers.ROTATION)
    await talk.pull_request("Add filters", talk.maya_there, reviewers=[talk.jonas_there])
    await team.says(talk.jonas, f"mute pr {number}")
    said = re.sub(r"\]\(.*?\)", "]", await team.says(talk.jonas, "reviews"))
    assert "Add search] (muted) for Web Team" in said
    assert said.count("(muted)") == 1
    assert PARTLY not in said
    await talk.services.db.write(lambda s: _ask_more(s, number, MOST_READ))
    assert PARTLY in await team.says(talk.jonas, "reviews")


def _ask_more(session: Session, number: int, count: int) -> None:
    """So many more pull requests like this one are asked of its group."""
    like = pull_requests.by_number(session, CONNECTION, number)
    assert like is not None
    group = session.exec(
        select(ReviewerRow).where(ReviewerRow.pull_request_id == like.id, ReviewerRow.is_group)
    ).one()
    more = [
        PullRequestRow(**{**like.model_dump(), "id": None, "number": 10_000 + each})
        for each in range(count)
    ]
    session.add_all(more)
    session.flush()
    session.add_all(
        ReviewerRow(**{**group.model_dump(), "pull_request_id": row.id}) for row in more
    )


@pytest.mark.parametrize(
    ("mode", "answer"),
    [
        (
            GroupReviewers.MEMBERS,
            "Told now: Ada Sample (for Web Team), Jonas Sample (for Web Team).",
        ),
        (GroupReviewers.ROTATION, "Told now: Jonas Sample (for Web Team)."),
        (GroupReviewers.NOBODY, "A group, of which I ask nobody: Web Team."),
    ],
)
async def test_a_nudge_reaches_those_who_were_asked_once_a_working_day(
    talk: Talk, mode: GroupReviewers, answer: str
) -> None:
    team, number = await asked(talk, mode)
    said = await team.says(talk.maya, f"nudge {number}")
    assert answer in said
    nudges = f"Maya Sample asks you to look at #{number} Add search"
    assert said.count(nudges) == answer.count("(for Web Team)")
    said = await team.says(talk.maya, f"nudge {number}")
    assert nudges not in said
    assert answer.replace("Told now", "Nudged already this working day") in said


async def test_who_is_asked_in_person_and_for_the_group_is_nudged_once(talk: Talk) -> None:
    team, number = await asked(talk, GroupReviewers.MEMBERS, "jonas")
    said = await team.says(talk.maya, f"nudge {number}")
    assert said.count("Maya Sample asks you to look at") == 2
    assert "Told now: Ada Sample (for Web Team), Jonas Sample." in said


async def test_a_groups_name_stays_text(talk: Talk) -> None:
    """CHECKS 20."""
    team, number = await asked(talk, GroupReviewers.ROTATION, group_name="[x](javascript:1)")
    for said in (
        await team.says(talk.jonas, "reviews"),
        await team.says(talk.maya, f"nudge {number}"),
    ):
        assert r"for \[x\](javascript:1)" in said
