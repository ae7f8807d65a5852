"""The connector's error answers.

https://learn.microsoft.com/microsoftteams/platform/bots/build-conversational-capability#status-codes-from-agent-conversational-apis
"""

from aiohttp import web


class Refusal(Exception):
    """An error answer of the connector: `{"error": {"code", "message"}}`."""

    def __init__(self, status: int, code: str, message: str, retry_after_s: int = 0) -> None:
        super().__init__(f"{status} {code}: {message}")
        self._body = {"error": {"code": code, "message": message}}
        self._status = status
        self._headers = {"Retry-After": str(retry_after_s)} if retry_after_s else {}

    def answer(self) -> web.Response:
        """The HTTP answer."""
        return web.json_response(self._body, status=self._status, headers=self._headers)


def unauthorized() -> Refusal:
    """No token, or not one of ours."""
    return Refusal(401, "Unauthorized", "Authorization has been denied for this request.")


def bad_syntax(why: str) -> Refusal:
    """The body is not what the operation takes."""
    return Refusal(400, "BadSyntax", why)


def bad_argument(why: str) -> Refusal:
    """A value in the body cannot be."""
    return Refusal(400, "BadArgument", why)


def blocked() -> Refusal:
    """The person blocked the bot."""
    return Refusal(403, "ConversationBlockedByUser", "User blocked the conversation with the bot.")


def not_in_roster() -> Refusal:
    """The app is not, or no longer, in the conversation."""
    return Refusal(
        403, "BotNotInConversationRoster", "The bot is not part of the conversation roster."
    )


def not_installed() -> Refusal:
    """The person does not have the app."""
    return Refusal(
        403, "ForbiddenOperationException", "Bot is not installed in user's personal scope."
    )


def not_yours() -> Refusal:
    """Only a message's author changes it."""
    return Refusal(403, "NotEnoughPermissions", "The message was not sent by this bot.")


def no_conversation() -> Refusal:
    """No such conversation, or deleted."""
    return Refusal(404, "ConversationNotFound", "Conversation not found.")


def no_activity() -> Refusal:
    """No such message, or deleted. The text is the service's own."""
    return Refusal(404, "ActivityNotFoundInConversation", "Conversation not found.")


def no_member() -> Refusal:
    """The person is not in the conversation."""
    return Refusal(404, "MemberNotFoundInConversation", "Member not found in conversation.")


def too_big() -> Refusal:
    """Over the size limit."""
    return Refusal(413, "MessageSizeTooBig", "Message size too large.")


def throttled(retry_after_s: int) -> Refusal:
    """Over a rate limit."""
    return Refusal(429, "Throttled", "Too many requests.", retry_after_s)
