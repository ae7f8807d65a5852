from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.cards.parts import MOST_BYTES, size_of
from bot.cards.pull_request import draw_pull_request
from bot.cards.view import LinkedTicket, PullRequestView
from bot.model import (
    Check,
    Identity,
    MergeStatus,
    PullRequestSnapshot,
    PullRequestStatus,
    Repository,
    Reviewer,
    Vote,
)
from bot.reconcile import reconcile
from tests.bot.cards.schema import schema_errors, texts_of, urls_of
from tests.bot.pull_request_samples import (
    ABANDONED,
    COMPLETED,
    CONFLICT,
    JONAS,
    LENA,
    TEAM,
    at,
    seen,
    votes,
)

BASE = "https://dev.azure.com/contoso"


def view_of(*snapshots: PullRequestSnapshot, **more: Any) -> PullRequestView:
    state = None
    for snapshot in snapshots:
        state = reconcile(state, snapshot).state
    assert state is not None
    return PullRequestView(state, BASE, more.pop("now", at(185)), **more)


def card_of(view: PullRequestView) -> dict[str, Any]:
    card = draw_pull_request(view).card
    assert card is not None
    assert schema_errors(card) == []
    return card


def words(card: dict[str, Any]) -> str:
    return "\n".join(text for _, text in texts_of(card))


def buttons(card: dict[str, Any]) -> list[str]:
    return [action["title"] for action in card["actions"]]


def test_the_card_shows_what_the_pull_request_is() -> None:
    card = card_of(
        view_of(
            seen(
                reviewers=(Reviewer(JONAS, Vote.APPROVED, required=True), Reviewer(LENA)),
                merge_status=MergeStatus.SUCCEEDED,
            ),
            tickets=(LinkedTicket(123, "Find things", "Active", "shop"),),
            checks=(Check("ci/build", "succeeded"), Check("lint", "failed")),
        )
    )
    text = words(card)
    for part in (
        "shop / web  #12",
        "Add search",
        "Maya Sample",
        "feature/search/fast",
        "main",
        "Jonas Sample",
        " required",
        "approved",
        "#123 Find things",
        "Merges cleanly",
        "1 failed",
        "✗ ",
        "lint",
        "1 passed",
        "Opened {{DATE(2026-11-02T09:00:00Z, SHORT)}} {{TIME(2026-11-02T09:00:00Z)}}",
    ):
        assert part in text
    assert buttons(card) == ["Open", "Review", "Nudge", "Ticket 123", "Sync"]
    assert card["version"] == "1.5"
    assert card["msteams"] == {"width": "full"}
    assert card["fallbackText"] == card["speak"]
    sync = card["actions"][-1]
    assert (sync["type"], sync["verb"], sync["data"]) == (
        "Action.Execute",
        "sync pr",
        {"arguments": "contoso:12"},
    )


TWO = votes((JONAS, Vote.NONE), (LENA, Vote.NONE))


