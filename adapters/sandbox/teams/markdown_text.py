"""The Markdown that Teams draws inside a card's texts, as styled terminal text.

https://learn.microsoft.com/adaptive-cards/authoring-cards/text-features
"""

import html
import re
import unicodedata
from datetime import datetime

from rich.style import Style
from rich.text import Text

# Emoji sequences need it.
ZERO_WIDTH_JOINER = "\u200d"
# RFC 3339 without fractions: what is written otherwise is shown as it is.
MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:Z|[+-]\d{2}:\d{2})")
DIRECTION_MARKS = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"

_TOKENS = re.compile(
    r"""
      \\(?P<escaped>[\\`*_{}\[\]()\#+\-.!<>~|])
    | \*\*(?P<bold>\S|\S.*?\S)\*\*
    | (?<!\w)_(?P<italic>\S|\S.*?\S)_(?!\w)
    | \[(?P<label>(?:\\.|[^\]\\])*)\]\((?P<target>[^()\s]+)\)
    | <at(?:\s[^>]*)?>(?P<mention>[^<]*)</at>
    | \{\{(?P<function>DATE|TIME)\((?P<moment>[^,\s){}]+)
      (?:,[ ]?(?P<length>COMPACT|SHORT|LONG))?\)\}\}
    """,
    re.VERBOSE,
)


def message_text(text: str) -> Text:
    """The text of a message, styled: there Teams reads HTML's entities, too."""
    line = Text()
    _append(line, _harmless(text), "", markdown=True, entities=True)
    return line


def inline(text: str, style: str = "", *, markdown: bool = True) -> Text:
    """One text of a card, styled.

    Never markup of rich's own, and without anything that could steer the terminal: control and
    direction-changing characters are shown as `·`, other invisible ones left out.
    """
    line = Text(style=style)
    _append(line, _harmless(text), "", markdown=markdown)
    return line


def _append(
    line: Text, text: str, style: str, *, markdown: bool = True, entities: bool = False
) -> None:
    read = _harmless_entities if entities else str
    at = 0
    for token in _TOKENS.finditer(text) if markdown else ():
        line.append(read(text[at : token.start()]), style or None)
        at = token.end()
        kind = token.lastgroup
        if kind == "escaped":
            line.append(token["escaped"], style or None)
        elif kind == "bold":
            _append(line, token["bold"], f"{style} bold".strip(), entities=entities)
        elif kind == "italic":
            _append(line, token["italic"], f"{style} italic".strip(), entities=entities)
        elif kind == "target":
            _append_link(line, token["label"], token["target"], style, entities=entities)
        elif kind == "mention":
            line.append(read(token["mention"]), "bold magenta")
        else:
            line.append(_moment(token), style or None)
    line.append(read(text[at:]), style or None)


def _append_link(line: Text, label: str, target: str, style: str, *, entities: bool) -> None:
    shown = Text(style=style)
    _append(shown, label, "underline blue", entities=entities)
    if target.startswith(("https://", "http://")):
        shown.stylize(Style(link=target))
    line.append_text(shown)


def _moment(function: re.Match[str]) -> str:
    """In the zone of who reads it, as Teams does: here that of the machine.

    What does not follow the rules is shown as it is written. TIME knows no lengths.
    """
    wanted, moment, length = function["function"], function["moment"], function["length"]
    if not MOMENT.fullmatch(moment) or (wanted == "TIME" and length):
        return function[0]
    try:
        at = datetime.fromisoformat(moment).astimezone()
    except (ValueError, OverflowError):  # the 31st of February; the last hours of the year 9999
        return function[0]
    if wanted == "TIME":
        return f"{at:%H:%M}"
    match length:
        case "SHORT":
            return f"{at:%a}, {at.day} {at:%b} {at.year}"
        case "LONG":
            return f"{at:%A}, {at.day} {at:%B} {at.year}"
    return f"{at.day} {at:%b} {at.year}"


def _harmless_entities(text: str) -> str:
    return _harmless(html.unescape(text))


def _harmless(text: str) -> str:
    return "".join(_harmless_character(char) for char in text)


def _harmless_character(char: str) -> str:
    if char in "\n\t" or char == ZERO_WIDTH_JOINER:
        return char
    kind = unicodedata.category(char)
    if kind in ("Cc", "Cs") or char in DIRECTION_MARKS:
        return "·"
    return "" if kind == "Cf" else char
