"""Sending, against the sandbox's connector over real HTTP."""

import asyncio
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import aiohttp
import pytest

from adapters.sandbox.teams import Conversation as Place
from adapters.sandbox.teams import TeamsPerson, TeamsSandbox
from adapters.teams import TeamsClient, connector_tokens
from bot.ports import ConversationGone, MessageGone, TeamsError, TeamsRefused, TeamsRetry
from bot.teams_model import (
    Conversation,
    ConversationKind,
    Mention,
    OutgoingMessage,
    TeamsChannel,
    TeamsTeam,
    TeamsUser,
)
from tests.adapters.teams.listening_bot import (
    APP_ID,
    APP_PASSWORD,
    TENANT_ID,
    ListeningBot,
    SetClock,
    config_for,
)

CARD = {"type": "AdaptiveCard", "version": "1.5", "body": [{"type": "TextBlock", "text": "PR 7"}]}
HELLO = OutgoingMessage(text="hello")


def where(place: Place, teams: TeamsSandbox, **changes: Any) -> Conversation:
    fields: dict[str, Any] = {
        "id": place.id,
        "kind": ConversationKind(place.kind),
        "service_url": teams.service_url,
        "tenant_id": TENANT_ID,
        "team_id": place.team.id if place.team else "",
    }
    return Conversation(**{**fields, **changes})


@pytest.fixture
def client(teams: TeamsSandbox, session: aiohttp.ClientSession, clock: SetClock) -> TeamsClient:
    config = config_for(teams)
    return TeamsClient(session, config, connector_tokens(session, config, clock=clock), clock=clock)


@pytest.fixture
async def channel(teams: TeamsSandbox, bot: ListeningBot, maya: TeamsPerson) -> Place:
    jonas = teams.add_person("Jonas Sample", "jonas@partner.example.com", guest=True)
    team = teams.add_team("Payments", [maya, jonas])
    await teams.install(team)
    return teams.add_channel(team, "Reviews")


@pytest.fixture
def chat(teams: TeamsSandbox, maya: TeamsPerson) -> Place:
    return teams.personal_chat(maya)


async def test_a_card_is_sent_replied_to_and_updated_in_place(
    client: TeamsClient, teams: TeamsSandbox, channel: Place
) -> None:
    here = where(channel, teams)
    sent = await client.send(here, OutgoingMessage(card=CARD, summary="PR 7"))
    await client.send(here, HELLO, thread_id=sent.activity_id)
    await client.update(here, sent.activity_id, OutgoingMessage(card={**CARD, "lang": "en"}))
    card = channel.message(sent.activity_id)
    assert card is not None
    assert [version["attachments"][0]["content"] for version in card.versions] == [
        CARD,
        {**CARD, "lang": "en"},
    ]
    assert card.versions[0]["summary"] == "PR 7"
    post, reply, put = teams.connector_requests()
    thread = f"{channel.id};messageid={sent.activity_id}"
    assert post.path == f"/amer/v3/conversations/{channel.id}/activities"
    assert reply.path == f"/amer/v3/conversations/{thread}/activities"
    assert "%3B" in reply.raw_path and "%3A" in reply.raw_path and ";" not in reply.raw_path
    assert put.method == "PUT"


async def test_only_the_first_message_asks_for_a_token(
    client: TeamsClient, teams: TeamsSandbox, chat: Place
) -> None:
    await asyncio.gather(*(client.send(where(chat, teams), HELLO) for _ in range(20)))
    assert teams.login.token_calls == 1


async def test_a_mention_goes_with_its_entity_and_one_that_is_not_marked_does_not(
    client: TeamsClient, teams: TeamsSandbox, channel: Place, maya: TeamsPerson
) -> None:
    mentions = (Mention(maya.id, "Maya Sample"), Mention("29:other", "Other Sample"))
    text = "<at>Maya Sample</at>, please **look**"
    await client.send(where(channel, teams), OutgoingMessage(text=text, mentions=mentions))
    (request,) = teams.connector_requests("POST")
    assert request.body == {
        "type": "message",
        "text": text,
        "textFormat": "markdown",
        "entities": [
            {
                "type": "mention",
                "text": "<at>Maya Sample</at>",
                "mentioned": {"id": maya.id, "name": "Maya Sample"},
            }
        ],
    }