@pytest.mark.parametrize(
    ("view", "style", "label", "sentence"),
    [
        (view_of(seen()), "accent", "Active", "No reviewer yet"),
        (view_of(seen(**TWO)), "accent", "Active", "Waiting for 2 reviews"),
        (
            view_of(seen(**votes((JONAS, Vote.NONE)))),
            "accent",
            "Active",
            "Waiting for Jonas Sample",
        ),
        (
            view_of(seen(**TWO), viewers=frozenset({LENA.id})),
            "accent",
            "Active",
            "Waiting for your review",
        ),
        (
            view_of(seen(**votes((JONAS, Vote.APPROVED), (LENA, Vote.NONE)))),
            "good",
            "Approved",
            "Approved",
        ),
        (
            view_of(
                seen(reviewers=(Reviewer(JONAS, Vote.APPROVED), Reviewer(TEAM, required=True)))
            ),
            "accent",
            "Active",
            "Waiting for [samples]\\Web Team",
        ),
        (
            view_of(seen(**votes((JONAS, Vote.WAITING_FOR_AUTHOR), (LENA, Vote.APPROVED)))),
            "warning",
            "Changes asked",
            "Jonas Sample waits for the author",
        ),
        (
            view_of(seen(**votes((JONAS, Vote.REJECTED)))),
            "attention",
            "Rejected",
            "Rejected by Jonas Sample",
        ),
        (view_of(seen(is_draft=True)), "emphasis", "Draft", "Not ready for review yet"),
        (view_of(seen(5, **CONFLICT)), "attention", "Blocked", "Conflicts with main"),
        (
            view_of(seen(5, **CONFLICT, auto_complete_by=JONAS)),
            "attention",
            "Blocked",
            "Conflicts with main. Auto-complete is set and will not happen",
        ),
        (
            view_of(seen(merge_status=MergeStatus.FAILURE)),
            "attention",
            "Blocked",
            "Azure DevOps could not try the merge into main",
        ),
        (
            view_of(seen(), seen(90, closed_by=JONAS, **COMPLETED)),
            "good",
            "Completed",
            "Completed by Jonas Sample",
        ),
        (view_of(seen(), seen(90, **ABANDONED)), "emphasis", "Abandoned", "Abandoned"),
        (
            view_of(seen(**TWO), checks=(Check("ci", "failed"),)),
            "warning",
            "Active",
            "1 check failed",
        ),
    ],
)
def test_the_header_says_where_it_stands(
    view: PullRequestView, style: str, label: str, sentence: str
) -> None:
    card = card_of(view)
    top = card["body"][0]
    assert top["style"] == style
    shown = [text for kind, text in texts_of(top) if kind != "TextBlock"]
    assert label in shown
    assert shown[-1] == sentence


def test_what_grows_older_is_told_by_moments_that_stay_true() -> None:
    """A card is seen for days after it was drawn; Teams shows moments in the reader's own zone."""
    snapshots = (seen(5, **CONFLICT),)
    drawn = [card_of(view_of(*snapshots, now=at(minutes))) for minutes in (5, 6, 600, 24 * 60 - 1)]
    assert all(card == drawn[0] for card in drawn)
    blocks = [text for kind, text in texts_of(drawn[0]) if kind == "TextBlock"]
    assert blocks == [
        "Since {{DATE(2026-11-02T09:05:00Z, SHORT)}} {{TIME(2026-11-02T09:05:00Z)}}",
        "Opened {{DATE(2026-11-02T09:00:00Z, SHORT)}} {{TIME(2026-11-02T09:00:00Z)}}",
    ]
    assert not any("{{" in text for kind, text in texts_of(drawn[0]) if kind != "TextBlock")


DAY = 24 * 60


@pytest.mark.parametrize(
    ("days", "age"),
    [
        (0.99, ""),
        (1, "1 day"),
        (1.99, "1 day"),
        (2, "2 days"),
        (13.9, "13 days"),
        (14, "2 weeks"),
        (59, "8 weeks"),
        (60, "2 months"),
        (800, "26 months"),
    ],
)
def test_an_age_is_shown_from_the_first_day_on(days: float, age: str) -> None:
    text = words(card_of(view_of(seen(), now=at(days * DAY))))
    [opened] = [line for line in text.splitlines() if line.startswith("Opened ")]
    assert opened.partition("Z)}}")[2] == (f", {age} old" if age else "")


def test_a_closed_one_says_how_long_it_was_open() -> None:
    card = card_of(view_of(seen(), seen(90, **COMPLETED), now=at(100 * DAY)))
    assert ", open for 1 h\n" in words(card)


def test_a_conflict_offers_its_page_and_a_closed_one_no_review() -> None:
    blocked = card_of(view_of(seen(**CONFLICT, **TWO)))
    assert buttons(blocked) == ["Open", "Conflicts", "Sync"]
    assert blocked["actions"][1]["url"] == f"{BASE}/shop/_git/web/pullrequest/12?_a=conflicts"
    assert buttons(card_of(view_of(seen(**TWO), seen(90, **TWO, **COMPLETED)))) == ["Open", "Sync"]


