"""Of which commit of its target it is known how a pull request merges. Pure."""

from dataclasses import dataclass

from bot.conflicts.episodes import Finding
from bot.model import MergeStatus
from bot.pull_request_state import PullRequestState


@dataclass(frozen=True, slots=True)
class Behind:
    """A pull request whose last merge is about an older commit of the target.

    ``base_commit`` is the newest commit of the target for which ``verdict`` is known to hold;
    ``stale_target_commit`` is the one that Azure DevOps merged last.
    """

    number: int
    source_commit: str
    stale_target_commit: str
    base_commit: str
    verdict: MergeStatus


def last_known(state: PullRequestState, finding: Finding | None) -> Behind | None:
    """Of which commit of the target it is known how it merges; None when of none."""
    merge = state.merge
    if merge is None or not merge.target_commit:
        return None
    base, verdict = merge.target_commit, merge.status
    if finding is not None and (
        finding.source_commit,
        finding.target_ref,
        finding.stale_target_commit,
    ) == (state.source_commit, state.target_ref, merge.target_commit):
        base = finding.target_commit
        verdict = merge.status if finding.is_unaffected else finding.status
    return Behind(state.number, state.source_commit, merge.target_commit, base, verdict)
