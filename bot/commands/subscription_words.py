"""The words of ``subscribe`` and ``preview``, and the same from a form: what is to be changed.

After the project or repository come filters (``target release/* !main``), kinds of events with
their place (``votes card``) and ``radar``. Only what is named is changed.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from bot.commands.command import UsageError
from bot.commands.following import Target, parse_target
from bot.commands.text import Word, shown, split_words
from bot.conflicts.radar import DIGEST_ONLY, OFF, ON
from bot.model import HEADS
from bot.notices.filters import EVERYTHING, Filters
from bot.notices.kinds import EventKind, Place
from bot.notices.wishes import DRAFTS, LONGEST_PATTERN, MOST_FILES, MOST_PATTERNS, Wishes

MOST_TARGETS = 10
RADAR = "radar"
RADAR_MODES = {"on": ON, "off": OFF, "digest": DIGEST_ONLY, "digest-only": DIGEST_ONLY}
ANY = frozenset({"any", "all", "none"})
EVERYTHING_WORD = "everything"
PLACE_INPUT = "place:"

Value = tuple[str, ...] | str | bool | int

_BRANCH = re.compile(r"!?[^\s~^:\\!]{1,200}")
_PHRASE = re.compile(r'!?\s*"[^"]*"|!?[^,!"]+')
_FILTER_WORDS = {
    "target": "target",
    "targets": "target",
    "into": "target",
    "source": "source",
    "author": "author",
    "authors": "author",
    "reviewer": "reviewer",
    "reviewers": "reviewer",
    "label": "label",
    "labels": "label",
    "path": "path",
    "paths": "path",
    "title": "title",
    "drafts": "drafts",
    "bots": "bots",
    "min": "min_files",
    "area": "area",
    "type": "type",
}
_KIND_WORDS = {
    "created": EventKind.CREATED,
    "published": EventKind.PUBLISHED,
    "reviews": EventKind.REVIEW_ASKED,
    "commits": EventKind.COMMITS,
    "vote": EventKind.VOTE,
    "votes": EventKind.VOTE,
    "comment": EventKind.COMMENT,
    "comments": EventKind.COMMENT,
    "mention": EventKind.MENTION,
    "mentions": EventKind.MENTION,
    "checks": EventKind.CHECKS,
    "conflict": EventKind.CONFLICT,
    "conflicts": EventKind.CONFLICT,
    "ready": EventKind.READY,
    "completed": EventKind.COMPLETED,
    "abandoned": EventKind.ABANDONED,
    "ticket": EventKind.TICKET,
    "tickets": EventKind.TICKET,
    "build": EventKind.BUILD,
    "builds": EventKind.BUILD,
}
_WITHOUT_A_PLACE = {EventKind.TICKET: Place.CHANNEL, EventKind.BUILD: Place.CHANNEL}
"""``tickets`` alone asks for them; other kinds are told anyway."""
_BUILD_WORDS = {"every": True, "all": True, "turns": False}
"""``builds every``: also those that neither break a branch nor mend it."""
KEYWORDS = frozenset({*_FILTER_WORDS, *_KIND_WORDS, RADAR, EVERYTHING_WORD})


@dataclass(frozen=True, slots=True)
class Wish:
    """What to hear of, and what is to be changed about it.

    ``filters`` are fields of Filters with their new values, ``radar`` is on, off or digest-only, ""
    leaves it. ``is_reset``: all filters that are not named are taken away. ``is_form``: it came
    from the form of one subscription, which must exist.
    """

    targets: tuple[Target, ...]
    filters: Mapping[str, Value] = field(default_factory=dict)
    places: Mapping[EventKind, Place] = field(default_factory=dict)
    radar: str = ""
    is_reset: bool = False
    is_form: bool = False

    def applied(self, before: Wishes) -> Wishes:
        """A subscription's wishes after the change."""
        base = EVERYTHING if self.is_reset else before.filters
        filters: Filters = replace(base, **self.filters)  # type: ignore[arg-type]  # parsers give what each field takes
        return Wishes(filters, before.places.changed(dict(self.places)))


def parse_wish(arguments: str) -> Wish:
    """A project or repository, several with commas between, and what is wanted of them.

    Raises:
        UsageError: If nothing is named, or a value cannot be one; it says which and what can be.
    """
    words = split_words(arguments)
    starts = _starts(words)
    named = arguments[: words[starts[0]].start] if starts else arguments
    wish = _Parts()
    for position, start in enumerate(starts):
        end = words[starts[position + 1]].start if position + 1 < len(starts) else len(arguments)
        wish.take(words[start], arguments[words[start].end : end].strip(" ,"))
    return Wish(_targets(named), wish.filters, wish.places, wish.radar, wish.is_reset)


def parse_form(arguments: str, inputs: Mapping[str, str]) -> Wish:
    """The form of one subscription; an empty field takes its filter away.

    Raises:
        UsageError: If a value cannot be one.
    """
    filters = {
        name: _FIELDS[name](inputs[name]) if inputs[name] else _EMPTY.get(name, ())
        for name in _FIELDS
        if name in inputs
    }
    places = {
        kind: _place(inputs[PLACE_INPUT + kind.value], kind.value)
        for kind in EventKind
        if inputs.get(PLACE_INPUT + kind.value)
    }
    radar = _radar(inputs[RADAR]) if inputs.get(RADAR) else ""
    return Wish((parse_target(arguments),), filters, places, radar, is_form=True)


