"""Whom to ask for a review: the one with the fewest open reviews. Pure."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bot.model import Identity, PullRequestSnapshot, PullRequestStatus, Vote


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody who could review. ``open_elsewhere`` counts reviews in other repositories."""

    identity_id: str
    name: str
    open_elsewhere: int = 0


def choose_reviewer(
    candidates: Iterable[Candidate],
    active: Sequence[PullRequestSnapshot],
    *,
    excluded: frozenset[str],
    ticket: int,
) -> Candidate | None:
    """The candidate with the fewest open reviews, None when nobody is left.

    ``active`` are the repository's active pull requests; ``excluded`` the identity ids of the
    author, of ourselves and of people who are away. With equal counts the ticket's number decides,
    so that the same ticket always gets the same reviewer and different tickets spread.
    """
    waiting = open_reviews(active)

    def rank(candidate: Candidate) -> tuple[int, str]:
        count = waiting[candidate.identity_id] + candidate.open_elsewhere
        draw = hashlib.sha256(f"{ticket}:{candidate.identity_id}".encode()).hexdigest()
        return count, draw

    left = [each for each in candidates if each.identity_id.lower() not in excluded]
    return min(left, key=rank, default=None)


def open_reviews(pull_requests: Iterable[PullRequestSnapshot]) -> Counter[str]:
    """How many active pull requests wait for each identity's vote."""
    return Counter(
        reviewer.identity.id
        for pull_request in pull_requests
        if pull_request.status is PullRequestStatus.ACTIVE
        for reviewer in pull_request.reviewers
        if reviewer.vote is Vote.NONE and not reviewer.declined
    )


def reviewers_of(pull_requests: Iterable[PullRequestSnapshot]) -> tuple[Identity, ...]:
    """The people, not the groups, who review these pull requests; each once."""
    people = {
        reviewer.identity.id: reviewer.identity
        for pull_request in pull_requests
        for reviewer in pull_request.reviewers
        if not reviewer.identity.is_group
    }
    return tuple(people.values())
