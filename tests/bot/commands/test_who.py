"""Who somebody is, and who may do what (CHECKS 24)."""

from datetime import timedelta

from adapters.sandbox.teams import Message, TeamsPerson
from bot.commands.catalogue import REGISTRY
from bot.roles import Role
from bot.teams_model import Conversation, ConversationKind, MessageReceived, TeamsUser
from bot.turn_handling import handle
from tests.bot.talking import TENANT_ID, Talk

OTHER_TENANT = "11111111-2222-4333-8444-555555555555"


async def test_the_same_mail_in_any_case_makes_the_match(talk: Talk) -> None:
    said = await talk.say("whoami", by=talk.jonas)
    assert "In Teams: Jonas Sample, jonas@example.com" in said
    assert "**Jonas Sample** (jonas@example.com), same mail as in Teams" in said


async def test_the_same_display_name_never_makes_a_match(talk: Talk) -> None:
    namesake = talk.teams.add_person("Maya Sample", "maya.other@example.com")
    await talk.teams.install(namesake)
    await talk.settle()
    talk.heard()
    assert "no identity has your mail" in await talk.say("whoami", by=namesake)


async def test_a_group_of_the_same_mail_never_matches(talk: Talk) -> None:
    talk.azure.add_person("Admins", "admin@example.com", is_group=True)
    assert "no identity has your mail" in await talk.say("whoami", by=talk.admin)


async def test_a_guest_with_the_mail_of_an_identity_is_not_matched(talk: Talk) -> None:
    talk.rules(guest=Role.READER)
    gus = talk.azure.add_person("Gus Sample", "gus@example.org")
    await talk.pull_request("By Gus", gus)  # the identity is stored
    assert "you are a guest in Teams" in await talk.say("whoami", by=talk.guest)


async def test_link_me_as_ones_own_mail_is_granted_at_once(talk: Talk) -> None:
    talk.azure.add_person("Ada There", "Admin@Example.com")
    said = await talk.say("link me as ADMIN@example.com", by=talk.admin)
    assert "**Ada There**" in said
    assert "because Teams has the same mail for you" in said
    (granted,) = await talk.audit("identity.matched")
    assert granted.actor == "Ada Sample <admin@example.com>"
    assert granted.after is not None
    assert granted.after["matched_by"] == "self"


async def _request_card(talk: Talk) -> Message:
    """Maya asks to be somebody of another mail; the card that the administrator gets."""
    talk.azure.add_person("M. Sample", "m.sample@example.org")
    await talk.teams.say(talk.maya, talk.chat(talk.maya), "link me as m.sample@example.org")
    await talk.settle()
    answer, card = sorted(talk.heard(), key=lambda each: each.conversation is talk.chat(talk.admin))
    assert "waits for an administrator" in str(answer.card)
    assert card.conversation is talk.chat(talk.admin)
    return card


async def test_link_me_as_another_mail_waits_for_an_administrator(talk: Talk) -> None:
    card = await _request_card(talk)
    assert "You asked to be m.sample@example.org" in await talk.say("whoami")
    answer = await talk.press(talk.admin, card, "Confirm")
    assert "Confirmed" in answer.notice
    told = talk.text()
    assert "An administrator confirmed it" in told
    assert await _granted(talk) == ["Ada Sample <admin@example.com>"]


async def _granted(talk: Talk) -> list[str]:
    rows = await talk.audit("identity.matched")
    return [row.actor for row in rows if row.after and row.after["matched_by"] == "administrator"]


async def test_an_administrator_can_refuse(talk: Talk) -> None:
    card = await _request_card(talk)
    assert "Refused" in (await talk.press(talk.admin, card, "Refuse")).notice
    talk.heard()
    assert "Nothing waits." in await talk.say("confirm", by=talk.admin)
    assert await _granted(talk) == []


async def test_nobody_else_can_confirm_not_even_by_the_administrators_button(talk: Talk) -> None:
    card = await _request_card(talk)
    pair = "maya@example.com is m.sample@example.org"
    said = await talk.say(f"confirm {pair}")
    assert "“confirm” needs the role administrator; your role here is member." in said
    assert "Please ask Ada Sample." in said
    await talk.press(talk.jonas, card, "Confirm")
    talk.heard()
    assert await _granted(talk) == []


async def test_a_confirmation_of_another_pair_grants_nothing(talk: Talk) -> None:
    await _request_card(talk)
    said = await talk.say("confirm jonas@example.com is m.sample@example.org", by=talk.admin)
    assert "No request of jonas@example.com" in said
    assert await _granted(talk) == []


async def test_an_identity_of_somebody_else_is_not_taken_by_asking(talk: Talk) -> None:
    await talk.say("whoami", by=talk.jonas)
    assert "waits for an administrator" in await talk.say("link me as jonas@example.com")
    assert "**Jonas Sample**" in await talk.say("whoami", by=talk.jonas)


async def test_a_guest_may_do_nothing_and_hears_whom_to_ask(talk: Talk) -> None:
    """CHECKS 24."""
    said = await talk.say("subscribe Shop/shop", by=talk.guest)
    assert "“subscribe” needs the role member. You are a guest in Teams" in said
    assert "Please ask Ada Sample." in said
    assert await talk.audit("subscription.added") == []
    (refused,) = await talk.audit("command.refused")
    assert refused.actor == "Gus Sample <gus@example.org>"
    (asked,) = [row for row in await talk.activities() if row.key.endswith(refused.cause)]
    assert asked.state == "done"