@dataclass(slots=True)
class _Parts:
    filters: dict[str, Value] = field(default_factory=dict)
    places: dict[EventKind, Place] = field(default_factory=dict)
    radar: str = ""
    is_reset: bool = False

    def take(self, word: Word, value: str) -> None:
        if word.key == EVERYTHING_WORD:
            if value:
                raise UsageError(f"{shown(value)} is not understood after “everything”.")
            self.is_reset = True
        elif word.key == RADAR:
            self.radar = _radar(value)
        elif word.key in _KIND_WORDS:
            kind = _KIND_WORDS[word.key]
            if kind is EventKind.BUILD:
                value = self._take_builds(value)
            without = _WITHOUT_A_PLACE.get(kind)
            self.places[kind] = without if without and not value else _place(value, word.text)
        else:
            name = _FILTER_WORDS[word.key]
            if not value and name != "bots":
                raise UsageError(f"Say something after “{word.text}”, or leave it out.")
            is_any = value.casefold() in ANY and name in _PATTERN_FIELDS
            self.filters[name] = () if is_any else _FIELDS[name](value)

    def _take_builds(self, value: str) -> str:
        """``every`` or ``turns`` before the place; what is left is the place."""
        first, _, rest = value.partition(" ")
        if first.casefold() in _BUILD_WORDS:
            self.filters["every_build"] = _BUILD_WORDS[first.casefold()]
            return rest.strip()
        return value


def _starts(words: list[Word]) -> list[int]:
    """Where the keywords are; the word after a filter is its value whatever it is."""
    starts: list[int] = []
    for position, word in enumerate(words):
        after_filter = (
            bool(starts) and starts[-1] == position - 1 and _takes_value(words[position - 1])
        )
        if position and word.key in KEYWORDS and not after_filter:
            starts.append(position)
    return starts


def _takes_value(word: Word) -> bool:
    return word.key in _FILTER_WORDS and word.key != "bots"


def _targets(text: str) -> tuple[Target, ...]:
    words = split_words(text)
    if words and words[0].key in ("to", "pr", "prs") and len(words) > 1:
        text = text[words[1].start :]
    if "://" in text:
        return (parse_target(text.strip(" ,")),)
    named = tuple(parse_target(part) for part in text.split(",") if part.strip())
    if not named:
        raise UsageError("Say which project or repository.")
    if len(named) > MOST_TARGETS:
        raise UsageError(f"At most {MOST_TARGETS} at once.")
    return named


def _branches(text: str) -> tuple[str, ...]:
    found = _tokens(text)
    for each in found:
        if not _BRANCH.fullmatch(each.replace(HEADS, "", 1)):
            raise UsageError(f"{shown(each)} cannot be a branch.")
    return _checked(tuple(each.replace(HEADS, "", 1) for each in found))


def _paths(text: str) -> tuple[str, ...]:
    return _checked(_tokens(text))


def _phrases(text: str) -> tuple[str, ...]:
    """Names may hold spaces: commas, quotes and ``!`` separate them."""
    found = []
    for match in _PHRASE.finditer(text):
        negation = "!" if match[0].startswith("!") else ""
        name = match[0].removeprefix("!").strip().strip('"').strip()
        if name:
            found.append(negation + name)
    return _checked(tuple(found))


def _tokens(text: str) -> tuple[str, ...]:
    return tuple(word.text for word in split_words(text.replace(",", " ")))


def _checked(patterns: tuple[str, ...]) -> tuple[str, ...]:
    patterns = tuple(dict.fromkeys(patterns))
    if len(patterns) > MOST_PATTERNS:
        raise UsageError(f"At most {MOST_PATTERNS} of a kind; a pattern such as release/* may do.")
    for each in patterns:
        if len(each) > LONGEST_PATTERN or not each.removeprefix("!"):
            raise UsageError(f"{shown(each)} cannot be used as a filter.")
    return patterns


def _drafts(text: str) -> str:
    if text.casefold() not in DRAFTS:
        raise UsageError(f"Drafts can be {', '.join(DRAFTS[:-1])} or {DRAFTS[-1]}.")
    return text.casefold()


def _bots(text: str) -> bool:
    return _switch(text, "Bots")


def _every_build(text: str) -> bool:
    return _switch(text, "Every build")


def _switch(text: str, what: str) -> bool:
    if text.casefold() in ("", "on", "yes", "true"):
        return True
    if text.casefold() in ("off", "no", "false"):
        return False
    raise UsageError(f"{what} can be on or off.")


def _least(text: str) -> int:
    digits = text.split(maxsplit=1)[0] if text else ""
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= 6):
        raise UsageError(f"{shown(text)} is not a number of files.")
    return min(int(digits), MOST_FILES)


def _place(text: str, kind: str) -> Place:
    try:
        return Place(text.casefold())
    except ValueError:
        places = ", ".join(place.value for place in Place)
        raise UsageError(f"Where “{kind}” is told can be: {places}.") from None


def _radar(text: str) -> str:
    if text.casefold() not in RADAR_MODES:
        raise UsageError("The radar can be on, off or digest.")
    return RADAR_MODES[text.casefold()]


_FIELDS: dict[str, Callable[[str], Value]] = {
    "target": _branches,
    "source": _branches,
    "author": _phrases,
    "reviewer": _phrases,
    "label": _phrases,
    "path": _paths,
    "title": _phrases,
    "drafts": _drafts,
    "bots": _bots,
    "min_files": _least,
    "area": _phrases,
    "type": _phrases,
    "every_build": _every_build,
}
_EMPTY: dict[str, Value] = {
    "drafts": EVERYTHING.drafts,
    "bots": False,
    "min_files": 0,
    "every_build": False,
}
_PATTERN_FIELDS = frozenset(_FIELDS) - frozenset(_EMPTY)
