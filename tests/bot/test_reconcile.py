import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from bot.changes import (
    Change,
    CloserIdentified,
    CommitsPushed,
    ConflictEnded,
    ConflictStarted,
    MergeFailed,
    PullRequestAbandoned,
    PullRequestCompleted,
    PullRequestCreated,
    PullRequestPublished,
    PullRequestReactivated,
    ReturnedToDraft,
    ReviewerAdded,
    ReviewerMadeRequired,
    ReviewerRemoved,
    TargetChanged,
    TitleChanged,
    VoteCast,
)
from bot.model import (
    Fork,
    Identity,
    MergeStatus,
    PullRequestSnapshot,
    PullRequestStatus,
    Reviewer,
    SnapshotSource,
    Vote,
)
from bot.pull_request_state import PullRequestState
from bot.reconcile import reconcile
from tests.bot.pull_request_samples import (
    ABANDONED,
    CLEAN,
    COMPLETED,
    CONFLICT,
    JONAS,
    LENA,
    MAYA,
    QUEUED,
    TEAM,
    at,
    hooked,
    seen,
    votes,
)


def play(*snapshots: PullRequestSnapshot) -> tuple[PullRequestState, list[list[Change]]]:
    state: PullRequestState | None = None
    told: list[list[Change]] = []
    for snapshot in snapshots:
        found = reconcile(state, snapshot)
        state = found.state
        told.append(list(found.changes))
    assert state is not None
    return state, told


def kinds(told: list[Change]) -> list[type]:
    return [type(change) for change in told]


def converging(state: PullRequestState) -> PullRequestState:
    return replace(state, published_at=None, conflicted_since=None)


# --- what is found ----------------------------------------------------------------------------


def test_first_sight_of_an_open_pull_request_says_when_it_was_created() -> None:
    _, told = play(seen())
    assert told == [[PullRequestCreated("created", at(0))]]


def test_first_sight_of_a_closed_pull_request_is_silent() -> None:
    _, told = play(seen(100, **COMPLETED))
    assert told == [[]]


def test_a_repeated_snapshot_says_nothing() -> None:
    state, told = play(seen(), seen())
    assert told[1] == []
    assert not reconcile(state, seen()).needs_read


def test_votes_are_told_with_old_and_new_and_a_reset_is_a_vote_of_none() -> None:
    _, told = play(
        seen(**votes((JONAS, Vote.NONE))),
        seen(1, **votes((JONAS, Vote.APPROVED))),
        seen(2, **votes((JONAS, Vote.NONE))),
    )
    first, second = told[1][0], told[2][0]
    assert isinstance(first, VoteCast) and isinstance(second, VoteCast)
    assert (first.old, first.new) == (Vote.NONE, Vote.APPROVED)
    assert (second.old, second.new) == (Vote.APPROVED, Vote.NONE)
    assert first.id != second.id


def test_a_group_that_mirrors_its_members_vote_is_no_second_vote() -> None:
    member = Reviewer(JONAS, Vote.APPROVED, voted_for=(TEAM.id,))
    _, told = play(
        seen(reviewers=(Reviewer(TEAM),)),
        seen(1, reviewers=(Reviewer(TEAM, Vote.APPROVED), member)),
    )
    assert kinds(told[1]) == [ReviewerAdded, VoteCast]
    assert told[1][1].reviewer == JONAS  # type: ignore[union-attr]  # its kind is checked above


def test_reviewers_come_go_and_become_required() -> None:
    _, told = play(
        seen(reviewers=(Reviewer(JONAS),)),
        seen(1, reviewers=(Reviewer(JONAS, required=True), Reviewer(LENA))),
        seen(2, reviewers=(Reviewer(LENA),)),
    )
    assert kinds(told[1]) == [ReviewerMadeRequired, ReviewerAdded]
    assert kinds(told[2]) == [ReviewerRemoved]


def test_draft_published_and_back() -> None:
    state, told = play(seen(is_draft=True), seen(5), seen(6, is_draft=True))
    assert kinds(told[1]) == [PullRequestPublished]
    assert kinds(told[2]) == [ReturnedToDraft]
    assert state.published_at is None


def test_new_commits_title_and_target() -> None:
    _, told = play(
        seen(), seen(1, source_commit="b" * 40, title="Faster", target_ref="refs/heads/release/1")
    )
    assert kinds(told[1]) == [TitleChanged, TargetChanged, CommitsPushed]


def test_completion_by_a_webhook_asks_who_did_it_and_then_says_so() -> None:
    first = reconcile(reconcile(None, seen()).state, hooked(90, **COMPLETED))
    assert first.changes[0] == PullRequestCompleted(first.changes[0].id, None)
    assert first.needs_read
    second = reconcile(first.state, seen(91, closed_by=JONAS, **COMPLETED))
    assert kinds(list(second.changes)) == [CloserIdentified]
    assert second.state.closed_by == JONAS
    assert not second.needs_read


