"""How alike names are. Python's difflib is loaded for the first typing mistake, not before."""

from collections.abc import Iterable

LONGEST = 100
"""Of longer words only so much is compared: it takes time by the square of their length."""


def likeness(one: str, other: str) -> float:
    """From 0, nothing alike, to 1, equal."""
    from difflib import SequenceMatcher  # noqa: PLC0415

    return SequenceMatcher(None, one[:LONGEST], other).ratio()


def most_alike(name: str, names: Iterable[str], count: int, at_least: float) -> list[str]:
    """The names most like this one, nearest first, at most ``count`` of them."""
    from difflib import get_close_matches  # noqa: PLC0415

    return get_close_matches(name[:LONGEST], list(names), count, at_least)
