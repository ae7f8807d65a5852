"""When an episode of conflicts begins, goes on, comes back and ends. Pure.

What is stored of the last episode and what is known now give the next step, so the same snapshots
in any order and any number lead to the same episodes.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bot.model import MergeStatus, PullRequestStatus
from bot.pull_request_state import PullRequestState

FLAP = timedelta(seconds=300)
"""A conflict that is back within this time is the same episode, unless it is set otherwise."""


class EndedBy(StrEnum):
    """What ended an episode."""

    SOURCE = "source"
    TARGET = "target"
    RETARGET = "retarget"
    COMPLETED = "completed"
    ABANDONED = "abandoned"
    UNKNOWN = ""

    @property
    def is_closing(self) -> bool:
        """Whether the pull request was closed: nothing is clean again then."""
        return self in (EndedBy.COMPLETED, EndedBy.ABANDONED)


@dataclass(frozen=True, slots=True)
class Finding:
    """What Pullcord's own trial merge said, beside Azure DevOps' word about an older target.

    ``is_unaffected``: nothing was tried, because the target's commits up to ``target_commit`` touch
    other files only. Then Azure DevOps' word holds.
    """

    status: MergeStatus
    source_commit: str
    target_ref: str
    target_commit: str
    stale_target_commit: str
    found_at: datetime
    is_unaffected: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether a pull request has conflicts now, of which commits, and who says so.

    ``is_about_now``: False for our own word about commits or a target that were replaced since, as
    long as Azure DevOps has not merged the present ones: it holds for what has begun.
    """

    is_conflicted: bool
    since: datetime | None
    source_commit: str
    target_ref: str
    target_commit: str
    is_own: bool
    is_about_now: bool = True


@dataclass(frozen=True, slots=True)
class Episode:
    """What deciding needs of the last episode."""

    began_at: datetime
    ended_at: datetime | None
    ended_by: EndedBy
    source_commit: str
    target_ref: str
    target_commit: str
    is_own: bool


@dataclass(frozen=True, slots=True)
class Begin:
    """A new episode."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Reopen:
    """The conflict came back shortly after its end: the same episode, no new alert."""


@dataclass(frozen=True, slots=True)
class GoOn:
    """The open episode is about other commits now, or somebody else says so.

    ``examine_again``: the files may be other ones. A target that merely moved on is no reason:
    with many open pull requests that would be many calls.
    """

    examine_again: bool


@dataclass(frozen=True, slots=True)
class End:
    """The open episode is over."""

    by: EndedBy


Step = Begin | Reopen | GoOn | End | None


def judge(state: PullRequestState, finding: Finding | None) -> Standing:
    """Azure DevOps' word, unless our own finding is about a newer target that it has not merged.

    After a push Azure DevOps' last word is older than ours still, until it has merged the new
    commits. Till then ours is the last one, and nothing has ended yet.
    """
    merge = state.merge
    if finding is not None and state.is_active and _stands(finding, state):
        return Standing(
            is_conflicted=finding.status is MergeStatus.CONFLICTS,
            since=finding.found_at,
            source_commit=finding.source_commit,
            target_ref=finding.target_ref,
            target_commit=finding.target_commit,
            is_own=True,
            is_about_now=_is_about_now(finding, state),
        )
    return Standing(
        is_conflicted=state.is_active and state.conflicted_since is not None,
        since=state.conflicted_since,
        source_commit=(merge.source_commit if merge else "") or state.source_commit,
        target_ref=(merge.target_ref if merge else "") or state.target_ref,
        target_commit=merge.target_commit if merge else "",
        is_own=False,
    )


def _stands(finding: Finding, state: PullRequestState) -> bool:
    """Whether Azure DevOps has not said anything about other commits since."""
    if finding.is_unaffected:
        return False
    if finding.status not in (MergeStatus.CONFLICTS, MergeStatus.SUCCEEDED):
        return False
    merge = state.merge
    if merge is None:
        return True
    if not merge.source_commit and not _is_about_now(finding, state):
        return False
    return (
        merge.source_commit in ("", finding.source_commit)
        and merge.target_commit == finding.stale_target_commit
        and merge.target_ref == finding.target_ref
    )


def _is_about_now(finding: Finding, state: PullRequestState) -> bool:
    return (finding.source_commit, finding.target_ref) == (state.source_commit, state.target_ref)


def next_step(
    state: PullRequestState,
    standing: Standing,
    last: Episode | None,
    *,
    now: datetime,
    flap: timedelta,
) -> Step:
    """What becomes of the pull request's episode."""
    is_open = last is not None and last.ended_at is None
    if last is None or not is_open:
        if not (standing.is_conflicted and standing.is_about_now):
            return None
        return Reopen() if _is_flap(last, now, flap) else Begin(standing.since or now)
    if not standing.is_conflicted:
        return End(_ended_by(state, standing, last))
    about_others = (standing.source_commit, standing.target_ref) != (
        last.source_commit,
        last.target_ref,
    )
    if about_others or standing.is_own != last.is_own:
        return GoOn(examine_again=about_others or last.is_own)
    return None


def _is_flap(last: Episode | None, now: datetime, flap: timedelta) -> bool:
    """Whether a conflict is back soon after it went; a closed one that is reactivated is not."""
    return (
        last is not None
        and last.ended_at is not None
        and not last.ended_by.is_closing
        and now - last.ended_at <= flap
    )


def _ended_by(state: PullRequestState, standing: Standing, last: Episode) -> EndedBy:
    if state.status is PullRequestStatus.COMPLETED:
        return EndedBy.COMPLETED
    if state.status is PullRequestStatus.ABANDONED:
        return EndedBy.ABANDONED
    if standing.target_ref != last.target_ref:
        return EndedBy.RETARGET
    if last.source_commit and standing.source_commit != last.source_commit:
        return EndedBy.SOURCE
    if last.target_commit and standing.target_commit != last.target_commit:
        return EndedBy.TARGET
    return EndedBy.UNKNOWN
