"""Normalising what Teams sends."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.commands.command import UsageError
from bot.commands.text import (
    MAX_COMMAND_LENGTH,
    Reference,
    normalise,
    parse_pull_request,
    parse_ticket,
    split_words,
    tidy,
)

PULL_REQUEST_URL = "https://dev.azure.com/contoso/Web/_git/shop/pullrequest/12"


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("sync pr", "sync pr"),
        ("Sync PR ", "Sync PR"),
        ("sync\u00a0pr\u00a012", "sync pr 12"),
        ("<p>sync&nbsp;pr&nbsp;12</p>\n", "sync pr 12"),
        ('<div><span style="color:red">sync</span> pr</div>', "sync pr"),
        ("sync pr<br>12", "sync pr 12"),
        ("/prs mine", "prs mine"),
        ("prs mine.", "prs mine"),
        ("prs?!", "prs"),
        ("“sync pr 12”", "sync pr 12"),
        ("`start ticket 123`", "start ticket 123"),
        ("'start ticket 123'.", "start ticket 123"),
        ("prs “My Shop”", 'prs "My Shop"'),
        ("s\u200byn\u200dc \u202epr", "sync pr"),
        ("prs Ben &amp; Co", "prs Ben & Co"),
        ("prs &lt;at&gt;", "prs <at>"),
        (
            f'sync pr <a href="{PULL_REQUEST_URL}" title="x">PR 12: Fix</a>',
            f"sync pr {PULL_REQUEST_URL}",
        ),
        (f"sync pr [Pull request 12]({PULL_REQUEST_URL})", f"sync pr {PULL_REQUEST_URL}"),
        (f"sync pr <{PULL_REQUEST_URL}>", f"sync pr {PULL_REQUEST_URL}"),
        ('ticket <a href="javascript:alert(1)">12</a>', "ticket 12"),
        ("use Payments‑API", "use Payments-API"),
        ("subscribe Web target Feature/X", "subscribe Web target Feature/X"),
        ("\x00prs\x07", "prs"),
        (" \u3000\u200b ", ""),
        ("👍", "👍"),
        ("&#" + "9" * 5000 + ";", "&#" + "9" * (MAX_COMMAND_LENGTH - 2)),
    ],
)
def test_what_teams_sends_becomes_plain_text(typed: str, expected: str) -> None:
    if typed.startswith("&#"):
        assert len(normalise(typed)) <= MAX_COMMAND_LENGTH  # what remains is no command
    else:
        assert normalise(typed) == expected


def test_text_of_a_button_is_not_read_as_html() -> None:
    assert tidy("Ben &amp; <b>Co</b>\u00a0x") == "Ben &amp; <b>Co</b> x"


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("sync Pull Request 12", ["sync", "pr", "12"]),
        ("pull requests mine", ["prs", "mine"]),
        ("link Work Item 1 to pull-request 2", ["link", "ticket", "1", "to", "pr", "2"]),
        ('prs "pull request"', ["prs", ""]),
        ("use 'My Shop' now", ["use", "", "now"]),
        ("don't stop", ["don't", "stop"]),
    ],
)
def test_words_know_synonyms_and_quotes(text: str, keys: list[str]) -> None:
    assert [word.key for word in split_words(text)] == keys


@pytest.mark.parametrize("word", ["123", "#123", "AB#123", "ab#123", "!123"])
def test_a_ticket_is_understood_in_every_spelling(word: str) -> None:
    assert parse_ticket(word) == Reference(123)


def test_a_number_may_name_its_connection() -> None:
    assert parse_ticket("contoso:123") == Reference(123, connection="contoso")
    assert parse_pull_request("contoso:!12") == Reference(12, connection="contoso")


@pytest.mark.parametrize(
    "url",
    [
        PULL_REQUEST_URL,
        "https://contoso.visualstudio.com/Web/_git/shop/pullrequest/12?_a=files",
        "https://tfs.example.com:8080/tfs/Main/Web/_git/shop/pullrequest/12",
    ],
)
def test_a_pasted_pull_request_address_stands_for_its_number(url: str) -> None:
    assert parse_pull_request(url) == Reference(12, url=url)


@pytest.mark.parametrize(
    "url",
    [
        "https://dev.azure.com/contoso/Web/_workitems/edit/123",
        "https://tfs.example.com/tfs/Main/Web/_workitems/edit/123/",
    ],
)
def test_a_pasted_work_item_address_stands_for_its_number(url: str) -> None:
    assert parse_ticket(url) == Reference(123, url=url)


@pytest.mark.parametrize("word", ["", "abc", "0", "-1", "12.5", "4294967296", "١٢", "12a", "a:b:1"])
def test_what_is_no_number_is_a_usage_error_that_quotes_it(word: str) -> None:
    with pytest.raises(UsageError, match="is not a ticket's number"):
        parse_ticket(word)


def test_the_wrong_kind_of_address_is_named() -> None:
    with pytest.raises(UsageError, match="address of a pull request"):
        parse_ticket(PULL_REQUEST_URL)
    with pytest.raises(UsageError, match="address of a work item"):
        parse_pull_request("https://dev.azure.com/contoso/Web/_workitems/edit/123")


PIECES = (  # noqa: SIM905 - one list of thirty pieces reads better as a line
    "<p>|<a href=http://x|<a |&|&#|&nbsp;|\"|'|“|`|/|[|](http://|)|<|>| |\u00a0|\u200b|\x00|pull|"
    "request|#|AB#|1|99999999999999999999|://|x:"
).split("|")
HOSTILE = st.lists(st.sampled_from(PIECES), max_size=80).map("".join)


@given(st.one_of(st.text(max_size=400), HOSTILE))
def test_any_text_is_normalised_to_one_clean_line(text: str) -> None:
    result = normalise(text)
    assert result == result.strip()
    assert not set(result) & set("\n\r\t\x00\u200b\u202e\u00a0")
    words = split_words(result)
    assert all(0 <= word.start < word.end <= len(result) for word in words)
    assert [word.start for word in words] == sorted(word.start for word in words)


@given(st.one_of(st.text(max_size=100), HOSTILE))
def test_any_word_is_a_reference_or_a_usage_error(word: str) -> None:
    for parse in (parse_ticket, parse_pull_request):
        try:
            reference = parse(word)
        except UsageError as error:
            assert len(str(error)) < 200
        else:
            assert 0 < reference.number < 2**31


@pytest.mark.parametrize(
    "piece", ["<a href=http://", "<a ", "[", "[x](http://", "<http://", '"', "'a ", "<p ", "&#1"]
)
def test_no_text_hangs_the_reader(piece: str) -> None:
    """A catastrophic pattern would run into the suite's time limit here."""
    text = (piece * MAX_COMMAND_LENGTH)[: 2 * MAX_COMMAND_LENGTH]
    assert len(split_words(normalise(text))) <= MAX_COMMAND_LENGTH
