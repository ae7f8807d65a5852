"""Whether a build breaks a branch or fixes it."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.builds import LastBuild, Turn, counts, is_followed, judge
from bot.model import Build, Identity
from bot.notices.builds import build_turned

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
MAIN = "refs/heads/main"


def build(number: int, result: str, *, ref: str = MAIN, minutes: int = 0) -> Build:
    return Build(
        id=number,
        number=f"20261120.{number}",
        project_id="p",
        project_name="Shop",
        definition_id=1,
        definition="web-ci",
        result=result,
        source_ref=ref,
        repository_id="r",
        repository_name="web",
        finished_at=NOW + timedelta(minutes=minutes or number),
        requested_for=Identity("m", "Maya Sample"),
    )


def turns(*found: Build) -> list[Turn | None]:
    last: LastBuild | None = None
    told: list[Turn | None] = []
    for one in found:
        judged = judge(last, one)
        told.append(judged.turn if judged else None)
        last = judged.last if judged else last
    return told


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([build(1, "succeeded")], [None]),
        ([build(1, "failed")], [Turn.BROKEN]),
        ([build(1, "failed"), build(2, "failed")], [Turn.BROKEN, None]),
        ([build(1, "failed"), build(2, "succeeded")], [Turn.BROKEN, Turn.FIXED]),
        ([build(2, "succeeded"), build(1, "failed", minutes=9)], [None, None]),
        ([build(1, "failed"), build(1, "failed")], [Turn.BROKEN, None]),
        ([build(1, "failed"), build(1, "succeeded", minutes=9)], [Turn.BROKEN, Turn.FIXED]),
    ],
)
def test_only_the_turn_of_a_branch_is_news(found: list[Build], expected: list[Turn | None]) -> None:
    assert turns(*found) == expected


@pytest.mark.parametrize(
    ("ref", "result", "expected"),
    [
        (MAIN, "failed", True),
        (MAIN, "partiallySucceeded", False),
        (MAIN, "canceled", False),
        ("refs/pull/3/merge", "failed", False),
        ("refs/tags/v1", "failed", False),
    ],
)
def test_only_whole_verdicts_on_branches_count(ref: str, result: str, expected: bool) -> None:
    assert counts(build(1, result, ref=ref)) is expected


@pytest.mark.parametrize(
    ("targets", "ref", "default", "expected"),
    [
        ((), MAIN, MAIN, True),
        ((), "refs/heads/feature/x", MAIN, False),
        ((), "refs/heads/master", None, True),
        (("release/*",), "refs/heads/release/2", MAIN, True),
        (("release/*",), MAIN, MAIN, False),
        (("!main",), MAIN, MAIN, False),
    ],
)
def test_builds_of_target_branches_are_followed_else_of_the_default_branch(
    targets: tuple[str, ...], ref: str, default: str | None, expected: bool
) -> None:
    assert is_followed(targets, ref, default) is expected


def test_the_sentences_say_which_branch_and_which_build() -> None:
    assert (
        build_turned(build(3, "failed"), Turn.BROKEN, since=None)
        == "web-ci is broken on main: build 20261120.3 failed (for Maya Sample)"
    )
    fixed = build_turned(build(5, "succeeded", minutes=125), Turn.FIXED, since=NOW)
    assert fixed == "web-ci is fixed on main after 2 h: build 20261120.5 succeeded"
