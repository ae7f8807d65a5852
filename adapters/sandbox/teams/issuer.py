"""The Bot Framework's token issuer: signing keys, their publication, and tokens good and hostile.

What the bot must check: https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-authentication
"""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any
from uuid import uuid4

import jwt
from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

ISSUER = "https://api.botframework.com"
METADATA_PATH = "/v1/.well-known/openidconfiguration"
KEYS_PATH = "/v1/.well-known/keys"
TOKEN_LIFETIME_S = 3600
KEY_BITS = 2048


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An RSA key pair with the id and the endorsements under which it is published."""

    kid: str
    private_key: rsa.RSAPrivateKey = field(repr=False)
    endorsements: tuple[str, ...] = ("msteams",)

    @property
    def public_pem(self) -> bytes:
        """The public key; an attacker has it, and may use it as an HMAC secret."""
        return self.private_key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    def as_jwk(self) -> dict[str, Any]:
        """The public half as the issuer publishes it (RFC 7517, with Microsoft's endorsements)."""
        jwk = jwt.algorithms.RSAAlgorithm.to_jwk(self.private_key.public_key(), as_dict=True)
        return {
            **{name: jwk[name] for name in ("kty", "n", "e")},
            "use": "sig",
            "kid": self.kid,
            "x5t": self.kid,
            "endorsements": list(self.endorsements),
        }


def _new_key(endorsements: tuple[str, ...] = ("msteams",)) -> SigningKey:
    private_key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    return SigningKey(uuid4().hex, private_key, endorsements)


_first_key = cache(_new_key)


class TokenIssuer:
    """Publishes signing keys and signs the tokens that come with every activity.

    Attributes:
        keys: What is published now; the last one signs.
        metadata_fetches: How often the OpenID document was asked for.
        keys_fetches: How often the key set was asked for.
    """

    def __init__(self, app_id: str, clock: Callable[[], datetime]) -> None:
        self._app_id = app_id
        self._clock = clock
        self.keys: list[SigningKey] = []
        self.metadata_fetches = 0
        self.keys_fetches = 0

    @property
    def key(self) -> SigningKey:
        """The key that signs now."""
        if not self.keys:
            raise RuntimeError("the sandbox Teams has no keys before start()")
        return self.keys[-1]

    async def publish_first_key(self) -> None:
        """Publish the process's own key, if nothing is published yet.

        Making a key takes as long as a hundred requests; sandboxes that do not rotate share one.
        """
        if not self.keys:
            self.keys = [await asyncio.to_thread(_first_key)]

    async def make_key(self, *, endorsements: tuple[str, ...] = ("msteams",)) -> SigningKey:
        """Make a key that is not published: for tokens of a stranger."""
        return await asyncio.to_thread(_new_key, endorsements)

    async def rotate_keys(
        self, *, keep_old: bool = False, endorsements: tuple[str, ...] = ("msteams",)
    ) -> SigningKey:
        """Publish a new key and sign with it; the old ones are withdrawn unless `keep_old`."""
        new = await self.make_key(endorsements=endorsements)
        self.keys = [*self.keys, new] if keep_old else [new]
        return new

    def mint(
        self,
        claims_override: Mapping[str, Any] | None = None,
        *,
        service_url: str,
        key: SigningKey | None = None,
        kid: str | None = None,
        alg: str = "RS256",
        secret: bytes | None = None,
        headers: Mapping[str, Any] | None = None,
    ) -> str:
        """Make a token as the channel would, or a hostile one.

        Args:
            claims_override: Claims to change; None as a value takes the claim out.
            service_url: The `serviceurl` claim.
            key: Signs instead of the published key.
            kid: The header's key id, if not the signing key's; "" leaves it out.
            alg: RS256, RS384, RS512; `none` (no signature); HS256 (HMAC with `secret`).
            secret: For HS256, without it the public key's PEM, as in the well-known attack.
            headers: More header fields (`jku`, `x5u`, …).
        """
        signer = key or self.key
        now = int(self._clock().timestamp())
        claims: dict[str, Any] = {
            "serviceurl": service_url,
            "nbf": now - 60,
            "exp": now + TOKEN_LIFETIME_S,
            "iss": ISSUER,
            "aud": self._app_id,
            **(claims_override or {}),
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        header = {"typ": "JWT", "alg": alg, "kid": signer.kid if kid is None else kid}
        header = {**{k: v for k, v in header.items() if v}, **(headers or {})}
        if alg.startswith("RS"):
            return jwt.encode(claims, signer.private_key, algorithm=alg, headers=header)
        # By hand: PyJWT refuses, rightly, to sign with none or with a PEM as an HMAC secret.
        signed = f"{_base64url(header)}.{_base64url(claims)}"
        if alg == "none":
            return f"{signed}."
        if alg != "HS256":
            raise ValueError(f"{alg} is not an algorithm the sandbox can sign with")
        digest = hmac.new(secret or signer.public_pem, signed.encode(), hashlib.sha256).digest()
        return f"{signed}.{_unpadded(digest)}"

    def routes(self) -> list[web.RouteDef]:
        """The two published documents."""
        return [web.get(METADATA_PATH, self._metadata), web.get(KEYS_PATH, self._keys)]

    async def _metadata(self, request: web.Request) -> web.Response:
        self.metadata_fetches += 1
        return web.json_response(
            {
                "issuer": ISSUER,
                "authorization_endpoint": "https://invalid.botframework.com",
                "jwks_uri": f"{request.url.origin()}{KEYS_PATH}",
                "id_token_signing_alg_values_supported": ["RS256"],
                "token_endpoint_auth_methods_supported": ["private_key_jwt"],
            }
        )

    async def _keys(self, request: web.Request) -> web.Response:
        self.keys_fetches += 1
        return web.json_response({"keys": [key.as_jwk() for key in self.keys]})


def _base64url(value: Mapping[str, Any]) -> str:
    return _unpadded(json.dumps(value, separators=(",", ":")).encode())


def _unpadded(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
