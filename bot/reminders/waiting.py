"""What a pull request waits for, and since when. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bot.model import Reviewer, Vote
from bot.notices.machines import is_machine
from bot.pull_request_state import PullRequestState
from bot.reminders.rules import Rule


@dataclass(frozen=True, slots=True)
class History:
    """When things happened last, as far as they were seen; None or absent: never.

    ``asked``, ``voted`` and ``reset`` are by the reviewer's identity id; ``reset`` is when a vote
    was taken back. ``active`` is the last sign of life of any kind.
    """

    published: datetime | None = None
    drafted: datetime | None = None
    pushed: datetime | None = None
    removed: datetime | None = None
    cleaned: datetime | None = None
    active: datetime | None = None
    asked: Mapping[str, datetime] = field(default_factory=dict)
    voted: Mapping[str, datetime] = field(default_factory=dict)
    reset: Mapping[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wait:
    """Something that is waited for since a moment; ``reviewer`` is whose review, if one is."""

    rule: Rule
    since: datetime
    reviewer: Reviewer | None = None

    @property
    def identity_id(self) -> str:
        """The reviewer's identity id, "" where it is not about a reviewer."""
        return self.reviewer.identity.id if self.reviewer else ""


def waits(state: PullRequestState, history: History, *, is_blocked: bool) -> tuple[Wait, ...]:
    """All that a pull request waits for now.

    An approved one waits only to be completed: reviewers are not asked for what is not needed any
    more. Nobody is waited for when it completes by itself, nor when it cannot be completed
    (``is_blocked``: conflicts, or checks that have not passed).
    """
    if not state.is_active:
        return ()
    if state.is_draft:
        return (Wait(Rule.DRAFT, history.drafted or state.created_at),)
    if is_approved(state):
        return tuple(_completion(state, history, is_blocked=is_blocked))
    return (*_reviews(state, history), *_neglect(state, history))


def is_approved(state: PullRequestState) -> bool:
    """Approved by somebody, rejected by nobody, and no required vote is missing."""
    votes = [r for r in state.reviewers if not _is_author(r, state)]
    if any(r.vote < Vote.NONE for r in votes):
        return False
    missing = any(r.required and r.vote is Vote.NONE for r in votes)
    return not missing and any(r.vote > Vote.NONE for r in votes)


def waiting_reviewers(state: PullRequestState, history: History) -> Sequence[Reviewer]:
    """Those whose vote is waited for, the required ones first: people and groups.

    Who waited for the author is waited for again when there are new commits.
    """
    found = [
        reviewer
        for reviewer in state.reviewers
        if not _is_author(reviewer, state)
        and not reviewer.declined
        and not is_machine(reviewer.identity)
        and (reviewer.vote is Vote.NONE or _is_answered(reviewer, history))
    ]
    return sorted(found, key=lambda r: not r.required)


def _is_answered(reviewer: Reviewer, history: History) -> bool:
    voted = history.voted.get(reviewer.identity.id)
    return (
        reviewer.vote is Vote.WAITING_FOR_AUTHOR
        and voted is not None
        and history.pushed is not None
        and history.pushed > voted
    )


def _reviews(state: PullRequestState, history: History) -> Iterator[Wait]:
    begun = _published(state, history)
    waiting = waiting_reviewers(state, history)
    is_untouched = all(r.vote is Vote.NONE for r in state.reviewers if not _is_author(r, state))
    for reviewer in waiting:
        key = reviewer.identity.id
        known = (begun, history.asked.get(key), history.reset.get(key))
        since = max(moment for moment in known if moment is not None)
        if reviewer.vote is not Vote.NONE and history.pushed is not None:
            since = max(since, history.pushed)
        yield Wait(Rule.REVIEW, since, reviewer)
        if is_untouched:
            yield Wait(Rule.FIRST_REVIEW, since, reviewer)
            yield Wait(Rule.FIRST_REVIEW_MISSED, since, reviewer)


def _neglect(state: PullRequestState, history: History) -> Iterator[Wait]:
    begun = _published(state, history)
    if not any(not _is_author(r, state) for r in state.reviewers):
        yield Wait(Rule.NO_REVIEWER, max(begun, history.removed or begun))
    yield Wait(Rule.STALE, max(begun, history.active or begun))


def _completion(state: PullRequestState, history: History, *, is_blocked: bool) -> Iterator[Wait]:
    if is_blocked or state.auto_complete_by is not None:
        return
    moments = (_published(state, history), *history.voted.values(), history.cleaned)
    yield Wait(Rule.APPROVED, max(moment for moment in moments if moment is not None))


def _published(state: PullRequestState, history: History) -> datetime:
    return history.published or state.published_at or state.created_at


def _is_author(reviewer: Reviewer, state: PullRequestState) -> bool:
    return reviewer.identity.id.lower() == state.author.id.lower()
