"""The bot is added and removed, people come and go, channels and teams change."""

from sqlmodel import select

from storage.queries import conversations, people
from storage.tables import ConversationRow, Person, Subscription
from tests.bot.talking import Talk


async def _row(talk: Talk, conversation_id: str) -> ConversationRow:
    found = await talk.read(lambda s: conversations.get(s, conversation_id))
    assert found is not None
    return found


async def _person(talk: Talk, teams_user_id: str) -> Person:
    found = await talk.read(lambda s: people.find(s, teams_user_id))
    assert found is not None
    return found


async def test_installation_greets_once_and_knows_everybody(quiet_talk: Talk) -> None:
    talk = quiet_talk
    await talk.teams.install(talk.team, by=talk.maya)
    await talk.settle()
    (greeting,) = talk.heard()
    assert "Hello, I am Pullcord" in str(greeting.card)
    known = await talk.read(lambda s: s.exec(select(Person)).all())
    assert {person.mail for person in known} == {
        "maya@example.com",
        "jonas@example.com",
        "admin@example.com",
        "gus@example.org",
    }
    assert (await _row(talk, talk.channel.id)).state == "active"
    installed = await talk.audit("bot.installed")
    assert installed[0].actor == "Maya Sample <maya@example.com>"


async def test_the_roster_matches_identities_that_were_known_before(quiet_talk: Talk) -> None:
    talk = quiet_talk
    await talk.pull_request("Add basket", talk.jonas_there)
    await talk.teams.install(talk.team, by=talk.maya)
    await talk.settle()
    (matched,) = await talk.audit("identity.matched")
    assert matched.subject == "person/jonas@example.com"


async def test_a_personal_installation_makes_direct_messages_possible(talk: Talk) -> None:
    person = await _person(talk, talk.jonas.id)
    assert person.personal_conversation_id == talk.chat(talk.jonas).id


async def test_removal_silences_the_team_and_keeps_its_subscriptions(talk: Talk) -> None:
    side, _ = await talk.teams.create_channel(talk.team, "Side")
    await talk.say("subscribe Shop", to=side)
    await talk.teams.uninstall(talk.team, by=talk.jonas)
    await talk.settle()
    for place in (talk.channel, side):
        assert (await _row(talk, place.id)).state == "gone"
    kept = await talk.read(lambda s: s.exec(select(Subscription)).all())
    assert [row.conversation_id for row in kept] == [side.id]
    removed = (await talk.audit("bot.removed"))[0]
    assert removed.actor == "Jonas Sample <jonas@example.com>"
    assert removed.after is not None
    assert set(removed.after["conversations"]) == {talk.channel.id, side.id}
    talk.heard()
    await talk.pull_request("Add basket", talk.jonas_there)
    assert talk.heard() == []

    await talk.teams.install(talk.team, by=talk.maya)
    await talk.settle()
    assert [(await _row(talk, place.id)).state for place in (talk.channel, side)] == ["active"] * 2


async def test_a_conversation_that_writes_again_is_active_again(talk: Talk) -> None:
    chat = talk.chat(talk.maya)
    await talk.db.write(lambda s: conversations.mark_gone(s, chat.id, reason="403"))
    assert "What you can say" in await talk.say("help")
    assert (await _row(talk, chat.id)).state == "active"


async def test_somebody_new_is_known_with_mail_and_one_who_left_is_removed(talk: Talk) -> None:
    nina = talk.teams.add_person("Nina Sample", "nina@example.com")
    await talk.teams.add_member(talk.team, nina)
    await talk.settle()
    assert (await _person(talk, nina.id)).mail == "nina@example.com"
    await talk.teams.remove_member(talk.team, nina, by=talk.maya)
    await talk.settle()
    assert (await _person(talk, nina.id)).removed_at is not None
    (removed,) = await talk.audit("person.removed")
    assert removed.actor == "Maya Sample <maya@example.com>"


async def test_one_who_leaves_a_team_but_talks_with_the_bot_elsewhere_stays(talk: Talk) -> None:
    await talk.teams.remove_member(talk.team, talk.jonas, by=talk.maya)
    await talk.settle()
    assert (await _person(talk, talk.jonas.id)).removed_at is None


async def test_channels_and_teams_are_followed_through_their_changes(talk: Talk) -> None:
    side, _ = await talk.teams.create_channel(talk.team, "Side")
    await talk.say("help", to=side)
    await talk.teams.rename_channel(side, "Other\u202e side", by=talk.jonas)
    await talk.teams.rename_team(talk.team, "Web and more", by=talk.jonas)
    await talk.settle()
    row = await _row(talk, side.id)
    assert (row.name, row.team_name) == ("Other side", "Web and more")
    (renamed,) = await talk.audit("conversation.channelRenamed")
    assert renamed.before == {side.id: "Side"}
    assert renamed.after == {side.id: "Other side"}
    assert renamed.actor == "Jonas Sample <jonas@example.com>"

    await talk.teams.delete_channel(side)
    await talk.settle()
    assert (await _row(talk, side.id)).gone_reason == "the channel was deleted"
    assert (await _row(talk, talk.channel.id)).state == "active"
    await talk.teams.delete_team(talk.team)
    await talk.settle()
    assert (await _row(talk, talk.channel.id)).gone_reason == "the team was deleted"
