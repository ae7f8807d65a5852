"""An answer that is not the wanted one → a typed error (``bot.ports``). Pure.

Azure DevOps puts a ``typeKey`` and a message beginning with ``TF401192:`` or ``VS403351:`` into
its error bodies; ``errorCode`` is nearly always 0. A missing or dead credential may be answered
with 203 and a sign-in page, or with a redirect to one.
"""

import json
import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from bot.ports import (
    WEB_PAGE,
    AuthenticationFailed,
    AzureDevOpsError,
    BadAnswer,
    Conflict,
    Forbidden,
    NotFound,
    RateLimited,
    Rejected,
    Unreachable,
)

MAX_MESSAGE = 300
DEFAULT_COOL_DOWN_S = 30.0
MAX_COOL_DOWN_S = 3600.0

UNREACHABLE = "Azure DevOps cannot be reached"
RELATION_EXISTS = "RelationAlreadyExists"
"""``code`` of the Conflict for a link that is there already: Azure DevOps gives it no key."""

_CODE = re.compile(r"^((?:TF|VS)[0-9]{4,7}):\s*")
_NOT_PLAIN = re.compile(r"[\x00-\x1f\x7f\u0080-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069]+")

_CONFLICT_CODES = frozenset({"TF401179", "TF401192", "TF401028", "VS403351"})
_AUTHENTICATION_CODES = frozenset({"VS403463"})
_RATE_LIMIT_CODES = frozenset({"TF400733"})
_CONFLICT_TYPES = re.compile(r"(Exists|Stale|Conflict)\w*Exception$")
_NOT_FOUND_TYPES = re.compile(r"(NotFound|DoesNotExist)\w*Exception$")


def to_error(status: int, headers: Mapping[str, str], body: bytes) -> AzureDevOpsError:
    """The error that an answer stands for.

    Args:
        status: of HTTP; any that is not a success with JSON.
        headers: names in lower case, or a mapping that does not care.
        body: JSON, HTML, cut or empty; only messages of JSON are ever quoted.
    """
    if status < 300:
        return _not_json(status)
    if status < 400:
        return _redirected(status, headers)
    details = _details(body)
    message, code = _message(details)
    key = code or _string(details.get("typeKey"))
    if status == 429 or code in _RATE_LIMIT_CODES:
        wait_s = retry_after_s(headers) or DEFAULT_COOL_DOWN_S
        return RateLimited("Azure DevOps asks to slow down", retry_after_s=wait_s, code=key)
    if status == 401 or code in _AUTHENTICATION_CODES:
        text = _authentication(headers, body, message, code)
        return AuthenticationFailed(text, code=key, status=status)
    if status == 408 or status >= 500:
        text = f"{UNREACHABLE}: it answered with status {status}"
        return Unreachable(text, code=key, status=status)
    if "relation already exists" in message.lower():
        return Conflict(_said(message, ""), code=RELATION_EXISTS, status=status)
    if status == 403 and body.lstrip()[:1] == b"<":
        text = "Azure DevOps, or a gateway in front of it, refuses this with a web page"
        return Forbidden(text, code=WEB_PAGE, status=status)
    kind, otherwise = _refusal(status, code, _string(details.get("typeKey")), message)
    told = (_broken_rules(details) if kind is Rejected else "") or message
    return kind(_said(told, otherwise), code=key, status=status)


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds of a Retry-After header (RFC 9110, 10.2.3), at most an hour; None without one."""
    value = headers.get("retry-after", "").strip()
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        seconds = _seconds_between(headers.get("date", ""), value)
    return min(seconds, MAX_COOL_DOWN_S) if seconds > 0 else None


def plain(text: str) -> str:
    """Text of somebody else made fit for one line: no control characters, cut."""
    line = _NOT_PLAIN.sub(" ", text).strip()
    return line if len(line) <= MAX_MESSAGE else f"{line[: MAX_MESSAGE - 1]}…"


def _seconds_between(earlier: str, later: str) -> float:
    """Between two dates of HTTP, both by the server's clock; 0 when one is none."""
    try:
        return (parsedate_to_datetime(later) - parsedate_to_datetime(earlier)).total_seconds()
    except (ValueError, TypeError):
        return 0.0


def _refusal(
    status: int, code: str, type_key: str, message: str
) -> tuple[type[AzureDevOpsError], str]:
    """(kind of error, what to say when the body has no message)."""
    if status in (409, 412) or code in _CONFLICT_CODES or _CONFLICT_TYPES.search(type_key):
        return Conflict, "it was changed meanwhile, or is there already"
    if status == 403:
        return Forbidden, "the credential may not do this"
    if status == 404 or _NOT_FOUND_TYPES.search(type_key):
        return NotFound, "not found, or hidden from the credential"
    if "already exists" in message:
        return Conflict, "it is there already"
    return Rejected, f"the request was refused ({status})"


def _not_json(status: int) -> AzureDevOpsError:
    text = "Azure DevOps answered with its sign-in page: the credential is missing or not accepted"
    return AuthenticationFailed(text, status=status)


def _redirected(status: int, headers: Mapping[str, str]) -> AzureDevOpsError:
    if status in (302, 303) or "_signin" in headers.get("location", "").lower():
        text = "Azure DevOps wants a sign-in: the credential is missing or not accepted"
        return AuthenticationFailed(text, status=status)
    text = f"Azure DevOps answered with a redirect ({status}); check the base URL"
    return BadAnswer(text, status=status)


def _authentication(headers: Mapping[str, str], body: bytes, message: str, code: str) -> str:
    if b"has expired" in body:
        return "Azure DevOps: the personal access token has expired"
    if code in _AUTHENTICATION_CODES:
        return "Azure DevOps: a Conditional Access policy blocks the credential"
    challenge = headers.get("www-authenticate", "").lower()
    if not message and challenge.startswith("basic") and "bearer" not in challenge:
        return (
            "Azure DevOps Server refused the credential; "
            "if the token is right, IIS Basic Authentication may be switched on, which breaks it"
        )
    return _said(message, "the credential was not accepted")


def _said(message: str, otherwise: str) -> str:
    return f"Azure DevOps: {message or otherwise}"


def _details(body: bytes) -> dict[str, Any]:
    try:
        details = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return details if isinstance(details, dict) else {}


def _message(details: dict[str, Any]) -> tuple[str, str]:
    """(the message without its number, the number)."""
    message = _string(details.get("message"))
    code = _CODE.match(message)
    return plain(message[code.end() :] if code else message), code.group(1) if code else ""


def _broken_rules(details: dict[str, Any]) -> str:
    """The work item rules that were broken: ``System.State: …; System.Title: …``."""
    properties = details.get("customProperties")
    rules = properties.get("RuleValidationErrors") if isinstance(properties, dict) else None
    told = [
        f"{_string(rule.get('fieldReferenceName'))}: {_string(rule.get('errorMessage'))}"
        for rule in (rules if isinstance(rules, list) else [])
        if isinstance(rule, dict)
    ]
    return plain("; ".join(told))


def _string(value: object) -> str:
    return value if isinstance(value, str) else ""
