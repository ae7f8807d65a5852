"""When an episode begins, goes on, comes back and ends."""

import itertools
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bot.conflicts.episodes import (
    FLAP,
    Begin,
    End,
    EndedBy,
    Episode,
    Finding,
    GoOn,
    Reopen,
    Step,
    judge,
    next_step,
)
from bot.model import MergeStatus, PullRequestSnapshot
from bot.pull_request_state import PullRequestState
from bot.reconcile import reconcile
from tests.bot.pull_request_samples import ABANDONED, CLEAN, COMPLETED, CONFLICT, QUEUED, at, seen

A, B, F, G = "a" * 40, "b" * 40, "f" * 40, "9" * 40
NOW = at(11)
OPEN = Episode(at(1), None, EndedBy.UNKNOWN, A, "refs/heads/main", F, is_own=False)
OVER = replace(OPEN, ended_at=at(10), ended_by=EndedBy.SOURCE)


def state_of(*snapshots: PullRequestSnapshot) -> PullRequestState:
    state = None
    for snapshot in snapshots:
        state = reconcile(state, snapshot).state
    assert state is not None
    return state


def found(status: MergeStatus, **changed: str) -> Finding:
    """Our own trial merge with the target at G, while Azure DevOps' word is about F."""
    finding = Finding(status, A, "refs/heads/main", G, F, at(5))
    return replace(finding, **changed)  # type: ignore[arg-type]  # all given are texts


def step(
    state: PullRequestState,
    last: Episode | None = None,
    finding: Finding | None = None,
    now: datetime = NOW,
) -> Step:
    return next_step(state, judge(state, finding), last, now=now, flap=FLAP)


def test_it_begins_with_a_conflict_and_not_before() -> None:
    assert step(state_of(seen())) is None
    assert step(state_of(seen(**CLEAN))) is None
    assert step(state_of(seen(**QUEUED))) is None
    assert step(state_of(seen(), seen(2, **CONFLICT))) == Begin(at(2))


@pytest.mark.parametrize("status", [MergeStatus.FAILURE, MergeStatus.REJECTED_BY_POLICY])
def test_a_merge_that_failed_is_no_conflict(status: MergeStatus) -> None:
    assert step(state_of(seen(1, merge_status=status))) is None


def test_an_open_one_goes_on_without_a_word() -> None:
    conflicted = state_of(seen(1, **CONFLICT))
    assert step(conflicted, OPEN) is None
    assert step(state_of(seen(1, **CONFLICT), seen(2, **QUEUED)), OPEN) is None
    moved = state_of(seen(1, **CONFLICT), seen(2, target_commit=G, **CONFLICT))
    assert step(moved, OPEN) is None


def test_new_commits_or_another_target_are_examined_again() -> None:
    pushed = state_of(seen(1, **CONFLICT), seen(2, source_commit=B, **CONFLICT))
    assert step(pushed, OPEN) == GoOn(examine_again=True)
    elsewhere = state_of(seen(1, **CONFLICT), seen(2, target_ref="refs/heads/x", **CONFLICT))
    assert step(elsewhere, OPEN) == GoOn(examine_again=True)


@pytest.mark.parametrize(
    ("last", "by"),
    [
        (seen(2, source_commit=B, **CLEAN), EndedBy.SOURCE),
        (seen(2, target_commit=G, **CLEAN), EndedBy.TARGET),
        (seen(2, target_ref="refs/heads/x", **CLEAN), EndedBy.RETARGET),
        (seen(2, **CLEAN), EndedBy.UNKNOWN),
        (seen(90, **COMPLETED), EndedBy.COMPLETED),
        (seen(90, **ABANDONED), EndedBy.ABANDONED),
    ],
)
def test_it_ends_clean_or_closed_and_knows_by_what(last: PullRequestSnapshot, by: EndedBy) -> None:
    assert step(state_of(seen(1, **CONFLICT), last), OPEN) == End(by)


def test_one_that_is_back_within_the_flap_is_the_same() -> None:
    again = state_of(seen(1, **CONFLICT), seen(10, **CLEAN), seen(11, **CONFLICT))
    assert step(again, OVER, now=at(10) + FLAP) == Reopen()
    late = at(10) + FLAP + timedelta(seconds=1)
    assert step(again, OVER, now=late) == Begin(at(11))


