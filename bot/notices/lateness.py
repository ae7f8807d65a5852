"""How late something is told that no webhook brought. Pure.

A vote that somebody reads an hour after it was cast is not taken for one of this minute.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.changes import (
    Change,
    CloserIdentified,
    CommentPosted,
    PullRequestAbandoned,
    PullRequestCompleted,
    PullRequestCreated,
)
from bot.notices.texts import duration
from bot.pull_request_state import PullRequestState

SWEEP_CAUSE = "sweep"
LATE_AFTER = timedelta(minutes=10)
"""Azure DevOps repeats a delivery for about three minutes: what comes after that was missed."""


@dataclass(frozen=True, slots=True)
class Late:
    """That something is told late. It is worded when it is told, which may be hours afterwards.

    ``since`` is when it happened, or with ``is_exact`` false the last moment before which it cannot
    have happened; None when nobody knows.
    """

    since: datetime | None
    is_exact: bool = False

    def said(self, now: datetime) -> str:
        """``late: 40 min ago``, or ``late: in the last 40 min`` where the moment is not known."""
        if self.since is None:
            return "late"
        ago = duration(now - self.since)
        return f"late: {ago} ago" if self.is_exact else f"late: in the last {ago}"


def with_lateness(text: str, late: Late | None, now: datetime) -> str:
    """A sentence with how late it is, if it is."""
    return f"{text} ({late.said(now)})" if late else text


def lateness(
    changes: Sequence[Change],
    state: PullRequestState,
    *,
    unchanged_at: datetime | None,
    was_missed: bool = False,
    now: datetime,
) -> Late | None:
    """How late it is that these changes are told.

    Args:
        changes: what was found together.
        state: the pull request as it is now.
        unchanged_at: when it was last seen as it was before; None when that is not known.
        was_missed: whether the feed or Pullcord was down, or the webhook itself came late.
        now: the time.

    Returns:
        None for what happened a few minutes ago, and for what was not missed when nobody knows how
        long ago it happened.
    """
    times = [_time_of(change, state) for change in changes]
    known = [time for time in times if time is not None]
    if known and len(known) == len(times):
        first = min(known)
        return Late(first, is_exact=True) if now - first > LATE_AFTER else None
    if unchanged_at is None:
        return Late(None) if was_missed else None
    return Late(unchanged_at) if now - unchanged_at > LATE_AFTER else None


def _time_of(change: Change, state: PullRequestState) -> datetime | None:
    match change:
        case PullRequestCreated(created_at=at):
            return at
        case CommentPosted(comment=comment):
            return comment.created_at
        case PullRequestCompleted() | PullRequestAbandoned() | CloserIdentified():
            return state.closed_at
    return None
