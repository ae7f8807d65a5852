"""The Bot Connector's answers as errors of the port.

https://learn.microsoft.com/microsoftteams/platform/bots/build-conversational-capability#status-codes-from-agent-conversational-apis
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import aiohttp

from bot.log_text import log_safe
from bot.ports import ConversationGone, MessageGone, TeamsError, TeamsRefused, TeamsRetry

RETRIED = frozenset({408, 412, 429, 502, 503, 504})
# A gateway says these, and the service behind it may have taken the message.
UNCERTAIN = frozenset({408, 502, 504})

_NOT_ABOUT_THE_CONVERSATION = frozenset({"NotEnoughPermissions", "InvalidBotApiHost"})
_WHY = {
    "BotDisabledByAdmin": "an administrator has disabled the bot",
    "BotNotInConversationRoster": "the bot was removed from the conversation",
    "ConversationBlockedByUser": "the person has blocked the bot",
    "ConversationNotFound": "the conversation is no more",
    "ForbiddenOperationException": "the person does not have the app",
    "MessageWritesBlocked": "the person has blocked or removed the bot",
    "NotEnoughPermissions": "the bot may not do this there",
    "InvalidBotApiHost": "the conversation belongs to another cloud",
    "MessageSizeTooBig": "the message is too large",
    "BotNotRegistered": "the bot's id or password is not registered with Teams",
}


def teams_error(
    status: int, headers: Mapping[str, str], raw: bytes, *, updating: bool, now: datetime
) -> TeamsError:
    """What an answer other than 2xx means.

    Args:
        status: The HTTP status.
        headers: The answer's headers.
        raw: Its body.
        updating: Whether a message was to be updated.
        now: For a Retry-After that is a date.
    """
    code = error_code(raw)
    said = f"Teams answered {status}{f' {log_safe(code, 60)}' if code else ''}"
    text = f"{said}: {_WHY[code]}" if code in _WHY else said
    if status in RETRIED:
        after = retry_after_s(headers.get("Retry-After", ""), now)
        return TeamsRetry(text, retry_after_s=after, uncertain=status in UNCERTAIN)
    if status in (403, 404):
        # A message that was there once and is deleted is answered 403 ServiceError
        # (microsoft/BotFramework-Services issue 269).
        if code == "ActivityNotFoundInConversation" or (updating and code == "ServiceError"):
            return MessageGone(f"{said}: the message is no more")
        if code not in _NOT_ABOUT_THE_CONVERSATION:
            return ConversationGone(text)
    return TeamsRefused(text)


def connection_error(error: Exception) -> TeamsRetry:
    """A request that got no answer. Uncertain unless the connection was never made."""
    never_sent = isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError)
    if isinstance(error, TimeoutError):
        text = "Teams did not answer in time"
    else:
        text = f"the connection to Teams failed ({type(error).__name__})"
    return TeamsRetry(text, uncertain=not never_sent)


def retry_after_s(value: str, now: datetime) -> float | None:
    """Seconds to wait by a Retry-After header (RFC 9110 10.2.3), None when it does not say."""
    value = value.strip()
    if value.isascii() and value.isdigit() and len(value) < 10:
        return float(value)
    try:
        until = parsedate_to_datetime(value)
    except ValueError:
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return max(0.0, (until - now).total_seconds())


def error_code(raw: bytes) -> str:
    """The connector's own code of an error body, empty when there is none."""
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        return ""
    error = body.get("error") if isinstance(body, dict) else None
    code = error.get("code") if isinstance(error, dict) else None
    return code if isinstance(code, str) else ""
