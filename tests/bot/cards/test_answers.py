from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from microsoft_teams.cards import Action, CardElement, SubmitActionData, TextRun
from microsoft_teams.cards.core import SerializableObject

from bot.cards.answers import (
    Tone,
    choice_card,
    command_button,
    escape,
    open_url_button,
    table_card,
    text_card,
    time_text,
)
from bot.cards.direct import direct_card, reply_message
from bot.cards.parts import MOST_BYTES, message, size_of
from bot.cards.pull_request import draw_pull_request
from bot.cards.welcome import welcome_card
from bot.teams_model import ConversationKind, OutgoingMessage
from tests.bot.cards.schema import schema_errors, texts_of
from tests.bot.cards.test_pull_request_card import view_of
from tests.bot.pull_request_samples import CONFLICT, at, seen

BUTTONS = [open_url_button("Open", "https://dev.azure.com/x"), command_button("Help", "help")]


def checked(sent: OutgoingMessage) -> dict[str, Any]:
    assert sent.card is not None
    assert schema_errors(sent.card) == []
    assert size_of(sent.card) <= MOST_BYTES
    return sent.card


def test_a_text_card_has_title_lines_and_buttons() -> None:
    card = checked(text_card("Done", ["One", f"By {escape('_x_')}"], BUTTONS, Tone.GOOD))
    assert card["body"][0]["style"] == "good"
    assert texts_of(card["body"]) == [
        ("TextRun", "Done"),
        ("TextBlock", "One"),
        ("TextBlock", r"By \_x\_"),
    ]
    assert [action["title"] for action in card["actions"]] == ["Open", "Help"]


@pytest.mark.parametrize(
    "sent",
    [
        text_card("😀" * 10_000, ["😀" * 10_000] * 50, BUTTONS * 10),
        table_card("T", ["😀" * 100] * 5, [["😀" * 3_000] * 5] * 200),
        choice_card("T", ["x"], [("😀" * 500, str(n)) for n in range(100)], command="prs"),
    ],
)
def test_no_answer_is_larger_than_teams_takes(sent: OutgoingMessage) -> None:
    checked(sent)


def test_a_table_says_how_many_rows_it_leaves_out() -> None:
    card = checked(table_card("T", ["A", "B"], [["1", "2"]] * 30, note="note"))
    assert ("TextBlock", "and 10 more") in texts_of(card)
    assert ("TextBlock", "note") in texts_of(card)


def test_an_empty_table_shows_its_note() -> None:
    assert ("TextBlock", "Nothing") in texts_of(checked(table_card("T", ["A"], [], note="Nothing")))


def test_few_choices_are_buttons_that_run_the_command() -> None:
    card = checked(
        choice_card(
            "Which?",
            [],
            [("web", "web"), ("api", "api")],
            command="start ticket",
            arguments="12 in {choice}",
        )
    )
    assert [(a["title"], a["verb"], a["data"]) for a in card["actions"]] == [
        ("web", "start ticket", {"arguments": "12 in web"}),
        ("api", "start ticket", {"arguments": "12 in api"}),
    ]


def test_many_choices_are_a_list() -> None:
    choices = [(str(n), str(n)) for n in range(9)]
    card = checked(choice_card("Which?", ["a"], choices, command="x", arguments="12 in {choice}"))
    assert card["body"][-1]["type"] == "Input.ChoiceSet"
    assert card["body"][-1]["id"] == "choice"
    assert card["actions"][0]["data"] == {"arguments": "12 in {choice}"}


@pytest.mark.parametrize("kind", list(ConversationKind))
def test_the_welcome_offers_first_steps(kind: ConversationKind) -> None:
    assert checked(welcome_card(kind))["actions"]


def test_a_reply_is_escaped_markdown_with_a_plain_summary() -> None:
    sent = reply_message("Maya_S <at>all</at>\napproved")
    assert sent.text == r"Maya\_S &lt;at&gt;all&lt;/at&gt; approved"
    assert sent.summary == "Maya_S <at>all</at> approved"


def test_a_direct_card_opens_the_page_where_to_act() -> None:
    card = checked(direct_card("Conflicts", view_of(seen(**CONFLICT)), page="conflicts"))
    assert [action["title"] for action in card["actions"]] == ["Conflicts", "Open"]


def test_times_are_shown_in_the_readers_zone() -> None:
    assert time_text(at(0)) == (
        "{{DATE(2026-11-02T09:00:00Z, SHORT)}} {{TIME(2026-11-02T09:00:00Z)}}"
    )


@pytest.mark.parametrize(
    ("moment", "stamp"),
    [
        (datetime(2026, 11, 2, 9, 0, 7, 999_999, UTC), "2026-11-02T09:00:07Z"),
        (datetime(2026, 11, 2, 0, 30, tzinfo=timezone(timedelta(hours=1))), "2026-11-01T23:30:00Z"),
        (datetime(1, 1, 2, tzinfo=UTC), "0001-01-02T00:00:00Z"),
    ],
)
def test_a_time_is_written_as_teams_reads_it(moment: datetime, stamp: str) -> None:
    """Whole seconds of UTC with four digits of the year; else the reader sees the function."""
    assert time_text(moment) == f"{{{{DATE({stamp}, SHORT)}}}} {{{{TIME({stamp})}}}}"


def test_no_card_has_a_field_that_the_card_types_do_not_know(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The types take any field and send it (extra="allow"), so a misspelt one would go unseen."""
    drawn: list[SerializableObject] = []

    def watched(body: list[CardElement], actions: list[Action], *, summary: str) -> OutgoingMessage:
        drawn.extend([*body, *actions])
        return message(body, actions, summary=summary)

    for module in ("bot.cards.answers.message", "bot.cards.pull_request.message"):
        monkeypatch.setattr(module, watched)
    draw_pull_request(view_of(seen(**CONFLICT)))
    table_card("T", ["A"], [["1"]], BUTTONS)
    choice_card("T", ["a"], [(str(n), str(n)) for n in range(9)], command="x")
    assert drawn
    assert [extra for each in drawn for extra in _extras(each)] == []
    assert _extras(TextRun(text="x", colour="Good")) == ["colour"]  # type: ignore[call-arg]


def _extras(part: object) -> list[str]:
    if isinstance(part, list):
        return [extra for item in part for extra in _extras(item)]
    if not isinstance(part, SerializableObject) or isinstance(part, SubmitActionData):
        return []  # a button's data is made to hold any field
    own = list(part.model_extra or {})
    return own + [extra for _, value in part for extra in _extras(value) if value is not part]
