"""Addresses of Azure DevOps pasted in Teams, and the first-run cards."""

from bot.roles import Role
from tests.bot.talking import Talk


def _url(talk: Talk, number: int) -> str:
    return f"{talk.azure.base_url}/Shop/_git/shop/pullrequest/{number}"


async def test_a_pasted_pull_request_gets_a_preview(talk: Talk) -> None:
    number = await talk.pull_request("Pay now", talk.maya_there)
    answer = await talk.teams.paste_link(talk.jonas, talk.channel, _url(talk, number))
    assert answer.status == 200
    found = answer.body["composeExtension"]
    assert (found["type"], found["attachmentLayout"]) == ("result", "list")
    (attachment,) = found["attachments"]
    drawn = str(attachment["content"])
    assert f"Pull request {number}: Pay" in drawn
    assert "by Maya Sample" in drawn
    assert attachment["preview"]["contentType"] == "application/vnd.microsoft.card.thumbnail"
    assert talk.text() == "", "a preview is no message"


async def test_a_pasted_ticket_gets_a_preview_once_it_is_known(talk: Talk) -> None:
    number = talk.ticket("Pay later")
    url = f"{talk.azure.base_url}/Shop/_workitems/edit/{number}"
    assert (await talk.teams.paste_link(talk.maya, talk.channel, url)).body == {}
    await talk.say(f"ticket {number}")
    answer = await talk.teams.paste_link(talk.maya, talk.channel, url)
    assert "Pay later" in str(answer.body)


async def test_who_may_not_look_gets_no_preview(talk: Talk) -> None:
    """CHECKS 24."""
    number = await talk.pull_request("Secret plans", talk.maya_there)
    stranger = talk.teams.add_person("Sam Sample", "sam@example.com")
    talk.teams.add_group_chat([talk.maya, stranger], "Elsewhere")
    for person in (talk.guest, stranger):
        answer = await talk.teams.paste_link(person, talk.channel, _url(talk, number))
        assert (answer.status, answer.body) == (200, {})
    talk.rules(everybody=Role.NOBODY)
    answer = await talk.teams.paste_link(talk.maya, talk.channel, _url(talk, number))
    assert answer.body == {}


async def test_other_addresses_get_no_preview(talk: Talk) -> None:
    for url in (
        "https://evil.example/Shop/_git/shop/pullrequest/1",
        "no address",
        "://",
        "x" * 9000,
    ):
        answer = await talk.teams.paste_link(talk.maya, talk.channel, url)
        assert (answer.status, answer.body) == (200, {})
    answer = await talk.teams.invoke(talk.maya, talk.channel, "composeExtension/queryLink", {})
    assert answer.status == 400


async def test_the_first_card_of_a_channel_leads_to_following_something(quiet_talk: Talk) -> None:
    talk = quiet_talk
    await talk.teams.install(talk.team, by=talk.maya)
    await talk.settle()
    (card,) = talk.heard()
    for button, answer in (("Help", "What you can say"), ("Connect", "Connected to Azure DevOps")):
        await talk.press(talk.maya, card, button)
        assert answer in talk.text()
    await talk.press(talk.maya, card, "Subscribe")
    (offer,) = talk.heard()
    await talk.press(talk.maya, offer, "Shop, all repositories")
    assert "now follows Shop" in talk.text()
    assert "is followed here already" in await talk.say("repositories", to=talk.channel)


async def test_connect_says_who_one_is_and_how_another_is_connected(talk: Talk) -> None:
    said = await talk.say("connect")
    assert "You are Maya Sample there" in said
    assert "pullcord connect" not in said
    assert "pullcord connect" in await talk.say("connect", by=talk.admin)


async def test_a_reader_is_shown_what_could_be_followed_without_a_choice(talk: Talk) -> None:
    talk.rules(everybody=Role.READER)
    said = await talk.say("repositories")
    assert "Shop/shop" in said
    assert "Subscribe" not in said
