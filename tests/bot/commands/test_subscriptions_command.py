"""Subscriptions as people see and change them: forms, pauses, previews, who may."""

from dataclasses import replace
from datetime import timedelta

from sqlmodel import select

from adapters.sandbox.teams import Message, render_text
from bot.cards.subscription_form import PLACE
from bot.model import Identity, Reviewer, Vote
from bot.recording import record_snapshot
from storage.tables import GroupMembers, Subscription
from tests.bot.cards.schema import schema_errors
from tests.bot.talking import NOW, Talk


async def stored(talk: Talk) -> Subscription:
    return await talk.read(lambda s: s.exec(select(Subscription)).one())


async def form(talk: Talk) -> Message:
    """The form of the channel's only subscription."""
    await talk.teams.say(talk.maya, talk.channel, "subscriptions Shop/shop")
    await talk.settle()
    (message,) = talk.heard()
    return message


async def test_a_form_shows_what_holds_and_saves_all_with_one_press(talk: Talk) -> None:
    await talk.say("subscribe Shop/shop target main author Maya Sample radar off", to=talk.channel)
    card = await form(talk)
    assert schema_errors(card.cards[0]) == []
    shown = render_text(card)
    assert "Followed here: into main; by Maya Sample" in shown
    answer = await talk.press(
        talk.maya,
        card,
        "Save",
        {
            "target": "main, !release/old",
            "author": "",
            "label": "urgent, !wip",
            "drafts": "announce",
            "bots": "on",
            "min_files": "3",
            f"{PLACE}vote": "off",
            f"{PLACE}commits": "thread",
        },
    )
    assert "Changed: this channel follows Shop/shop" in answer.notice
    said = talk.text()
    assert "labelled urgent, not wip; at least 3 changed files; bots, too" in said
    assert "Not at all: votes" in said
    row = await stored(talk)
    assert row.target_branches == ["main", "!release/old"]
    assert row.drafts == "announce"
    assert row.options == {
        "radar": "off",
        "filters": {"label": ["urgent", "!wip"], "bots": True, "min_files": 3},
        "places": {"commits": "thread", "vote": "off"},
    }
    again = await form(talk)
    assert {"urgent, !wip", "3"} <= {
        str(node.get("value")) for node in again.cards[0]["body"] if node.get("value")
    }


async def test_saving_what_is_there_changes_nothing(talk: Talk) -> None:
    wanted = "author Maya Sample votes off builds direct tickets direct"
    await talk.say(f"subscribe Shop/shop {wanted}", to=talk.channel)
    before = (await stored(talk)).options
    await talk.press(talk.maya, await form(talk), "Save")
    assert "already" in talk.text()
    assert (await stored(talk)).options == before
    assert await talk.audit("subscription.changed") == []


async def test_what_was_followed_by_its_repositorys_name_is_left_by_it(talk: Talk) -> None:
    await talk.say("subscribe shop", to=talk.channel)
    await talk.say("subscribe Shop/shop", to=talk.channel)
    said = await talk.say("unsubscribe SHOP", to=talk.channel)
    assert "No longer followed here: Shop\n" in said  # the project of that name comes first
    assert "No longer followed here: Shop/shop" in await talk.say(
        "unsubscribe shop", to=talk.channel
    )


async def test_a_form_with_something_impossible_says_so_and_saves_nothing(talk: Talk) -> None:
    await talk.say("subscribe Shop/shop", to=talk.channel)
    await talk.press(talk.maya, await form(talk), "Save", {"min_files": "many"})
    assert "is not a number of files" in talk.text()
    assert (await stored(talk)).options == {}


async def test_the_form_of_what_is_not_followed_any_more_makes_nothing(talk: Talk) -> None:
    await talk.say("subscribe Shop/shop", to=talk.channel)
    card = await form(talk)
    await talk.say("unsubscribe all", to=talk.channel)
    await talk.press(talk.maya, card, "Save")
    assert "not followed here any more" in talk.text()
    assert await talk.read(lambda s: s.exec(select(Subscription)).all()) == []


async def test_what_cannot_be_read_is_shown_and_saving_puts_it_right(talk: Talk) -> None:
    await talk.say("subscribe Shop/shop", to=talk.channel)

    def break_it(session):  # type: ignore[no-untyped-def]  # a helper of one test
        row = session.exec(select(Subscription)).one()
        row.options = {"filters": {"author": "no list"}}
        session.add(row)

    await talk.db.write(break_it)
    number = await talk.pull_request("Add basket", talk.jonas_there, record=False)
    snapshot = await talk.client.pull_request(number)

    for minute in (0, 1):
        at = replace(snapshot, as_of=snapshot.as_of + timedelta(minutes=minute), title=f"T{minute}")
        await talk.db.write(lambda s, at=at: record_snapshot(s, at, cause="test", now=talk.clock()))  # type: ignore[misc]  # mypy has no types for a lambda's defaults
    await talk.settle()
    told = talk.text()
    assert told.count("I cannot read a subscription") == 1
    assert "filters.author" in told
    card = await form(talk)
    assert "What is stored cannot be read" in render_text(card)
    await talk.press(talk.maya, card, "Save")
    assert (await stored(talk)).options == {}


