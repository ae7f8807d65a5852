"""What came back from Azure DevOps: an answer, read within limits, or none, and what that means."""

import asyncio
import json
import ssl
from dataclasses import dataclass
from typing import Any

import aiohttp
import httpx

from adapters.azure_devops.errors import UNREACHABLE, plain
from adapters.azure_devops.fields import Fields
from bot.ports import AzureDevOpsError, BadAnswer, TlsFailed, Unreachable

MAX_ANSWER_BYTES = 16 * 1024 * 1024
LARGE_ANSWER_BYTES = 256 * 1024


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


class TryAgain(Exception):
    """The same request may be sent again; ``error`` is what to raise when that was the last."""

    def __init__(self, error: AzureDevOpsError) -> None:
        super().__init__(str(error))
        self.error = error


async def body_of(response: httpx.Response) -> bytes:
    """The whole body of a streamed response, which is closed then.

    Raises:
        BadAnswer: it is too large, or not encoded as it says.
    """
    try:
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > MAX_ANSWER_BYTES:
                limit = MAX_ANSWER_BYTES // 2**20
                raise BadAnswer(f"Azure DevOps' answer is larger than {limit} MB")
        return bytes(body)
    except httpx.DecodingError:
        raise BadAnswer("Azure DevOps' answer is not encoded as it says") from None
    finally:
        await response.aclose()


def lost(error: httpx.TransportError | aiohttp.ClientError, *, repeatable: bool) -> Exception:
    """No whole answer came. Whether something was done is unknown once it was sent."""
    if (untrusted := _certificate_trouble(error)) is not None:
        return untrusted
    never_sent = _was_never_sent(error)
    reason = "it did not answer in time"
    if not _is_time_out(error):
        reason = "no connection" if never_sent else "the connection was lost"
    unreachable = Unreachable(f"{UNREACHABLE}: {reason}")
    return TryAgain(unreachable) if never_sent or repeatable else unreachable


def _was_never_sent(error: Exception) -> bool:
    """Whether no connection was opened.

    aiohttp's error decides where there is one: its transport calls every lost connection a
    ConnectTimeout, also one that took the request with it.
    """
    below = error.__cause__
    if isinstance(below, aiohttp.ClientError):
        return isinstance(below, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError)
    return isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)


def _is_time_out(error: Exception) -> bool:
    below = error.__cause__
    if isinstance(below, aiohttp.ClientError):
        return isinstance(below, aiohttp.ServerTimeoutError)
    return isinstance(error, httpx.TimeoutException)


def _certificate_trouble(error: BaseException) -> TlsFailed | None:
    """The TLS failure behind a lost connection, if that is what it was: the innermost knows why."""
    cause: BaseException | None = error
    while cause is not None:
        within = cause.__cause__ or cause.__context__
        if isinstance(cause, ssl.SSLError) and not isinstance(within, ssl.SSLError):
            why = getattr(cause, "verify_message", "") or cause.reason or "TLS failed"
            return TlsFailed(f"{UNREACHABLE}: its TLS is not accepted ({plain(str(why))})")
        cause = within
    return None


def is_json(response: httpx.Response) -> bool:
    """Whether it says that it is JSON."""
    content_type: str = response.headers.get("content-type", "")
    kind = content_type.partition(";")[0].strip().lower()
    return kind == "application/json" or kind.endswith("+json")


async def parsed(body: bytes) -> Any:
    """The JSON of a body, a large one in a thread. Raises BadAnswer."""
    try:
        if len(body) > LARGE_ANSWER_BYTES:
            return await asyncio.to_thread(json.loads, body)
        return json.loads(body)
    except (ValueError, RecursionError):
        raise BadAnswer("Azure DevOps' answer is not the JSON that it says it is") from None