def test_the_reviewer_is_told_in_the_notification_that_he_is_asked() -> None:
    sent = draw_pull_request(view_of(seen(**TWO), viewers=frozenset({LENA.id})))
    assert sent.summary == "Your review is asked for: #12 Add search"


EVIL = [
    "<at>Maya Sample</at>",
    "[x](javascript:alert(1))",
    "![i](https://evil.example/i.png)",
    "<b onclick=x>HTML</b> &lt;",
    "x" * 10_000,
    "😀" * 10_000,
    "\u202egnp\u200b\u2066 \u2069",
    "line\n\nline\r# head\n- item",
    "{{DATE(2026-01-01T00:00:00Z, SHORT)}}",
    "\x00\ud800",
]


@pytest.mark.parametrize("text", EVIL)
def test_checks_20_outside_text_is_shown_as_plain_text(text: str) -> None:
    """CHECKS 20: no Markdown, no mention, only links to the configured host, cut."""
    who = Identity("id-x", text, text)
    card = card_of(
        view_of(
            seen(
                title=text,
                author=who,
                source_ref=f"refs/heads/{text}",
                target_ref=f"refs/heads/{text}",
                reviewers=tuple(
                    Reviewer(replace(who, id=str(n)), Vote.NONE, required=True) for n in range(40)
                ),
                repository=Repository("r", text, "p", text, web_url="javascript:alert(1)"),
                web_url="https://evil.example/",
                merge_failure=text,
            ),
            tickets=tuple(LinkedTicket(n, text, text, text) for n in range(1, 30)),
            checks=tuple(Check(text, "failed", text, "https://evil.example/") for _ in range(30)),
        )
    )
    assert size_of(card) <= MOST_BYTES
    assert "entities" not in card["msteams"]
    assert all(url.startswith(f"{BASE}/") for url in urls_of(card))
    for kind, shown in texts_of(card):
        assert "\n" not in shown and "\u202e" not in shown and "\u200b" not in shown
        assert len(shown) <= 320
        if kind == "TextBlock":  # the only element here whose Markdown acts: our own words
            assert shown.startswith(("Opened {{DATE(", "Since {{DATE("))


WILD = st.text(alphabet=st.characters(), max_size=400)
wild_reviewers = st.builds(
    Reviewer,
    identity=st.builds(Identity, id=WILD, display_name=WILD, unique_name=WILD),
    vote=st.sampled_from(list(Vote)),
    required=st.booleans(),
    declined=st.booleans(),
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    title=WILD,
    branch=WILD,
    name=WILD,
    reviewers=st.lists(wild_reviewers, max_size=12).map(tuple),
    status=st.sampled_from(list(PullRequestStatus)),
    merge=st.sampled_from(list(MergeStatus)),
    tickets=st.lists(st.builds(LinkedTicket, st.integers(1, 2**31), WILD, WILD, WILD), max_size=8),
    checks=st.none() | st.lists(st.builds(Check, WILD, WILD), max_size=8).map(tuple),
)
def test_any_pull_request_makes_a_valid_card_that_teams_takes(
    title: str,
    branch: str,
    name: str,
    reviewers: tuple[Reviewer, ...],
    status: PullRequestStatus,
    merge: MergeStatus,
    tickets: list[LinkedTicket],
    checks: tuple[Check, ...] | None,
) -> None:
    snapshot = seen(
        title=title,
        source_ref=branch,
        author=Identity("id-x", name),
        repository=Repository("r", name, "p", name),
        reviewers=reviewers,
        status=status,
        merge_status=merge,
    )
    card = card_of(view_of(snapshot, tickets=tuple(tickets), checks=checks))
    assert size_of(card) <= MOST_BYTES
    assert all(url.startswith(f"{BASE}/") for url in urls_of(card))
