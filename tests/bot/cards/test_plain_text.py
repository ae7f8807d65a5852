import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cards.plain_text import escape, escape_message, plain

ANY_TEXT = st.text(alphabet=st.characters(), max_size=300)


@pytest.mark.parametrize(
    ("outside", "shown"),
    [
        ("a\nb\r\n\tc\u2028d", "a b c d"),
        ("safe\u202egnp.exe", "safegnp.exe"),
        ("\u200bzero\u200d\ufeffwidth", "zerowidth"),
        ("lone \ud800 surrogate", "lone surrogate"),
        ("{{DATE(2026-01-01T00:00:00Z)}}", "{ {DATE(2026-01-01T00:00:00Z)}}"),
        ("Grüße, 世界 🎉", "Grüße, 世界 🎉"),
    ],
)
def test_checks_20_text_is_one_line_of_visible_characters(outside: str, shown: str) -> None:
    """CHECKS 20."""
    assert plain(outside, 100) == shown


def test_long_text_is_cut_with_an_ellipsis() -> None:
    assert plain("x" * 10_000, 10) == "x" * 9 + "…"
    assert plain("x" * 10, 10) == "x" * 10


@given(ANY_TEXT, st.integers(min_value=1, max_value=50))
def test_plain_keeps_its_promises_for_any_text(text: str, limit: int) -> None:
    line = plain(text, limit)
    assert len(line) <= limit
    assert all(unicodedata.category(character) not in ("Cc", "Cf", "Cs") for character in line)
    assert line == " ".join(line.split())


@pytest.mark.parametrize(
    ("outside", "markdown"),
    [
        ("[x](javascript:alert(1))", r"\[x\](javascript:alert(1))"),
        ("![i](https://a.example/i.png)", r"!\[i\](https://a.example/i.png)"),
        ("<at>Maya</at>", r"\<at\>Maya\</at\>"),
        ("**bold** _it_ `c`", r"\*\*bold\*\* \_it\_ \`c\`"),
        ("- item", r"\- item"),
        ("1. item", r"1\. item"),
        ("plain-text 1.2", "plain-text 1.2"),
    ],
)
def test_checks_20_markdown_does_not_act_in_a_text_block(outside: str, markdown: str) -> None:
    """CHECKS 20."""
    assert escape(outside) == markdown


def test_checks_20_markup_and_addresses_do_not_act_in_a_message() -> None:
    """CHECKS 20."""
    assert escape_message("<at>Maya</at> & [x](y)") == (
        "&lt;at&gt;Maya&lt;/at&gt; &amp; \\[x\\](y)"
    )
    assert "://" not in escape_message("https://evil.example")


@given(ANY_TEXT)
def test_no_tag_and_no_link_survives_in_a_message(text: str) -> None:
    sent = escape_message(plain(text, 200))
    assert "<" not in sent and ">" not in sent
    assert "[" not in sent.replace("\\[", "").replace("\\\\", "")
