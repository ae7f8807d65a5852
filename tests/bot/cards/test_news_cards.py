"""The messages of builds and tickets, and checks on the pull request's card."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.cards.build import draw_build
from bot.cards.checks import check_counts, check_lines
from bot.cards.direct import direct_card
from bot.cards.ticket_news import draw_ticket_news
from bot.model import Build, Check, CheckKind
from bot.teams_model import OutgoingMessage
from tests.bot.cards.schema import schema_errors
from tests.bot.cards.test_pull_request_card import BASE, view_of
from tests.bot.pull_request_samples import seen

BUILD = Build(
    id=7,
    number="20261120.7",
    project_id="p",
    project_name="Shop [x](y)",
    definition_id=1,
    definition="web-ci",
    result="failed",
    source_ref="refs/heads/main",
    repository_id="r",
    repository_name="web",
    finished_at=datetime(2026, 11, 20, 9, tzinfo=UTC),
    web_url=f"{BASE}/p/_build/results?buildId=7",
)


def texts_of(message: OutgoingMessage) -> tuple[list[str], list[tuple[str, str]]]:
    card: dict[str, Any] = message.card or {}
    assert schema_errors(card) == []
    blocks = [text for element in card["body"] for text in _texts(element)]
    return blocks, [(action["title"], action["url"]) for action in card.get("actions", [])]


def _texts(element: Any) -> list[str]:
    if isinstance(element, list):
        return [text for each in element for text in _texts(each)]
    if not isinstance(element, dict):
        return []
    own = [element["text"]] if isinstance(element.get("text"), str) else []
    return own + [
        text for key in ("items", "inlines", "columns") for text in _texts(element.get(key))
    ]


@pytest.mark.parametrize("result", ["failed", "canceled"])
def test_a_build_says_where_it_is_and_leads_there(result: str) -> None:
    texts, buttons = texts_of(
        draw_build("web-ci is broken on main", replace(BUILD, result=result), "web")
    )
    assert texts == ["web-ci is broken on main", r"Shop \[x\](y) / web"]
    assert buttons == [("Open build", BUILD.web_url)]


def test_a_ticket_says_its_area_and_leads_there() -> None:
    url = f"{BASE}/Shop/_workitems/edit/12"
    sent = draw_ticket_news(
        "Maya Sample created Bug 12", url=url, project="Shop", area_path=r"Shop\Pay"
    )
    texts, buttons = texts_of(sent)
    assert texts == ["Maya Sample created Bug 12", r"Shop\\Pay"]
    assert buttons == [("Open ticket", url)]


CHECKS = (
    Check("lint", "failed", "3 errors", f"{BASE}/x", is_blocking=True),
    Check("elsewhere", "error", target_url="https://evil.example/"),
    Check("ci", "pending", kind=CheckKind.BUILD),
    Check("fine", "succeeded"),
    Check("Two reviewers", "failed", kind=CheckKind.POLICY, is_blocking=True),
    Check("Tickets linked", "failed", kind=CheckKind.POLICY),
)


def test_checks_are_counted_and_those_that_need_somebody_are_named() -> None:
    counts = "".join(run.text or "" for run in check_counts(CHECKS))
    assert counts == "Checks: ✗ 2 failed  ◔ 1 running  ✓ 1 passed  "
    lines = check_lines(view_of(seen(), checks=CHECKS), rows=5, name_length=60)
    drawn = [line.model_dump(by_alias=True, exclude_none=True) for line in lines]
    assert ["".join(_texts(line)) for line in drawn] == [
        "✗ lint required  3 errors",
        "✗ elsewhere  failed",
        "◔ ci  running",
        "Not met yet: Two reviewers",
    ]
    assert f"{BASE}/x" in str(drawn)
    assert "evil" not in str(drawn)


def test_more_checks_than_there_is_room_for_are_counted() -> None:
    lines = check_lines(view_of(seen(), checks=CHECKS), rows=1, name_length=60)
    drawn = ["".join(_texts(line.model_dump(by_alias=True))) for line in lines]
    assert drawn == ["✗ lint required  3 errors", "and 2 more checks", "Not met yet: Two reviewers"]


@pytest.mark.parametrize(
    ("page", "is_shown"),
    [
        (f"{BASE}/Shop/_build/results?buildId=7", True),
        ("https://ci.example.org/7", False),
        ("javascript:alert(1)", False),
        ("", False),
    ],
)
def test_a_failed_run_is_opened_only_on_the_connections_own_host(page: str, is_shown: bool) -> None:
    _, buttons = texts_of(direct_card("The check lint failed", view_of(seen()), run_url=page))
    assert [url for title, url in buttons if title == "Failed run"] == [page] * is_shown
    assert [title for title, _ in buttons][-1] == "Open"
