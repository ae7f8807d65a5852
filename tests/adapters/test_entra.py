"""Tokens from Entra ID, against the sandbox's token endpoint and a metadata service of our own."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from adapters.entra import (
    AZURE_DEVOPS_SCOPE,
    ClientCredentials,
    EntraRefused,
    EntraUnreachable,
    ManagedIdentity,
)
from adapters.sandbox.teams import TeamsSandbox
from tests.adapters.teams.listening_bot import APP_ID, APP_PASSWORD, TENANT_ID, SetClock


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
async def teams(clock: SetClock) -> AsyncIterator[TeamsSandbox]:
    sandbox = TeamsSandbox(
        app_id=APP_ID, app_password=APP_PASSWORD, tenant_id=TENANT_ID, clock=clock
    )
    await sandbox.start()
    yield sandbox
    await sandbox.stop()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


def _credentials(
    teams: TeamsSandbox,
    session: aiohttp.ClientSession,
    clock: SetClock,
    *,
    secret: str = APP_PASSWORD,
    tenant: str = TENANT_ID,
) -> ClientCredentials:
    return ClientCredentials(
        session,
        login_url=teams.login_url,
        tenant=tenant,
        client_id=APP_ID,
        secret=secret,
        scope=AZURE_DEVOPS_SCOPE,
        clock=clock,
    )


async def test_callers_side_by_side_share_one_token(
    teams: TeamsSandbox, session: aiohttp.ClientSession, clock: SetClock
) -> None:
    source = _credentials(teams, session, clock)
    tokens = await asyncio.gather(*(source.token() for _ in range(50)))
    assert len(set(tokens)) == 1
    assert teams.login.token_calls == 1
    assert teams.login.is_valid(tokens[0], AZURE_DEVOPS_SCOPE)


async def test_a_token_is_renewed_five_minutes_before_its_end(
    teams: TeamsSandbox, session: aiohttp.ClientSession, clock: SetClock
) -> None:
    source = _credentials(teams, session, clock)
    first = await source.token()
    clock.move(seconds=3599 - 301)
    assert await source.token() == first
    clock.move(seconds=2)
    assert await source.token() != first


async def test_while_entra_is_down_the_old_token_serves_to_its_end(
    teams: TeamsSandbox, session: aiohttp.ClientSession, clock: SetClock
) -> None:
    source = _credentials(teams, session, clock)
    first = await source.token()
    outage = teams.faults.add(path="oauth2", status=503)
    clock.move(seconds=3599 - 200)
    for _ in range(3):
        assert await source.token() == first
    assert outage.hits == 1
    clock.move(seconds=201)
    with pytest.raises(EntraUnreachable, match="503"):
        await source.token()


async def test_check_13_a_clock_set_back_fetches_anew_instead_of_trusting_the_old_expiry(
    teams: TeamsSandbox, session: aiohttp.ClientSession, clock: SetClock
) -> None:
    source = _credentials(teams, session, clock)
    first = await source.token()
    clock.move(hours=-1)
    second = await source.token()
    assert second != first
    assert await source.token() == second


async def test_a_forgotten_token_is_fetched_anew_and_only_that_one_is_forgotten(
    teams: TeamsSandbox, session: aiohttp.ClientSession, clock: SetClock
) -> None:
    source = _credentials(teams, session, clock)
    first = await source.token()
    source.forget(first)
    clock.move(seconds=1)
    second = await source.token()
    assert second != first
    source.forget(first)
    assert await source.token() == second


async def test_a_wrong_secret_is_told_by_its_code_without_the_secret(
    teams: TeamsSandbox, session: aiohttp.ClientSession, clock: SetClock
) -> None:
    source = _credentials(teams, session, clock, secret="canary-secret")
    with pytest.raises(EntraRefused, match="client secret is wrong") as caught:
        await source.token()
    assert caught.value.code == "7000215"
    assert "canary-secret" not in f"{caught.value!r} {vars(caught.value)} {source!r}"


async def test_an_unknown_tenant_is_told(
    teams: TeamsSandbox, session: aiohttp.ClientSession, clock: SetClock
) -> None:
    with pytest.raises(EntraRefused, match="tenant is not known"):
        await _credentials(teams, session, clock, tenant="nowhere.example").token()


@pytest.mark.parametrize(
    "body", ["<html>", "[]", '{"access_token": "t"}', '{"access_token": 5, "expires_in": 9}']
)
async def test_an_answer_without_a_usable_token_is_an_error(
    teams: TeamsSandbox, session: aiohttp.ClientSession, clock: SetClock, body: str
) -> None:
    teams.faults.add(path="oauth2", status=200, body=body)
    with pytest.raises(EntraUnreachable, match="without a usable token"):
        await _credentials(teams, session, clock).token()


async def test_a_dropped_connection_or_redirect_gives_no_token(
    teams: TeamsSandbox, session: aiohttp.ClientSession, clock: SetClock
) -> None:
    drop = teams.faults.add(path="oauth2", drop=True)
    with pytest.raises(EntraUnreachable, match="cannot be reached"):
        await _credentials(teams, session, clock).token()
    teams.faults.remove(drop)
    location = {"Location": f"{teams.login_url}/elsewhere"}
    teams.faults.add(path="oauth2", status=307, headers=location)
    with pytest.raises(EntraRefused):
        await _credentials(teams, session, clock).token()
    assert [r for r in teams.requests if r.path == "/elsewhere"] == []


async def test_a_managed_identity_asks_the_metadata_service(
    session: aiohttp.ClientSession, clock: SetClock
) -> None:
    asked: list[web.Request] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request)
        return web.json_response({"access_token": "from-imds", "expires_in": "86399"})

    application = web.Application()
    application.router.add_get("/token", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    source = ManagedIdentity(
        session,
        client_id=APP_ID,
        resource="https://api.botframework.com",
        clock=clock,
        url=f"http://127.0.0.1:{runner.addresses[0][1]}/token",
    )
    assert [await source.token(), await source.token()] == ["from-imds"] * 2
    (request,) = asked
    assert request.headers["Metadata"] == "true"
    assert dict(request.query) == {
        "api-version": "2018-02-01",
        "resource": "https://api.botframework.com",
        "client_id": APP_ID,
    }
    await runner.cleanup()
