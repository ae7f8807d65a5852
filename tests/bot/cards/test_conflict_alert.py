"""The alert of a conflict: what it says, that it is valid, and that nothing in it acts."""

import shlex
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.cards.alert_view import FROM_AZURE_DEVOPS, FROM_OVERLAP, AlertView
from bot.cards.conflict_alert import draw_conflict_alert, reproduce_commands
from bot.cards.parts import MOST_BYTES, size_of
from bot.cards.view import PullRequestView
from bot.conflicts.episodes import EndedBy
from bot.model import Commit, ConflictKind, FileConflict, Fork, PullRequestSnapshot
from bot.reconcile import reconcile
from tests.bot.cards.schema import schema_errors, texts_of, urls_of
from tests.bot.pull_request_samples import CONFLICT, JONAS, at, seen

BASE = "https://dev.azure.com/contoso"
PAGE = f"{BASE}/shop/_git/web/pullrequest/12"
FILES = (
    FileConflict("/src/cart.py", ConflictKind.BOTH_CHANGED),
    FileConflict("/README.md", ConflictKind.DELETED_THERE),
)
CAUSE = (
    Commit("1" * 40, "Jonas Sample", "Merged PR 9: Round\n\nMore", at(0), pull_request=9),
    Commit("2" * 40, "Lena Sample", "Fix", at(-5)),
)


def alert_of(snapshot: PullRequestSnapshot | None = None, **values: Any) -> AlertView:
    state = reconcile(None, snapshot or seen(1, **CONFLICT)).state
    view = PullRequestView(state, BASE, at(185))
    defaults: dict[str, Any] = {
        "files": FILES,
        "files_from": FROM_AZURE_DEVOPS,
        "cause": CAUSE,
    }
    return AlertView(view, "refs/heads/main", at(5), **(defaults | values))


def card_of(alert: AlertView) -> dict[str, Any]:
    card = draw_conflict_alert(alert).card
    assert card is not None
    assert schema_errors(card) == []
    assert size_of(card) < MOST_BYTES
    return card


def words(alert: AlertView) -> str:
    return "\n".join(text for _, text in texts_of(card_of(alert)))


def test_it_says_what_conflicts_since_when_because_of_whom_and_how_to_see_it() -> None:
    card = card_of(alert_of())
    text = "\n".join(said for _, said in texts_of(card))
    for part in (
        "#12 Add search has conflicts with main",
        "shop / web, pull request 12",
        "{{DATE(2026-11-02T09:05:00Z, SHORT)}}",
        "2 files in conflict:",
        "src/cart.py",
        "both changed",
        "changed here, deleted on the target",
        "Changed on main by:",
        "Jonas Sample",
        "#9",
        "Merged PR 9: Round",
        "2222222",
        "git fetch origin && git checkout feature/search/fast && git merge origin/main",
    ):
        assert part in text
    assert card["body"][0]["style"] == "attention"
    assert urls_of(card) == [
        f"{BASE}/shop/_git/web/pullrequest/9",
        f"{BASE}/shop/_git/web/commit/{'2' * 40}",
        PAGE,
        f"{PAGE}?_a=conflicts",
    ]
    pressed = [(a["title"], a.get("verb"), a.get("data")) for a in card["actions"]]
    assert pressed == [
        ("Open", None, None),
        ("Conflicts", None, None),
        ("Check again", "conflicts", {"arguments": "contoso:12"}),
        ("Snooze", "snooze conflict", {"arguments": "contoso:12"}),
    ]


def test_at_most_ten_files_and_how_many_more() -> None:
    files = tuple(FileConflict(f"/f{n}", ConflictKind.BOTH_ADDED) for n in range(13))
    text = words(alert_of(files=files))
    assert "13 files in conflict:" in text
    assert "f9" in text and "f10" not in text
    assert "and 3 more" in text


def test_files_that_are_only_an_overlap_are_called_so() -> None:
    text = words(alert_of(files=FILES[:1], files_from=FROM_OVERLAP))
    assert "Azure DevOps does not name the files; 1 file changed on both sides:" in text


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"is_examined": False}, "not known yet"),
        ({"files_from": FROM_OVERLAP}, "no file changed on both sides"),
        ({"files_from": ""}, "The files are not known"),
    ],
)
def test_files_that_are_not_known_are_called_so(values: dict[str, Any], said: str) -> None:
    assert said in words(alert_of(files=(), cause=(), **values))


def test_an_own_finding_and_auto_complete_are_said() -> None:
    assert "own finding" not in words(alert_of())
    assert "Pullcord's own finding" in words(alert_of(is_own_finding=True))
    waiting = alert_of(seen(1, auto_complete_by=JONAS, **CONFLICT))
    assert "Auto-complete is set and will not happen" in words(waiting)
    assert "Auto-complete" not in words(alert_of())


