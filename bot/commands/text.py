"""What people and Teams' clients make of a typed command, brought into one shape.

Autocompletion in Teams inserts no-break spaces and HTML, phones insert smart quotes, people paste
addresses and quote what ``help`` shows. Everything here is pure, never raises but UsageError, and
takes time linear in the text.
"""

import html
import re
import unicodedata
from dataclasses import dataclass

from bot.cards.plain_text import plain
from bot.commands.command import UsageError
from bot.links import MAX_NUMBER, PullRequestLink, TicketLink, parse_link

MAX_COMMAND_LENGTH = 2_000
"""Characters of a message that are read; the longest real command is a subscription's branches."""

SYNONYMS = {
    ("pull", "request"): "pr",
    ("pull", "requests"): "prs",
    ("work", "item"): "ticket",
    ("pull-request",): "pr",
    ("pull-requests",): "prs",
    ("pullrequest",): "pr",
    ("pullrequests",): "prs",
    ("workitem",): "ticket",
    ("work-item",): "ticket",
}

# Possessive quantifiers (++ and *+) never give back: no text makes these slow.
_ANCHOR = re.compile(
    r"<a\s[^<>]*?href\s*+=\s*+[\"']?+(https?://[^\"'\s<>]++)[^<>]*+>[^<>]*+</a\s*+>", re.I
)
_MARKDOWN_LINK = re.compile(r"\[[^\[\]]*+\]\((https?://[^()\s]++)\)", re.I)
_ANGLE_LINK = re.compile(r"<(https?://[^<>\s]++)>", re.I)
_TAG = re.compile(
    r"</?(?:a|at|attachment|b|blockquote|body|br|code|div|em|font|h[1-6]|html|i|img|li|ol|p|pre|s"
    r"|span|strike|strong|table|tbody|td|th|tr|u|ul)(?:[\s/][^<>]*+)?>",
    re.I,
)
_PLAIN_CHARACTERS = str.maketrans(
    dict.fromkeys("“”„‟«»″", '"')
    | dict.fromkeys("‘’‚‛′", "'")
    | dict.fromkeys("‐‑−", "-")
    | {"`": None, "／": "/", "＃": "#", "！": "!"}
)
_TOKEN = re.compile(r"\"([^\"]*)\"(?=\s|$)|'([^']*)'(?=\s|$)|(\S+)")
_TRAILING = " .,;:!?…"
_NUMBER = re.compile(r"(?:(?:ab|pr)?#|pr|!)?([0-9]{1,10})", re.I)
_NUMBER_OF_CONNECTION = re.compile(r"([a-z0-9][a-z0-9_.-]{0,63}):[#!]?([0-9]{1,10})", re.I)


@dataclass(frozen=True, slots=True)
class Word:
    """One word. ``key`` is what keywords are compared with; ``start`` and ``end`` place it.

    A quoted word has its quotes removed in ``text`` and is never a keyword (``key`` is empty).
    """

    text: str
    key: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Reference:
    """A pull request or ticket as somebody wrote it.

    ``connection`` is set for ``contoso:12``, ``url`` for a pasted address, both empty for ``12``.
    """

    number: int
    connection: str = ""
    url: str = ""


def normalise(text: str) -> str:
    """One line of plain text: no HTML or invisible characters, no slash before, no stop after.

    Letters keep their case, and quoted parts their quotes.
    """
    text = text[:MAX_COMMAND_LENGTH]
    for link in (_ANCHOR, _MARKDOWN_LINK, _ANGLE_LINK):
        text = link.sub(r" \1 ", text)
    return tidy(html.unescape(_TAG.sub(" ", text)))


def tidy(text: str) -> str:
    """The same for text that is not HTML, such as what a button carries."""
    text = one_line(text).rstrip(_TRAILING)
    return _without_outer_quotes(text).lstrip("/").strip()


def one_line(text: str) -> str:
    """Visible characters in one line, with plain quotes and dashes; a form's field as it is."""
    visible = "".join(map(_visible, text[:MAX_COMMAND_LENGTH])).translate(_PLAIN_CHARACTERS)
    return " ".join(visible.split())


def split_words(text: str) -> list[Word]:
    """The words of a normalised text; ``pull request`` counts as the one word ``pr``."""
    found = [_word(match) for match in _TOKEN.finditer(text)]
    words: list[Word] = []
    position = 0
    while position < len(found):
        for length in (2, 1):
            group = found[position : position + length]
            synonym = SYNONYMS.get(tuple(word.key for word in group))
            if synonym:
                start, end = group[0].start, group[-1].end
                words.append(Word(text[start:end], synonym, start, end))
                break
        else:
            length = 1
            words.append(found[position])
        position += length
    return words


def no_arguments(arguments: str) -> None:
    """The parser of commands that take nothing.

    Raises:
        UsageError: If there is something.
    """
    if arguments:
        raise UsageError("This command takes nothing after its name.")


def parse_ticket(word: str) -> Reference:
    """A ticket: ``123``, ``#123``, ``AB#123``, ``contoso:123`` or a work item's address.

    Raises:
        UsageError: With one sentence that says what is wrong.
    """
    link = parse_link(word) if "://" in word else None
    if isinstance(link, PullRequestLink):
        raise UsageError("That is the address of a pull request; a ticket is needed here.")
    return _reference(word, link, "a ticket's number")


def parse_pull_request(word: str) -> Reference:
    """A pull request: ``12``, ``!12``, ``#12``, ``contoso:12`` or a pull request's address.

    Raises:
        UsageError: With one sentence that says what is wrong.
    """
    link = parse_link(word) if "://" in word else None
    if isinstance(link, TicketLink):
        raise UsageError("That is the address of a work item; a pull request is needed here.")
    return _reference(word, link, "a pull request's number")


def shown(text: str, limit: int = 60) -> str:
    """A user's words as they stand in an error sentence: quoted and cut."""
    return f"“{plain(text, limit)}”"


def _reference(word: str, link: PullRequestLink | TicketLink | None, wanted: str) -> Reference:
    if link is not None:
        return Reference(link.number, url=link.url)
    word = word.rstrip(_TRAILING)
    named = _NUMBER_OF_CONNECTION.fullmatch(word)
    plain = _NUMBER.fullmatch(word)
    digits = named[2] if named else plain[1] if plain else ""
    if not digits or not 0 < int(digits) <= MAX_NUMBER:
        raise UsageError(f"{shown(word)} is not {wanted} or address.")
    return Reference(int(digits), connection=named[1] if named else "")


def _visible(character: str) -> str:
    """Spaces of every kind become a space; control, format and unassigned characters go.

    Format characters (Unicode category Cf) hold the zero-width and right-to-left marks.
    """
    category = unicodedata.category(character)
    if character.isspace() or category in ("Zs", "Zl", "Zp"):
        return " "
    return "" if category in ("Cc", "Cf", "Cs", "Co", "Cn") else character


def _without_outer_quotes(text: str) -> str:
    """``"sync pr 12"`` copied with its quotes is the command inside them."""
    quote = text[:1]
    if len(text) > 2 and quote in ("'", '"') and text.endswith(quote) and text.count(quote) == 2:
        return text[1:-1].strip().rstrip(_TRAILING)
    return text


def _word(match: re.Match[str]) -> Word:
    bare = match[3]
    if bare is not None:
        return Word(bare, bare.casefold(), match.start(), match.end())
    quoted = match[1] if match[1] is not None else match[2]
    return Word(quoted, "", match.start(), match.end())
