"""Read a request's body: bounded, and strictly as JSON."""

import asyncio
import json
import re
from typing import Any, NoReturn

import aiohttp
from aiohttp import web

from adapters.teams.refusals import Refused
from bot.teams_model import Json

LARGEST_BODY_BYTES = 256 * 1024
READ_TIMEOUT_S = 10.0
DEEPEST = 64

# Escapes of NUL and of halves of surrogate pairs: no database and no UTF-8 text takes them.
_AWKWARD_ESCAPE = re.compile(rb"\\u(?:0000|d[89a-f])", re.IGNORECASE)
_AWKWARD = re.compile("[\x00\ud800-\udfff]")


def check_size(request: web.BaseRequest) -> None:
    """Refuse by the headers alone what would be too large or is packed.

    Raises:
        Refused: 413 over 256 KB, 415 when encoded or not JSON.
    """
    if (request.content_length or 0) > LARGEST_BODY_BYTES:
        raise Refused(413, "the body is larger than 256 KB")
    if request.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        raise Refused(415, "the body is compressed")
    # Also what keeps a browser's page from posting here without asking (CORS).
    if request.content_type != "application/json":
        raise Refused(415, "the body is not application/json")


async def read_body(request: web.BaseRequest) -> bytes:
    """The whole body, given up as soon as it is too large or too slow.

    Raises:
        Refused: 413 over 256 KB, 408 after ten seconds, 400 when it ends early.
    """
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(READ_TIMEOUT_S):
            async for part in request.content.iter_any():
                size += len(part)
                if size > LARGEST_BODY_BYTES:
                    raise Refused(413, "the body is larger than 256 KB")
                parts.append(part)
    except TimeoutError:
        raise Refused(408, "the body did not arrive within 10 s") from None
    except (aiohttp.ClientError, aiohttp.http_exceptions.HttpProcessingError, OSError):
        raise Refused(400, "the body is not whole") from None
    return b"".join(parts)


def json_object(raw: bytes) -> Json:
    """The body as a JSON object (RFC 8259, no doubled names), at most 64 levels deep.

    Characters that cannot be stored as UTF-8 text become U+FFFD.

    Raises:
        Refused: 400 for anything else.
    """
    try:
        value = json.loads(
            raw.decode("utf-8"), parse_constant=_no_constant, object_pairs_hook=_no_doubles
        )
    except (ValueError, RecursionError) as error:
        raise Refused(400, "the body is not JSON", type(error).__name__) from None
    if not isinstance(value, dict):
        raise Refused(400, "the body is not a JSON object")
    _check_depth(value)
    return _storable(value) if _AWKWARD_ESCAPE.search(raw) else value


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(DEEPEST):
        level = [
            child
            for node in level
            if isinstance(node, dict | list)
            for child in (node.values() if isinstance(node, dict) else node)
        ]
        if not level:
            return
    raise Refused(400, "the body is nested too deeply")


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return _AWKWARD.sub("\ufffd", value)
    if isinstance(value, dict):
        return {_storable(name): _storable(child) for name, child in value.items()}
    if isinstance(value, list):
        return [_storable(child) for child in value]
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _no_doubles(pairs: list[tuple[str, Any]]) -> Json:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return value
