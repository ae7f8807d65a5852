"""Reminders and digests told once: through restarts, long stalls and a second replica."""

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from sqlmodel import Session, col, select

from adapters.sandbox.teams import TeamsPerson
from bot.model import Vote
from bot.reminders import digest_times, runner
from bot.reminders.digest_times import Prepared
from bot.reminders.runner import Reminders
from bot.reminders.telling import tell_owner
from storage.tables import DigestTime, Reminder
from tests.bot.conftest import quiet_talk, talk
from tests.bot.talking import Talk

__all__ = ["quiet_talk", "talk"]


class Team:
    """The talking team, with reminders that a test runs when it likes."""

    def __init__(self, talk: Talk) -> None:
        self.talk = talk
        self.reminders = Reminders(talk.services)

    def restart(self) -> None:
        """A new process over the same database."""
        self.reminders = Reminders(self.talk.services)
        self.talk.restart()

    async def at(self, text: str) -> str:
        """What is new in Teams after the clock has come to a moment and the jobs have run."""
        self.talk.clock.now = datetime.fromisoformat(text).replace(tzinfo=UTC)
        return await self.run()

    async def run(self) -> str:
        await self.reminders.plan()
        await self.reminders.tell()
        await self.talk.settle()
        return self.talk.text()

    async def asked(self, title: str = "Add search", **values: Any) -> int:
        """Maya's pull request on which Jonas is asked for a review."""
        return await self.talk.pull_request(
            title, self.talk.maya_there, reviewers=[self.talk.jonas_there], **values
        )

    async def says(self, person: TeamsPerson, text: str) -> str:
        return await self.talk.say(text, by=person)

    async def why(self, person: TeamsPerson) -> str:
        """What the button on somebody's newest message answers."""
        chat = self.talk.teams.personal_chat(person)
        newest = [message for message in chat.messages if message.from_bot][-1]
        answer = await self.talk.press(person, newest, "Why did I get this?")
        await self.talk.settle()
        return str(answer) + self.talk.text()

    async def rows(self) -> list[Reminder]:
        statement = select(Reminder).order_by(col(Reminder.id))
        return await self.talk.read(lambda s: list(s.exec(statement).all()))


@pytest.fixture
async def team(talk: Talk) -> Team:
    """Everybody is in UTC and works from 9 to 17; it is Friday, 9 o'clock."""
    return Team(talk)


async def test_a_reviewer_is_reminded_once_after_his_working_hours(team: Team) -> None:
    number = await team.asked()
    await team.says(team.talk.jonas, "remind review 8h")
    assert await team.at("2026-11-20 16:30") == ""  # 7.5 hours of work
    assert await team.at("2026-11-21 12:00") == ""  # Saturday
    said = await team.at("2026-11-23 10:00")
    assert f"#{number} Add search has waited for your review for 9 working hours" in said
    assert "You asked to be reminded after 8 working hours." in said
    assert await team.at("2026-11-23 16:00") == ""
    assert [row.state for row in await team.rows()] == ["told"]


async def test_a_restart_neither_skips_nor_doubles(team: Team) -> None:
    await team.asked()
    await team.says(team.talk.jonas, "remind review 2h")
    await team.run()
    team.restart()
    assert "has waited" in await team.at("2026-11-20 11:30")
    team.restart()
    assert await team.run() == ""


async def test_what_was_due_in_a_long_stall_is_told_once_when_work_goes_on(team: Team) -> None:
    for title in ("One", "Two", "Three"):
        await team.asked(title)
    await team.says(team.talk.jonas, "remind review 2h")
    await team.run()
    assert await team.at("2026-11-21 03:00") == ""  # back in the night: nobody is woken
    said = await team.at("2026-11-23 09:00")
    assert said.count("has waited for your review") == 3
    assert "3 reminders" in said
    assert await team.run() == ""


async def test_two_replicas_tell_it_once(team: Team) -> None:
    await team.asked()
    await team.says(team.talk.jonas, "remind review 2h")
    other = Reminders(team.talk.services)
    team.talk.clock.now += timedelta(hours=3)
    for each in (team.reminders, other):
        await each.plan()
    for each in (other, team.reminders):
        await each.tell()
    await team.talk.settle()
    assert team.talk.text().count("has waited for your review") == 1


async def test_a_vote_ends_the_wait_and_a_reset_vote_begins_another(team: Team) -> None:
    talk = team.talk
    number = await team.asked()
    await team.says(talk.jonas, "remind review 2h")
    await team.run()
    await talk.azure.vote(number, talk.jonas_there, Vote.APPROVED)
    await talk.record(number)
    assert await team.at("2026-11-20 12:00") == ""
    assert [row.state for row in await team.rows()] == ["void"]
    await talk.azure.vote(number, talk.jonas_there, Vote.NONE)
    await talk.record(number)
    assert await team.at("2026-11-20 13:00") == ""
    assert "for 3 working hours" in await team.at("2026-11-20 15:00")


