"""Say this, expect this reply: everyday talk with the bot."""

import pytest
from sqlmodel import Session

from bot.links import pull_request_url, ticket_url
from storage.tables import FeedTrouble
from tests.bot.talking import CONNECTION, NOW, Talk


async def test_help_lists_every_command_and_explains_one(talk: Talk) -> None:
    listed = await talk.say("help")
    assert "**reviews** | List the pull requests that wait for your review" in listed
    assert "[My reviews]" in listed
    one = await talk.say("help Subscribe")
    assert "How to use “subscribe”" in one
    assert "subscribe Web/shop" in one
    assert "I know no command “lunch”" in await talk.say("help lunch")
    mistaken = await talk.say("help strat")
    assert "How to use “start ticket”" in mistaken
    assert "I know no command “strat”. The nearest:" in mistaken


@pytest.mark.parametrize("said", ["", "&nbsp;", "<p></p>", "?"])
async def test_only_a_mention_gets_a_short_help(talk: Talk, said: str) -> None:
    assert "What can I do for you?" in await talk.say(said, to=talk.channel)


@pytest.mark.parametrize(
    "said", ["/Reviews", "reviews\u00a0", "<p>My&nbsp;Reviews.</p>", "“reviews”"]
)
async def test_what_teams_makes_of_a_command_is_understood(talk: Talk, said: str) -> None:
    assert "Nothing waits for your review." in await talk.say(said)


async def test_a_typing_mistake_gets_a_button_that_runs_the_right_command(talk: Talk) -> None:
    card = await talk.say_and_see("reveiws")
    task = await talk.press(talk.maya, card, "reviews")
    assert task.notice == "Waiting for your review"
    assert "Nothing waits for your review." in talk.text()


async def test_what_makes_no_sense_behind_a_suggested_command_is_left_out(talk: Talk) -> None:
    said = await talk.say("start tikets of mine")
    assert "Did you mean **start ticket**? For example: start ticket 123" in said
    assert "[How it works]" in said
    assert "of mine]" not in said


async def test_nonsense_is_quoted_escaped_and_points_to_help(talk: Talk) -> None:
    said = await talk.say("make [me](javascript:x) a **coffee**")
    assert r"I do not understand “make \[me\](javascript:x) a \*\*coffee\*\*”." in said
    assert "[All commands]" in said


async def test_a_missing_argument_gets_usage_with_an_example(talk: Talk) -> None:
    said = await talk.say("ticket")
    assert "Say which ticket, by number or address." in said
    assert "For example: ticket 123; ticket AB#123" in said


# --- pull requests --------------------------------------------------------------------------


async def test_prs_lists_what_the_channel_follows_with_links(talk: Talk) -> None:
    assert "follows no repository yet" in await talk.say("prs", to=talk.channel)
    await talk.say("subscribe Shop/shop", to=talk.channel)
    number = await talk.pull_request("Add basket", talk.jonas_there)
    talk.clock.now = NOW.replace(day=22, hour=12)
    said = await talk.say("prs", to=talk.channel)
    page = pull_request_url(talk.azure.base_url, "Shop", "shop", number)
    assert f"[{number} Add basket]({page}) | shop | main | 2 d" in said
    assert f"[Sync {number}]" in said


async def test_prs_mine_and_of_a_repository(talk: Talk) -> None:
    mine = await talk.pull_request("Add basket", talk.maya_there)
    other = await talk.pull_request("Fix basket", talk.jonas_there)
    said = await talk.say("prs mine")
    assert f"[{mine} Add basket]" in said
    assert "Fix basket" not in said
    said = await talk.say("PRs in SHOP")
    assert f"[{mine} Add basket]" in said
    assert f"[{other} Fix basket]" in said
    assert "No pull request is open there." in await talk.say("pull requests api")
    assert "Did you mean shop" in await talk.say("prs shpo")