async def test_a_notice_in_a_personal_chat_alerts_and_its_update_does_not(
    client: TeamsClient, teams: TeamsSandbox, chat: Place
) -> None:
    notice = OutgoingMessage(card=CARD, summary="Your review is asked for")
    sent = await client.send(where(chat, teams), notice)
    await client.update(where(chat, teams), sent.activity_id, notice)
    post, put = teams.connector_requests()
    assert post.body["channelData"] == {"notification": {"alert": True}}
    assert "channelData" not in put.body


async def test_typing_is_shown(client: TeamsClient, teams: TeamsSandbox, chat: Place) -> None:
    await client.typing(where(chat, teams))
    assert len(chat.typing) == 1


async def test_a_personal_chat_is_opened_for_a_person_with_the_app(
    client: TeamsClient, teams: TeamsSandbox, chat: Place, maya: TeamsPerson
) -> None:
    opened = await client.open_personal_chat(
        user=TeamsUser(maya.id, "Maya Sample"), service_url=teams.service_url, tenant_id=TENANT_ID
    )
    assert opened == where(chat, teams, name="Maya Sample")
    (request,) = teams.connector_requests("POST")
    assert request.body["bot"] == {"id": f"28:{APP_ID}"}


async def test_a_person_without_the_app_cannot_be_written_to(
    client: TeamsClient, teams: TeamsSandbox, channel: Place
) -> None:
    jonas = teams.world.find_person("jonas@partner.example.com")
    assert jonas
    with pytest.raises(ConversationGone, match="does not have the app"):
        await client.open_personal_chat(
            user=TeamsUser(jonas.id), service_url=teams.service_url, tenant_id=TENANT_ID
        )


async def test_the_roster_has_mails_and_marks_guests(
    client: TeamsClient, teams: TeamsSandbox, channel: Place, maya: TeamsPerson
) -> None:
    first, second = await client.members(where(channel, teams))
    assert (first.id, first.mail, first.is_guest) == (maya.id, "maya@example.com", False)
    assert first.aad_object_id == maya.object_id
    assert (second.mail, second.is_guest) == ("jonas@partner.example.com", True)


async def test_a_long_roster_is_read_to_its_end(
    client: TeamsClient, teams: TeamsSandbox, bot: ListeningBot, maya: TeamsPerson
) -> None:
    crowd = [teams.add_person(f"Person {n} Sample", f"p{n}@example.com") for n in range(1100)]
    group = teams.add_group_chat([maya, *crowd])
    await teams.install(group)
    found = await client.members(where(group, teams))
    assert len({user.id for user in found}) == 1101
    assert len(teams.connector_requests("GET")) == 3


async def test_one_member_is_found_and_a_stranger_is_none(
    client: TeamsClient, teams: TeamsSandbox, channel: Place, maya: TeamsPerson
) -> None:
    found = await client.member(where(channel, teams), maya.id)
    assert found and found.mail == "maya@example.com"
    assert await client.member(where(channel, teams), "29:nobody") is None


async def test_a_team_is_read_with_its_channels_of_which_the_first_has_no_name(
    client: TeamsClient, teams: TeamsSandbox, channel: Place
) -> None:
    assert channel.team is not None
    team_id = channel.team.id
    found = await client.team(where(channel, teams))
    assert found == TeamsTeam(
        team_id, "Payments", (TeamsChannel(team_id), TeamsChannel(channel.id, "Reviews"))
    )
    paths = [call.path for call in teams.connector_requests()]
    assert paths == [f"/amer/v3/teams/{team_id}", f"/amer/v3/teams/{team_id}/conversations"]


async def test_a_guest_of_a_shared_channel_is_found_there(
    client: TeamsClient, teams: TeamsSandbox, channel: Place, maya: TeamsPerson
) -> None:
    outside = teams.add_person("Kim Sample", "kim@other.example.com")
    assert channel.team
    shared = teams.add_channel(channel.team, "Shared", "shared", [maya, outside])
    await teams.install(shared)
    found = await client.member(where(shared, teams), outside.id)
    assert found and found.mail == "kim@other.example.com"


