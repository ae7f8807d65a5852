"""The pull-request status ``pullcord/mergeable``: what it should say. Pure.

A branch policy can require it, so it is there for each open pull request, not only for those that
ever had conflicts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from bot.conflicts.episodes import Finding, judge
from bot.model import MergeStatus
from bot.pull_request_state import PullRequestState

FAILED, SUCCEEDED, ERROR = "failed", "succeeded", "error"

SENTENCES: Mapping[str, str] = {
    FAILED: "Conflicts with {target}",
    SUCCEEDED: "No conflicts with {target}",
    ERROR: "The trial merge into {target} failed; that is no conflict",
}


SETTING = "post_status"
"""Name in ``Connection.settings``; its values are those of StatusMode, ALL when it is not there."""


class StatusMode(StrEnum):
    """For which pull requests of a connection a status is posted."""

    ALL = "all"
    CONFLICTS = "conflicts"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Wanted:
    """The status that is right for the merge of a source commit into a target."""

    state: str
    source_commit: str
    target_ref: str


def mode_of(settings: Mapping[str, Any]) -> StatusMode:
    """The connection's mode."""
    return StatusMode(settings.get(SETTING, StatusMode.ALL))


def wanted_status(state: PullRequestState, finding: Finding | None) -> Wanted | None:
    """What to post, None while nobody knows how the present commits merge, or it is closed.

    A merge that a policy rejects has no conflict that anybody knows of. It counts as succeeded,
    because the policy may be the very one that waits for this status.
    """
    if not state.is_active or not state.source_commit:
        return None
    standing = judge(state, finding)
    if standing.is_own:
        if not standing.is_about_now:
            return None
        own = FAILED if standing.is_conflicted else SUCCEEDED
        return Wanted(own, state.source_commit, state.target_ref)
    merge = state.merge
    if merge is None or merge.target_ref != state.target_ref:
        return None
    if merge.source_commit not in ("", state.source_commit):
        return None
    said = {MergeStatus.CONFLICTS: FAILED, MergeStatus.FAILURE: ERROR}.get(merge.status, SUCCEEDED)
    return Wanted(said, state.source_commit, state.target_ref)


def is_to_be_posted(mode: StatusMode, state: str, posted_state: str) -> bool:
    """Whether a connection wants this status; ``posted_state`` is what was posted last.

    With ``conflicts`` a failed one, and whatever takes it back.
    """
    if mode is StatusMode.CONFLICTS:
        return FAILED in (state, posted_state)
    return mode is StatusMode.ALL