def test_the_closer_of_an_earlier_closing_is_not_the_closer_of_a_later_one() -> None:
    state, told = play(
        seen(),
        seen(90, closed_by=JONAS, **ABANDONED),
        seen(95),
        hooked(100, status=PullRequestStatus.ABANDONED, closed_at=at(100)),
    )
    assert kinds(told[2]) == [PullRequestReactivated]
    assert kinds(told[3]) == [PullRequestAbandoned]
    assert state.closed_by is None


def test_a_summary_does_not_cut_the_description_that_was_read() -> None:
    whole = "x" * 900
    state, told = play(seen(description=whole), seen(1, description=whole[:400], is_summary=True))
    assert state.description == whole
    assert told[1] == []
    edited, _ = play(seen(description=whole), seen(1, description="new", is_summary=True))
    assert edited.description == "new"


def test_a_webhook_without_reviewers_takes_none_away() -> None:
    state, told = play(seen(**votes((JONAS, Vote.APPROVED))), hooked(1))
    assert told[1] == []
    assert len(state.reviewers) == 1


def test_that_the_source_is_in_a_fork_is_never_unsaid() -> None:
    fork = Fork("f1", "web-maya", "p2", "People")
    state, told = play(seen(fork=fork), hooked(1), hooked(2, fork=None, title="Other"))
    assert state.fork == fork
    renamed, _ = play(seen(fork=fork), seen(1, fork=replace(fork, name="web-m")), hooked(0.5))
    assert renamed.fork == replace(fork, name="web-m")
    assert told[1] == []


# --- conflicts --------------------------------------------------------------------------------


def test_queued_and_not_set_are_waited_for_and_never_reported() -> None:
    state, told = play(seen(**CONFLICT), seen(1, **QUEUED), seen(2), seen(3, **CONFLICT))
    assert [kinds(each) for each in told] == [[PullRequestCreated, ConflictStarted], [], [], []]
    assert state.has_conflicts
    assert state.conflicted_since == at(0)


def test_an_episode_ends_clean_and_says_how_long_it_was() -> None:
    state, told = play(seen(**CLEAN), seen(10, **CONFLICT), seen(200, **CLEAN))
    ended = told[2][0]
    assert isinstance(ended, ConflictEnded)
    assert ended.at - ended.since == timedelta(minutes=190)
    assert state.conflicted_since is None


def test_completion_ends_an_episode_without_a_word_about_being_clean() -> None:
    _, told = play(seen(**CONFLICT), seen(90, **CLEAN, **COMPLETED))
    assert kinds(told[1]) == [PullRequestCompleted]


def test_a_conflict_from_before_abandonment_starts_no_new_episode() -> None:
    _, told = play(
        seen(**CONFLICT),
        seen(90, **ABANDONED, **CONFLICT),
        seen(95, **QUEUED),
        seen(96, **CONFLICT),
    )
    assert [ConflictStarted in kinds(each) for each in told] == [True, False, False, True]


def test_failure_and_policy_rejection_are_told_once_and_are_no_conflict() -> None:
    failed: dict[str, Any] = {"merge_status": MergeStatus.FAILURE, "merge_failure": "too large"}
    refused = {"merge_status": MergeStatus.REJECTED_BY_POLICY}
    state, told = play(seen(**failed), seen(1, **failed), seen(2, **refused))
    assert [kinds(each) for each in told] == [[PullRequestCreated, MergeFailed], [], [MergeFailed]]
    assert state.conflicted_since is None


def test_an_older_conflict_of_other_commits_is_known_but_not_reported() -> None:
    newer = seen(10, source_commit="b" * 40, **QUEUED)
    state, told = play(newer, seen(5, **CONFLICT))
    assert told[1] == []
    assert state.merge_status is MergeStatus.CONFLICTS


def test_an_older_conflict_of_the_same_commits_is_reported() -> None:
    _, told = play(seen(10, **QUEUED), seen(5, **CONFLICT))
    assert kinds(told[1]) == [ConflictStarted]


# --- order ------------------------------------------------------------------------------------


def test_checks_5_an_older_snapshot_is_not_applied_and_asks_for_a_read_when_it_differs() -> None:
    state = reconcile(None, seen(10, title="New")).state
    late = reconcile(state, hooked(5, title="Old"))
    assert late.state == state
    assert late.changes == ()
    assert late.needs_read
    assert not reconcile(state, hooked(5, title="New")).needs_read


