"""Installations, members, channels and teams: each event in the shape Teams gives it."""

from typing import Any

import pytest

from adapters.sandbox.teams import Team, TeamsPerson, TeamsSandbox
from tests.adapters.sandbox.teams.conftest import APP_ID, TENANT_ID, SampleBot

BOT_ID = f"28:{APP_ID}"


@pytest.fixture
def maya(sandbox: TeamsSandbox) -> TeamsPerson:
    return sandbox.add_person("Maya Sample", "maya@example.com")


@pytest.fixture
def team(sandbox: TeamsSandbox, maya: TeamsPerson) -> Team:
    return sandbox.add_team("Lighthouse")


@pytest.fixture
async def installed(sandbox: TeamsSandbox, bot: SampleBot, team: Team) -> Team:
    await sandbox.install(team)
    bot.activities.clear()
    return team


def event(activity: dict[str, Any]) -> str:
    return str(activity["channelData"].get("eventType") or "")


async def test_an_installation_in_a_team_is_told_as_member_and_as_installation(
    sandbox: TeamsSandbox, bot: SampleBot, team: Team, maya: TeamsPerson
) -> None:
    answers = await sandbox.install(team, by=maya)
    joined, installation = bot.activities

    assert [answer.status for answer in answers] == [200, 200]
    assert (joined["type"], event(joined)) == ("conversationUpdate", "teamMemberAdded")
    assert joined["membersAdded"] == [{"id": BOT_ID}]
    assert joined["recipient"] == {"id": BOT_ID, "name": "Pullcord"}
    assert joined["conversation"] == {
        "id": team.id,
        "isGroup": True,
        "conversationType": "channel",
        "tenantId": TENANT_ID,
    }
    assert joined["channelData"]["team"] == {
        "id": team.id,
        "name": "Lighthouse",
        "aadGroupId": team.group_id,
    }
    assert joined["channelData"]["tenant"] == {"id": TENANT_ID}
    assert (installation["type"], installation["action"]) == ("installationUpdate", "add")
    assert installation["channelData"]["settings"]["selectedChannel"] == {"id": team.id}
    assert installation["from"]["aadObjectId"] == maya.object_id
    assert joined["id"] != installation["id"]


async def test_installing_twice_tells_nothing_new(
    sandbox: TeamsSandbox, bot: SampleBot, installed: Team
) -> None:
    assert await sandbox.install(installed) == []
    assert bot.activities == []


async def test_a_personal_installation_names_the_bot_and_the_person(
    sandbox: TeamsSandbox, bot: SampleBot, maya: TeamsPerson
) -> None:
    await sandbox.install(maya)
    joined, installation = bot.activities

    assert joined["membersAdded"] == [
        {"id": BOT_ID},
        {"id": maya.id, "aadObjectId": maya.object_id},
    ]
    assert joined["conversation"]["conversationType"] == "personal"
    assert "isGroup" not in joined["conversation"]
    assert "team" not in joined["channelData"]
    assert installation["action"] == "add"


async def test_a_removal_is_told_and_a_personal_one_only_as_installation(
    sandbox: TeamsSandbox, bot: SampleBot, installed: Team, maya: TeamsPerson
) -> None:
    await sandbox.uninstall(installed)
    assert [a["type"] for a in bot.activities] == ["conversationUpdate", "installationUpdate"]
    assert bot.activities[0]["membersRemoved"] == [{"id": BOT_ID}]
    assert event(bot.activities[0]) == "teamMemberRemoved"
    assert bot.last["action"] == "remove"

    await sandbox.install(maya)
    bot.activities.clear()
    await sandbox.uninstall(maya)
    assert [(a["type"], a["action"]) for a in bot.activities] == [("installationUpdate", "remove")]


async def test_a_group_chat_gets_the_app(
    sandbox: TeamsSandbox, bot: SampleBot, maya: TeamsPerson
) -> None:
    jonas = sandbox.add_person("Jonas Sample", "jonas@example.com")
    chat = sandbox.add_group_chat([maya, jonas], "Release")
    await sandbox.install(chat)

    assert bot.activities[0]["conversation"] == {
        "id": chat.id,
        "isGroup": True,
        "conversationType": "groupChat",
        "tenantId": TENANT_ID,
    }
    assert chat.bot_is_in


async def test_members_who_come_and_go_are_told(
    sandbox: TeamsSandbox, bot: SampleBot, installed: Team
) -> None:
    jonas = sandbox.add_person("Jonas Sample", "jonas@example.com")
    await sandbox.add_member(installed, jonas)
    assert event(bot.last) == "teamMemberAdded"
    assert bot.last["membersAdded"] == [{"id": jonas.id, "aadObjectId": jonas.object_id}]
    assert jonas in installed.general.members

    await sandbox.remove_member(installed, jonas)
    assert event(bot.last) == "teamMemberRemoved"
    assert bot.last["membersRemoved"][0]["id"] == jonas.id
    assert jonas not in installed.members


async def test_channels_that_come_change_and_go_are_told_in_general(
    sandbox: TeamsSandbox, bot: SampleBot, installed: Team
) -> None:
    channel, _ = await sandbox.create_channel(installed, "Reviews")
    await sandbox.rename_channel(channel, "Code reviews")
    await sandbox.delete_channel(channel)

    assert [event(a) for a in bot.activities] == [
        "channelCreated",
        "channelRenamed",
        "channelDeleted",
    ]
    assert [a["channelData"]["channel"]["name"] for a in bot.activities] == [
        "Reviews",
        "Code reviews",
        "Code reviews",
    ]
    assert {a["channelData"]["channel"]["id"] for a in bot.activities} == {channel.id}
    assert {a["conversation"]["id"] for a in bot.activities} == {installed.id}
    assert installed.channels == [installed.general]
    with pytest.raises(ValueError, match="General"):
        await sandbox.delete_channel(installed.general)


async def test_a_team_that_is_renamed_and_deleted_is_told(
    sandbox: TeamsSandbox, bot: SampleBot, installed: Team
) -> None:
    await sandbox.rename_team(installed, "Beacon")
    assert (event(bot.last), bot.last["channelData"]["team"]["name"]) == ("teamRenamed", "Beacon")

    await sandbox.delete_team(installed)
    assert event(bot.last) == "teamDeleted"
    assert installed.general.deleted


async def test_a_bot_that_is_not_there_hears_nothing(
    sandbox: TeamsSandbox, bot: SampleBot, team: Team
) -> None:
    jonas = sandbox.add_person("Jonas Sample", "jonas@example.com")
    channel, told = await sandbox.create_channel(team, "Reviews")

    assert told is None
    assert await sandbox.add_member(team, jonas) is None
    assert await sandbox.rename_channel(channel, "X") is None
    assert await sandbox.rename_team(team, "Y") is None
    assert bot.activities == []


async def test_a_standard_channel_is_installed_through_its_team(
    sandbox: TeamsSandbox, bot: SampleBot, team: Team
) -> None:
    with pytest.raises(ValueError, match="name the team"):
        await sandbox.install(sandbox.add_channel(team, "Reviews"))
