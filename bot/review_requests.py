"""Since when a review is asked of somebody. Pure."""

from collections.abc import Sequence
from datetime import datetime

from bot.changes import (
    Change,
    PullRequestCreated,
    PullRequestPublished,
    PullRequestReactivated,
    ReviewerAdded,
    VoteCast,
)
from bot.model import Vote
from bot.pull_request_state import PullRequestState


def asked_by(
    changes: Sequence[Change], state: PullRequestState, at: datetime
) -> dict[str, datetime]:
    """When these changes asked whom (identity ids); who is not in it was not asked by them.

    Everybody is asked when a pull request is opened, published or reactivated; one reviewer when he
    is added or his vote is taken back. A draft asks nobody.

    Args:
        changes: what was found, at once.
        state: the pull request after them.
        at: when they were found.
    """
    if state.is_draft or not state.is_active:
        return {}
    everybody = [reviewer.identity.id for reviewer in state.reviewers]
    asked: dict[str, datetime] = {}
    for change in changes:
        match change:
            case PullRequestCreated(created_at=created_at):
                asked |= dict.fromkeys(everybody, created_at)
            case PullRequestPublished() | PullRequestReactivated():
                asked |= dict.fromkeys(everybody, at)
            case ReviewerAdded(reviewer=who) | VoteCast(reviewer=who, new=Vote.NONE):
                asked[who.id] = at
    return asked
