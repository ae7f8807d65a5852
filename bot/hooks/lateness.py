"""News that comes late, because the feed or Pullcord was down, is marked so in its cause.

So the word is in the audit too; how it is told is in ``bot.notices.lateness``.
"""

from datetime import datetime

from bot.model import (
    BuildHook,
    CommentHook,
    Hook,
    PullRequestHook,
    Pushed,
    RepositoryHook,
    TestHook,
    TicketHook,
    UnusedHook,
)
from bot.notices.lateness import LATE_AFTER

_MARK = " late"


def late(cause: str) -> str:
    """The cause of something that comes late."""
    return f"{cause}{_MARK}"


def is_late(cause: str) -> bool:
    """Whether what this cause brings comes late."""
    return cause.endswith(_MARK)


def comes_late(hook: Hook, received_at: datetime) -> bool:
    """Whether a webhook tells of something that happened long before it came in."""
    happened = _happened_at(hook)
    return happened is not None and received_at - happened > LATE_AFTER


def _happened_at(hook: Hook) -> datetime | None:
    match hook:
        case PullRequestHook(snapshot=snapshot):
            return snapshot.as_of
        case CommentHook(comment=comment):
            return comment.updated_at or comment.created_at
        case Pushed(at=at) | TicketHook(at=at) | BuildHook(at=at):
            return at
        case RepositoryHook() | TestHook() | UnusedHook():
            return None
