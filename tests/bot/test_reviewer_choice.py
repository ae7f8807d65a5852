"""Whom to ask for a review."""

from datetime import UTC, datetime

from bot.model import (
    Identity,
    PullRequestSnapshot,
    PullRequestStatus,
    Repository,
    Reviewer,
    SnapshotSource,
    Vote,
)
from bot.reviewer_choice import Candidate, choose_reviewer, open_reviews, reviewers_of

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
MAYA, JONAS, PRIYA = "maya", "jonas", "priya"
NOBODY: frozenset[str] = frozenset()


def pull_request(number: int, *reviewers: Reviewer) -> PullRequestSnapshot:
    return PullRequestSnapshot(
        connection="contoso",
        repository=Repository("r", "shop", "p", "Shop"),
        number=number,
        title="t",
        author=Identity("author", "Author Sample"),
        source_ref="refs/heads/x",
        target_ref="refs/heads/main",
        status=PullRequestStatus.ACTIVE,
        as_of=NOW,
        source=SnapshotSource.REST,
        created_at=NOW,
        reviewers=reviewers,
    )


def reviewer(name: str, vote: Vote = Vote.NONE, *, is_group: bool = False) -> Reviewer:
    return Reviewer(Identity(name, name.title(), is_group=is_group), vote)


def candidates(*names: str) -> list[Candidate]:
    return [Candidate(name, name.title()) for name in names]


def test_the_one_with_the_fewest_open_reviews_is_asked() -> None:
    active = [pull_request(1, reviewer(MAYA)), pull_request(2, reviewer(MAYA), reviewer(JONAS))]
    chosen = choose_reviewer(candidates(MAYA, JONAS, PRIYA), active, excluded=NOBODY, ticket=1)
    assert chosen is not None
    assert chosen.identity_id == PRIYA


def test_a_review_that_is_done_does_not_count() -> None:
    active = [pull_request(1, reviewer(MAYA, Vote.APPROVED)), pull_request(2, reviewer(JONAS))]
    assert open_reviews(active) == {JONAS: 1}
    chosen = choose_reviewer(candidates(MAYA, JONAS), active, excluded=NOBODY, ticket=1)
    assert chosen is not None
    assert chosen.identity_id == MAYA


def test_reviews_in_other_repositories_count_too() -> None:
    both = [Candidate(MAYA, "Maya", open_elsewhere=3), Candidate(JONAS, "Jonas")]
    for ticket in range(20):
        chosen = choose_reviewer(both, [], excluded=NOBODY, ticket=ticket)
        assert chosen is not None
        assert chosen.identity_id == JONAS


def test_author_and_people_away_are_never_asked() -> None:
    left_out = frozenset({MAYA, JONAS})
    assert choose_reviewer(candidates(MAYA, JONAS), [], excluded=left_out, ticket=1) is None


def test_equal_counts_give_the_same_reviewer_for_a_ticket_and_spread_over_tickets() -> None:
    three = candidates(MAYA, JONAS, PRIYA)

    def draw(order: list[Candidate], ticket: int) -> str:
        chosen = choose_reviewer(order, [], excluded=NOBODY, ticket=ticket)
        assert chosen is not None
        return chosen.identity_id

    assert all(draw(three, ticket) == draw(three[::-1], ticket) for ticket in range(30))
    assert {draw(three, ticket) for ticket in range(30)} == {MAYA, JONAS, PRIYA}


def test_groups_are_not_reviewers_to_choose_from() -> None:
    found = reviewers_of([pull_request(1, reviewer(MAYA), reviewer("team", is_group=True))])
    assert [each.id for each in found] == [MAYA]