async def _failure(client: TeamsClient, conversation: Conversation) -> TeamsError:
    with pytest.raises(TeamsError) as caught:
        await client.send(conversation, HELLO)
    assert APP_PASSWORD not in repr(caught.value)
    return caught.value


async def test_a_removed_bot_means_the_conversation_is_gone(
    client: TeamsClient, teams: TeamsSandbox, chat: Place, maya: TeamsPerson
) -> None:
    await teams.uninstall(maya)
    error = await _failure(client, where(chat, teams))
    assert isinstance(error, ConversationGone)
    assert "removed" in str(error)


async def test_a_blocking_person_or_deleted_channel_means_the_conversation_is_gone(
    client: TeamsClient, teams: TeamsSandbox, chat: Place, channel: Place, maya: TeamsPerson
) -> None:
    teams.block(maya)
    assert isinstance(await _failure(client, where(chat, teams)), ConversationGone)
    await teams.delete_channel(channel)
    assert isinstance(await _failure(client, where(channel, teams)), ConversationGone)


async def test_updating_a_deleted_message_says_that_the_message_is_gone(
    client: TeamsClient, teams: TeamsSandbox, chat: Place
) -> None:
    with pytest.raises(MessageGone):
        await client.update(where(chat, teams), "1700000000000", HELLO)
    # What Teams answers for a message that was there once.
    body = {"error": {"code": "ServiceError", "message": "Unknown"}}
    teams.faults.add(method="PUT", status=403, body=body)
    with pytest.raises(MessageGone):
        await client.update(where(chat, teams), "1700000000000", HELLO)


async def test_replying_in_a_deleted_thread_does_not_condemn_the_channel(
    client: TeamsClient, teams: TeamsSandbox, channel: Place
) -> None:
    with pytest.raises(MessageGone):
        await client.send(where(channel, teams), HELLO, thread_id="1700000000000")


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "BadArgument", TeamsRefused),
        (413, "MessageSizeTooBig", TeamsRefused),
        (500, "ServiceError", TeamsRefused),
        (403, "NotEnoughPermissions", TeamsRefused),
        (403, "InvalidBotApiHost", TeamsRefused),
        (403, "BotDisabledByAdmin", ConversationGone),
        (404, "ConversationNotFound", ConversationGone),
        (412, "PreconditionFailed", TeamsRetry),
        (502, "ServiceError", TeamsRetry),
        (503, "", TeamsRetry),
        (504, "", TeamsRetry),
    ],
)
async def test_every_documented_status_becomes_its_error(
    client: TeamsClient,
    teams: TeamsSandbox,
    chat: Place,
    status: int,
    code: str,
    kind: type[TeamsError],
) -> None:
    teams.faults.add(path="/v3/", status=status, body={"error": {"code": code}} if code else "<p>")
    error = await _failure(client, where(chat, teams))
    assert type(error) is kind
    if isinstance(error, TeamsRetry):
        assert error.uncertain == (status in (502, 504))
    assert len(teams.connector_requests()) == 1


@pytest.mark.parametrize("told", ["7", "date", "", "soon", "-3"])
async def test_check_8_retry_after_is_read_as_seconds_or_date(
    client: TeamsClient, teams: TeamsSandbox, chat: Place, clock: SetClock, told: str
) -> None:
    date = format_datetime(clock() + timedelta(seconds=7), usegmt=True)
    headers = {"Retry-After": date if told == "date" else told} if told else {}
    teams.faults.add(path="/v3/", status=429, headers=headers)
    error = await _failure(client, where(chat, teams))
    assert isinstance(error, TeamsRetry)
    assert error.retry_after_s == (7 if told in ("7", "date") else None)
    assert not error.uncertain