async def test_switching_off_and_on_again_tells_what_was_not_told(team: Team) -> None:
    await team.asked()
    await team.says(team.talk.jonas, "remind review 2h")
    await team.run()
    await team.says(team.talk.jonas, "remind off")
    assert await team.at("2026-11-20 12:00") == ""
    await team.says(team.talk.jonas, "remind review 2h")
    assert "has waited" in await team.run()
    await team.says(team.talk.jonas, "remind review 1h")
    assert await team.run() == ""


async def test_a_snooze_puts_reminders_off_until_it_is_over(team: Team) -> None:
    await team.asked()
    await team.says(team.talk.jonas, "remind review 2h")
    await team.says(team.talk.jonas, "snooze until 14:00")
    assert await team.at("2026-11-20 12:00") == ""
    assert "has waited" in await team.at("2026-11-20 14:01")


async def test_a_channel_is_told_below_the_card_and_the_goal_twice(team: Team) -> None:
    talk = team.talk
    await talk.say("subscribe Shop/shop", to=talk.channel)
    assert "Reminders here" in await talk.say("remind first review 8h", to=talk.channel)
    await talk.say("remind hours 9:00-17:00 mon-fri UTC", to=talk.channel)
    await team.asked()
    assert await team.at("2026-11-20 14:59") == ""
    said = await team.at("2026-11-20 15:05")
    assert "Nobody has reviewed this yet. The goal is 8 working hours; 2 working hours" in said
    assert "Asked: Jonas Sample" in said
    assert await team.at("2026-11-20 16:00") == ""
    said = await team.at("2026-11-23 09:30")
    assert "Nobody has reviewed this within 8 working hours, which is the goal." in said
    assert await team.at("2026-11-23 12:00") == ""
    replies = [row for row in await talk.outbox() if row.cause == "reminder"]
    assert {row.conversation_id for row in replies} == {talk.channel.id}
    assert all(row.pull_request_id for row in replies)


async def test_a_review_of_somebody_absent_is_passed_on(team: Team) -> None:
    talk = team.talk
    await team.says(talk.admin, "digest")  # Ada is known now
    ada = talk.azure.add_person("Ada Sample", "admin@example.com")
    await talk.say("subscribe Shop/shop", to=talk.channel)
    await talk.say("remind review 2h", to=talk.channel)
    await talk.say("remind hours 9-17 mon-fri UTC", to=talk.channel)
    await talk.say("remind pass on", to=talk.channel)
    await talk.pull_request("Pass", talk.maya_there, reviewers=[talk.jonas_there, ada])
    await team.says(talk.jonas, "away until 2026-11-30")
    said = await team.at("2026-11-20 12:00")
    assert "Jonas Sample is away; Ada Sample is the next reviewer" in said
    assert "Jonas Sample is away, and you are the next reviewer of" in said
    assert "reminders pass on reviews" in await team.why(talk.admin)
    assert await team.at("2026-11-20 15:00") == ""


async def test_a_digest_is_one_message_at_the_persons_time_and_silent_when_empty(
    team: Team,
) -> None:
    talk = team.talk
    await team.says(talk.jonas, "digest 9:00")
    await team.run()
    assert await team.at("2026-11-23 09:01") == ""  # nothing is open
    for index in range(23):
        await team.asked(f"Part {index}")
    said = await team.at("2026-11-24 09:01")
    assert said.count("Your digest") == 1
    assert said.count("Waiting for you") == 20
    assert "and 3 more" in said
    assert "You asked for a digest at this time." in said
    assert "You asked for a digest at 09:00 mon-fri." in await team.why(talk.jonas)
    assert await team.at("2026-11-24 12:00") == ""
    team.restart()
    assert "Your digest" in await team.at("2026-11-25 09:01")


async def test_a_digest_has_each_pull_request_once_where_it_matters_most(team: Team) -> None:
    talk = team.talk
    ready = await team.asked("Ready one")
    await talk.azure.vote(ready, talk.jonas_there, Vote.APPROVED)
    await talk.record(ready)
    await team.asked("Open one")
    await talk.pull_request("Of Jonas", talk.jonas_there, reviewers=[talk.maya_there])
    await team.says(talk.maya, "remind off")
    said = await team.says(talk.maya, "digest now")
    lines = {part: said.index(part) for part in ("Waiting for you", "Ready to complete", "Yours")}
    assert list(lines.values()) == sorted(lines.values())
    for title in ("Ready one", "Open one", "Of Jonas"):
        assert said.count(title) == 1


