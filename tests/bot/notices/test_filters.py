"""Which pull requests a subscription is about: every filter, alone, negated and combined."""

from dataclasses import replace
from typing import Any

import pytest

from bot.model import Identity, Reviewer
from bot.notices.filters import Facts, Filters, Need, passes, subject_of
from bot.notices.kinds import EventKind, Place
from bot.notices.places import Places
from bot.notices.wishes import (
    BrokenOptions,
    Wishes,
    read_stored,
    read_wishes,
    write_wishes,
)
from bot.pull_request_state import PullRequestState
from bot.reconcile import reconcile
from tests.bot.pull_request_samples import JONAS, LENA, MAYA, ROBOT, TEAM, seen

STATE = reconcile(None, seen(reviewers=(Reviewer(JONAS), Reviewer(TEAM)))).state
FACTS = Facts(
    labels=("urgent", "needs design"),
    files=("/src/search.py", "/docs/search.md"),
    groups={MAYA.id: frozenset({"Frontend"}), JONAS.id: frozenset({"[Shop]\\Reviewers"})},
)


def does_pass(filters: Filters, facts: Facts = FACTS, state: PullRequestState = STATE) -> bool:
    return passes(filters, subject_of(state, facts))


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, True),
        ({"target": ("main",)}, True),
        ({"target": ("!main",)}, False),
        ({"source": ("feature/*",)}, True),
        ({"source": ("feature",)}, False),
        ({"author": ("Maya Sample",)}, True),
        ({"author": ("maya",)}, True),  # the account's name
        ({"author": ("Maya",)}, True),
        ({"author": ("Samp",)}, False),
        ({"author": ("maya@example.com",)}, True),
        ({"author": ("!Maya Sample",)}, False),
        ({"author": ("Frontend",)}, True),
        ({"author": ("!Frontend",)}, False),
        ({"author": ("bot",)}, False),
        ({"author": ("!bot",)}, True),
        ({"reviewer": ("Jonas*",)}, True),
        ({"reviewer": ("Lena Sample",)}, False),
        ({"reviewer": ("Web Team",)}, True),  # a group that reviews, without its project
        ({"reviewer": ("[samples]\\Web Team",)}, True),
        ({"reviewer": ("Reviewers",)}, True),  # a group that a reviewer is in
        ({"reviewer": ("!Web Team",)}, False),
        ({"label": ("urgent",)}, True),
        ({"label": ("urg",)}, False),
        ({"label": ("!urgent",)}, False),
        ({"label": ("Needs Design", "!wip")}, True),
        ({"path": ("src/**",)}, True),
        ({"path": ("lib/**",)}, False),
        ({"path": ("!src/**", "!docs/**")}, False),
        ({"title": ("search",)}, True),
        ({"title": ("!search",)}, False),
        ({"min_files": 2}, True),
        ({"min_files": 3}, False),
        ({"target": ("main",), "label": ("urgent",), "path": ("docs/**",)}, True),
        ({"target": ("main",), "label": ("wip",), "path": ("docs/**",)}, False),
    ],
)
def test_each_filter_alone_and_with_others(filters: dict[str, Any], expected: bool) -> None:
    assert does_pass(Filters(**filters)) is expected


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (Filters(), False),
        (Filters(bots=True), True),
        (Filters(author=("bot",)), True),
        (Filters(author=("samples Build*",)), True),
        (Filters(author=("!Maya Sample",)), False),
        (Filters(bots=True, author=("!bot",)), False),
    ],
)
def test_bots_are_off_unless_they_are_wanted(filters: Filters, expected: bool) -> None:
    assert does_pass(filters, state=replace(STATE, author=ROBOT)) is expected


def test_what_is_not_known_lets_pass() -> None:
    unknown = Facts()
    assert does_pass(Filters(label=("x",), path=("y/**",), min_files=9), unknown)
    assert not does_pass(Filters(label=("x",)), Facts(labels=()))
    assert not does_pass(Filters(path=("y/**",)), Facts(files=()))


def test_only_what_filters_look_at_is_asked_for() -> None:
    assert Filters(target=("main",), author=("Maya",), title=("x",)).needs is Need.NOTHING
    assert Filters(label=("x",)).needs is Need.LABELS
    assert Filters(path=("x",)).needs is Filters(min_files=2).needs is Need.FILES
    assert Filters(author=("x",), groups=(("x", "id"),)).needs is Need.GROUPS


def test_a_nameless_author_is_nobody() -> None:
    nobody = replace(STATE, author=Identity("id-x", ""))
    assert not does_pass(Filters(author=("Maya Sample",)), state=nobody)
    assert does_pass(Filters(author=("!Maya Sample",)), state=nobody)


def test_wishes_are_read_as_they_were_written() -> None:
    filters = Filters(
        target=("main",),
        author=("Müller, Lena", "!" + LENA.display_name),
        path=("src/**",),
        drafts="announce",
        bots=True,
        min_files=4,
        groups=(("Frontend", "group-1"),),
    )
    wishes = Wishes(filters, Places(((EventKind.VOTE, Place.CARD),)))
    written = write_wishes({"radar": "off", "filters": {"label": ["old"]}}, wishes)
    assert written["radar"] == "off"
    assert written["places"] == {"vote": "card"}
    assert "target" not in written["filters"]
    assert read_wishes(written, filters.target, filters.drafts) == wishes
    assert write_wishes({}, Wishes()) == {}


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({"filters": {"auhor": ["x"]}}, "filters.auhor"),
        ({"filters": {"author": "x"}}, "filters.author"),
        ({"filters": {"min_files": -1}}, "filters.min_files"),
        ({"filters": []}, "filters"),
        ({"places": {"vote": "nowhere"}}, "places.vote"),
        ({"places": {"votes": "card"}}, "places.votes"),
    ],
)
def test_what_cannot_be_read_is_named(options: dict[str, Any], names: str) -> None:
    with pytest.raises(BrokenOptions, match=names):
        read_wishes(options)


def test_stored_columns_that_are_no_json_give_the_reason() -> None:
    assert isinstance(read_stored("{", "[]", "published"), str)
    assert isinstance(read_stored("{}", "[1]", "published"), str)
    assert isinstance(read_stored("{}", "[]", "perhaps"), str)
    assert read_stored('{"radar": "off"}', "[]", "published") == Wishes()