async def test_pause_and_resume(talk: Talk) -> None:
    await talk.say("subscribe Shop/shop, Shop/api", to=talk.channel)
    assert "Paused: Shop/shop" in await talk.say("pause shop/shop", to=talk.channel)
    await talk.pull_request("Add basket", talk.jonas_there)
    assert "Shop/shop (paused)" in await talk.say("subscriptions", to=talk.channel)
    assert "Paused: Shop/api" in await talk.say("pause", to=talk.channel)
    assert "not paused already" in await talk.say("pause all", to=talk.channel)
    said = await talk.say("resume", to=talk.channel)
    assert "Told again from now on: Shop/shop, Shop/api" in said
    assert "Nothing is paused here." in await talk.say("resume", to=talk.channel)
    assert "Followed are" in await talk.say("pause Shop/other", to=talk.channel)
    (first, _) = await talk.audit("subscription.paused")
    assert first.after == {"of": "Shop/shop", "paused": True}


async def test_saving_a_paused_one_leaves_it_paused_and_subscribing_anew_does_not(
    talk: Talk,
) -> None:
    await talk.say("subscribe Shop/shop", to=talk.channel)
    await talk.say("pause", to=talk.channel)
    await talk.press(talk.maya, await form(talk), "Save", {"label": "x"})
    assert "It is paused" in talk.text()
    assert (await stored(talk)).paused_at is not None
    await talk.say("subscribe Shop/shop", to=talk.channel)
    assert (await stored(talk)).paused_at is None


async def test_repositories_by_wildcard_and_several_at_once(talk: Talk) -> None:
    said = await talk.say("subscribe Shop/s*, Shop/api target main", to=talk.channel)
    assert "This channel now follows Shop/s*" in said
    assert "This channel now follows Shop/api" in said
    assert "Not done" in await talk.say("subscribe Shop/x*", to=talk.channel)
    number = await talk.pull_request("Add basket", talk.jonas_there, record=False)
    snapshot = await talk.client.pull_request(number)

    await talk.db.write(lambda s: record_snapshot(s, snapshot, cause="test", now=talk.clock()))
    await talk.settle()
    assert "Add basket" in talk.text()


async def test_a_group_among_the_authors_is_found_with_its_members(talk: Talk) -> None:
    group = talk.azure.add_person("[Shop]\\Web Team", "", is_group=True, members=(talk.maya_there,))
    said = await talk.say("subscribe Shop/shop author Web Team", to=talk.channel)
    assert "by Web Team" in said
    row = await stored(talk)
    assert row.options["filters"]["groups"] == [["Web Team", group.id]]
    members = await talk.read(lambda s: s.exec(select(GroupMembers)).one())
    assert members.members == [talk.maya_there.id]


async def test_a_group_that_cannot_be_asked_for_is_said(talk: Talk) -> None:
    await talk.azure.take_down()
    said = await talk.say("subscribe Shop/shop author Web Team", to=talk.channel)
    assert "I could not ask Azure DevOps whether a group is meant by Web Team" in said


async def test_a_preview_counts_what_the_week_would_have_brought_and_saves_nothing(
    talk: Talk,
) -> None:
    first = await talk.pull_request("Add basket", talk.jonas_there)
    await talk.pull_request("Fix search", talk.maya_there)
    snapshot = await talk.client.pull_request(first)

    maya = Identity(talk.maya_there.id, "Maya Sample", "maya@example.com")
    voted = replace(
        snapshot,
        as_of=snapshot.as_of + timedelta(minutes=1),
        reviewers=(Reviewer(maya, Vote.APPROVED),),
    )
    await talk.db.write(lambda s: record_snapshot(s, voted, cause="vote", now=talk.clock()))
    said = await talk.say("preview Shop/shop", to=talk.channel)
    assert "would have brought 3 messages: 2 new cards, 1 vote" in said
    said = await talk.say("preview Shop/shop title basket votes card", to=talk.channel)
    assert "would have brought 1 message: 1 new card" in said
    assert "would have brought no message" in await talk.say(
        "preview Shop author Nobody Sample", to=talk.channel
    )
    assert "Nothing yet." in await talk.say("subscriptions", to=talk.channel)
    talk.clock.now = NOW + timedelta(days=9)
    assert "would have brought no message" in await talk.say("preview Shop", to=talk.channel)


async def test_the_form_has_a_preview_of_what_is_filled_in(talk: Talk) -> None:
    await talk.say("subscribe Shop/shop", to=talk.channel)
    await talk.pull_request("Add basket", talk.jonas_there)
    card = await form(talk)
    await talk.press(talk.jonas, card, "Preview", {"title": "search"})
    assert "would have brought no message" in talk.text()
    assert (await stored(talk)).options == {}


async def test_only_owners_may_change_a_channels_subscriptions_where_it_is_set_so(
    talk: Talk,
) -> None:
    """CHECKS 24. Maya added the app to the team; Ada is an administrator."""
    talk.services = replace(talk.services, channel_subscribers="owners")
    talk.restart()
    said = await talk.say("subscribe Shop/shop", by=talk.jonas, to=talk.channel)
    assert "Only owners may change what this channel follows" in said
    assert "Maya Sample" in said
    assert "now follows" in await talk.say("subscribe Shop/shop", by=talk.maya, to=talk.channel)
    for order in ("unsubscribe all", "pause", "resume"):
        assert "Only owners" in await talk.say(order, by=talk.jonas, to=talk.channel)
    assert "You now follow Shop/api" in await talk.say("subscribe Shop/api", by=talk.jonas)
