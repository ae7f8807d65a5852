"""Access tokens of a service principal (OAuth 2.0 client credentials, Microsoft Entra).

Azure DevOps does not want them decoded: they are opaque, and good for what ``expires_in`` says.
"""

import asyncio
from datetime import datetime, timedelta

import httpx

from bot.ports import AuthenticationFailed, Clock, Unreachable

AZURE_DEVOPS_SCOPE = "499b84ac-1321-427f-aa17-267ca6975798/.default"
DEFAULT_LOGIN_URL = "https://login.microsoftonline.com"
REFRESH_BEFORE = timedelta(minutes=5)
TIMEOUT_S = 5.0


class ServicePrincipalTokens:
    """Gives a valid token; asks for a new one five minutes before the old one ends.

    Calls that come while one is being fetched wait for that one.
    """

    def __init__(
        self,
        *,
        tenant_id: str,
        client_id: str,
        client_secret: str,
        clock: Clock,
        http: httpx.AsyncClient,
        login_url: str = DEFAULT_LOGIN_URL,
    ) -> None:
        self._url = f"{login_url.rstrip('/')}/{tenant_id}/oauth2/v2.0/token"
        self._form = {
            "grant_type": "client_credentials",
            "client_id": client_id,
            "client_secret": client_secret,
            "scope": AZURE_DEVOPS_SCOPE,
        }
        self._clock = clock
        self._http = http
        self._fetching = asyncio.Lock()
        self._token = ""
        self._fetched_at: datetime | None = None
        self._lifetime = timedelta(0)

    def __repr__(self) -> str:
        return f"ServicePrincipalTokens({self._form['client_id']!r})"

    async def __call__(self) -> str:
        """A token for Azure DevOps. Raises AuthenticationFailed or Unreachable."""
        async with self._fetching:
            if not self._is_fresh():
                await self._fetch()
            return self._token

    def _is_fresh(self) -> bool:
        if self._fetched_at is None:
            return False
        age = self._clock() - self._fetched_at
        # A negative age: the clock was set back, so the token's end is not known any more.
        return timedelta(0) <= age < self._lifetime - REFRESH_BEFORE

    async def _fetch(self) -> None:
        asked_at = self._clock()
        try:
            answer = await self._http.post(
                self._url, data=self._form, timeout=TIMEOUT_S, follow_redirects=False
            )
        except httpx.HTTPError:
            raise Unreachable("Microsoft Entra cannot be reached for an access token") from None
        if answer.status_code >= 500:
            raise Unreachable(f"Microsoft Entra answered with status {answer.status_code}")
        token, lifetime_s = _token_of(answer)
        self._token, self._fetched_at = token, asked_at
        self._lifetime = timedelta(seconds=lifetime_s)


def _token_of(answer: httpx.Response) -> tuple[str, int]:
    """(token, its life in seconds). Entra's ``error`` is a word; its description is not quoted."""
    try:
        body = answer.json()
    except ValueError:
        body = None
    body = body if isinstance(body, dict) else {}
    token, lifetime_s = body.get("access_token"), body.get("expires_in")
    if answer.status_code == 200 and isinstance(token, str) and isinstance(lifetime_s, int):
        return token, lifetime_s
    error = body.get("error")
    reason = error if isinstance(error, str) and error.replace("_", "").isalpha() else "no token"
    raise AuthenticationFailed(
        f"Microsoft Entra refused the service principal: {reason[:60]}", status=answer.status_code
    )