async def test_a_digest_that_was_missed_comes_once(team: Team) -> None:
    await team.says(team.talk.jonas, "digest 9:00")
    await team.run()
    await team.asked()
    said = await team.at("2026-11-25 11:00")  # Monday's and Tuesday's were missed, too
    assert said.count("Your digest") == 1
    assert await team.run() == ""
    (row,) = await team.talk.read(lambda s: s.exec(select(DigestTime)).all())
    assert row.due_at == datetime(2026, 11, 26, 9, 0, tzinfo=UTC)


async def test_two_replicas_send_one_digest(team: Team) -> None:
    await team.says(team.talk.jonas, "digest 9:00")
    await team.run()
    await team.asked()
    team.talk.clock.now = datetime(2026, 11, 23, 9, 0, 5, tzinfo=UTC)
    for each in (Reminders(team.talk.services), team.reminders):
        await each.tell()
    await team.talk.settle()
    assert team.talk.text().count("Your digest") == 1


async def test_a_digest_that_both_replicas_have_read_is_sent_by_one(team: Team) -> None:
    db = team.talk.db
    await team.says(team.talk.jonas, "digest 9:00")
    await team.run()
    await team.asked()
    now = datetime(2026, 11, 23, 9, 0, 5, tzinfo=UTC)
    (owner,) = await db.read(lambda s: [row.owner for row in s.exec(select(DigestTime)).all()])
    read = [await db.read(lambda s: digest_times.prepare(s, owner, now=now)) for _ in range(2)]
    told = [await db.write(partial(_tell, one, now)) for one in read]
    assert told == [True, False]
    assert len([row for row in await team.talk.outbox() if row.cause == "digest"]) == 1


def _tell(one: Prepared | None, now: datetime, session: Session) -> bool:
    assert one is not None
    return digest_times.tell(session, one, now=now)


async def test_a_channels_digest_lists_what_is_followed_there(team: Team) -> None:
    talk = team.talk
    await talk.say("subscribe Shop/shop", to=talk.channel)
    assert "Next: Friday, 20 November, 09:30" in await talk.say(
        "digest 9:30 mon-fri UTC", to=talk.channel
    )
    await team.asked()
    await team.run()
    said = await team.at("2026-11-23 09:31")
    assert "Waiting for review" in said
    assert "by Jonas Sample" in said
    assert "It is off" in await talk.say("digest off", to=talk.channel)
    assert await team.at("2026-11-24 09:31") == ""


async def test_an_author_nudges_each_reviewer_once_a_working_day(team: Team) -> None:
    talk = team.talk
    number = await team.asked()
    said = await team.says(talk.maya, f"nudge {number}")
    assert "Told now: Jonas Sample." in said
    assert f"Maya Sample asks you to look at #{number} Add search" in said
    assert "The author pressed Nudge" in await team.why(talk.jonas)
    assert "Nudged already this working day" in await team.says(talk.maya, f"nudge {number}")
    talk.clock.now = datetime(2026, 11, 20, 18, 0, tzinfo=UTC)
    said = await team.says(talk.maya, f"nudge {number}")
    assert "Told when their work begins: Jonas Sample." in said
    assert "asks you to look" not in said
    assert "Nudged already" in await team.says(talk.maya, f"nudge {number}")
    assert "asks you to look" in await team.at("2026-11-23 09:00")
    entries = await talk.audit("nudged")
    assert [entry.after for entry in entries] == [{"reviewers": ["Jonas Sample"]}] * 2


async def test_only_the_author_nudges_and_only_for_what_is_waited_for(team: Team) -> None:
    talk = team.talk
    number = await team.asked()
    assert "Only the author can nudge" in await team.says(talk.jonas, f"nudge {number}")
    await talk.azure.vote(number, talk.jonas_there, Vote.APPROVED)
    await talk.record(number)
    assert "No review is waited for" in await team.says(talk.maya, f"nudge {number}")
    draft = await team.asked("Draft", draft=True)
    assert "nobody reviews drafts" in await team.says(talk.maya, f"nudge {draft}")
    assert "I know no pull request 999" in await team.says(talk.maya, "nudge 999")


async def test_one_owner_who_cannot_be_told_does_not_keep_the_others_from_theirs(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk = team.talk
    await team.asked()
    await talk.pull_request("Of Jonas", talk.jonas_there, reviewers=[talk.maya_there])
    for person in (talk.maya, talk.jonas):
        await team.says(person, "remind review 2h")
    await team.run()
    broken = (await team.rows())[0].owner

    def failing(session: object, owner: str, *, now: datetime) -> int:
        if owner == broken:
            raise RuntimeError("a defect")
        return tell_owner(session, owner, now=now)  # type: ignore[arg-type]  # passed on

    monkeypatch.setattr(runner, "tell_owner", failing)
    said = await team.at("2026-11-20 12:00")
    assert said.count("has waited for your review") == 1
    monkeypatch.undo()
    assert await team.run() == ""
    assert (await team.at("2026-11-20 13:01")).count("has waited for your review") == 1
