"""Repositories by the names that people give them. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence

from bot.likeness import most_alike
from bot.notices.patterns import matches_name
from storage.tables import RepositoryRow, Subscription

LIKENESS = 0.5
SUGGESTIONS = 3


def named(name: str, rows: Iterable[RepositoryRow]) -> list[RepositoryRow]:
    """The repositories that a name means, whatever its case.

    ``NAME``, ``PROJECT/NAME`` and ``CONNECTION/PROJECT/NAME`` are understood.
    """
    wanted = name.strip().strip("/").casefold()
    return [row for row in rows if wanted in map(str.casefold, _spellings(row))]


def nearest(name: str, rows: Sequence[RepositoryRow]) -> tuple[str, ...]:
    """The names most like one that does not exist, nearest first."""
    shown = {text.casefold(): text for text in short_names(rows)}
    short = {row.name.casefold(): row.name for row in rows}
    found = most_alike(name.casefold()[:100], [*short, *shown], SUGGESTIONS, LIKENESS)
    return tuple(dict.fromkeys(shown.get(text) or short[text] for text in found))


def short_names(rows: Sequence[RepositoryRow]) -> list[str]:
    """For each repository the shortest name that means only it among ``rows``."""
    counts = Counter(
        spelling.casefold() for row in rows for spelling in dict.fromkeys(_spellings(row))
    )
    return [
        next((text for text in _spellings(row) if counts[text.casefold()] == 1), row.name)
        for row in rows
    ]


def covers(subscription: Subscription, row: RepositoryRow) -> bool:
    """Whether a subscription is to this repository. Wildcards match whole names."""
    if subscription.connection != row.connection:
        return False
    project = subscription.project.casefold()
    if project not in (row.project_name.casefold(), row.project_id.casefold()):
        return False
    pattern = subscription.repository.casefold()
    return not pattern or pattern == row.id or matches_name(pattern, row.name)


def _spellings(row: RepositoryRow) -> tuple[str, str, str]:
    project = f"{row.project_name}/{row.name}"
    return row.name, project, f"{row.connection}/{project}"
