"""``POST /webhooks/ado/{connection}``: store, then answer.

The answers and what Azure DevOps makes of them: Microsoft, "Troubleshoot service hooks"
(410 disables the hook, 408/502/503/504 are tried again for three minutes, everything else puts the
hook on probation and loses events). So trouble of ours is 503 and nothing is ever 500.
"""

import asyncio
import base64
import logging
import time
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Protocol

from aiohttp import hdrs, web
from prometheus_client import Counter

from adapters.azure_devops.envelope import HookEnvelope, envelope
from adapters.azure_devops.strict_json import loads_object_quickly
from adapters.web.answers import accepted, unavailable
from bot.log_text import log_safe
from bot.metrics import WEBHOOK_S, WEBHOOKS
from bot.ports import Clock
from storage.engine import LONG_BODY_BYTES, CannotStore, NewHook

BODY_LIMIT_BYTES = 2 * 1024 * 1024  # Azure DevOps' own limit for one event
BODY_TIME_S = 10.0
LONGEST_LOGGED_NAME = 40  # shorter than a webhook secret or a token
SIGNATURE_HEADER = "X-ADO-Signature"

security_log = logging.getLogger("pullcord.security")
log = logging.getLogger(__name__)


class Door(Protocol):
    """Who may deliver to which connection."""

    async def admits(self, connection: str, secret: str | None) -> bool | None:
        """None when there is no such connection; the secret is compared in constant time."""


class BodyTooLarge(Exception):
    """More than BODY_LIMIT_BYTES, or compressed, which may become more. Says which."""

    def __init__(self, reason: str = "the body is over 2 MB") -> None:
        super().__init__(reason)


class Webhooks:
    """Receives service hooks.

    Args:
        door: checks connection and secret.
        store: stores one body durably, True when it is new; raises CannotStore.
        clock: the time of receipt.
    """

    def __init__(
        self, door: Door, store: Callable[[NewHook], Awaitable[bool]], clock: Clock
    ) -> None:
        self._door = door
        self._store = store
        self._clock = clock
        self.is_closing = False

    async def post(self, request: web.BaseRequest, connection: str) -> web.StreamResponse:
        """Answer one delivery; see the module's text for the codes."""
        began = time.perf_counter()
        answer = await self._receive(request, connection)
        WEBHOOK_S.observe(time.perf_counter() - began)
        _count(answer.status).inc()
        return answer

    async def _receive(self, request: web.BaseRequest, connection: str) -> web.StreamResponse:
        if self.is_closing:
            return unavailable("Pullcord is stopping")
        try:
            admitted = await self._door.admits(connection, presented_secret(request))
        except CannotStore:
            return unavailable("the database cannot be read")
        if admitted is None:
            return _refuse(404, "there is no such connection", request, connection)
        if not admitted:
            return _refuse(401, "the webhook secret is missing or wrong", request, connection)
        try:
            body = arrived_body(request)
            if body is None:
                async with asyncio.timeout(BODY_TIME_S):
                    body = await read_body(request)
        except BodyTooLarge as error:
            return _refuse(413, str(error), request, connection)
        except (TimeoutError, ConnectionError, web.HTTPException):
            return unavailable("the body did not arrive in time")
        try:
            is_long = len(body) > LONG_BODY_BYTES
            what = await asyncio.to_thread(_envelope, body) if is_long else _envelope(body)
        except ValueError as error:
            return _refuse(400, str(error), request, connection)
        try:
            await self._store(
                NewHook(connection, dedup_key(what), body, self._clock(), what.event_type)
            )
        except CannotStore:
            log.warning("webhook for %s not stored: the database cannot take it", connection)
            return unavailable("the webhook cannot be stored now")
        return accepted(request)


def dedup_key(what: HookEnvelope) -> str:
    """What makes two deliveries the same: the notification, else the event, else the content.

    The body's hash is part of the key in storage, so different bodies under one key are both kept.
    """
    if what.subscription_id and what.notification_id is not None:
        return f"n:{what.subscription_id}:{what.notification_id}"
    if what.event_id:
        return f"e:{what.event_id}"
    return "c:"


def presented_secret(request: web.BaseRequest) -> str | None:
    """The secret of ``X-ADO-Signature``, or the password of Basic authentication (RFC 7617)."""
    signatures = request.headers.getall(SIGNATURE_HEADER, [])
    if signatures:
        return signatures[0] if len(signatures) == 1 else None
    authorizations = request.headers.getall(hdrs.AUTHORIZATION, [])
    return _basic_password(authorizations[0]) if len(authorizations) == 1 else None


def _basic_password(header: str) -> str | None:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        decoded = base64.b64decode(encoded.strip(), validate=True).decode()
    except ValueError:
        return None
    _, colon, password = decoded.partition(":")
    return password if colon else None


def arrived_body(request: web.BaseRequest) -> bytes | None:
    """The raw body when all of it has come in with the head, as most do; None when some is missing.

    A compressed body counts as too large, because nobody can tell what it holds before it is
    unpacked. Raises BodyTooLarge.
    """
    if request.headers.get(hdrs.CONTENT_ENCODING, "identity").lower() != "identity":
        raise BodyTooLarge("the body is compressed; send it as it is")
    if (request.content_length or 0) > BODY_LIMIT_BYTES:
        raise BodyTooLarge
    if not request.content.is_eof():
        return None
    body = request.content.read_nowait()
    if len(body) > BODY_LIMIT_BYTES:
        raise BodyTooLarge
    return body


async def read_body(request: web.BaseRequest) -> bytes:
    """The raw body as it comes in; BodyTooLarge as soon as it is over BODY_LIMIT_BYTES."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.content.iter_any():
        size += len(chunk)
        if size > BODY_LIMIT_BYTES:
            raise BodyTooLarge
        chunks.append(chunk)
    return b"".join(chunks)


@cache
def _count(status: int) -> Counter:
    return WEBHOOKS.labels(status=str(status))


def _envelope(body: bytes) -> HookEnvelope:
    return envelope(loads_object_quickly(body))


def _refuse(status: int, reason: str, request: web.BaseRequest, connection: str) -> web.Response:
    security_log.warning(
        "webhook refused: %s %s from %s for connection %s",
        status,
        log_safe(reason),
        request.remote,
        _loggable(connection),
    )
    headers = {"WWW-Authenticate": 'Basic realm="Pullcord"'} if status == 401 else None
    answer = web.json_response({"error": reason}, status=status, headers=headers)
    if status == 413:
        answer.force_close()  # what is left of the body is not read
    return answer


def _loggable(connection: str) -> str:
    """The name in the address, unless it is longer than names are: it may be a misplaced secret."""
    return log_safe(connection) if len(connection) <= LONGEST_LOGGED_NAME else "(a very long name)"
