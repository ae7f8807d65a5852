"""The keys that sign Teams' requests, fetched without blocking and kept while the issuer is down.

https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-authentication
"""

import asyncio
import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import aiohttp
import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from yarl import URL

from bot.log_text import log_safe
from bot.ports import Clock

log = logging.getLogger(__name__)

FETCH_TIMEOUT_S = 10.0
KEYS_LIVE = timedelta(hours=24)
BETWEEN_REFRESHES = timedelta(minutes=1)
BETWEEN_FIRST_TRIES = timedelta(seconds=5)
SMALLEST_KEY_BITS = 2048


class KeysUnavailable(Exception):
    """No key was ever fetched and the issuer does not answer: nobody can be told from Teams now."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A published key and the channels that it may speak for."""

    public_key: RSAPublicKey
    endorsements: frozenset[str]


class SigningKeys:
    """The issuer's keys by their ids.

    Keys are fetched when first needed and renewed after a day. An unknown id causes one fetch, at
    most once a minute, so random ids cannot make a storm. A fetch that fails changes nothing.
    """

    def __init__(self, session: aiohttp.ClientSession, metadata_url: str, clock: Clock) -> None:
        self._session = session
        self._metadata_url = URL(metadata_url)
        self._clock = clock
        self._keys: dict[str, SigningKey] = {}
        self._fetched_at: datetime | None = None
        self._lock = asyncio.Lock()
        self._for_first = _AtMostEvery(BETWEEN_FIRST_TRIES, clock)
        self._for_age = _AtMostEvery(BETWEEN_REFRESHES, clock)
        self._for_unknown = _AtMostEvery(BETWEEN_REFRESHES, clock)

    async def get(self, kid: str) -> SigningKey | None:
        """The key of this id, None when the issuer does not publish it.

        Raises:
            KeysUnavailable: there are no keys at all, and none could be fetched.
        """
        if not self._keys:
            await self._refresh(self._for_first)
            if not self._keys:
                raise KeysUnavailable("the signing keys of Teams cannot be fetched")
            return self._keys.get(kid)
        known = self._keys.get(kid)
        if known is None:
            await self._refresh(self._for_unknown)
        elif self._is_old() and self._for_age.may():
            await self._fetch_alone()
        return self._keys.get(kid)

    async def _refresh(self, limit: "_AtMostEvery") -> None:
        if limit.may():
            await self._fetch_alone()
        else:
            async with self._lock:  # somebody may be fetching just now
                return

    async def _fetch_alone(self) -> None:
        async with self._lock:
            try:
                async with asyncio.timeout(FETCH_TIMEOUT_S):
                    keys = await self._published()
            except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
                log.warning(
                    "the signing keys of Teams could not be fetched (%s: %s); %s",
                    type(error).__name__,
                    log_safe(str(error)),
                    "the known ones stay" if self._keys else "there are none yet",
                )
                return
            self._keys, self._fetched_at = keys, self._clock()

    async def _published(self) -> dict[str, SigningKey]:
        metadata = await self._json(self._metadata_url)
        uri = metadata.get("jwks_uri") if isinstance(metadata, dict) else None
        if not isinstance(uri, str):
            raise ValueError("jwks_uri is missing in the OpenID metadata")
        keys_url = URL(uri)
        if keys_url.scheme != "https" and keys_url.origin() != self._metadata_url.origin():
            raise ValueError("jwks_uri is not https")
        published = await self._json(keys_url)
        entries = published.get("keys") if isinstance(published, dict) else None
        keys = dict(filter(None, map(_key, entries if isinstance(entries, list) else [])))
        if not keys:
            raise ValueError("no usable RSA key is published")
        return keys

    async def _json(self, url: URL) -> Any:
        async with self._session.get(url, allow_redirects=False) as response:
            if response.status != 200:
                raise ValueError(f"the issuer answered {response.status}")
            return await response.json(content_type=None)

    def _is_old(self) -> bool:
        at = self._fetched_at
        # Later than now: the clock was set back, and the age is unknown.
        return at is None or not timedelta(0) <= self._clock() - at < KEYS_LIVE


class _AtMostEvery:
    """Says yes at most once in an interval; a clock set back does not stop it."""

    def __init__(self, interval: timedelta, clock: Clock) -> None:
        self._interval = interval
        self._clock = clock
        self._last: datetime | None = None

    def may(self) -> bool:
        now = self._clock()
        if self._last is not None and timedelta(0) <= now - self._last < self._interval:
            return False
        self._last = now
        return True


def _key(entry: Any) -> tuple[str, SigningKey] | None:
    """A published entry (RFC 7517) as a key; None when it is not an RSA key to verify with."""
    if not isinstance(entry, dict) or entry.get("kty") != "RSA":
        return None
    kid, endorsements = entry.get("kid"), entry.get("endorsements")
    if entry.get("use", "sig") != "sig" or not isinstance(kid, str) or not kid:
        return None
    try:
        key = jwt.algorithms.RSAAlgorithm.from_jwk({n: entry[n] for n in ("kty", "n", "e")})
    except (jwt.InvalidKeyError, KeyError, ValueError, TypeError):
        return None
    if not isinstance(key, RSAPublicKey) or key.key_size < SMALLEST_KEY_BITS:
        return None
    channels = endorsements if isinstance(endorsements, list) else []
    return kid, SigningKey(key, frozenset(c for c in channels if isinstance(c, str)))
