"""Text from outside, made harmless: one line, no invisible marks, no markup, cut to a length."""

import re
import unicodedata

ELLIPSIS = "…"
WORD_JOINER = "\u2060"

_CARD_MARKDOWN = re.compile(r"([\\`*_\[\]<>~|])")
_LINE_START = re.compile(r"^(\s*)(\d{0,9})([-+#.)])(?=\s)")
_DATE_FUNCTION = re.compile(r"\{\{(?=\s*(?:DATE|TIME)\s*\()", re.IGNORECASE)
_AUTOLINK = re.compile(r"(?i)(?<=:)(?=//)|(?<=www)(?=\.)|(?<=mailto:)(?=\S)")


def plain(text: str, limit: int, *, ellipsis: str = ELLIPSIS) -> str:
    """One line of visible text, at most ``limit`` characters, cut with an ellipsis.

    Control, direction, zero-width and unassigned characters are taken out, any white space is one
    space, and the card functions ``{{DATE(…)}}`` and ``{{TIME(…)}}`` are broken, because Teams
    works them out in every text.
    """
    visible = text[: limit * 4 + 100]
    if not visible.isprintable():  # most text is: of that only spaces are to be looked at
        visible = "".join(map(_visible, visible))
    line = " ".join(visible.split())
    if "{{" in line:
        line = _DATE_FUNCTION.sub("{ {", line)
    if len(line) <= limit:
        return line
    return line[: max(limit - len(ellipsis), 0)].rstrip() + ellipsis


def _visible(character: str) -> str:
    if character.isspace():
        return " "
    return "" if unicodedata.category(character) in _INVISIBLE else character


_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Cn", "Co"})


def escape(text: str, limit: int = 500) -> str:
    """Outside text for a TextBlock or a Fact: ``plain``, and its Markdown does not act.

    Source: https://learn.microsoft.com/adaptive-cards/authoring-cards/text-features (emphasis,
    lists and links).
    """
    text = plain(text, limit)
    return _LINE_START.sub(r"\1\2\\\3", _CARD_MARKDOWN.sub(r"\\\1", text))


def escape_message(text: str) -> str:
    """Plain text for a Teams message, whose Markdown, HTML and bare addresses must not act.

    Source: https://learn.microsoft.com/microsoftteams/platform/bots/how-to/format-your-bot-messages
    """
    broken = _AUTOLINK.sub(WORD_JOINER, text)
    entities = broken.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    marked = re.sub(r"([\\`*_\[\]~|])", r"\\\1", entities)
    return _LINE_START.sub(r"\1\2\\\3", marked)
