"""Channels are known by name, though Teams does not say it in what people write there."""

from datetime import timedelta

from sqlmodel import Session, select

from bot import channel_names
from bot.cli.examining.finding import Finding
from bot.cli.examining.stored import examine_stored
from storage.queries import channels, conversations
from storage.tables import Connection, ConversationRow
from tests.bot.conftest import quiet_talk, talk
from tests.bot.talking import CONNECTION, Talk

__all__ = ["quiet_talk", "talk"]


async def names(talk: Talk) -> list[tuple[str, str]]:
    """(team, channel) of those that are known."""
    return [(row.team_name, row.name) for row in await talk.read(channels.every)]


async def usual(talk: Talk, **repositories: str) -> None:
    """What whoever connected named, ``Web__Payments`` for the channel Payments of the team Web."""

    def store(session: Session) -> None:
        row = session.get_one(Connection, CONNECTION)
        named = {key.replace("__", "/"): value for key, value in repositories.items()}
        row.settings = {**row.settings, "default_repositories": named}
        session.add(row)

    await talk.services.db.write(store)


async def test_a_channel_that_nobody_wrote_in_before_has_its_usual_repository(
    quiet_talk: Talk,
) -> None:
    talk = quiet_talk
    payments = talk.teams.add_channel(talk.team, "Payments")
    await usual(talk, Web__Payments="Shop/api", Web="Shop/shop")
    await talk.move_in()
    assert await names(talk) == [("Web", ""), ("Web", "Payments")]
    said = await talk.say(f"start ticket {talk.ticket()}", to=payments)
    assert "api" in said and "Which repository" not in said
    row = await talk.read(lambda s: conversations.get(s, payments.id))
    assert row is not None
    assert (row.team_name, row.name) == ("Web", "Payments")


async def test_names_follow_what_teams_tells_and_are_read_again_each_day(talk: Talk) -> None:
    side, _ = await talk.teams.create_channel(talk.team, "Side")
    await talk.settle()
    assert await names(talk) == [("Web", ""), ("Web", "Side")]
    await talk.say("prs", to=side)
    silent = talk.teams.add_channel(talk.team, "Silent")  # Teams' word of it was lost
    side.name, talk.team.name = "Other", "Store"
    assert await channel_names.read_all(talk.services) == 0, "read a while ago"
    talk.clock.now += timedelta(days=1, minutes=1)
    assert await channel_names.read_all(talk.services) == 1
    assert await names(talk) == [("Store", ""), ("Store", "Other"), ("Store", "Silent")]
    rows = await talk.read(lambda s: s.exec(select(ConversationRow)).all())
    assert {(row.team_name, row.name) for row in rows if row.team_id} == {
        ("Store", ""),
        ("Store", "Other"),
    }
    talk.team.channels.remove(silent)
    talk.clock.now += timedelta(days=2)
    await channel_names.read_all(talk.services)
    assert await names(talk) == [("Store", ""), ("Store", "Other")]


async def test_a_team_that_cannot_be_read_is_asked_again_later(talk: Talk) -> None:
    """429 and an outage are about all teams, 403 and 404 about one; none of them ends anything."""
    faults = talk.teams.faults
    faults.add(method="GET", path="/v3/teams/", status=503)
    await talk.teams.install(talk.teams.add_team("Store"))
    await talk.settle()
    assert "Hello, I am Pullcord" in str([each.card for each in talk.heard()])
    faults.clear()
    talk.clock.now += timedelta(days=2)
    for status, asked in ((429, 1), (503, 1), (404, 2), (403, 2)):
        fault = faults.add(method="GET", path="/v3/teams/", status=status)
        assert await channel_names.read_all(talk.services) == 0
        assert fault.hits == asked, status
        faults.clear()
    assert await channel_names.read_all(talk.services) == 2
    row = await talk.read(lambda s: conversations.get(s, talk.channel.id))
    assert row is not None and row.state == "active"


async def test_the_doctor_names_channels_that_nobody_knows_and_those_that_are_known(
    talk: Talk,
) -> None:
    talk.teams.add_channel(talk.team, "Payments")
    talk.clock.now += timedelta(days=2)
    await channel_names.read_all(talk.services)
    await usual(talk, Web__Genral="Shop/api", web__payments="Shop/api", Web="Shop/shop")
    (finding,) = await unknown(talk)
    assert finding.says == "no team, channel or chat that I know is called Web/Genral"
    assert "Known channels: Web/General, Web/Payments." in finding.advice
    assert finding.is_well and finding.is_note
    await usual(talk, Web__General="Shop/api")
    assert await unknown(talk) == []


async def unknown(talk: Talk) -> list[Finding]:
    """What the doctor says of usual repositories."""
    found = [finding async for finding in examine_stored(talk.db, ())]
    return [finding for finding in found if finding.what.startswith("usual")]