async def test_a_dropped_connection_is_uncertain_and_a_refused_one_is_not(
    client: TeamsClient, teams: TeamsSandbox, chat: Place
) -> None:
    await client.send(where(chat, teams), HELLO)
    teams.faults.add(path="/v3/", drop=True, after=True)
    error = await _failure(client, where(chat, teams))
    assert isinstance(error, TeamsRetry) and error.uncertain
    await teams.stop()
    error = await _failure(client, where(chat, teams))
    assert isinstance(error, TeamsRetry) and not error.uncertain


async def test_a_silent_connector_ends_in_a_time_out(
    teams: TeamsSandbox, session: aiohttp.ClientSession, chat: Place, clock: SetClock
) -> None:
    config = config_for(teams)
    tokens = connector_tokens(session, config, clock=clock)
    short = aiohttp.ClientTimeout(sock_read=0.05)
    client = TeamsClient(session, config, tokens, timeout=short)
    teams.faults.add(path="/v3/", hang=True)
    error = await _failure(client, where(chat, teams))
    assert isinstance(error, TeamsRetry) and error.uncertain
    assert "in time" in str(error)


async def test_a_revoked_token_is_replaced_once(
    client: TeamsClient, teams: TeamsSandbox, chat: Place
) -> None:
    await client.send(where(chat, teams), HELLO)
    teams.login.revoke_tokens()
    await client.send(where(chat, teams), HELLO)
    assert teams.login.token_calls == 2
    assert [r.status for r in teams.connector_requests("POST")] == [201, 401, 201]


async def test_a_token_that_stays_refused_is_said_clearly_after_two_tries(
    client: TeamsClient, teams: TeamsSandbox, chat: Place
) -> None:
    teams.faults.add(path="/v3/", status=401, body={"error": {"code": "BotNotRegistered"}})
    error = await _failure(client, where(chat, teams))
    assert isinstance(error, TeamsRetry)
    assert "401 BotNotRegistered" in str(error)
    assert len(teams.connector_requests()) == 2


async def test_a_wrong_password_is_said_without_the_password(
    teams: TeamsSandbox, session: aiohttp.ClientSession, chat: Place
) -> None:
    config = config_for(teams, app_password="wrong-canary")
    client = TeamsClient(session, config, connector_tokens(session, config))
    with pytest.raises(TeamsRetry, match="AADSTS7000215") as caught:
        await client.send(where(chat, teams), HELLO)
    assert "wrong-canary" not in str(caught.value)
    assert teams.connector_requests() == []


async def test_check_19_a_redirect_is_not_followed(
    client: TeamsClient, teams: TeamsSandbox, chat: Place
) -> None:
    location = {"Location": f"{teams.login_url}/elsewhere"}
    teams.faults.add(path="/v3/", status=307, headers=location)
    assert isinstance(await _failure(client, where(chat, teams)), TeamsRefused)
    assert [r for r in teams.requests if r.path == "/elsewhere"] == []


@pytest.mark.parametrize(
    "service_url", ["http://localhost:9/", "https://smba.trafficmanager.net.evil/", "nonsense"]
)
async def test_check_19_a_host_that_is_not_allowed_gets_neither_call_nor_token(
    client: TeamsClient, teams: TeamsSandbox, chat: Place, service_url: str
) -> None:
    error = await _failure(client, where(chat, teams, service_url=service_url))
    assert isinstance(error, TeamsRefused)
    assert teams.login.token_calls == 0


async def test_a_text_and_a_card_at_once_is_refused_here(
    client: TeamsClient, teams: TeamsSandbox, chat: Place
) -> None:
    for message in (OutgoingMessage(card=CARD, text="x"), OutgoingMessage()):
        with pytest.raises(TeamsRefused):
            await client.send(where(chat, teams), message)
    assert teams.connector_requests() == []


async def test_without_authentication_no_token_is_fetched_or_sent(
    teams: TeamsSandbox, session: aiohttp.ClientSession, chat: Place
) -> None:
    config = config_for(teams, unauthenticated=True)
    client = TeamsClient(session, config, connector_tokens(session, config))
    with pytest.raises(TeamsRetry, match="401"):  # this connector wants one
        await client.send(where(chat, teams), HELLO)
    assert teams.login.token_calls == 0
    (request,) = teams.connector_requests()
    assert "Authorization" not in request.headers