@pytest.mark.parametrize("by", [EndedBy.ABANDONED, EndedBy.COMPLETED])
def test_one_that_was_closed_and_is_reactivated_is_new(by: EndedBy) -> None:
    again = state_of(seen(11, **CONFLICT))
    assert step(again, replace(OVER, ended_by=by)) == Begin(at(11))


def test_our_own_finding_begins_one_while_azure_devops_looks_at_an_older_target() -> None:
    clean = state_of(seen(1, **CLEAN))
    assert step(clean, None, found(MergeStatus.CONFLICTS)) == Begin(at(5))
    assert judge(clean, found(MergeStatus.CONFLICTS)).is_own


def test_our_own_finding_ends_one() -> None:
    conflicted = state_of(seen(1, **CONFLICT))
    assert step(conflicted, OPEN, found(MergeStatus.SUCCEEDED)) == End(EndedBy.TARGET)


@pytest.mark.parametrize(
    "said",
    [
        seen(6, target_commit=G, **CLEAN),
        seen(6, target_commit=B, **CLEAN),
        seen(6, source_commit=B, **CLEAN),
    ],
)
def test_azure_devops_word_about_anything_newer_counts_more(said: PullRequestSnapshot) -> None:
    state = state_of(seen(1, **CLEAN), said)
    own = replace(OPEN, is_own=True, target_commit=G)
    assert isinstance(step(state, own, found(MergeStatus.CONFLICTS)), End)


def test_azure_devops_agreeing_is_no_new_episode_but_its_files_are_asked() -> None:
    state = state_of(seen(1, **CLEAN), seen(6, target_commit=G, **CONFLICT))
    own = replace(OPEN, is_own=True, target_commit=G)
    assert step(state, own, found(MergeStatus.CONFLICTS)) == GoOn(examine_again=True)


@pytest.mark.parametrize("status", [MergeStatus.FAILURE, MergeStatus.REJECTED_BY_POLICY])
def test_our_own_merge_that_failed_says_nothing(status: MergeStatus) -> None:
    conflicted = state_of(seen(1, **CONFLICT))
    assert step(conflicted, OPEN, found(status)) is None


def test_our_own_finding_says_nothing_of_a_closed_one_or_another_target() -> None:
    finding = found(MergeStatus.CONFLICTS)
    assert step(state_of(seen(1, **CLEAN), seen(90, **COMPLETED)), None, finding) is None
    retargeted = state_of(seen(1, **CLEAN), seen(6, target_ref="refs/heads/x"))
    assert step(retargeted, None, finding) is None


@pytest.mark.parametrize(
    ("changed", "by"),
    [
        ({"source_commit": B}, EndedBy.SOURCE),
        ({"target_ref": "refs/heads/x"}, EndedBy.RETARGET),
    ],
)
def test_what_we_found_goes_on_until_azure_devops_has_merged_what_is_new(
    changed: dict[str, str], by: EndedBy
) -> None:
    """Its last word is about an older target still: that is no end, least of all by the target."""
    own = replace(OPEN, is_own=True, target_commit=G)
    finding = found(MergeStatus.CONFLICTS)
    queued = (seen(1, **CLEAN), seen(6, target_commit=G, **changed, **QUEUED))
    assert step(state_of(*queued), own, finding) is None
    merged = seen(7, target_commit=G, **changed, **CLEAN)
    assert step(state_of(*queued, merged), own, finding) == End(by)


def test_what_we_found_clean_is_no_conflict_again_while_new_commits_wait_for_their_merge() -> None:
    queued = state_of(seen(1, **CONFLICT), seen(6, source_commit=B, target_commit=G, **QUEUED))
    clean = found(MergeStatus.SUCCEEDED)
    over = replace(OVER, is_own=True, ended_by=EndedBy.TARGET)
    assert step(queued, over, clean) is None
    assert step(queued, over, clean, now=at(10) + FLAP * 2) is None


def test_any_order_of_the_same_snapshots_ends_with_the_same_standing() -> None:
    """CHECKS 5."""
    history = [
        seen(1, **CLEAN),
        seen(2, target_commit=G, **CONFLICT),
        seen(3, source_commit=B, target_commit=G, **QUEUED),
        seen(4, source_commit=B, target_commit=G, **CLEAN),
    ]
    ends = {
        judge(state_of(*order), found(MergeStatus.CONFLICTS)).is_conflicted
        for order in itertools.permutations(history)
    }
    assert ends == {False}
