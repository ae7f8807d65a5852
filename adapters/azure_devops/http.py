"""One request to Azure DevOps: credential, time-outs, retries, limits, errors. JSON in and out."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import quote, urlencode
from urllib.request import getproxies

import aiohttp
from aiohttp.http_exceptions import ContentEncodingError
from tenacity import (
    AsyncRetrying,
    retry_if_exception_type,
    stop_after_attempt,
    wait_random_exponential,
)
from yarl import URL

from adapters.azure_devops.base_url import BaseUrl
from adapters.azure_devops.credentials import CredentialSource
from adapters.azure_devops.errors import UNREACHABLE, to_error
from adapters.azure_devops.fields import Fields
from adapters.azure_devops.rate_limit import CredentialPool, RateLimit
from bot.metrics import AZURE_DEVOPS_CALLS
from bot.ports import (
    AuthenticationFailed,
    AzureDevOpsError,
    BadAnswer,
    Clock,
    NotFound,
    RateLimited,
    Sleep,
    Unreachable,
)

MAX_ATTEMPTS = 3
MAX_ANSWER_BYTES = 16 * 1024 * 1024
LARGE_ANSWER_BYTES = 256 * 1024
MAX_PAGES = 500
CONCURRENT_REQUESTS = 8

JSON_PATCH = "application/json-patch+json"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TimeOuts:
    """Limits of one call in seconds; ``total_s`` holds its waits and retries too."""

    connect_s: float = 5.0
    total_s: float = 9.0


@dataclass(frozen=True, slots=True)
class Answer:
    """A success. ``body`` is JSON, None for an empty answer; ``next_page`` a continuation token."""

    body: Any
    next_page: str = ""

    def fields(self) -> Fields:
        """The answer as an object. Raises FieldError."""
        return Fields.of(self.body, "answer")

    def items(self) -> list[Fields]:
        """The objects of a list answer, nulls (items left out) skipped. Raises FieldError."""
        return list(self.fields().objects("value"))


@dataclass(frozen=True, slots=True)
class _Request:
    """What is asked, the same in every attempt."""

    method: str
    url: URL
    content: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Response:
    """An answer, read to its end. Names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class _TryAgain(Exception):
    """The same request may be sent again; ``error`` is what to raise when that was the last."""

    def __init__(self, error: AzureDevOpsError) -> None:
        super().__init__(str(error))
        self.error = error


