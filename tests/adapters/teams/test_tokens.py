"""CHECKS 16, 17 and 13: only Teams' own tokens are believed. Real keys, nothing patched."""

import logging
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from adapters.sandbox.teams import TeamsSandbox
from adapters.teams import signing_keys
from tests.adapters.teams.listening_bot import ListeningBot, SetClock, config_for

Mint = Callable[[TeamsSandbox], Awaitable[str]]


def _claims(**claims: Any) -> Mint:
    async def mint(teams: TeamsSandbox) -> str:
        return teams.issuer.mint(claims, service_url=teams.service_url)

    return mint


def _header(**arguments: Any) -> Mint:
    async def mint(teams: TeamsSandbox) -> str:
        return teams.issuer.mint(service_url=teams.service_url, **arguments)

    return mint


async def _signed_by_a_stranger(teams: TeamsSandbox) -> str:
    stranger = await teams.issuer.make_key()
    return teams.issuer.mint(service_url=teams.service_url, key=stranger)


async def _signed_by_a_stranger_under_a_good_kid(teams: TeamsSandbox) -> str:
    stranger = await teams.issuer.make_key()
    return teams.issuer.mint(service_url=teams.service_url, key=stranger, kid=teams.issuer.key.kid)


async def _stranger_with_jku(teams: TeamsSandbox) -> str:
    stranger = await teams.issuer.make_key()
    return teams.issuer.mint(
        service_url=teams.service_url,
        key=stranger,
        headers={"jku": f"{teams.login_url}/stranger/keys", "jwk": stranger.as_jwk()},
    )


async def _with_the_kid_of_another_published_key(teams: TeamsSandbox) -> str:
    first = teams.issuer.key
    await teams.issuer.rotate_keys(keep_old=True)
    return teams.issuer.mint(service_url=teams.service_url, kid=first.kid)


async def _for_another_activity(teams: TeamsSandbox) -> str:
    return teams.issuer.mint(service_url=teams.service_url.replace("/amer/", "/emea/"))


async def _cut_off(teams: TeamsSandbox) -> str:
    return teams.issuer.mint(service_url=teams.service_url)[:-10]


async def _nothing(teams: TeamsSandbox) -> str:
    return ""


async def _garbage(teams: TeamsSandbox) -> str:
    return "not.a.token"


HOSTILE: dict[str, Mint] = {
    "no token": _nothing,
    "garbage": _garbage,
    "cut off": _cut_off,
    "alg none": _header(alg="none"),
    "HS256 with the public key": _header(alg="HS256"),
    "RS512": _header(alg="RS512"),
    "no kid": _header(kid=""),
    "unknown kid": _header(kid="nobody-knows-me"),
    "a stranger's key": _signed_by_a_stranger,
    "a stranger's key under a good kid": _signed_by_a_stranger_under_a_good_kid,
    "the kid of another key": _with_the_kid_of_another_published_key,
    "jku header": _stranger_with_jku,
    "crit header": _header(headers={"crit": ["b64"], "b64": True}),
    "wrong aud": _claims(aud="another-bot"),
    "aud a list": _claims(aud=["another-bot", "and-more"]),
    "no aud": _claims(aud=None),
    "wrong iss": _claims(iss="https://login.example.com"),
    "no iss": _claims(iss=None),
    "expired": _claims(exp=0),
    "no exp": _claims(exp=None),
    "exp not a number": _claims(exp="tomorrow"),
    "nbf ahead": _claims(nbf=99999999999),
    "no nbf": _claims(nbf=None),
    "serviceUrl missing": _claims(serviceurl=None),
    "serviceUrl different": _for_another_activity,
}


