"""Reading JSON that strangers may have written: strictly, and in bounded time (RFC 8259)."""

import codecs
import json
import math
import re
from typing import Any, NoReturn

import jiter

MAX_DEPTH = 64
"""Levels of nesting; a service-hook body has about ten."""

MAX_VALUES = 80_000
"""Commas, brackets and escapes together, an upper bound of the work that parsing is.

Two megabytes of commits, the longest body that Azure DevOps sends, have about 40,000.
"""

MAX_REAL_DIGITS = 100
"""Of a number with a fraction or exponent; Python itself limits whole ones to 4,300."""

_LONE_SURROGATES = re.compile(
    r"""(\\\\)                                                    # an escaped backslash
    |(\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})  # a whole pair
    |(\\u[dD][89a-fA-F][0-9a-fA-F]{2})                            # half of one""",
    re.VERBOSE,
)


class _Refused(ValueError):
    """Not what the JSON module itself refuses."""


def loads_object(raw: bytes) -> dict[str, Any]:
    """The JSON object that a body holds.

    Args:
        raw: UTF-8, a byte order mark allowed. The caller limits its size.

    Raises:
        ValueError: one sentence. Not an object, malformed UTF-8 or JSON, NaN, infinities,
            a key twice in one object, numbers of too many digits, too deep, too much.
    """
    body = _object(_strictly(raw))
    if raw.count(b"{") + raw.count(b"[") > MAX_DEPTH and _is_too_deep(body):
        raise ValueError(_TOO_DEEP)
    return body


def loads_object_quickly(raw: bytes) -> dict[str, Any]:
    """The same in a third of the time, for who needs little of a body that is read again later.

    Left to that second reading: numbers with a fraction or exponent (one that is too large is
    infinite here), and nesting of up to 200 levels.
    """
    if len(raw) > MAX_VALUES:  # it takes time in any case, and there the strict way has its bounds
        return loads_object(raw)
    try:
        body = jiter.from_json(
            raw, allow_inf_nan=False, catch_duplicate_keys=True, cache_mode="keys"
        )
    except ValueError:  # it takes no half surrogates and no byte order mark, and says less
        return loads_object(raw)
    return _object(body)


def _strictly(raw: bytes) -> object:
    if len(raw) > MAX_VALUES and sum(map(raw.count, _COSTLY)) > MAX_VALUES:
        raise ValueError(f"the body holds more than {MAX_VALUES} values")
    try:
        text = raw.removeprefix(codecs.BOM_UTF8).decode()
    except UnicodeDecodeError as error:
        raise ValueError(f"the body is not UTF-8 at byte {error.start}") from None
    if not text or text.isspace():
        raise ValueError("the body is empty")
    if "\\u" in text:
        text = _LONE_SURROGATES.sub(_whole_characters, text)
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"the body is not JSON: {error.msg} at character {error.pos}") from None
    except _Refused:
        raise
    except ValueError:  # of int(), which is faster as it is than with a check of ours
        raise ValueError(_TOO_MANY_DIGITS) from None
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None


def _object(body: object) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise ValueError("the body is not a JSON object")
    return body


_COSTLY = (b",", b"[", b"{", b"\\u")
_TOO_MANY_DIGITS = "the body has a number of too many digits"
_TOO_DEEP = f"the body is nested more than {MAX_DEPTH} levels deep"


def _whole_characters(match: re.Match[str]) -> str:
    """Half a surrogate pair becomes U+FFFD: no database and no wire takes it as it is.

    It is no reason to refuse a body: whoever cuts a text in its middle makes one.
    """
    return "\\ufffd" if match.group(3) else match.group(0)


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _Refused("the body has a key twice in one object")
    return members


def _real(digits: str) -> float:
    if len(digits) > MAX_REAL_DIGITS:
        raise _Refused(_TOO_MANY_DIGITS)
    number = float(digits)
    if math.isinf(number):
        raise _Refused("the body has a number that is too large")
    return number


def _no_constant(name: str) -> NoReturn:
    raise _Refused(f"the body has {name}, which is not JSON")


def _is_too_deep(body: dict[str, Any]) -> bool:
    level: list[Any] = [body]
    for _ in range(MAX_DEPTH):
        deeper: list[Any] = []
        for container in level:
            members = container.values() if type(container) is dict else container
            deeper += [member for member in members if type(member) in _CONTAINERS]
        if not deeper:
            return False
        level = deeper
    return True


_CONTAINERS = (dict, list)
_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique_keys,
    parse_float=_real,
    parse_constant=_no_constant,
)
