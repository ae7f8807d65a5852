"""Access tokens from Microsoft Entra ID, for Teams and for Azure DevOps.

Client credentials: https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
Managed identity: https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token
"""

import asyncio
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Protocol
from urllib.parse import quote

import aiohttp

from bot.log_text import log_safe
from bot.ports import Clock, utc_now

AZURE_DEVOPS_SCOPE = "499b84ac-1321-427f-aa17-267ca6975798/.default"
IMDS_URL = "http://169.254.169.254/metadata/identity/oauth2/token"

REQUEST_TIMEOUT_S = 10.0
REFRESH_EARLY_S = 300.0
RETRY_EARLY_REFRESH_S = 30.0

# https://learn.microsoft.com/entra/identity-platform/reference-error-codes
_WHAT_HELPS = {
    "7000215": "the client secret is wrong: set the secret's value, not its id",
    "7000222": "the client secret has expired: make a new one in the app registration",
    "700027": "the certificate is not the application's",
    "700016": "the application id is not known in this tenant",
    "90002": "the tenant is not known",
    "53003": "a conditional access policy of the tenant blocks the application",
}


class EntraError(Exception):
    """No token could be had. ``str()`` is one sentence and holds no secret."""


class EntraUnreachable(EntraError):
    """No usable answer from the sign-in service; trying later may help."""


class EntraRefused(EntraError):
    """The sign-in service refused the application. ``code`` is the AADSTS number, if any."""

    def __init__(self, message: str, *, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class TokenSource(Protocol):
    """Where a client gets its bearer tokens."""

    async def token(self) -> str:
        """A token that is good for now. Raises EntraError."""

    def forget(self, token: str) -> None:
        """Drop this token, because the service refused it; the next call fetches another."""


@dataclass(frozen=True, slots=True)
class _Cached:
    value: str = field(repr=False)
    fetched_at: datetime
    refresh_at: datetime
    expires_at: datetime

    def is_fresh(self, now: datetime) -> bool:
        # A clock that was set back makes the expiry meaningless, so that counts as old.
        return self.fetched_at <= now < self.refresh_at

    def is_usable(self, now: datetime) -> bool:
        return self.fetched_at <= now < self.expires_at


class _CachedTokens(ABC):
    """One token, fetched by one caller at a time and renewed five minutes before its end."""

    def __init__(self, session: aiohttp.ClientSession, clock: Clock) -> None:
        self._session = session
        self._clock = clock
        self._cached: _Cached | None = None
        self._lock = asyncio.Lock()

    async def token(self) -> str:
        """A token that is good for now.

        Raises:
            EntraUnreachable: no answer in ten seconds, 429 or 5xx, and no token that still lives.
            EntraRefused: the application, its secret or its tenant is refused.
        """
        cached = self._cached
        if cached is not None and cached.is_fresh(self._clock()):
            return cached.value
        async with self._lock:
            return await self._renewed()

    def forget(self, token: str) -> None:
        """Drop this token; one that was fetched meanwhile stays."""
        if self._cached is not None and self._cached.value == token:
            self._cached = None

    async def _renewed(self) -> str:
        now, cached = self._clock(), self._cached
        if cached is not None and cached.is_fresh(now):
            return cached.value
        try:
            renewed = _cached_from(await self._answer(), now)
        except EntraError:
            if cached is None or not cached.is_usable(now):
                raise
            # The old token lives for some minutes: use it, and do not ask on every call.
            later = now + timedelta(seconds=RETRY_EARLY_REFRESH_S)
            renewed = replace(cached, refresh_at=min(later, cached.expires_at))
        self._cached = renewed
        return renewed.value

    async def _answer(self) -> Mapping[str, Any]:
        try:
            async with asyncio.timeout(REQUEST_TIMEOUT_S), self._asked() as response:
                status = response.status
                try:
                    body = await response.json(content_type=None)
                except ValueError:
                    body = None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise EntraUnreachable(
                f"the sign-in service cannot be reached ({type(error).__name__})"
            ) from None
        answer = body if isinstance(body, dict) else {}
        if status == 429 or status >= 500:
            raise EntraUnreachable(f"the sign-in service answered {status}")
        if status != 200:
            raise _refusal(status, answer)
        return answer

    @abstractmethod
    def _asked(self) -> Any:
        """The request, as an aiohttp request context; redirects are not followed."""


class ClientCredentials(_CachedTokens):
    """Tokens of an application with a client secret.

    Args:
        session: The shared HTTP session.
        login_url: https://login.microsoftonline.com or a sovereign cloud's.
        tenant: Tenant id or domain.
        client_id: The application's id.
        secret: Its client secret.
        scope: What the token is for, ending in ``/.default``.
        clock: Aware UTC times.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        login_url: str,
        tenant: str,
        client_id: str,
        secret: str,
        scope: str,
        clock: Clock = utc_now,
    ) -> None:
        super().__init__(session, clock)
        self._url = f"{login_url.rstrip('/')}/{quote(tenant, safe='')}/oauth2/v2.0/token"
        self._form = {
            "grant_type": "client_credentials",
            "client_id": client_id,
            "client_secret": secret,
            "scope": scope,
        }

    def _asked(self) -> Any:
        return self._session.post(self._url, data=self._form, allow_redirects=False)


class ManagedIdentity(_CachedTokens):
    """Tokens of a user-assigned managed identity, from the virtual machine's metadata service.

    Args:
        session: The shared HTTP session.
        client_id: The identity's client id.
        resource: What the token is for, without ``/.default``.
        clock: Aware UTC times.
        url: The metadata service; another one in tests.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        client_id: str,
        resource: str,
        clock: Clock = utc_now,
        url: str = IMDS_URL,
    ) -> None:
        super().__init__(session, clock)
        self._url = url
        self._query = {"api-version": "2018-02-01", "resource": resource, "client_id": client_id}

    def _asked(self) -> Any:
        return self._session.get(
            self._url, params=self._query, headers={"Metadata": "true"}, allow_redirects=False
        )


def _cached_from(answer: Mapping[str, Any], now: datetime) -> _Cached:
    value, lifetime = answer.get("access_token"), answer.get("expires_in")
    try:
        seconds = float(lifetime or 0)  # the metadata service answers a text
    except (TypeError, ValueError):
        seconds = 0.0
    if not isinstance(value, str) or not value or not 0 < seconds < 10**7:
        raise EntraUnreachable("the sign-in service answered without a usable token")
    early = min(REFRESH_EARLY_S, seconds / 2)
    return _Cached(
        value=value,
        fetched_at=now,
        refresh_at=now + timedelta(seconds=seconds - early),
        expires_at=now + timedelta(seconds=seconds),
    )


def _refusal(status: int, answer: Mapping[str, Any]) -> EntraRefused:
    text, code = refusal_text(answer, status)
    return EntraRefused(text, code=code)


def refusal_text(answer: Mapping[str, Any], status: int | str = "") -> tuple[str, str]:
    """What a refusal means, in a sentence, and its AADSTS number.

    Only the description's code is kept: nobody promises what else stands in it.
    """
    found = re.match(r"AADSTS(\d+)", str(answer.get("error_description") or ""))
    code = found[1] if found else ""
    named = f"AADSTS{code}" if code else log_safe(str(answer.get("error") or status), 60)
    why = _WHAT_HELPS.get(code)
    text = f"the sign-in service refused the application: {named}{f', {why}' if why else ''}"
    return text, code
