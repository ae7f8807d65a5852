"""The token endpoint: what it hands out and what it refuses."""

from typing import Any

import aiohttp
import pytest

from adapters.sandbox.teams import TeamsSandbox
from adapters.sandbox.teams.login import AZURE_DEVOPS_SCOPE, CONNECTOR_SCOPE
from tests.adapters.sandbox.teams.conftest import (
    APP_ID,
    APP_PASSWORD,
    TENANT_ID,
    ConnectorClient,
    ManualClock,
)

GOOD = {
    "grant_type": "client_credentials",
    "client_id": APP_ID,
    "client_secret": APP_PASSWORD,
    "scope": CONNECTOR_SCOPE,
}


async def ask(sandbox: TeamsSandbox, tenant: str = TENANT_ID, **changes: str) -> tuple[int, Any]:
    url = f"{sandbox.login_url}/{tenant}/oauth2/v2.0/token"
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, data=GOOD | changes) as response,
    ):
        return response.status, await response.json()


async def test_the_right_secret_gets_a_bearer_token(sandbox: TeamsSandbox) -> None:
    status, body = await ask(sandbox)

    assert status == 200
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 3599)
    assert body["access_token"].count(".") == 2
    assert sandbox.login.token_calls == 1


async def test_a_bot_of_the_multi_tenant_kind_asks_at_the_bot_framework(
    sandbox: TeamsSandbox,
) -> None:
    assert (await ask(sandbox, "botframework.com"))[0] == 200


async def test_a_token_for_azure_devops_is_not_one_for_the_connector(
    sandbox: TeamsSandbox, client: ConnectorClient
) -> None:
    _, body = await ask(sandbox, scope=AZURE_DEVOPS_SCOPE)
    issued = sandbox.login.issued_tokens[body["access_token"]]
    client.token = issued.value

    assert issued.scope == AZURE_DEVOPS_SCOPE
    assert sandbox.login.is_valid(issued.value, AZURE_DEVOPS_SCOPE)
    assert (await client.call("POST", "v3/conversations", {}))[0] == 401


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"client_secret": "wrong"}, 401, "AADSTS7000215"),
        ({"client_id": "nobody"}, 400, "AADSTS700016"),
        ({"scope": "https://api.botframework.com"}, 400, "AADSTS1002012"),
        ({"scope": "https://graph.example.com/.default"}, 400, "AADSTS500011"),
        ({"grant_type": "password"}, 400, "AADSTS70003"),
        ({"tenant": "elsewhere"}, 400, "AADSTS90002"),
    ],
)
async def test_a_wrong_request_is_refused_with_its_code(
    sandbox: TeamsSandbox, changes: dict[str, str], status: int, code: str
) -> None:
    answered, body = await ask(sandbox, **changes)

    assert answered == status
    assert body["error_description"].startswith(f"{code}:")
    assert body["error_codes"] == [int(code.removeprefix("AADSTS"))]
    assert sandbox.login.issued_tokens == {}
    assert APP_PASSWORD not in str(body)


async def test_another_application_can_be_registered(sandbox: TeamsSandbox) -> None:
    sandbox.login.register("service-principal", "its-secret")

    status, _ = await ask(
        sandbox,
        client_id="service-principal",
        client_secret="its-secret",
        scope=AZURE_DEVOPS_SCOPE,
    )
    assert status == 200


async def test_a_token_ends_with_its_lifetime(
    sandbox: TeamsSandbox, client: ConnectorClient, clock: ManualClock
) -> None:
    clock.advance(3598)
    assert sandbox.login.is_valid(client.token, CONNECTOR_SCOPE)
    clock.advance(1)
    assert not sandbox.login.is_valid(client.token, CONNECTOR_SCOPE)


async def test_no_token_shows_in_a_repr(sandbox: TeamsSandbox, client: ConnectorClient) -> None:
    await client.call("POST", "v3/conversations", {})

    assert client.token not in repr(list(sandbox.login.issued_tokens.values()))
    assert client.token not in repr(sandbox.requests)
    assert APP_PASSWORD not in repr(sandbox.requests)