async def test_a_hostile_title_stays_text_in_lists(talk: Talk) -> None:
    """CHECKS 20."""
    number = await talk.pull_request("Basket", talk.maya_there, record=False)
    title = "<at>All</at> [x](javascript:1) ![i](http://evil.example/i)\u202e\n# " + "y" * 500
    await talk.azure.edit_pull_request(number, talk.maya_there, {"title": title[:390]})
    await talk.record(number)
    message_ = await talk.say_and_see("prs mine")
    said = str(message_.card)
    assert not message_.mentions
    assert r"\[x\](javascript:1)" in said.replace("\\\\", "\\")
    assert "\u202e" not in said
    assert "…" in said


async def test_reviews_lists_what_waits_for_my_vote_oldest_first(talk: Talk) -> None:
    older = await talk.pull_request("Older", talk.maya_there, reviewers=[talk.jonas_there])
    talk.clock.now = NOW.replace(hour=13)
    newer = await talk.pull_request("Newer", talk.maya_there, reviewers=[talk.jonas_there])
    draft = await talk.pull_request(
        "Sketch", talk.maya_there, reviewers=[talk.jonas_there], draft=True
    )
    said = await talk.say("reviews", by=talk.jonas)
    assert said.index(f"[{older} Older]") < said.index(f"[{newer} Newer]")
    assert f"[{draft} Sketch]" not in said
    assert "| 3 h ago\n" in said
    assert "| just now" in said
    await talk.azure.vote(older, talk.jonas_there, 10)
    await talk.record(older)
    assert "Older" not in await talk.say("reviews", by=talk.jonas)


async def test_reviews_counts_from_when_it_was_asked_of_the_one_who_asks(talk: Talk) -> None:
    """Not from when the pull request was opened: others may have waited for months before."""
    late = await talk.pull_request("Old one", talk.maya_there)
    sketch = await talk.pull_request(
        "Sketch", talk.maya_there, reviewers=[talk.jonas_there], draft=True
    )
    voted = await talk.pull_request("Voted", talk.maya_there, reviewers=[talk.jonas_there])
    await talk.azure.vote(voted, talk.jonas_there, 10)
    await talk.record(voted)
    for hour, number, act in (
        (10, sketch, talk.azure.publish(sketch, talk.maya_there)),
        (11, late, talk.azure.add_reviewer(late, talk.jonas_there)),
        (12, voted, talk.azure.vote(voted, talk.jonas_there, 0)),
    ):
        talk.clock.now = NOW.replace(hour=hour)
        await act
        await talk.record(number)
    talk.clock.now = NOW.replace(hour=15)
    await talk.record(late)  # nothing new: the time stays
    said = await talk.say("reviews", by=talk.jonas)
    rows = [line for line in said.splitlines() if "ago" in line]
    assert [(row.split("]")[0].split("[")[1], row.split("| ")[-1]) for row in rows] == [
        (f"{sketch} Sketch", "5 h ago"),
        (f"{late} Old one", "4 h ago"),
        (f"{voted} Voted", "3 h ago"),
    ]


async def test_reviews_of_somebody_unknown_in_azure_devops_says_how_to_link(talk: Talk) -> None:
    said = await talk.say("reviews", by=talk.admin)
    assert "contoso: no identity has your mail." in said
    assert "link me as MAIL" in said


# --- tickets --------------------------------------------------------------------------------


async def test_ticket_shows_it_with_the_next_step(talk: Talk) -> None:
    number = talk.ticket("Pay later", assigned_to="jonas@example.com")
    said = await talk.say(f"ticket AB#{number}")
    assert f"Ticket {number}: Pay later" in said
    assert "User Story in Shop, state **New**, assigned to Jonas Sample" in said
    assert "[Open] [Start]" in said


async def test_ticket_takes_a_pasted_address_and_refuses_a_foreign_one(talk: Talk) -> None:
    number = talk.ticket()
    page = ticket_url(talk.azure.base_url, "Shop", number)
    assert "Pay later" in await talk.say(f'show ticket <a href="{page}">that one</a>')
    foreign = "https://dev.azure.com/fabrikam/Web/_workitems/edit/5"
    assert "belongs to no Azure DevOps that I am connected to" in await talk.say(
        f"ticket {foreign}"
    )


