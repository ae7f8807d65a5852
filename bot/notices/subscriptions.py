"""Whether a subscription is about a pull request, and whether it wants to hear of a change."""

from functools import lru_cache

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
from bot.model import Repository
from bot.notices.filters import ANNOUNCE, SILENT, Subject, passes
from bot.notices.model import Situation, Subscriber
from bot.notices.patterns import matches_name
from bot.pull_request_state import PullRequestState


def is_in_reach(subscriber: Subscriber, repository: Repository) -> bool:
    """Whether the subscription is to the repository, by name, wildcard or id."""
    return _covers(
        subscriber.project,
        subscriber.repository,
        (repository.project_name, repository.project_id),
        (repository.name, repository.id),
    )


@lru_cache(50_000)
def _covers(
    project: str, wanted: str, projects: tuple[str, str], repositories: tuple[str, str]
) -> bool:
    name, repository_id = repositories
    return project.casefold() in map(str.casefold, projects) and (
        not wanted or matches_name(wanted, name) or wanted.casefold() == repository_id.casefold()
    )


def is_about(subscriber: Subscriber, state: PullRequestState, subject: Subject) -> bool:
    """Whether the subscription covers the pull request: its repository and all filters."""
    return passes(subscriber.filters, subject) and is_in_reach(subscriber, state.repository)


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
    if subscriber.filters.drafts == ANNOUNCE:
        return True
    if isinstance(change, PullRequestPublished):
        return subscriber.filters.drafts != SILENT
    if not situation.state.is_draft:
        return True
    is_known_there = subscriber.conversation_id in situation.posted
    ends = ReturnedToDraft | PullRequestCompleted | PullRequestAbandoned
    return is_known_there and isinstance(change, ends | ConflictStarted | ConflictEnded)
