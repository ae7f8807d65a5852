"""Which open pull requests may conflict with each other, and which of them to try. Pure.

Two pull requests with the same target whose changed files overlap are merged on trial with each
other. The outcome depends on the two commits alone, so one that is known is never asked for again.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations

from bot.model import MergeStatus

ON, OFF, DIGEST_ONLY = "on", "off", "digest-only"
OPTION = "radar"
"""Name in ``Subscription.options``, and its values; ON when it is not there."""

Commits = tuple[str, str]


@dataclass(frozen=True, slots=True)
class RadarEntry:
    """An open pull request on the radar. ``is_told``: its author wants to hear of a pair."""

    id: int
    number: int
    repository_id: str
    target_ref: str
    source_commit: str
    updated_at: datetime
    is_told: bool = True


@dataclass(frozen=True, slots=True)
class Overlap:
    """Two pull requests that change the same files; ``first`` has the lower number."""

    first: RadarEntry
    second: RadarEntry
    files: tuple[str, ...]

    @property
    def key(self) -> tuple[int, int]:
        """The ids of the two."""
        return self.first.id, self.second.id

    @property
    def commits(self) -> Commits:
        """The two source commits in alphabetical order: a merge conflicts either way round."""
        return in_order(self.first.source_commit, self.second.source_commit)


@dataclass(frozen=True, slots=True)
class Plan:
    """Pairs to merge on trial now, and how many have to wait for a later budget."""

    to_check: tuple[Overlap, ...]
    unchecked: int


def in_order(one: str, other: str) -> Commits:
    """Two commits in alphabetical order."""
    return (one, other) if one <= other else (other, one)


def overlaps(
    entries: Iterable[RadarEntry], files: Mapping[int, frozenset[str]]
) -> Sequence[Overlap]:
    """The pairs of one repository and target that change the same files.

    Most recently updated first. An entry without files, because they were not read yet, has no
    pairs; nor have two of the same commit, which cannot conflict.
    """
    groups: dict[tuple[str, str], list[RadarEntry]] = defaultdict(list)
    for entry in entries:
        if files.get(entry.id):
            groups[entry.repository_id, entry.target_ref].append(entry)
    found = []
    for group in groups.values():
        for first, second in combinations(sorted(group, key=lambda entry: entry.number), 2):
            same_commit = first.source_commit == second.source_commit
            if same_commit or files[first.id].isdisjoint(files[second.id]):
                continue
            shared = tuple(sorted(files[first.id] & files[second.id]))
            found.append(Overlap(first, second, shared))
    return sorted(found, key=_newest_first)


def _newest_first(pair: Overlap) -> tuple[float, float, int, int]:
    times = sorted((pair.first.updated_at.timestamp(), pair.second.updated_at.timestamp()))
    return -times[1], -times[0], -pair.second.number, -pair.first.number


def plan(found: Sequence[Overlap], outcomes: Mapping[Commits, MergeStatus], *, room: int) -> Plan:
    """What to merge on trial, in the order given, of what has no outcome yet.

    Args:
        found: the pairs.
        outcomes: what is known, by commits in order.
        room: how many trial merges the budget allows now.
    """
    unknown = {pair.commits: pair for pair in reversed(found) if pair.commits not in outcomes}
    waiting = [pair for pair in found if unknown.get(pair.commits) is pair]
    taken = max(room, 0)
    return Plan(tuple(waiting[:taken]), len(waiting[taken:]))


def conflicting(
    found: Iterable[Overlap], outcomes: Mapping[Commits, MergeStatus]
) -> Sequence[Overlap]:
    """The pairs whose trial merge found conflicts."""
    return [pair for pair in found if outcomes.get(pair.commits) is MergeStatus.CONFLICTS]


def mode_of(modes: Iterable[str]) -> str:
    """What several subscriptions to the same pull request want together; OFF without any."""
    wanted = set(modes)
    return next((mode for mode in (ON, DIGEST_ONLY) if mode in wanted), OFF)
