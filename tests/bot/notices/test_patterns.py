"""Patterns match whole names, never parts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.notices.patterns import (
    admits,
    admits_paths,
    admits_title,
    matches_branch,
    matches_name,
    matches_path,
)


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        ("dev", "dev", True),
        ("dev", "development", False),
        ("dev", "my-dev", False),
        ("dev*", "development", True),
        ("DEV", "dev", True),
        ("release/*", "release/1/2", True),
        ("release/?", "release/1", True),
        ("release/?", "release/12", False),
        ("[Shop]\\Web Team", "[Shop]\\Web Team", True),
        ("[Shop]\\*", "[Shop]\\Web Team", True),
        ("[ab]*", "a", False),  # brackets are literal
        ("STRASSE", "straße", True),
        ("a.c", "abc", False),
        ("*", "anything", True),
    ],
)
def test_a_name_matches_as_a_whole(pattern: str, name: str, matches: bool) -> None:
    assert matches_name(pattern, name) is matches


@pytest.mark.parametrize(
    ("patterns", "ref", "matches"),
    [
        ((), "refs/heads/main", True),
        (("main",), "refs/heads/main", True),
        (("refs/heads/main",), "refs/heads/main", True),
        (("!refs/heads/main",), "refs/heads/main", False),
        (("dev",), "refs/heads/development", False),
        (("!main",), "refs/heads/dev", True),
        (("*", "!release/*"), "refs/heads/release/1", False),
        (("main", "release/*"), "refs/heads/release/1", True),
    ],
)
def test_branches_are_wanted_or_left_out(
    patterns: tuple[str, ...], ref: str, matches: bool
) -> None:
    assert matches_branch(patterns, ref) is matches


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("src/**", "/src/a/b.py", True),
        ("src/**", "/srcs/a.py", False),
        ("src/*", "/src/a.py", True),
        ("src/*", "/src/a/b.py", False),
        ("**/*.md", "/docs/a/readme.md", True),
        ("**/*.md", "/readme.md", True),
        ("src", "/src/a.py", True),
        ("src/a", "/src/ab.py", False),
        ("/src/a.py", "/src/a.py", True),
        ("SRC/**", "/src/a.py", True),
        ("services/*/api/**", "/services/pay/api/v1/x.py", True),
        ("services/*/api/**", "/services/pay/web/x.py", False),
        ("**", "/a", True),
    ],
)
def test_paths_match_folder_by_folder(pattern: str, path: str, matches: bool) -> None:
    assert matches_path(pattern, path) is matches


def test_a_path_that_is_left_out_is_silent_only_when_nothing_else_changes() -> None:
    assert not admits_paths(("!docs/**",), ["/docs/a.md"])
    assert admits_paths(("!docs/**",), ["/docs/a.md", "/src/a.py"])
    assert not admits_paths(("src/**", "!src/gen/**"), ["/src/gen/a.py", "/docs/a.md"])
    assert not admits_paths(("src/**",), [])


@pytest.mark.parametrize(
    ("patterns", "title", "passes"),
    [
        (("hotfix",), "Hotfix: pay", True),
        (("fix",), "Hotfix: pay", False),
        (("fix*",), "Fixes the basket", True),
        (("!wip",), "[WIP] pay", False),
        (("!wip",), "wiped out", True),
        (("pay later",), "Now you can pay later.", True),
        (("c++",), "New c++ code", True),
        ((), "anything", True),
    ],
)
def test_titles_are_matched_by_whole_words(
    patterns: tuple[str, ...], title: str, passes: bool
) -> None:
    assert admits_title(patterns, title) is passes


def test_one_unwanted_name_is_enough_to_leave_out() -> None:
    assert not admits(("*", "!wip"), ("urgent", "wip"))
    assert admits(("!wip",), ())
    assert not admits(("urgent",), ())


@given(st.text(max_size=30), st.text(max_size=30))
def test_a_pattern_without_wildcards_matches_only_itself(pattern: str, name: str) -> None:
    if not set("*?") & set(pattern):
        assert matches_name(pattern, name) is (pattern.casefold() == name.casefold())


@given(st.text(alphabet="ab*?/!", max_size=200), st.text(alphabet="ab/", max_size=200))
def test_no_pattern_breaks_matching(pattern: str, text: str) -> None:
    matches_name(pattern, text)
    matches_path(pattern, text)
    admits_title((pattern,), text)


def test_hostile_patterns_come_to_an_end() -> None:
    """An exponential match would not."""
    name = "a" * 1_000
    assert not matches_name("*a" * 90 + "b", name)
    assert not matches_path("**/a/" * 40 + "b", "a/" * 200)
    assert not admits_title(("a*" * 90 + "b",), name)