@pytest.mark.parametrize("mint", HOSTILE.values(), ids=HOSTILE.keys())
async def test_check_16_a_hostile_token_is_refused_and_causes_nothing(
    bot: ListeningBot,
    teams: TeamsSandbox,
    activity: dict[str, Any],
    mint: Mint,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """CHECKS 16: refused, no call to the connector or for a token, one security line."""
    token = await mint(teams)
    with caplog.at_level(logging.WARNING, "pullcord.security"):
        answer = await teams.post(activity, token=token)
    assert answer.status == 401
    assert bot.events == []
    assert [r.raw_path for r in teams.requests if "/.well-known/" not in r.raw_path] == []
    lines = [r.getMessage() for r in caplog.records if r.name == "pullcord.security"]
    assert len(lines) == 1
    assert lines[0].isprintable()
    assert not token or token not in lines[0]


async def test_the_same_activity_with_its_own_token_is_accepted(
    bot: ListeningBot, teams: TeamsSandbox, activity: dict[str, Any]
) -> None:
    """The counter-proof to CHECKS 16: only the token is different."""
    assert (await teams.post(activity)).status == 200
    assert len(bot.events) == 1


async def test_check_16_a_jku_in_a_good_token_is_never_fetched(
    bot: ListeningBot, teams: TeamsSandbox, activity: dict[str, Any]
) -> None:
    token = teams.issuer.mint(
        service_url=teams.service_url, headers={"jku": f"{teams.login_url}/elsewhere"}
    )
    assert (await teams.post(activity, token=token)).status == 200
    assert [r.path for r in teams.requests] == []


@pytest.mark.parametrize("endorsements", [(), ("webchat",)])
async def test_check_16_a_key_without_endorsement_for_teams_is_refused(
    bot: ListeningBot,
    teams: TeamsSandbox,
    activity: dict[str, Any],
    endorsements: tuple[str, ...],
) -> None:
    await teams.issuer.rotate_keys(endorsements=endorsements)
    assert (await teams.post(activity)).status == 401
    assert bot.events == []


async def test_check_16_two_authorization_headers_are_refused(
    bot: ListeningBot, teams: TeamsSandbox, activity: dict[str, Any]
) -> None:
    good = f"Bearer {teams.issuer.mint(service_url=teams.service_url)}"
    headers = [("Authorization", good), ("Authorization", good)]
    async with (
        aiohttp.ClientSession() as session,
        session.post(bot.url, json=activity, headers=headers) as response,
    ):
        assert response.status == 401
    assert bot.events == []


async def test_check_16_what_the_sender_claims_cannot_forge_log_lines(
    bot: ListeningBot,
    teams: TeamsSandbox,
    activity: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    token = teams.issuer.mint(service_url=teams.service_url, kid="x\nERROR all is lost" * 40)
    with caplog.at_level(logging.WARNING, "pullcord.security"):
        await teams.post(activity, token=token)
    (line,) = [r.getMessage() for r in caplog.records if r.name == "pullcord.security"]
    assert "\n" not in line
    assert len(line) < 500


@pytest.mark.parametrize(("minutes", "status"), [(4, 200), (6, 401)])
async def test_check_13_clocks_may_differ_by_four_minutes_and_not_by_six(
    bot: ListeningBot, teams: TeamsSandbox, activity: dict[str, Any], minutes: int, status: int
) -> None:
    now = int(bot.clock().timestamp())
    late = teams.issuer.mint({"exp": now - minutes * 60}, service_url=teams.service_url)
    early = teams.issuer.mint({"nbf": now + minutes * 60}, service_url=teams.service_url)
    assert (await teams.post(activity, token=late)).status == status
    assert (await teams.post(activity, token=early)).status == status


async def test_check_17_rotated_keys_are_accepted_after_one_refresh(
    bot: ListeningBot, teams: TeamsSandbox, activity: dict[str, Any]
) -> None:
    before = teams.issuer.keys_fetches
    await teams.issuer.rotate_keys()
    assert (await teams.post(activity)).status == 200
    assert (await teams.post(activity)).status == 200
    assert teams.issuer.keys_fetches == before + 1


async def test_check_17_random_kids_cause_one_refresh_a_minute(
    bot: ListeningBot, teams: TeamsSandbox, activity: dict[str, Any], clock: SetClock
) -> None:
    before = teams.issuer.keys_fetches
    for second in range(120):
        token = teams.issuer.mint(service_url=teams.service_url, kid=f"random-{second}")
        assert (await teams.post(activity, token=token)).status == 401
        clock.move(seconds=1)
    assert teams.issuer.keys_fetches - before == 2


async def test_check_13_a_clock_set_back_does_not_stop_key_refreshes(
    bot: ListeningBot, teams: TeamsSandbox, activity: dict[str, Any], clock: SetClock
) -> None:
    await teams.post(activity, token=teams.issuer.mint(service_url=teams.service_url, kid="who"))
    clock.move(hours=-1)
    await teams.issuer.rotate_keys()
    assert (await teams.post(activity)).status == 200


async def test_keys_stay_good_while_the_issuer_is_down_for_days(
    bot: ListeningBot, teams: TeamsSandbox, activity: dict[str, Any], clock: SetClock
) -> None:
    teams.faults.add(path="well-known", status=500)
    clock.move(days=3)
    assert (await teams.post(activity)).status == 200
    assert len([r for r in teams.requests if "well-known" in r.path]) == 1


async def test_without_any_key_the_answer_is_503_and_recovers(
    teams: TeamsSandbox, session: aiohttp.ClientSession, clock: SetClock
) -> None:
    bot = ListeningBot(teams, session, clock)
    runner = await bot.listen(config_for(teams))
    try:
        maya = teams.add_person("Maya Sample", "maya@example.com")
        outage = teams.faults.add(path="well-known", drop=True)
        answers = await teams.install(maya)
        assert [a.status for a in answers] == [503, 503]
        teams.faults.remove(outage)
        clock.move(seconds=6)
        assert (await teams.say(maya, teams.personal_chat(maya), "help")).status == 200
    finally:
        await runner.cleanup()


async def test_an_issuer_that_never_answers_is_given_up_and_holds_nobody_up(
    teams: TeamsSandbox,
    session: aiohttp.ClientSession,
    clock: SetClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The time for a fetch is made short here, so that nobody waits ten seconds."""
    monkeypatch.setattr(signing_keys, "FETCH_TIMEOUT_S", 0.2)
    bot = ListeningBot(teams, session, clock)
    runner = await bot.listen(config_for(teams))
    try:
        hang = teams.faults.add(path="well-known", hang=True)
        maya = teams.add_person("Maya Sample", "maya@example.com")
        assert {answer.status for answer in await teams.install(maya)} == {503}
        teams.faults.remove(hang)
        clock.move(seconds=6)
        assert (await teams.say(maya, teams.personal_chat(maya), "help")).status == 200
        hang = teams.faults.add(path="well-known", hang=True)
        clock.move(days=3)  # time for new keys: the known ones stay good meanwhile
        assert (await teams.say(maya, teams.personal_chat(maya), "help")).status == 200
    finally:
        await runner.cleanup()


async def test_a_redirect_of_the_issuer_is_not_followed(
    teams: TeamsSandbox, session: aiohttp.ClientSession, clock: SetClock
) -> None:
    bot = ListeningBot(teams, session, clock)
    runner = await bot.listen(config_for(teams))
    try:
        location = {"Location": f"{teams.login_url}/v1/.well-known/keys"}
        teams.faults.add(path="openidconfiguration", status=307, headers=location)
        maya = teams.add_person("Maya Sample", "maya@example.com")
        assert {a.status for a in await teams.install(maya)} == {503}
        assert teams.issuer.keys_fetches == 0
    finally:
        await runner.cleanup()
