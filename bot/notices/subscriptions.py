"""Whether a subscription is about a pull request."""

from fnmatch import fnmatchcase

from bot.changes import (
    Change,
    CommentPosted,
    ConflictEnded,
    ConflictStarted,
    PullRequestAbandoned,
    PullRequestCompleted,
    PullRequestPublished,
    ReturnedToDraft,
)
from bot.model import branch_name
from bot.notices.model import Situation, Subscriber
from bot.pull_request_state import PullRequestState

ANNOUNCE = "announce"
SILENT = "silent"


def matches_name(pattern: str, name: str) -> bool:
    """Whether a pattern matches the whole name, whatever the case. "dev" is not "development"."""
    return fnmatchcase(name.casefold(), pattern.casefold())


def matches_branch(patterns: tuple[str, ...], ref: str) -> bool:
    """Whether one of the patterns matches the branch and none with ``!`` does. No pattern: all."""
    name = branch_name(ref)
    unwanted = [pattern[1:] for pattern in patterns if pattern.startswith("!")]
    wanted = [pattern for pattern in patterns if not pattern.startswith("!")]
    if any(matches_name(branch_name(pattern), name) for pattern in unwanted):
        return False
    return not wanted or any(matches_name(branch_name(pattern), name) for pattern in wanted)


def is_about(subscriber: Subscriber, state: PullRequestState) -> bool:
    """Whether the subscription covers the pull request's repository and target branch."""
    repository = state.repository
    return (
        subscriber.project.casefold()
        in (repository.project_name.casefold(), repository.project_id.casefold())
        and (
            not subscriber.repository
            or matches_name(subscriber.repository, repository.name)
            or subscriber.repository.casefold() == repository.id.casefold()
        )
        and matches_branch(subscriber.target_branches, state.target_ref)
    )


def wants(subscriber: Subscriber, change: Change, situation: Situation) -> bool:
    """Whether a change is told under this subscription, which is about the pull request.

    What was before the subscription is not news; drafts are told as it says.
    """
    if situation.before is None and situation.state.created_at < subscriber.created_at:
        return False
    if isinstance(change, CommentPosted) and change.comment.created_at < subscriber.created_at:
        return False
    return _wants_draft(subscriber, change, situation)


def _wants_draft(subscriber: Subscriber, change: Change, situation: Situation) -> bool:
    if subscriber.drafts == ANNOUNCE:
        return True
    if isinstance(change, PullRequestPublished):
        return subscriber.drafts != SILENT
    if not situation.state.is_draft:
        return True
    is_known_there = subscriber.conversation_id in situation.posted
    ends = ReturnedToDraft | PullRequestCompleted | PullRequestAbandoned
    return is_known_there and isinstance(change, ends | ConflictStarted | ConflictEnded)