def test_rest_wins_over_a_webhook_of_the_same_moment() -> None:
    rest, hook = seen(title="Rest"), hooked(title="Hook")
    assert play(rest, hook)[0].title == play(hook, rest)[0].title == "Rest"


PEOPLE = [MAYA, JONAS, LENA, TEAM]
moments = st.integers(min_value=0, max_value=12).map(at)
reviewer_lists = st.lists(
    st.builds(
        Reviewer,
        identity=st.sampled_from(PEOPLE),
        vote=st.sampled_from(list(Vote)),
        required=st.booleans(),
        declined=st.booleans(),
        voted_for=st.sampled_from([(), (TEAM.id,)]),
    ),
    max_size=4,
).map(tuple)
snapshots = st.builds(
    replace,
    st.just(seen()),
    as_of=moments,
    source=st.sampled_from(list(SnapshotSource)),
    title=st.sampled_from(["Add search", "Faster search"]),
    description=st.sampled_from(["", "abc", "abcdef"]),
    is_summary=st.booleans(),
    is_draft=st.booleans(),
    status=st.sampled_from(list(PullRequestStatus)),
    target_ref=st.sampled_from(["refs/heads/main", "refs/heads/release/1"]),
    source_commit=st.sampled_from(["", "a" * 40, "b" * 40]),
    merge_status=st.sampled_from(list(MergeStatus)),
    closed_at=st.none() | moments,
    closed_by=st.none() | st.sampled_from(PEOPLE),
    auto_complete_by=st.none() | st.sampled_from(PEOPLE),
    reviewers=reviewer_lists,
)
histories = st.lists(snapshots, min_size=1, max_size=12)


@settings(max_examples=120)
@given(histories, st.randoms(use_true_random=False))
def test_checks_5_any_order_and_repetition_ends_in_the_same_state(
    history: list[PullRequestSnapshot], shuffle: random.Random
) -> None:
    """CHECKS 3 and 5."""
    other = history + [shuffle.choice(history) for _ in range(len(history))]
    shuffle.shuffle(other)
    assert converging(play(*history)[0]) == converging(play(*other)[0])


@settings(max_examples=120)
@given(histories)
def test_checks_3_no_change_is_found_twice_and_episodes_alternate(
    history: list[PullRequestSnapshot],
) -> None:
    """CHECKS 3: whatever is repeated, an id comes once; an episode starts before it ends."""
    _, told = play(*history, *history, *reversed(history))
    changes = [change for each in told for change in each]
    ids = [change.id for change in changes]
    assert len(ids) == len(set(ids))
    is_open = False
    for change in changes:
        match change:
            case ConflictStarted():
                assert not is_open
                is_open = True
            case ConflictEnded():
                assert is_open
                is_open = False
            case PullRequestCompleted() | PullRequestAbandoned():
                is_open = False


@given(histories)
def test_an_older_snapshot_never_overwrites_a_newer_one(
    history: list[PullRequestSnapshot],
) -> None:
    state: PullRequestState | None = None
    for snapshot in history:
        found = reconcile(state, snapshot)
        if state is not None:
            assert found.state.versions.head >= state.versions.head
            if snapshot.as_of < state.as_of:
                assert found.state.title == state.title
                assert found.state.status == state.status
        state = found.state


WILD = st.text(alphabet=st.characters(), max_size=30)
wild_identities = st.builds(Identity, id=WILD, display_name=WILD, unique_name=WILD)
wild_moments = st.datetimes(timezones=st.just(UTC)) | st.datetimes()
wild_snapshots = st.builds(
    replace,
    st.just(seen()),
    as_of=wild_moments,
    created_at=wild_moments,
    closed_at=st.none() | wild_moments,
    title=WILD,
    description=WILD,
    source_ref=WILD,
    target_ref=WILD,
    source_commit=WILD,
    merge_failure=WILD,
    merge_status=st.sampled_from(list(MergeStatus)),
    author=wild_identities,
    reviewers=st.lists(st.builds(Reviewer, identity=wild_identities), max_size=3).map(tuple),
)


@given(st.lists(wild_snapshots, min_size=1, max_size=4))
def test_reconcile_is_total_on_wild_values(history: list[PullRequestSnapshot]) -> None:
    play(*history)


@given(histories)
def test_a_state_survives_a_round_trip_through_json(history: list[PullRequestSnapshot]) -> None:
    adapter = TypeAdapter(PullRequestState)
    state = play(*history)[0]
    assert adapter.validate_json(adapter.dump_json(state)) == state


def test_naive_and_aware_moments_compare() -> None:
    naive = replace(seen(), as_of=datetime(2026, 11, 2, 9, 30))  # noqa: DTZ001  # naive on purpose
    assert reconcile(reconcile(None, seen()).state, naive).state.as_of == at(30)
