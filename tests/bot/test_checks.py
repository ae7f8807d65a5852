"""What is news about checks."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.changes import ChecksFailed, ChecksFixed
from bot.checks import OWN_STATUS, Failure, judge, merged, next_look
from bot.model import Check, CheckKind
from bot.notices.readiness import checks_in_the_way

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
A, B = "a" * 40, "b" * 40
KEY = ("lint", "status")


def lint(state: str, run: str = "status/1") -> Check:
    return Check("lint", state, run=run)


def told(*readings: tuple[Check, str]) -> list[tuple[str, bool]]:
    """(what, again) of a check that was read so often, each time for a commit."""
    failures: dict[tuple[str, str], Failure] = {}
    found = []
    for check, commit in readings:
        judged = judge(failures, [check], source_commit=commit, now=NOW)
        failures = dict(judged.failures)
        found += [(type(c).__name__, getattr(c, "again", False)) for c in judged.changes]
    return found


FAILED, AGAIN, FIXED = ("ChecksFailed", False), ("ChecksFailed", True), ("ChecksFixed", False)


@pytest.mark.parametrize(
    ("readings", "expected"),
    [
        ([(lint("succeeded"), A)], []),
        ([(lint("pending"), A)], []),
        ([(lint("failed"), A)], [FAILED]),
        ([(lint("error"), A)], [FAILED]),
        ([(lint("failed"), A), (lint("failed"), A)], [FAILED]),
        ([(lint("failed", "status/1"), A), (lint("failed", "status/2"), A)], [FAILED]),
        ([(lint("failed", "status/1"), A), (lint("failed", "status/1"), B)], [FAILED]),
        ([(lint("failed", "status/1"), A), (lint("failed", "status/2"), B)], [FAILED, AGAIN]),
        ([(lint("failed"), A), (lint("pending", "s/2"), A)], [FAILED]),
        ([(lint("failed"), A), (lint("succeeded", "s/2"), A)], [FAILED, FIXED]),
        (
            [(lint("failed"), A), (lint("pending", "s/2"), B), (lint("failed", "s/3"), B)],
            [FAILED, AGAIN],
        ),
        (
            [(lint("failed"), A), (lint("succeeded", "s/2"), A), (lint("failed", "s/3"), A)],
            [FAILED, FIXED, FAILED],
        ),
        ([(Check(OWN_STATUS, "failed"), A)], []),
        ([(Check("Two reviewers", "failed", kind=CheckKind.POLICY), A)], []),
        ([(Check("ci", "failed", kind=CheckKind.BUILD), A)], [FAILED]),
    ],
)
def test_a_failure_is_news_once_for_each_tip(
    readings: list[tuple[Check, str]], expected: list[tuple[str, bool]]
) -> None:
    assert told(*readings) == expected


def test_checks_that_fail_together_are_one_change_and_fixed_is_told_after_the_last() -> None:
    both = [Check("lint", "failed", run="1"), Check("tests", "failed", run="2")]
    first = judge({}, both, source_commit=A, now=NOW)
    (failed,) = first.changes
    assert isinstance(failed, ChecksFailed)
    assert failed.names == ("lint", "tests")
    one = [Check("lint", "succeeded", run="3"), both[1]]
    second = judge(first.failures, one, source_commit=A, now=NOW)
    assert second.changes == ()
    none = [one[0], Check("tests", "succeeded", run="4")]
    third = judge(second.failures, none, source_commit=A, now=NOW)
    (fixed,) = third.changes
    assert isinstance(fixed, ChecksFixed)
    assert fixed.names == ("tests",)


def test_a_check_that_is_taken_away_is_forgotten_and_not_called_fixed() -> None:
    known = {KEY: Failure("status/1", A, NOW)}
    judged = judge(known, [], source_commit=A, now=NOW)
    assert (judged.failures, judged.changes) == ({}, ())


def test_two_findings_never_share_an_id_and_one_never_has_two() -> None:
    one = judge({}, [lint("failed", "status/1")], source_commit=A, now=NOW)
    same = judge({}, [lint("failed", "status/1")], source_commit=B, now=NOW)
    other = judge({}, [lint("failed", "status/2")], source_commit=A, now=NOW)
    assert one.changes[0].id == same.changes[0].id != other.changes[0].id


def test_a_policy_that_waits_for_a_status_is_that_status() -> None:
    status = Check("ci/lint", "succeeded", "fine", "https://x/1", run="status/1")
    policy = Check("ci/lint", "pending", is_blocking=True, run="policy/x")
    reviewers = Check("Reviewers", "pending", kind=CheckKind.POLICY, is_blocking=True)
    found = merged([status], [reviewers, policy], [])
    assert found == (
        Check("ci/lint", "pending", "fine", "https://x/1", is_blocking=True, run="status/1"),
        reviewers,
    )
    assert all(checks_in_the_way([check]) for check in found)


def test_what_could_not_be_read_stays_as_it_was() -> None:
    stored = merged([lint("failed")], [Check("ci", "failed", kind=CheckKind.BUILD)], [])
    assert merged(None, None, stored) == stored
    assert merged([], None, stored) == (Check("ci", "failed", kind=CheckKind.BUILD),)
    assert merged(None, [], stored) == (lint("failed"),)


def test_a_status_stays_blocking_while_policies_cannot_be_read() -> None:
    blocking = Check("lint", "succeeded", is_blocking=True, run="status/1")
    assert merged([lint("failed", "status/2")], None, [blocking])[0].is_blocking


@pytest.mark.parametrize(
    ("state", "quiet_minutes", "minutes"),
    [
        ("pending", 0, 1),
        ("pending", 45, 5),
        ("pending", 500, 30),
        ("succeeded", 1, 2),
        ("succeeded", 20, 30),
    ],
)
def test_checks_are_asked_for_soon_while_they_run(
    state: str, quiet_minutes: int, minutes: int
) -> None:
    since = NOW - timedelta(minutes=quiet_minutes)
    due = next_look([lint(state)], is_active=True, pushed_at=since, changed_at=since, now=NOW)
    assert due == NOW + timedelta(minutes=minutes)


def test_a_closed_pull_request_is_not_asked_for_its_checks() -> None:
    assert next_look([], is_active=False, pushed_at=NOW, changed_at=NOW, now=NOW) is None
