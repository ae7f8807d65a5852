"""News that comes late, because the feed or Pullcord was down, is told with the word "late".

What brought it stands in its cause, so that the word is in the audit too.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from bot.changes import Change, CommentPosted, PullRequestCreated
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
from bot.notices import texts
from bot.notices.model import DirectMessage, Notice, RefreshCard, ThreadReply

LATE_AFTER = timedelta(minutes=10)
"""Azure DevOps repeats a delivery for about three minutes: what comes after that was missed."""

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


def marked_late(
    notices: tuple[Notice, ...], changes: tuple[Change, ...], now: datetime
) -> tuple[Notice, ...]:
    """The same notices, saying that they come late, and how late where all of it is known."""
    word = _word(changes, now)
    return tuple(_marked(notice, word) for notice in notices)


def _marked(notice: Notice, word: str) -> Notice:
    match notice:
        case ThreadReply() | DirectMessage():
            return replace(notice, text=f"{notice.text} {word}")
        case RefreshCard():
            return notice


def _word(changes: tuple[Change, ...], now: datetime) -> str:
    """``(late)``, or ``(late, 3 h ago)`` for the one change whose moment is known."""
    moments = {_moment(change) for change in changes}
    if len(moments) != 1 or None in moments:
        return "(late)"
    (moment,) = moments
    assert moment is not None  # for the type checker
    return f"(late, {texts.duration(now - moment)} ago)"


def _moment(change: Change) -> datetime | None:
    match change:
        case CommentPosted(comment=comment):
            return comment.created_at
        case PullRequestCreated(created_at=created_at):
            return created_at
    return None


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
