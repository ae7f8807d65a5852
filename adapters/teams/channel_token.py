"""Whether a request comes from Teams: the token of the Bot Framework's channel service.

https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-authentication
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jwt

from adapters.teams.refusals import Refused
from adapters.teams.signing_keys import SigningKeys
from bot.ports import Clock

LEEWAY_S = 300
ALGORITHM = "RS256"

# PyJWT checks the signature only: it reads the computer's clock, and ours is injected.
_SIGNATURE_ONLY: Any = {
    f"verify_{claim}": False for claim in ("exp", "nbf", "iat", "aud", "iss", "sub", "jti")
}
_UNVERIFIED: Any = {**_SIGNATURE_ONLY, "verify_signature": False}
# Hostile tokens make the parsers raise more than their own errors.
_UNREADABLE = (jwt.PyJWTError, ValueError, TypeError, RecursionError)


@dataclass(frozen=True, slots=True)
class ChannelToken:
    """What a token that holds says: for which service URL, and which channels its key may use."""

    service_url: str
    endorsements: frozenset[str]


class ChannelTokens:
    """Checks tokens. Everything that needs no key is checked before a key is looked for."""

    def __init__(self, keys: SigningKeys, *, app_id: str, issuer: str, clock: Clock) -> None:
        self._keys = keys
        self._app_id = app_id
        self._issuer = issuer
        self._clock = clock

    async def verify(self, authorization: Sequence[str]) -> ChannelToken:
        """Check the Authorization headers of a request.

        Raises:
            Refused: 401, with the reason.
            KeysUnavailable: no key could be fetched yet.
        """
        token = _bearer(authorization)
        try:
            header = jwt.get_unverified_header(token)
            claims = jwt.decode(token, options=_UNVERIFIED)
        except _UNREADABLE as error:
            raise Refused(401, "the token cannot be read", type(error).__name__) from None
        kid = self._check_header(header)
        self._check_claims(claims)
        key = await self._keys.get(kid)
        if key is None:
            raise Refused(401, "the token is signed with an unknown key", f"kid {kid}")
        try:
            jwt.decode(token, key.public_key, algorithms=[ALGORITHM], options=_SIGNATURE_ONLY)
        except _UNREADABLE as error:
            raise Refused(
                401, "the token's signature is wrong", f"{type(error).__name__}, kid {kid}"
            ) from None
        return ChannelToken(claims["serviceurl"], key.endorsements)

    def _check_header(self, header: Mapping[str, Any]) -> str:
        if header.get("alg") != ALGORITHM:
            raise Refused(401, "the token's algorithm is not RS256", f"alg {header.get('alg')}")
        if "crit" in header:
            raise Refused(401, "the token demands an extension that is not known")
        kid = header.get("kid")
        if not isinstance(kid, str) or not kid:
            raise Refused(401, "the token names no key")
        return kid

    def _check_claims(self, claims: Mapping[str, Any]) -> None:
        if claims.get("iss") != self._issuer:
            raise Refused(401, "the token's issuer is not Teams", f"iss {claims.get('iss')}")
        if claims.get("aud") != self._app_id:
            raise Refused(401, "the token is for another bot", f"aud {claims.get('aud')}")
        now = self._clock().timestamp()
        expires, starts = _number(claims, "exp"), _number(claims, "nbf")
        if not now < expires + LEEWAY_S:
            raise Refused(401, "the token has expired")
        if not starts - LEEWAY_S <= now:
            raise Refused(401, "the token is not valid yet")
        if not isinstance(claims.get("serviceurl"), str) or not claims["serviceurl"]:
            raise Refused(401, "the token names no service URL")


def _bearer(authorization: Sequence[str]) -> str:
    if not authorization:
        raise Refused(401, "no Authorization header")
    if len(authorization) > 1:
        raise Refused(401, "more than one Authorization header")
    scheme, _, token = authorization[0].strip().partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token or " " in token or "," in token:
        raise Refused(401, "the Authorization header is not one bearer token")
    return token


def _number(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Refused(401, f"the token has no usable {name}")
    return value
