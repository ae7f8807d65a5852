"""The identity platform's token endpoint, client credentials only.

https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
https://learn.microsoft.com/entra/identity-platform/reference-error-codes
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hmac import compare_digest
from uuid import uuid4

import jwt
from aiohttp import web

CONNECTOR_SCOPE = "https://api.botframework.com/.default"
AZURE_DEVOPS_SCOPE = "499b84ac-1321-427f-aa17-267ca6975798/.default"
SCOPES = (CONNECTOR_SCOPE, AZURE_DEVOPS_SCOPE)
# Bots of the multi-tenant kind ask here instead of at their own tenant.
BOT_FRAMEWORK_TENANT = "botframework.com"
TOKEN_LIFETIME_S = 3599


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """An access token that was handed out."""

    value: str = field(repr=False)
    client_id: str
    tenant: str
    scope: str
    expires_at: datetime


class LoginService:
    """Answers token requests and remembers every token.

    Attributes:
        token_calls: How often a token was asked for, refused ones too.
        issued_tokens: By value; the connector and an Azure DevOps sandbox accept what stands here.
        lifetime_s: Of the next tokens, in seconds.
    """

    def __init__(self, tenant_id: str, clock: Callable[[], datetime]) -> None:
        self._tenant_id = tenant_id
        self._clock = clock
        self._apps: dict[str, str] = {}
        self._signing_secret = secrets.token_bytes(32)
        self.token_calls = 0
        self.issued_tokens: dict[str, IssuedToken] = {}
        self.lifetime_s = TOKEN_LIFETIME_S

    def register(self, client_id: str, secret: str) -> None:
        """Let an application ask for tokens, or change its secret."""
        self._apps[client_id] = secret

    def is_valid(self, token: str, scope: str) -> bool:
        """Whether this token was issued for `scope` and still lives."""
        issued = self.issued_tokens.get(token)
        return issued is not None and issued.scope == scope and issued.expires_at > self._clock()

    def revoke_tokens(self) -> None:
        """Make every token handed out so far worthless."""
        self.issued_tokens.clear()

    def routes(self) -> list[web.RouteDef]:
        """The token endpoint of every tenant."""
        return [web.post("/{tenant}/oauth2/v2.0/token", self._token)]

    async def _token(self, request: web.Request) -> web.Response:
        self.token_calls += 1
        tenant = request.match_info["tenant"]
        form = {name: str(value) for name, value in (await request.post()).items()}
        client_id, scope = form.get("client_id", ""), form.get("scope", "")
        if tenant not in (self._tenant_id, BOT_FRAMEWORK_TENANT):
            return self._refuse(400, "invalid_request", 90002, f"Tenant '{tenant}' not found.")
        if form.get("grant_type") != "client_credentials":
            return self._refuse(
                400, "unsupported_grant_type", 70003, "The grant type is not supported."
            )
        if client_id not in self._apps:
            return self._refuse(
                400,
                "unauthorized_client",
                700016,
                f"Application with identifier '{client_id}' was not found in the directory.",
            )
        if not compare_digest(form.get("client_secret", ""), self._apps[client_id]):
            return self._refuse(401, "invalid_client", 7000215, "Invalid client secret provided.")
        if not scope.endswith("/.default"):
            return self._refuse(
                400, "invalid_scope", 1002012, f"The value for scope {scope} is not valid."
            )
        if scope not in SCOPES:
            return self._refuse(
                400, "invalid_resource", 500011, f"The resource of {scope} was not found."
            )
        return web.json_response(
            {
                "token_type": "Bearer",
                "expires_in": self.lifetime_s,
                "ext_expires_in": self.lifetime_s,
                "access_token": self._issue(client_id, tenant, scope).value,
            },
            headers={"Cache-Control": "no-store"},
        )

    def _issue(self, client_id: str, tenant: str, scope: str) -> IssuedToken:
        expires_at = self._clock() + timedelta(seconds=self.lifetime_s)
        claims = {
            "aud": scope.removesuffix("/.default"),
            "appid": client_id,
            "tid": tenant,
            "exp": int(expires_at.timestamp()),
            "jti": uuid4().hex,
        }
        value = jwt.encode(claims, self._signing_secret, algorithm="HS256")
        token = IssuedToken(value, client_id, tenant, scope, expires_at)
        self.issued_tokens[value] = token
        return token

    def _refuse(self, status: int, error: str, code: int, why: str) -> web.Response:
        trace_id, correlation_id = str(uuid4()), str(uuid4())
        at = self._clock().strftime("%Y-%m-%d %H:%M:%SZ")
        return web.json_response(
            {
                "error": error,
                "error_description": f"AADSTS{code}: {why} Trace ID: {trace_id} "
                f"Correlation ID: {correlation_id} Timestamp: {at}",
                "error_codes": [code],
                "timestamp": at,
                "trace_id": trace_id,
                "correlation_id": correlation_id,
                "error_uri": f"https://login.microsoftonline.com/error?code={code}",
            },
            status=status,
        )