class Http:
    """Requests to one connection.

    Every method raises AzureDevOpsError. Reads are tried again after a lost connection, a
    time-out or a 5xx; writes only when the connection could not even be opened, or after 429,
    which says that nothing was done.
    """

    def __init__(
        self,
        *,
        base: BaseUrl,
        credentials: Sequence[CredentialSource],
        api_version: str,
        headers: Mapping[str, str],
        clock: Clock,
        sleep: Sleep,
        timeouts: TimeOuts,
        user_agent: str,
    ) -> None:
        self._base = base
        self._api_version = api_version
        self._pool = CredentialPool(credentials, clock=clock, sleep=sleep)
        self._sleep = sleep
        self._timeouts = timeouts
        self._slots = asyncio.Semaphore(CONCURRENT_REQUESTS)
        self._headers = {
            **headers,
            "Accept": "application/json",
            "User-Agent": user_agent,
            # Asks for 401 where a browser would be sent to the sign-in page.
            "X-TFS-FedAuthRedirect": "Suppress",
        }
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    def _opened(self) -> aiohttp.ClientSession:
        """The session, made when it is first used because it belongs to the running loop."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                headers=self._headers,
                timeout=aiohttp.ClientTimeout(
                    total=None,
                    sock_connect=self._timeouts.connect_s,
                    sock_read=self._timeouts.total_s,
                ),
                connector=aiohttp.TCPConnector(limit=CONCURRENT_REQUESTS),
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=bool(getproxies()),  # looking for a proxy costs time on every request
            )
        return self._session

    def rate_limits(self) -> Sequence[RateLimit]:
        return self._pool.limits()

    async def get(
        self,
        path: str,
        query: Mapping[str, str | int] | None = None,
        *,
        preview: bool = False,
        host: str = "",
    ) -> Answer:
        """Read. ``preview`` asks for the preview of the version, ``host`` another base URL."""
        version = f"{self._api_version}-preview.1" if preview else self._api_version
        url = f"{host or self._base.url}/{path}"
        return await self._request("GET", url, {**(query or {}), "api-version": version})

    async def read_by_post(self, path: str, body: object) -> Answer:
        """A POST that changes nothing, so it may be repeated like a read."""
        return await self._write("POST", path, body, changes=False)

    async def post(self, path: str, body: object) -> Answer:
        return await self._write("POST", path, body)

    async def put(self, path: str, body: object) -> Answer:
        return await self._write("PUT", path, body)

    async def patch(self, path: str, body: object, query: Mapping[str, str]) -> Answer:
        """Apply a JSON Patch (RFC 6902)."""
        return await self._write("PATCH", path, body, query, content_type=JSON_PATCH)

    async def pages(
        self, path: str, query: Mapping[str, str | int] | None = None
    ) -> AsyncIterator[Fields]:
        """The items of all pages by continuation token (header ``x-ms-continuationtoken``)."""
        token, seen = "", set[str]()
        while True:
            following: Mapping[str, str | int] = {"continuationToken": token} if token else {}
            answer = await self.get(path, {**(query or {}), **following})
            for item in answer.items():
                yield item
            token = answer.next_page
            if not token:
                return
            if token in seen or len(seen) >= MAX_PAGES:
                raise BadAnswer("Azure DevOps' list of pages does not end")
            seen.add(token)

    async def _write(
        self,
        method: str,
        path: str,
        body: object,
        query: Mapping[str, str] | None = None,
        *,
        content_type: str = "application/json",
        changes: bool = True,
    ) -> Answer:
        return await self._request(
            method,
            f"{self._base.url}/{path}",
            {**(query or {}), "api-version": self._api_version},
            content=json.dumps(body).encode(),
            content_type=content_type,
            repeatable=not changes,
        )

    async def _request(
        self,
        method: str,
        url: str,
        query: Mapping[str, str | int],
        *,
        content: bytes | None = None,
        content_type: str = "",
        repeatable: bool = True,
    ) -> Answer:
        headers = {"Content-Type": content_type} if content is not None else {}
        address = URL(f"{_plain(url)}?{urlencode(query, quote_via=quote)}", encoded=True)
        request = _Request(method, address, content, headers)
        try:
            async with asyncio.timeout(self._timeouts.total_s), self._slots:
                return await self._until_answered(request, repeatable=repeatable)
        except TimeoutError:
            raise Unreachable(f"{UNREACHABLE}: it did not answer in time") from None

    async def _until_answered(self, request: _Request, *, repeatable: bool) -> Answer:
        attempts = AsyncRetrying(
            retry=retry_if_exception_type(_TryAgain),
            stop=stop_after_attempt(MAX_ATTEMPTS),
            wait=wait_random_exponential(multiplier=0.25, max=1.0),
            sleep=self._sleep,
            reraise=True,
        )
        try:
            async for attempt in attempts:
                with attempt:
                    return await self._once(request, repeatable=repeatable)
        except _TryAgain as last:
            raise last.error from None
        raise AssertionError("unreachable: the attempts end with an answer or an error")

    async def _once(self, request: _Request, *, repeatable: bool) -> Answer:
        credential = await self._pool.acquire()
        try:
            response = await self._exchange(request, await credential.authorization())
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            AZURE_DEVOPS_CALLS.labels(status="none").inc()
            raise _lost(error, repeatable=repeatable) from None
        status = response.status
        logger.debug("%s %s: %s", request.method, request.url.path, status)
        AZURE_DEVOPS_CALLS.labels(status=f"{status // 100}xx").inc()
        self._pool.told(credential, status, response.headers)
        if status == 204:
            return Answer(None)
        if 200 <= status < 300 and status != 203 and _is_json(response.headers):
            next_page = response.headers.get("x-ms-continuationtoken", "")
            return Answer(await _parsed(response.body), next_page)
        failure = to_error(status, response.headers, credential.redact(response.body))
        if isinstance(failure, AuthenticationFailed):
            credential.refused()
        if isinstance(failure, RateLimited) or (repeatable and isinstance(failure, Unreachable)):
            raise _TryAgain(failure)
        raise failure

    async def _exchange(self, request: _Request, authorization: str) -> _Response:
        async with self._opened().request(
            request.method,
            request.url,
            data=request.content,
            headers={**request.headers, "Authorization": authorization},
            allow_redirects=False,
        ) as response:
            body = bytearray()
            try:
                async for chunk in response.content.iter_any():
                    body += chunk
                    if len(body) > MAX_ANSWER_BYTES:
                        limit = MAX_ANSWER_BYTES // 2**20
                        raise BadAnswer(f"Azure DevOps' answer is larger than {limit} MB")
            except aiohttp.ClientPayloadError as error:
                if isinstance(error.__cause__, ContentEncodingError):
                    raise BadAnswer("Azure DevOps' answer is not encoded as it says") from None
                raise
            headers = {name.lower(): value for name, value in response.headers.items()}
            return _Response(response.status, headers, bytes(body))


def segment(name: str, what: str) -> str:
    """A name or id as one part of a path.

    Raises:
        NotFound: it could not be the name of anything (``..`` would leave the path).
    """
    if not name.strip() or name in (".", ".."):
        raise NotFound(f"there is no {what} of that name")
    return quote(name, safe="")


@lru_cache(maxsize=256)
def _plain(url: str) -> str:
    """A base URL and path as they go over the wire; what is encoded already stays."""
    return quote(url, safe="%/:?#[]@!$&'()*+,;=")


def _lost(error: Exception, *, repeatable: bool) -> Exception:
    """No whole answer came. Whether something was done is unknown once it was sent."""
    never_sent = isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError)
    reason = "it did not answer in time"
    if not isinstance(error, TimeoutError):
        reason = "no connection" if never_sent else "the connection was lost"
    unreachable = Unreachable(f"{UNREACHABLE}: {reason}")
    return _TryAgain(unreachable) if never_sent or repeatable else unreachable


def _is_json(headers: Mapping[str, str]) -> bool:
    content_type = headers.get("content-type", "")
    kind = content_type.partition(";")[0].strip().lower()
    return kind == "application/json" or kind.endswith("+json")


async def _parsed(body: bytes) -> Any:
    try:
        if len(body) > LARGE_ANSWER_BYTES:
            return await asyncio.to_thread(json.loads, body)
        return json.loads(body)
    except (ValueError, RecursionError):
        raise BadAnswer("Azure DevOps' answer is not the JSON that it says it is") from None