async def test_ticket_shows_the_stored_copy_when_azure_devops_is_down(talk: Talk) -> None:
    number = talk.ticket()
    await talk.say(f"ticket {number}")
    await talk.azure.take_down()
    said = await talk.say(f"ticket {number}")
    assert "Azure DevOps cannot be reached" in said
    assert "no connection. Please try again in a few minutes. This is the stored copy" in said
    assert "from {{DATE(2026-11-20T09:00:00Z, SHORT)}}" in said
    assert "Pay later" in said
    said = await talk.say(f"ticket {number + 1}")
    assert "Azure DevOps cannot be reached" in said
    assert "[Try again]" in said


async def test_a_ticket_that_is_not_there_is_said_plainly(talk: Talk) -> None:
    assert f"There is no ticket 4711 in {CONNECTION}" in await talk.say("ticket 4711")


# --- links ----------------------------------------------------------------------------------


async def test_link_and_unlink_change_azure_devops_and_can_be_repeated(talk: Talk) -> None:
    ticket = talk.ticket()
    number = await talk.pull_request("Add basket", talk.maya_there)

    def relations() -> list[str]:
        return [str(each) for each in talk.azure.work_item(ticket).relations]

    said = await talk.say(f"link ticket #{ticket} to PR !{number}")
    assert f"Ticket {ticket} and pull request {number} are now linked." in said
    assert len(relations()) == 1
    assert "were linked already" in await talk.say(f"link ticket {ticket} {number}")
    assert len(relations()) == 1
    assert f"Pull request {number}: Add basket" in await talk.say(f"ticket {ticket}")
    said = await talk.say(f"unlink ticket {ticket} from pull request {number}")
    assert "are no longer linked" in said
    assert relations() == []
    assert "were not linked" in await talk.say(f"unlink {ticket} from {number}")
    added, removed = await talk.audit("link.added"), await talk.audit("link.removed")
    assert [row.actor for row in added + removed] == ["Maya Sample <maya@example.com>"] * 2
    assert added[0].before == {"ticket": ticket, "linked": False}


@pytest.mark.parametrize(
    "order",
    ["link pr {pr} to ticket {ticket}", "link pr {pr} to {ticket}", "link {ticket} to {pr}"],
)
async def test_the_two_may_be_named_in_either_order(talk: Talk, order: str) -> None:
    ticket = talk.ticket()
    number = await talk.pull_request("Add basket", talk.maya_there)
    number = await talk.pull_request("Add search", talk.maya_there)
    assert number != ticket
    said = await talk.say(order.format(ticket=ticket, pr=number))
    assert f"Ticket {ticket} and pull request {number} are now linked." in said


async def test_link_undo_button_takes_the_link_away(talk: Talk) -> None:
    ticket = talk.ticket()
    number = await talk.pull_request("Add basket", talk.maya_there, record=False)
    card = await talk.say_and_see(f"link ticket {ticket} to pr {number}")
    answer = await talk.press(talk.maya, card, "Undo")
    assert "no longer linked" in answer.notice


async def test_link_of_a_missing_pull_request_changes_nothing(talk: Talk) -> None:
    ticket = talk.ticket()
    assert "There is no pull request 99" in await talk.say(f"link ticket {ticket} to pr 99")
    assert await talk.audit("link.added") == []


# --- subscriptions --------------------------------------------------------------------------


async def test_subscribe_says_what_comes_and_how_to_undo(talk: Talk) -> None:
    said = await talk.say("subscribe shop/SHOP target refs/heads/main, release/*", to=talk.channel)
    assert "This channel now follows Shop/shop" in said
    assert r"**into main or release/\***. Drafts are told when they are published." in said
    assert "In the card's thread: published, votes, comments" in said
    assert "To undo: unsubscribe Shop/shop" in said
    assert "already" in await talk.say("subscribe Shop/shop target main release/*", to=talk.channel)
    assert "already" in await talk.say("subscribe Shop/shop", to=talk.channel)
    assert "Changed: this channel" in await talk.say(
        "subscribe Shop/shop target any", to=talk.channel
    )
    (changed,) = await talk.audit("subscription.changed")
    assert changed.before == {"of": "Shop/shop", "target_branches": ["main", "release/*"]}
    assert changed.after == {"of": "Shop/shop", "target_branches": []}
    assert "Shop/shop | all pull requests of people" in await talk.say(
        "subscriptions", to=talk.channel
    )
    assert "No longer followed here: Shop/shop" in await talk.say(
        "unsubscribe shop/shop", to=talk.channel
    )
    assert "Nothing yet." in await talk.say("subscriptions", to=talk.channel)


