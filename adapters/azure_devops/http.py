"""One request to Azure DevOps: credential, time-outs, retries, limits, errors. JSON in and out."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlencode

import aiohttp
import httpx
from tenacity import (
    AsyncRetrying,
    retry_if_exception_type,
    stop_after_attempt,
    wait_random_exponential,
)

from adapters.azure_devops.answers import Answer, TryAgain, body_of, is_json, lost, parsed
from adapters.azure_devops.base_url import BaseUrl
from adapters.azure_devops.credentials import CredentialSource
from adapters.azure_devops.errors import UNREACHABLE, to_error
from adapters.azure_devops.fields import FieldError, Fields
from adapters.azure_devops.network import Network
from adapters.azure_devops.rate_limit import CredentialPool, RateLimit
from adapters.azure_devops.sign_in import check_signed_in, is_certain
from adapters.azure_devops.transport import client
from bot.metrics import AZURE_DEVOPS_CALLS, AZURE_DEVOPS_S
from bot.ports import (
    AuthenticationFailed,
    AzureDevOpsError,
    BadAnswer,
    Clock,
    Forbidden,
    NotFound,
    RateLimited,
    Sleep,
    Unreachable,
)

Refused = Callable[[str, AzureDevOpsError], Awaitable[None]]
"""Called when a credential (by its name) was refused and is set aside."""

Reached = Callable[[Unreachable | None], Awaitable[None]]
"""Called after each request: None when there was an answer, whatever it was."""

MAX_ATTEMPTS = 3
MAX_PAGES = 500
CONCURRENT_REQUESTS = 8

JSON_PATCH = "application/json-patch+json"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TimeOuts:
    """Limits of one call in seconds; ``total_s`` holds its waits and retries too."""

    connect_s: float = 5.0
    total_s: float = 9.0


class Http:
    """Requests to one connection.

    Every method raises AzureDevOpsError. Reads are tried again after a lost connection, a
    time-out or a 5xx; writes only when the connection could not even be opened, or after 429,
    which says that nothing was done. What does the same once or twice (GET, PUT, DELETE) the
    transport sends once more itself when its connection is lost (RFC 9112, 9.3.1).
    """

    def __init__(
        self,
        *,
        base: BaseUrl,
        credentials: Sequence[CredentialSource],
        api_version: str,
        network: Network,
        clock: Clock,
        sleep: Sleep,
        timeouts: TimeOuts,
        user_agent: str,
        refused: Refused | None = None,
        reached: Reached | None = None,
    ) -> None:
        self._base = base
        self.api_version = api_version
        self._pool = CredentialPool(credentials, clock=clock, sleep=sleep)
        self._sleep = sleep
        self._timeouts = timeouts
        self._refused = refused
        self._reached = reached
        self._slots = asyncio.Semaphore(CONCURRENT_REQUESTS)
        # The pool looks at each of its connections at each request: no more than can be used.
        limits = httpx.Limits(
            max_connections=CONCURRENT_REQUESTS, max_keepalive_connections=CONCURRENT_REQUESTS
        )
        self._http = client(
            network,
            {
                **network.headers,
                "Accept": "application/json",
                "User-Agent": user_agent,
                # Messages are told to people in English, and a trial merge's conflict is known by
                # its words alone.
                "Accept-Language": "en-US",
                # Asks for 401 where a browser would be sent to the sign-in page.
                "X-TFS-FedAuthRedirect": "Suppress",
            },
            timeout=httpx.Timeout(timeouts.total_s, connect=timeouts.connect_s),
            limits=limits,
        )

    async def close(self) -> None:
        await self._http.aclose()
        await self._pool.close()

    def rate_limits(self) -> Sequence[RateLimit]:
        return self._pool.limits()

    async def get(
        self,
        path: str,
        query: Mapping[str, str | int] | None = None,
        *,
        preview: bool = False,
        host: str = "",
        version: str = "",
    ) -> Answer:
        """Read. ``preview`` asks for the preview of the version, ``host`` another base URL.

        ``version`` is used instead of the connection's.
        """
        version = version or self.api_version
        version = f"{version}-preview.1" if preview else version
        url = f"{host or self._base.url}/{path}"
        return await self._request("GET", url, {**(query or {}), "api-version": version})

    async def resource_areas(self) -> Answer:
        """What the server offers, in which versions (OPTIONS on ``_apis``)."""
        return await self._request("OPTIONS", f"{self._base.url}/_apis", {})

    async def read_by_post(self, path: str, body: object) -> Answer:
        """A POST that changes nothing, so it may be repeated like a read."""
        return await self._write("POST", path, body, changes=False)

    async def post(self, path: str, body: object) -> Answer:
        return await self._write("POST", path, body)

    async def put(self, path: str, body: object) -> Answer:
        return await self._write("PUT", path, body)

    async def delete(self, path: str) -> Answer:
        """Delete; sent again like a read, because a second time does nothing more."""
        query = {"api-version": self.api_version}
        return await self._request("DELETE", f"{self._base.url}/{path}", query)

    async def patch(self, path: str, body: object, query: Mapping[str, str]) -> Answer:
        """Apply a JSON Patch (RFC 6902)."""
        return await self._write("PATCH", path, body, query, content_type=JSON_PATCH)

    async def post_patch(self, path: str, body: object, query: Mapping[str, str]) -> Answer:
        """POST a JSON Patch, as a new work item is made; ``validateOnly`` makes none."""
        return await self._write("POST", path, body, query, content_type=JSON_PATCH)

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
            {**(query or {}), "api-version": self.api_version},
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
        request = self._http.build_request(
            method, _with_query(url, query), content=content, headers=headers
        )
        try:
            answer = await self._in_time(request, repeatable=repeatable)
        except Unreachable as lost_error:
            await self._tell(lost_error)
            raise
        except RateLimited:  # perhaps nothing was asked
            raise
        except AzureDevOpsError:
            await self._tell(None)
            raise
        await self._tell(None)
        return answer

    async def _in_time(self, request: httpx.Request, *, repeatable: bool) -> Answer:
        try:
            async with asyncio.timeout(self._timeouts.total_s), self._slots:
                return await self._until_answered(request, repeatable=repeatable)
        except TimeoutError:
            raise Unreachable(f"{UNREACHABLE}: it did not answer in time") from None

    async def _tell(self, trouble: Unreachable | None) -> None:
        if self._reached is not None:
            await self._reached(trouble)

    async def _until_answered(self, request: httpx.Request, *, repeatable: bool) -> Answer:
        attempts = AsyncRetrying(
            retry=retry_if_exception_type(TryAgain),
            stop=stop_after_attempt(MAX_ATTEMPTS),
            wait=wait_random_exponential(multiplier=0.25, max=1.0),
            sleep=self._sleep,
            reraise=True,
        )
        try:
            async for attempt in attempts:
                with attempt:
                    return await self._once(request, repeatable=repeatable)
        except TryAgain as last:
            raise last.error from None
        raise AssertionError("unreachable: the attempts end with an answer or an error")

    async def _once(self, request: httpx.Request, *, repeatable: bool) -> Answer:
        """With one credential after the other, as long as Azure DevOps refuses them.

        A refused request did nothing, so a write may be sent again too.
        """
        tried: list[CredentialSource] = []
        while True:
            credential = await self._pool.acquire(tried)
            try:
                return await self._with(credential, request, repeatable=repeatable)
            except AuthenticationFailed as error:
                failure = await self._weigh(credential, request, error, repeatable=repeatable)
            if isinstance(failure, Answer):
                return failure
            tried.append(credential)
            if not self._pool.has_other_than(tried):
                raise failure

    async def _weigh(
        self,
        credential: CredentialSource,
        request: httpx.Request,
        failure: AuthenticationFailed,
        *,
        repeatable: bool,
    ) -> Answer | AzureDevOpsError:
        """A refusal of the credential, or only of this call? Then it is Forbidden.

        Azure DevOps answers 401 to both, also where a token's scopes leave the call out. So it is
        asked who we are; a service principal's token is fetched anew for that, and if that helps
        the call is made again.
        """
        if not is_certain(failure):
            trouble = await self.sign_in_trouble(credential)
            if trouble is None:
                try:
                    return await self._with(credential, request, repeatable=repeatable)
                except AuthenticationFailed as again:
                    text = f"{again}; perhaps a scope of the token {credential.name!r} is missing"
                    return Forbidden(text, code=again.code, status=again.status)
            if not isinstance(trouble, AuthenticationFailed):
                return failure  # it cannot be told now
            failure = trouble
        self._pool.set_aside(credential, failure)
        if self._refused is not None:  # else it is only tried, and whoever tries it says so
            logger.warning("credential %r was refused: %s", credential.name, failure)
            await self._refused(credential.name, failure)
        return failure

    async def sign_in_trouble(self, credential: CredentialSource) -> AzureDevOpsError | None:
        """Ask Azure DevOps who this credential is; None when it knows."""
        version = {"api-version": f"{self.api_version}-preview.1"}
        url = f"{self._base.url}/_apis/connectionData"
        request = self._http.build_request("GET", _with_query(url, version))
        try:
            check_signed_in((await self._with(credential, request, repeatable=False)).body)
        except AzureDevOpsError as error:
            return error
        except TryAgain as again:
            return again.error
        except FieldError as error:
            return BadAnswer(f"Azure DevOps' answer is not as documented: {error}")
        return None

    async def _with(
        self, credential: CredentialSource, request: httpx.Request, *, repeatable: bool
    ) -> Answer:
        """One request with one credential."""
        request.headers["Authorization"] = await credential.authorization()
        try:
            with AZURE_DEVOPS_S.time():
                response = await self._http.send(request, stream=True)
                body = await body_of(response)
        except (httpx.TransportError, aiohttp.ClientError) as error:
            AZURE_DEVOPS_CALLS.labels(status="none").inc()
            raise lost(error, repeatable=repeatable) from None
        logger.debug("%s %s: %s", request.method, request.url.path, response.status_code)
        AZURE_DEVOPS_CALLS.labels(status=f"{response.status_code // 100}xx").inc()
        self._pool.told(credential, response.status_code, response.headers)
        if response.status_code == 204:
            return Answer(None)
        if response.is_success and response.status_code != 203 and is_json(response):
            return Answer(await parsed(body), response.headers.get("x-ms-continuationtoken", ""))
        failure = to_error(response.status_code, response.headers, credential.redact(body))
        if isinstance(failure, AuthenticationFailed):
            credential.refused()
        if isinstance(failure, RateLimited) or (repeatable and isinstance(failure, Unreachable)):
            raise TryAgain(failure)
        raise failure


def _with_query(url: str, query: Mapping[str, str | int]) -> str:
    """The whole address: httpx would take it apart a second time to add the query itself."""
    return f"{url}?{urlencode(query, quote_via=quote)}" if query else url


def segment(name: str, what: str) -> str:
    """A name or id as one part of a path.

    Raises:
        NotFound: it could not be the name of anything (``..`` would leave the path).
    """
    if not name.strip() or name in (".", ".."):
        raise NotFound(f"there is no {what} of that name")
    return quote(name, safe="")