async def test_a_member_who_became_a_guest_may_change_nothing_from_the_next_day_on(
    talk: Talk,
) -> None:
    """CHECKS 24. Teams sends no word of it, so the roster is asked again."""
    await talk.say("whoami")
    become(talk.maya, guest=True)
    talk.clock.now += timedelta(days=1, minutes=1)
    said = await talk.say("subscribe Shop/shop")
    assert "You are a guest in Teams, or belong to another organisation" in said
    assert await talk.audit("subscription.added") == []
    become(talk.maya, guest=False)
    talk.clock.now += timedelta(days=1, minutes=1)
    assert "You are a guest" not in await talk.say("subscribe Shop/shop", to=talk.channel)
    assert len(await talk.audit("subscription.added")) == 1


async def test_the_roster_is_asked_once_a_day_not_for_each_message(talk: Talk) -> None:
    talk.clock.now += timedelta(days=1, minutes=1)
    before = len(talk.teams.requests)
    await talk.say("whoami")
    first = rosters(talk, before)
    await talk.say("whoami")
    assert len(first) == len(rosters(talk, before)) == 1


async def test_who_was_vouched_for_long_ago_may_nothing_while_the_roster_is_silent(
    talk: Talk,
) -> None:
    """CHECKS 24."""
    talk.clock.now += timedelta(days=1, minutes=1)
    talk.teams.faults.add(method="GET", path="/members", status=503)
    assert "Teams does not tell me who you are at the moment" in await talk.say("whoami")
    said = await talk.say("subscribe Shop/shop")
    assert "Teams does not tell me who you are at the moment" in said
    assert await talk.audit("subscription.added") == []


def become(person: TeamsPerson, *, guest: bool) -> None:
    """An administrator of the tenant changes what somebody is."""
    object.__setattr__(person, "guest", guest)


def rosters(talk: Talk, since: int) -> list[str]:
    paths = [request.path for request in talk.teams.requests[since:]]
    return [path for path in paths if "/members" in path]


async def test_somebody_of_another_tenant_in_a_shared_channel_is_told_whom_to_ask(
    talk: Talk,
) -> None:
    """CHECKS 24. The conversation is ours and the person is not, though the mail is the same."""
    await talk.say("whoami", by=talk.admin)  # so that she can be named
    stranger = talk.teams.add_person("Sam Sample", "jonas@example.com", tenant_id=OTHER_TENANT)
    shared = talk.teams.add_channel(
        talk.team, "With others", kind="shared", members=[talk.maya, stranger]
    )
    await talk.teams.install(shared, by=talk.maya)
    await talk.settle()
    talk.heard()
    for command, role in (("subscribe Shop", "member"), ("prs", "reader")):
        said = await talk.say(command, by=stranger, to=shared)
        assert f"needs the role {role}. You are a guest in Teams, or belong to another" in said
        assert "Please ask Ada Sample." in said
    assert await talk.audit("subscription.added") == []
    actors = {row.actor.partition(" <")[0] for row in await talk.audit("command.refused")}
    assert actors == {"Sam Sample"}
    assert "now follows Shop" in await talk.say("subscribe Shop", to=shared)


async def test_what_a_message_says_of_a_foreign_tenant_counts_whatever_the_roster_leaves_out(
    talk: Talk,
) -> None:
    """CHECKS 24."""
    await talk.say("whoami", by=talk.jonas)  # a member by the roster
    place = Conversation(
        talk.channel.id, ConversationKind.CHANNEL, talk.teams.service_url, TENANT_ID
    )
    sender = TeamsUser(talk.jonas.id, "Jonas Sample", tenant_id=OTHER_TENANT)
    said = MessageReceived("1", place, sender, text="subscribe Shop")
    (answer,) = (await handle(talk.services, REGISTRY, said)).messages
    assert "belong to another organisation" in str(answer.card)


async def test_a_removed_person_is_refused_until_the_roster_has_him_again(talk: Talk) -> None:
    """CHECKS 24."""
    chat = talk.teams.add_group_chat([talk.maya, talk.jonas], "Two")
    await talk.teams.install(chat, by=talk.maya)
    late = await talk.teams.say(talk.jonas, chat, "help")
    await talk.teams.uninstall(talk.jonas)
    await talk.teams.remove_member(talk.team, talk.jonas)
    await talk.teams.remove_member(chat, talk.jonas)
    await talk.settle()
    talk.heard()
    assert [row.actor for row in await talk.audit("person.removed")]
    again = dict(late.activity)
    again["id"], again["text"] = (
        "1795200000000",
        f"{again['text']}".replace("help", "subscribe Shop"),
    )
    await talk.teams.resend(again)
    await talk.settle()
    assert "not on this conversation's member list" in talk.text()
    await talk.teams.add_member(chat, talk.jonas)
    assert "now follows Shop" in await talk.say("subscribe Shop", by=talk.jonas, to=chat)


async def test_nobody_changes_anything_while_the_roster_cannot_be_read(quiet_talk: Talk) -> None:
    """CHECKS 24: who is not confirmed by Teams may only look."""
    talk = quiet_talk
    fault = talk.teams.faults.add(method="GET", path="members", status=500)
    await talk.teams.install(talk.maya)
    await talk.settle()
    talk.heard()
    assert "Teams does not tell me who you are" in await talk.say("subscribe Shop")
    assert "What you can say" in await talk.say("help")
    talk.teams.faults.remove(fault)
    assert "You now follow Shop" in await talk.say("subscribe Shop")
