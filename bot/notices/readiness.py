"""Whether nothing stands in the way of a pull request any more, as far as its state says. Pure."""

from collections.abc import Sequence

from bot.changes import Change, ConflictEnded, VoteCast
from bot.model import Check, MergeStatus, Vote
from bot.notices.machines import is_machine
from bot.pull_request_state import PullRequestState

_WAITING = frozenset({"notset", "pending", "queued", "running"})
_IN_THE_WAY = _WAITING | {"failed", "error", "rejected", "broken"}


def is_ready(state: PullRequestState) -> bool:
    """Approved, by everybody who must, refused by nobody, and it merges cleanly.

    One that completes by itself is not waited for.
    """
    if not state.is_active or state.is_draft or state.auto_complete_by is not None:
        return False
    if state.merge_status is not MergeStatus.SUCCEEDED:
        return False
    votes = [(reviewer.vote, reviewer.required) for reviewer in state.reviewers]
    approved = any(
        reviewer.vote > Vote.NONE
        for reviewer in state.reviewers
        if reviewer.identity.id != state.author.id and not is_machine(reviewer.identity)
    )
    refused = any(vote < Vote.NONE for vote, _ in votes)
    missing = any(required and vote <= Vote.NONE for vote, required in votes)
    return approved and not refused and not missing


def became_ready(
    changes: Sequence[Change], before: PullRequestState | None, state: PullRequestState
) -> Change | None:
    """The change that took the last obstacle away, None if none did.

    Only what others do counts: who completes his own steps sees where he is.
    """
    if before is None or is_ready(before) or not is_ready(state):
        return None
    for change in changes:
        match change:
            case VoteCast(reviewer=who) if who.id != state.author.id and not is_machine(who):
                return change
            case ConflictEnded():
                return change
    return None


def checks_in_the_way(checks: Sequence[Check]) -> bool:
    """Whether a check that the completion needs has not passed (Azure DevOps' GitStatusState)."""
    return any(check.is_blocking and check.state.casefold() in _IN_THE_WAY for check in checks)


def checks_failed(checks: Sequence[Check]) -> bool:
    """Whether one of them failed for now, so that waiting alone does not help."""
    return any(
        check.is_blocking and check.state.casefold() in _IN_THE_WAY - _WAITING for check in checks
    )