def test_it_turns_green_when_clean_and_grey_when_closed() -> None:
    green = card_of(alert_of(ended_at=at(185), ended_by=EndedBy.SOURCE))
    text = "\n".join(said for _, said in texts_of(green))
    assert green["body"][0]["style"] == "good"
    assert "#12 Add search merges cleanly again" in text
    assert "Conflicts with main are gone after 3 h" in text
    assert "2 files had conflicts:" in text
    assert [a["title"] for a in green["actions"]] == ["Open"]
    grey = card_of(alert_of(ended_at=at(185), ended_by=EndedBy.ABANDONED))
    assert grey["body"][0]["style"] == "emphasis"
    assert "#12 Add search was abandoned" in [said for _, said in texts_of(grey)]


def test_branch_names_are_quoted_for_the_shell() -> None:
    commands = reproduce_commands("refs/heads/a;rm$(x)", "refs/heads/it's")
    assert commands is not None
    assert shlex.split(commands) == [
        *("git", "fetch", "origin", "&&", "git", "checkout", "a;rm$(x)"),
        *("&&", "git", "merge", "origin/it's"),
    ]


def test_a_source_in_a_fork_is_fetched_from_there() -> None:
    """By both addresses, because the reader's clone may be of either."""
    text = words(alert_of(seen(1, fork=Fork("f", "web maya", "p", "it's"), **CONFLICT)))
    assert "See it locally (the source is in a fork):" in text
    (commands,) = (line for line in text.splitlines() if line.startswith("git fetch"))
    assert shlex.split(commands) == [
        *("git", "fetch", f"{BASE}/it%27s/_git/web%20maya", "refs/heads/feature/search/fast"),
        *("&&", "git", "checkout", "FETCH_HEAD", "&&"),
        *("git", "fetch", f"{BASE}/shop/_git/web", "refs/heads/main"),
        *("&&", "git", "merge", "FETCH_HEAD"),
    ]


def test_a_fork_that_is_not_named_gives_no_commands() -> None:
    text = words(alert_of(seen(1, fork=Fork(), **CONFLICT)))
    assert "The source branch is in a fork that Azure DevOps does not name." in text
    assert "git fetch" not in text


@pytest.mark.parametrize("name", ["-rf", "", "a\nb", "a\u202eb", "{{DATE(x)}}", "a\u200bb"])
def test_names_that_no_terminal_should_get_give_no_commands(name: str) -> None:
    assert reproduce_commands(f"refs/heads/{name}", "refs/heads/main") is None
    assert "git fetch" not in words(alert_of(seen(1, source_ref=f"refs/heads/{name}", **CONFLICT)))


@pytest.mark.parametrize("evil", ["[x](http://evil)", "**x**", "{{DATE(2020-01-01T00:00:00Z)}}"])
def test_nothing_from_outside_acts(evil: str) -> None:
    alert = alert_of(
        seen(1, title=evil, **CONFLICT),
        files=(FileConflict(f"/{evil}", ConflictKind.UNKNOWN),),
        cause=(replace(CAUSE[1], author_name=evil, message=evil),),
    )
    for kind, text in texts_of(card_of(alert)):
        assert kind != "TextBlock" or evil not in text
        assert "{{DATE(2020" not in text


@settings(max_examples=20, deadline=None)
@given(text=st.text(max_size=400), count=st.integers(0, 200), ended=st.booleans())
def test_whatever_the_texts_it_is_valid_and_small_enough(
    text: str, count: int, ended: bool
) -> None:
    branch = text.replace("/", "")[:200] or "x"
    alert = alert_of(
        seen(1, title=text, source_ref=f"refs/heads/{branch}", **CONFLICT),
        files=tuple(FileConflict(f"/{text}{n}", ConflictKind.RENAMED) for n in range(count)),
        cause=tuple(replace(CAUSE[0], author_name=text, message=text) for _ in range(10)),
        ended_at=at(5) + timedelta(minutes=1) if ended else None,
    )
    card_of(alert)


def test_a_card_of_long_emoji_names_is_still_small_enough() -> None:
    long = "🙂" * 400
    alert = alert_of(
        seen(1, title=long, source_ref=f"refs/heads/{long[:230]}", **CONFLICT),
        files=tuple(FileConflict(f"/{long}{n}", ConflictKind.RENAMED) for n in range(50)),
        cause=tuple(replace(CAUSE[1], author_name=long, message=long) for _ in range(10)),
    )
    card_of(alert)
