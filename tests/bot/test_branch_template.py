"""Branch names: always valid for git, and readable back."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.branch_template import (
    DEFAULT_TEMPLATE,
    NAME_MAX_BYTES,
    SLUG_MAX_BYTES,
    branch_for,
    check_template,
    ticket_of_branch,
)

nasty = st.text(
    st.one_of(
        st.sampled_from(list("/.@{}~^:?*[\\ -_#&'\"<>|%\x00\x1f\x7f\u00a0\u202e")),
        st.characters(),
    ),
    max_size=80,
)
endings = st.sampled_from(["", ".lock", "..", "@{", "/", "/.", "//x", ".LOCK", "refs/heads/", "@"])


def is_valid_branch(name: str) -> bool:
    """git-check-ref-format(1), rule by rule, for refs/heads/NAME; no leading dash."""
    ref = f"refs/heads/{name}"
    parts = ref.split("/")
    return (
        all(part and not part.startswith(".") and not part.endswith(".lock") for part in parts)
        and ".." not in ref
        and not re.search(r"[\x00-\x20\x7f~^:?*\[\\]", ref)
        and not ref.endswith(".")
        and "@{" not in ref
        and name != "@"
        and not name.startswith("-")
    )


@given(nasty, endings, nasty, endings, nasty, st.integers(1, 2**31 - 1))
def test_any_template_and_title_give_a_branch_that_git_takes(
    head: str, tail: str, title: str, title_tail: str, user: str, number: int
) -> None:
    template = f"{head}/{{type}}/{{user}}{{id}}-{{slug}}{tail}"
    name = branch_for(template, ticket=number, type_=title, title=title + title_tail, user=user)

    assert is_valid_branch(name), name
    assert len(name.encode()) <= NAME_MAX_BYTES


@given(nasty, st.integers(1, 2**31 - 1))
def test_the_ticket_is_read_back_from_a_branch_of_the_default_template(
    title: str, number: int
) -> None:
    name = branch_for(DEFAULT_TEMPLATE, ticket=number, type_="Bug", title=title, user="")

    assert ticket_of_branch(DEFAULT_TEMPLATE, name) == number


def test_titles_are_transliterated_and_cut_at_a_word() -> None:
    name = branch_for(
        DEFAULT_TEMPLATE, ticket=7, type_="Bug", title="Käse für Łódź: привет", user=""
    )
    assert name == "feature/7-kase-fur-lodz-privet"

    long = branch_for(DEFAULT_TEMPLATE, ticket=7, type_="Bug", title="word " * 100, user="")
    assert long.endswith("word")
    assert len(long) <= len("feature/7-") + SLUG_MAX_BYTES


def test_a_title_without_letters_leaves_the_number_alone() -> None:
    assert branch_for(DEFAULT_TEMPLATE, ticket=7, type_="Bug", title="☃ …", user="") == "feature/7"


def test_type_and_user_are_filled_in() -> None:
    name = branch_for(
        "users/{user}/{type}/{id}-{slug}",
        ticket=7,
        type_="User Story",
        title="Pay later",
        user="Maya.Sample@example.com",
    )
    assert name == "users/maya-sample/user-story/7-pay-later"
    assert ticket_of_branch("users/{user}/{type}/{id}-{slug}", name) == 7


@pytest.mark.parametrize(
    ("branch", "number"),
    [
        ("feature/123-pay", 123),
        ("feature/123", 123),
        ("feature/123abc", None),
        ("feature/x-123", None),
        ("bugfix/feature/123-pay", None),
        ("develop", None),
    ],
)
def test_only_whole_names_of_the_template_tell_a_ticket(branch: str, number: int | None) -> None:
    assert ticket_of_branch(DEFAULT_TEMPLATE, branch) == number


def test_a_template_with_an_unknown_word_or_without_id_is_refused() -> None:
    with pytest.raises(ValueError, match=r"not \{titel\}"):
        check_template("feature/{id}-{titel}")
    with pytest.raises(ValueError, match=r"needs \{id\}"):
        check_template("feature/{slug}")
    check_template("{type}/{id}-{slug}-{user}")
