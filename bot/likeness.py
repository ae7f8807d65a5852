"""How alike names are. Python's difflib is loaded for the first typing mistake, not before.

It takes time by the square of their length: callers cut what people wrote.
"""

from collections.abc import Sequence


def how_alike(one: str, other: str) -> float:
    """From 0, nothing alike, to 1, equal."""
    from difflib import SequenceMatcher  # noqa: PLC0415  # see above

    return SequenceMatcher(None, one, other).ratio()


def most_alike(name: str, names: Sequence[str], count: int, at_least: float) -> list[str]:
    """The names most like this one, nearest first, at most ``count`` of them."""
    from difflib import get_close_matches  # noqa: PLC0415  # see above

    return get_close_matches(name, names, count, at_least)
