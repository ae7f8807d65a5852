"""How late something is told that no webhook brought. Pure.

A vote that somebody reads an hour after it was cast is not taken for one of this minute.
"""

from collections.abc import Sequence
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


def lateness(
    changes: Sequence[Change],
    state: PullRequestState,
    *,
    unchanged_at: datetime | None,
    now: datetime,
) -> str:
    """``late: 40 min ago``, or ``late: in the last 40 min`` where the moment is not known.

    Args:
        changes: what a sweep found together.
        state: the pull request as it is now.
        unchanged_at: when it was last seen as it was before; None when that is not known.
        now: the time.

    Returns:
        "" for what happened a few minutes ago, or when nobody knows how long ago.
    """
    times = [_time_of(change, state) for change in changes]
    known = [time for time in times if time is not None]
    if known and len(known) == len(times):
        first = min(known)
        return f"late: {duration(now - first)} ago" if now - first > LATE_AFTER else ""
    if unchanged_at is None or now - unchanged_at <= LATE_AFTER:
        return ""
    return f"late: in the last {duration(now - unchanged_at)}"


def _time_of(change: Change, state: PullRequestState) -> datetime | None:
    match change:
        case PullRequestCreated(created_at=at):
            return at
        case CommentPosted(comment=comment):
            return comment.created_at
        case PullRequestCompleted() | PullRequestAbandoned() | CloserIdentified():
            return state.closed_at
    return None