async def test_subscribe_takes_connection_address_or_repository_alone(talk: Talk) -> None:
    assert "You now follow Shop/api" in await talk.say("subscribe Contoso:Shop/api")
    page = f"{talk.azure.base_url}/Shop/_git/shop"
    assert "You now follow Shop/shop" in await talk.say(f"follow {page}")
    assert "You follow Shop/api already" in await talk.say("subscribe api")
    assert "no connection called “fabrikam”" in await talk.say("subscribe fabrikam:Shop")
    assert "No longer followed here: Shop/api, Shop/shop" in await talk.say("unsubscribe all")


async def test_subscribe_finds_a_repository_that_is_new_in_azure_devops(talk: Talk) -> None:
    await talk.azure.add_repository(talk.project, "Brand New")
    assert "You now follow Shop/Brand New" in await talk.say("subscribe Shop/Brand New")


async def test_subscribe_to_nothing_known_suggests_the_nearest(talk: Talk) -> None:
    assert "Did you mean Shop/shop" in await talk.say("subscribe Shop/shpo")
    await talk.azure.take_down()
    assert "I could not ask everywhere." in await talk.say("subscribe Shop/other")


async def test_unsubscribe_from_something_else_names_what_is_followed(talk: Talk) -> None:
    await talk.say("subscribe Shop/shop")
    assert "Followed are: Shop/shop." in await talk.say("unsubscribe Shop/shpo")


@pytest.mark.parametrize(
    "name", ["Robert'); DROP TABLE subscriptions;--", "%", "_", "a\x00b", "\\"]
)
async def test_hostile_names_are_only_names(talk: Talk, name: str) -> None:
    """CHECKS 22."""
    await talk.say("subscribe Shop/shop")
    assert "Not done" in await talk.say(f"subscribe {name}")
    assert "Not done" in await talk.say(f"unsubscribe {name}")
    assert "Shop/shop" in await talk.say("subscriptions")


# --- the conversation's repository, status --------------------------------------------------


async def test_use_sets_and_clears_the_repository_of_the_conversation(talk: Talk) -> None:
    assert "**Shop/shop**" in await talk.say("use SHOP")
    assert "No repository is set here" in await talk.say("use none")
    first, second = await talk.audit("conversation.repository_set")
    assert first.after == {"connection": CONNECTION, "repository": talk.shop.id}
    assert second.before == first.after
    assert "Did you mean shop" in await talk.say("use shpo")


async def test_status_says_what_is_wrong_with_the_feed_until_it_is_over(talk: Talk) -> None:
    """Who is told of it presses “Status” there."""
    now = talk.clock()
    trouble = FeedTrouble(
        connection=CONNECTION,
        what="project/1",
        kind="dead",
        says="No webhook about pull requests of Shop works.",
        began_at=now,
        seen_at=now,
    )

    def begin(session: Session) -> int:
        session.add(trouble)
        session.flush()
        return trouble.id or 0

    number = await talk.db.write(begin)
    said = await talk.say("status")
    assert "Some things need an operator" in said
    assert "contoso: No webhook about pull requests of Shop works." in said

    def end(session: Session) -> None:
        row = session.get(FeedTrouble, number)
        assert row is not None
        row.ended_at = now

    await talk.db.write(end)
    assert "Everything is well" in await talk.say("status")


async def test_status_shows_connections_without_secrets(talk: Talk) -> None:
    """CHECKS 23: nothing secret in the reply."""
    said = await talk.say("status")
    assert "**contoso** (127.0.0.1) | on, quiet | never | never" in said
    assert "secret" not in said.lower()
