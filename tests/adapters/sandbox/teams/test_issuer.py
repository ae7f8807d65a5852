"""Tokens are checked here as a bot checks them: keys fetched over HTTP, signatures verified."""

import base64
import hashlib
import hmac
from typing import Any

import aiohttp
import jwt
import pytest

from adapters.sandbox.teams import TeamsSandbox
from tests.adapters.sandbox.teams.conftest import APP_ID, ManualClock

OPTIONS = {"verify_exp": False, "verify_nbf": False}


async def published(sandbox: TeamsSandbox) -> dict[str, dict[str, Any]]:
    """The signing keys by id, found as the OpenID document says."""
    async with aiohttp.ClientSession() as session:
        async with session.get(sandbox.openid_metadata_url) as response:
            metadata = await response.json()
        assert metadata["issuer"] == sandbox.token_issuer == "https://api.botframework.com"
        async with session.get(metadata["jwks_uri"]) as response:
            return {key["kid"]: key for key in (await response.json())["keys"]}


async def verify(sandbox: TeamsSandbox, token: str) -> dict[str, Any]:
    """The claims, if signature, audience and issuer are good. Time is the tests' own."""
    keys = await published(sandbox)
    kid = jwt.get_unverified_header(token).get("kid", "")
    if kid not in keys:
        raise jwt.InvalidKeyError(f"unknown kid {kid}")
    key = jwt.PyJWK(keys[kid], algorithm="RS256")
    issuer = sandbox.token_issuer
    return jwt.decode(token, key, ["RS256"], audience=APP_ID, issuer=issuer, options=OPTIONS)  # type: ignore[arg-type]  # PyJWT's own Options is private


async def test_a_good_token_verifies_against_the_published_keys(
    sandbox: TeamsSandbox, clock: ManualClock
) -> None:
    claims = await verify(sandbox, sandbox.issuer.mint(service_url=sandbox.service_url))

    assert claims["serviceurl"] == sandbox.service_url
    assert claims["nbf"] < clock.now().timestamp() < claims["exp"]


async def test_the_published_keys_are_endorsed_for_teams_and_fetches_are_counted(
    sandbox: TeamsSandbox,
) -> None:
    keys = await published(sandbox)

    assert [key["endorsements"] for key in keys.values()] == [["msteams"]]
    assert "d" not in next(iter(keys.values()))
    assert (sandbox.issuer.metadata_fetches, sandbox.issuer.keys_fetches) == (1, 1)


async def test_a_rotated_key_replaces_the_old_one_and_old_tokens_fail(
    sandbox: TeamsSandbox,
) -> None:
    old = sandbox.issuer.mint(service_url=sandbox.service_url)
    await sandbox.issuer.rotate_keys()

    assert await verify(sandbox, sandbox.issuer.mint(service_url=sandbox.service_url))
    with pytest.raises(jwt.InvalidKeyError):
        await verify(sandbox, old)


async def test_a_rotation_that_keeps_the_old_key_accepts_both(sandbox: TeamsSandbox) -> None:
    old = sandbox.issuer.mint(service_url=sandbox.service_url)
    await sandbox.issuer.rotate_keys(keep_old=True)

    assert await verify(sandbox, old)
    assert await verify(sandbox, sandbox.issuer.mint(service_url=sandbox.service_url))


async def test_a_key_without_endorsement_can_be_published(sandbox: TeamsSandbox) -> None:
    await sandbox.issuer.rotate_keys(endorsements=())

    assert [key["endorsements"] for key in (await published(sandbox)).values()] == [[]]


async def test_hostile_tokens_are_refused_by_a_right_check(sandbox: TeamsSandbox) -> None:
    """The tokens of CHECKS 16 that a signature, audience or issuer check refuses."""
    issuer, url = sandbox.issuer, sandbox.service_url
    stranger = await issuer.make_key()
    hostile = {
        "alg none": issuer.mint(service_url=url, alg="none"),
        "HS256 with the public key": issuer.mint(service_url=url, alg="HS256"),
        "wrong aud": issuer.mint({"aud": "somebody else"}, service_url=url),
        "wrong iss": issuer.mint({"iss": "https://login.example.com"}, service_url=url),
        "unknown kid": issuer.mint(service_url=url, kid="nobody"),
        "no kid": issuer.mint(service_url=url, kid=""),
        "a stranger's key": issuer.mint(service_url=url, key=stranger),
        "kid of another key": issuer.mint(service_url=url, key=stranger, kid=issuer.key.kid),
        "jku": issuer.mint(
            service_url=url,
            key=stranger,
            kid=issuer.key.kid,
            headers={"jku": "http://127.0.0.1/keys"},
        ),
    }
    for name, token in hostile.items():
        with pytest.raises(jwt.PyJWTError):
            await verify(sandbox, token)
            pytest.fail(f"accepted: {name}")


async def test_an_hs256_token_is_signed_with_the_public_key_that_everybody_has(
    sandbox: TeamsSandbox,
) -> None:
    token = sandbox.issuer.mint(service_url=sandbox.service_url, alg="HS256")
    signed, _, signature = token.rpartition(".")
    # PyJWT would not take a PEM for HMAC, which is the point of the attack.
    digest = hmac.new(sandbox.issuer.key.public_pem, signed.encode(), hashlib.sha256).digest()

    assert jwt.get_unverified_header(token)["alg"] == "HS256"
    assert base64.urlsafe_b64decode(signature + "=") == digest


async def test_an_hs256_token_can_have_any_secret(sandbox: TeamsSandbox) -> None:
    token = sandbox.issuer.mint(service_url=sandbox.service_url, alg="HS256", secret=b"x" * 32)

    assert jwt.decode(token, b"x" * 32, ["HS256"], audience=APP_ID, options=OPTIONS)  # type: ignore[arg-type]  # PyJWT's own Options is private


async def test_claims_can_be_moved_in_time_and_taken_out(
    sandbox: TeamsSandbox, clock: ManualClock
) -> None:
    now = int(clock.now().timestamp())
    token = sandbox.issuer.mint(
        {"exp": now - 600, "nbf": now + 600, "serviceurl": None}, service_url=sandbox.service_url
    )
    claims = await verify(sandbox, token)

    assert (claims["exp"], claims["nbf"]) == (now - 600, now + 600)
    assert "serviceurl" not in claims


async def test_an_unknown_algorithm_is_an_error_of_the_test(sandbox: TeamsSandbox) -> None:
    with pytest.raises(ValueError, match="ES256"):
        sandbox.issuer.mint(service_url=sandbox.service_url, alg="ES256")
