"""How late something is told that no webhook brought. Pure.

A vote that somebody reads an hour after it was cast is not taken for one of this minute.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.changes import (
    Change,
    CloserIdentified,
    PullRequestAbandoned,
    PullRequestCompleted,
    PullRequestCreated,
)
from bot.notices.texts import duration
from bot.pull_request_state import PullRequestState

SWEEP_CAUSE = "sweep"
LATE_AFTER = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Late:
    """That something is told late. It is worded when it is told, which may be hours afterwards.

    ``since`` is when it happened, or with ``is_exact`` false the last moment before which it cannot
    have happened.
    """

    since: datetime
    is_exact: bool

    def said(self, now: datetime) -> str:
        """``late: 40 min ago``, or ``late: in the last 40 min`` where the moment is not known."""
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
    now: datetime,
) -> Late | None:
    """How late it is that these changes are told.

    Args:
        changes: what a sweep found together.
        state: the pull request as it is now.
        unchanged_at: when it was last seen as it was before; None when that is not known.
        now: the time.

    Returns:
        None for what happened a few minutes ago, or when nobody knows how long ago.
    """
    times = [_time_of(change, state) for change in changes]
    known = [time for time in times if time is not None]
    if known and len(known) == len(times):
        first = min(known)
        return Late(first, is_exact=True) if now - first > LATE_AFTER else None
    if unchanged_at is None or now - unchanged_at <= LATE_AFTER:
        return None
    return Late(unchanged_at, is_exact=False)


def _time_of(change: Change, state: PullRequestState) -> datetime | None:
    match change:
        case PullRequestCreated(created_at=at):
            return at
        case PullRequestCompleted() | PullRequestAbandoned() | CloserIdentified():
            return state.closed_at
    return None
