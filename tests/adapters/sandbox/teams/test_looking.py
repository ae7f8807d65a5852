"""The words of a card, as assertions read them."""

from adapters.sandbox.teams import render_text
from tests.adapters.sandbox.teams.sample_cards import PULL_REQUEST, UNKNOWN


def test_all_words_of_a_card_are_there_as_they_were_sent() -> None:
    assert render_text(PULL_REQUEST).splitlines() == [
        r"!17 Keep the lamp lit \*always\*",
        "Draft",
        "feature/123-lamp → main",
        "Author: **Maya Sample**",
        "Ticket: [#123](https://example.com/123) Lamp",
        "Opened: {{DATE(2026-03-02T09:30:00Z, SHORT)}}",
        "Reviewer | Vote",
        "Jonas Sample | Approved",
        "Conflict in lamp.txt",
        "A lighthouse",
        "Repository",
        "- beacon",
        "- harbour",
        "As a draft",
        "Why?",
        "[Sync]",
        "[Open] [Approve] [Abandon]",
    ]


def test_unknown_and_broken_elements_do_not_raise() -> None:
    words = render_text(UNKNOWN)

    assert "Votes" in words
    assert "First page" in words


def test_nothing_has_no_words() -> None:
    assert render_text(None) == ""
    assert render_text({}) == ""
