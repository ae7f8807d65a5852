"""Patterns that people write: whole names, branches, paths, words of a title. Pure.

``*`` is any text, ``?`` one character, ``!`` before a pattern leaves out what it matches. All else
is literal, and case does not matter. A name is matched as a whole: "dev" is not "development".
Patterns are compiled once; many subscriptions have the same.
"""

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from fnmatch import translate
from functools import lru_cache

from bot.model import branch_name

NOT = "!"
ANY_DEPTH = "**"
_CACHED = 20_000

PathMatcher = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Names:
    """Names to match, without case: literal ones, and expressions for those with wildcards."""

    literal: frozenset[str]
    wild: tuple[re.Pattern[str], ...]

    def match(self, names: frozenset[str]) -> bool:
        """Whether one of the names (without case) is among them."""
        if not self.literal.isdisjoint(names):
            return True
        return any(pattern.match(name) for pattern in self.wild for name in names)


def matches_name(pattern: str, name: str) -> bool:
    """Whether a pattern matches the whole name."""
    return _names((pattern,)).match(frozenset((name.casefold(),)))


def matches_branch(patterns: tuple[str, ...], ref: str) -> bool:
    """Whether one of the patterns matches the branch and none with ``!`` does. No pattern: all."""
    return not patterns or admits_folded(
        short_branches(patterns), frozenset((branch_name(ref).casefold(),))
    )


def matches_path(pattern: str, path: str) -> bool:
    """Whether a pattern matches a changed file; ``*`` stops at a slash, ``**`` does not.

    A pattern without wildcards that names a folder matches everything in it.
    """
    return _path(pattern)(slashed(path))


def matches_words(pattern: str, title: str) -> bool:
    """Whether the pattern stands in a title as whole words."""
    return bool(_words(pattern.casefold()).search(title.casefold()))


def folded(names: Iterable[str]) -> frozenset[str]:
    """Names as ``admits_folded`` takes them."""
    return frozenset(name.casefold() for name in names)


def admits(patterns: tuple[str, ...], names: Collection[str]) -> bool:
    """Whether one of the names is wanted and none unwanted. Without a wanted pattern all are."""
    return admits_folded(patterns, folded(names))


def admits_folded(patterns: tuple[str, ...], names: frozenset[str]) -> bool:
    """The same of names without case."""
    wanted, unwanted = _compiled(patterns)
    if unwanted is not None and unwanted.match(names):
        return False
    return wanted is None or wanted.match(names)


def admits_title(patterns: tuple[str, ...], title: str) -> bool:
    """The same for the words of a title."""
    wanted, unwanted = split(patterns)
    if any(matches_words(pattern, title) for pattern in unwanted):
        return False
    return not wanted or any(matches_words(pattern, title) for pattern in wanted)


def admits_paths(patterns: tuple[str, ...], paths: Iterable[str]) -> bool:
    """Whether some file is wanted and not left out: ``!docs/**`` is silent about docs alone."""
    return admits_slashed(patterns, map(slashed, paths))


def admits_slashed(patterns: tuple[str, ...], paths: Iterable[str]) -> bool:
    """The same of paths as ``slashed`` makes them."""
    wanted, unwanted = _paths(patterns)
    return any(
        (not wanted or any(matches(path) for matches in wanted))
        and not any(matches(path) for matches in unwanted)
        for path in paths
    )


@lru_cache(_CACHED)
def slashed(path: str) -> str:
    """Without case, with one slash before each part and none at the end."""
    return "".join(f"/{part}" for part in path.casefold().split("/") if part)


@lru_cache(_CACHED)
def short_branches(patterns: tuple[str, ...]) -> tuple[str, ...]:
    """Patterns of branches without ``refs/heads/``."""
    wanted, unwanted = split(patterns)
    return (*map(branch_name, wanted), *(NOT + branch_name(pattern) for pattern in unwanted))


@lru_cache(_CACHED)
def split(patterns: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(wanted, unwanted) patterns, the latter without their ``!``."""
    wanted = tuple(pattern for pattern in patterns if not pattern.startswith(NOT))
    unwanted = tuple(pattern[1:] for pattern in patterns if pattern.startswith(NOT))
    return wanted, unwanted


@lru_cache(_CACHED)
def _compiled(patterns: tuple[str, ...]) -> tuple[Names | None, Names | None]:
    wanted, unwanted = split(patterns)
    return (_names(wanted) if wanted else None), (_names(unwanted) if unwanted else None)


@lru_cache(_CACHED)
def _names(patterns: tuple[str, ...]) -> Names:
    lower = [pattern.casefold() for pattern in patterns]
    wild = [pattern for pattern in lower if _has_wildcards(pattern)]
    # fnmatch makes expressions that never take long, but "[" would begin a set.
    expressions = (re.compile(translate(pattern.replace("[", "[[]"))) for pattern in wild)
    return Names(frozenset(lower), tuple(expressions))


def _has_wildcards(pattern: str) -> bool:
    return "*" in pattern or "?" in pattern


@lru_cache(_CACHED)
def _words(pattern: str) -> re.Pattern[str]:
    parts = re.split(r"([*?])", re.sub(r"\*+", "*", pattern))
    inside = "".join({"*": r"\w*+", "?": r"\w"}.get(part, re.escape(part)) for part in parts)
    return re.compile(rf"(?<!\w){inside}(?!\w)")


@lru_cache(_CACHED)
def _paths(patterns: tuple[str, ...]) -> tuple[tuple[PathMatcher, ...], tuple[PathMatcher, ...]]:
    wanted, unwanted = split(patterns)
    return tuple(map(_path, wanted)), tuple(map(_path, unwanted))


@lru_cache(_CACHED)
def _path(pattern: str) -> PathMatcher:
    """A matcher of slashed paths; the usual shapes (a folder, an extension) have quick ones."""
    whole = slashed(pattern)
    folder = whole.removesuffix(f"/{ANY_DEPTH}")
    if not _has_wildcards(folder):
        return lambda path: path == folder or path.startswith(f"{folder}/")
    name = whole.removeprefix(f"/{ANY_DEPTH}/")
    if "/" not in name:
        names = _names((name,))
        return lambda path: names.match(frozenset((path.rpartition("/")[2],)))
    parts = tuple(_names((part,)) if part != ANY_DEPTH else None for part in whole.split("/")[1:])
    return lambda path: _matches_parts(parts, path.split("/")[1:])


def _matches_parts(pattern: tuple[Names | None, ...], path: list[str]) -> bool:
    """Folder by folder; which beginnings of the path the pattern's parts so far can match.

    None is ``**``: any number of folders.
    """
    reached = {0}
    for part in pattern:
        if not reached:
            return False
        if part is None:
            reached = set(range(min(reached), len(path) + 1))
        else:
            within = (i for i in reached if i < len(path))
            reached = {i + 1 for i in within if part.match(frozenset((path[i],)))}
    return len(path) in reached
