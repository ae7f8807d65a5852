"""Where a pull request stands, and what is waited for: one label, one colour, one sentence."""

from dataclasses import dataclass
from datetime import datetime

from bot.cards.parts import Tone
from bot.cards.view import PullRequestView
from bot.checks import is_failed
from bot.model import MergeStatus, PullRequestStatus, Reviewer, Vote
from bot.notices import texts
from bot.pull_request_state import PullRequestState


@dataclass(frozen=True, slots=True)
class Standing:
    """``label`` is a word for the corner, ``sentence`` says what is waited for. Plain text.

    ``since`` is the moment since when it stands so, where that matters.
    """

    label: str
    tone: Tone
    sentence: str
    since: datetime | None = None


def standing(view: PullRequestView) -> Standing:
    """What stands in the way comes first: closed, blocked, draft, checks, reviews."""
    return (
        _closed(view.state)
        or _blocked(view)
        or _draft(view.state)
        or _voted_down(view.state)
        or _checks(view)
        or _reviews(view)
    )


def _closed(state: PullRequestState) -> Standing | None:
    by = f" by {texts.name_of(state.closed_by)}" if state.closed_by else ""
    match state.status:
        case PullRequestStatus.COMPLETED:
            return Standing("Completed", Tone.GOOD, f"Completed{by}")
        case PullRequestStatus.ABANDONED:
            return Standing("Abandoned", Tone.NEUTRAL, f"Abandoned{by}")
    return None


def _blocked(view: PullRequestView) -> Standing | None:
    state = view.state
    label = "Draft, blocked" if state.is_draft else "Blocked"
    target = texts.branch(state.target_ref)
    if view.has_conflicts:
        own = view.own_finding
        since = view.conflicts_since or state.conflicted_since
        auto = ". Auto-complete is set and will not happen" if state.auto_complete_by else ""
        by = ". Pullcord's own finding, not yet Azure DevOps'" if own else ""
        return Standing(label, Tone.BAD, f"Conflicts with {target}{auto}{by}", since)
    if state.merge_status is MergeStatus.REJECTED_BY_POLICY:
        return Standing(label, Tone.BAD, f"A policy rejects the merge into {target}")
    if state.merge_status is MergeStatus.FAILURE:
        return Standing(label, Tone.BAD, f"Azure DevOps could not try the merge into {target}")
    return None


def _draft(state: PullRequestState) -> Standing | None:
    if state.is_draft:
        return Standing("Draft", Tone.NEUTRAL, "Not ready for review yet")
    return None


def _voted_down(state: PullRequestState) -> Standing | None:
    rejected = [r for r in state.reviewers if r.vote is Vote.REJECTED]
    if rejected:
        return Standing("Rejected", Tone.BAD, f"Rejected by {_names(rejected)}")
    waiting = [r for r in state.reviewers if r.vote is Vote.WAITING_FOR_AUTHOR]
    if waiting:
        verb = "waits" if len(waiting) == 1 else "wait"
        return Standing("Changes asked", Tone.WARNING, f"{_names(waiting)} {verb} for the author")
    return None


def _checks(view: PullRequestView) -> Standing | None:
    failed = [check for check in view.checks or () if is_failed(check)]
    if not failed:
        return None
    what = "1 check" if len(failed) == 1 else f"{len(failed)} checks"
    return Standing("Active", Tone.WARNING, f"{what} failed")


def _reviews(view: PullRequestView) -> Standing:
    state, pending = view.state, view.reviews_pending
    approvals = [r for r in state.reviewers if r.vote > Vote.NONE]
    if view.waits_for_viewer:
        return Standing("Active", Tone.INFO, "Waiting for your review")
    if not state.reviewers:
        return Standing("Active", Tone.INFO, "No reviewer yet")
    if approvals and not any(r.required for r in pending):
        auto = ", completes by itself when all policies pass" if state.auto_complete_by else ""
        return Standing("Approved", Tone.GOOD, f"Approved{auto}")
    count = "1 review" if len(pending) == 1 else f"{len(pending)} reviews"
    if len(pending) == 1:
        return Standing("Active", Tone.INFO, f"Waiting for {_names(pending)}")
    if not pending:
        return Standing("Active", Tone.INFO, "No reviewer yet")
    return Standing("Active", Tone.INFO, f"Waiting for {count}")


def _names(reviewers: "list[Reviewer] | tuple[Reviewer, ...]") -> str:
    shown = [texts.name_of(reviewer.identity) for reviewer in reviewers[:2]]
    more = len(reviewers) - len(shown)
    if more:
        return f"{', '.join(shown)} and {more} more"
    return " and ".join(shown)
