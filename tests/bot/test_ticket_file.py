"""A ticket as Markdown."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from bot.model import Ticket
from bot.ticket_file import (
    ACCEPTANCE_FIELD,
    DESCRIPTION_FIELD,
    DESCRIPTION_MAX,
    checklist,
    pull_request_description,
    pull_request_title,
    ticket_markdown,
)

TICKET = Ticket(
    connection="contoso",
    number=123,
    rev=1,
    project_name="Shop",
    type="User Story",
    title="Pay\nlater",
    state="New",
    description="<div>Hello&nbsp;<b>you</b><script>alert(1)</script></div><div>second line</div>",
    acceptance_criteria="<ul><li>One</li><li>Two<ul><li>deep</li></ul></li></ul><div>after</div>",
    web_url="https://dev.azure.com/contoso/Shop/_workitems/edit/123",
)


def test_the_file_has_title_link_description_and_criteria() -> None:
    assert ticket_markdown(TICKET) == (
        "# User Story 123: Pay later\n\n"
        "<https://dev.azure.com/contoso/Shop/_workitems/edit/123>\n\n"
        "## Description\n\nHello **you**\n\nsecond line\n\n"
        "## Acceptance criteria\n\n- [ ] One\n- [ ] Two\n  - [ ] deep\n\nafter\n"
    )


def test_a_ticket_with_nothing_but_a_title_gives_a_file_without_empty_headings() -> None:
    bare = replace(TICKET, description="", acceptance_criteria="<div><br></div>", web_url="")
    assert ticket_markdown(bare) == "# User Story 123: Pay later\n"


def test_markdown_fields_are_taken_as_they_are() -> None:
    ticket = replace(
        TICKET,
        description="a < b & `<c>`",
        acceptance_criteria="1. first\n2. [x] second",
        markdown_fields=frozenset({DESCRIPTION_FIELD, ACCEPTANCE_FIELD}),
    )
    text = ticket_markdown(ticket)
    assert "a < b & `<c>`" in text
    assert "- [ ] first\n- [x] second" in text


def test_criteria_without_a_list_become_one_task_a_line() -> None:
    assert checklist("Given a\n\nThen b") == ["- [ ] Given a", "- [ ] Then b"]


def test_the_description_of_a_pull_request_puts_the_criteria_first() -> None:
    text = pull_request_description(TICKET)
    assert text.startswith("Ticket #123\n\n## Acceptance criteria\n\n- [ ] One\n")
    assert text.endswith("second line")


def test_a_long_description_is_cut_with_a_note_where_the_rest_is() -> None:
    long = replace(TICKET, description="<p>" + "😀 words and words. " * 500 + "</p>")
    text = pull_request_description(long)
    assert len(text.encode("utf-16-le")) // 2 <= DESCRIPTION_MAX
    assert text.endswith("*Cut here; the whole text is in `.tickets/123.md`.*")
    assert "- [ ] Two" in text


@given(st.text(max_size=300), st.text(max_size=300), st.integers(200, 600))
def test_the_description_is_never_longer_than_allowed(
    description: str, criteria: str, limit: int
) -> None:
    ticket = replace(TICKET, description=description * 4, acceptance_criteria=criteria * 4)
    text = pull_request_description(ticket, limit)
    assert len(text.encode("utf-16-le", "surrogatepass")) // 2 <= limit


def test_a_long_title_is_cut_and_an_empty_one_replaced() -> None:
    assert pull_request_title(replace(TICKET, title="x" * 500)) == "x" * 399 + "…"
    assert pull_request_title(replace(TICKET, title=" \n ")) == "Ticket 123"
    assert pull_request_title(TICKET) == "Pay later"
