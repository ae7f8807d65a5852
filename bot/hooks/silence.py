"""Whether a repository is silent for longer than is its habit. Pure.

Silence alone proves little: perhaps nothing happens. What the sweep finds there, though hooks
should have told it, proves that they do not come; then the repository is called silent, else quiet.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from storage.queries.hooks import Learnt

HABIT_OF = timedelta(days=30)
LEAST_EVENTS = 20
LONGER_THAN_HABIT = 1.5
LEAST_SILENCE = timedelta(hours=12)
PROOFS = 3
PROOF_AGE = timedelta(minutes=15)
"""A hook may come after the sweep has found the same: so long it is waited for."""

_FIRING = frozenset(
    {
        "commits_pushed",
        "vote_cast",
        "pull_request_created",
        "pull_request_completed",
        "pull_request_abandoned",
        "reviewer_added",
    }
)
"""Changes for which Azure DevOps fires a hook; a new title fires none, a draft perhaps none."""


@dataclass(frozen=True, slots=True)
class Silence:
    """Nothing was heard of a repository since ``since``.

    ``found`` changes were seen there by looking; ``habit`` is the longest pause in the last month.
    """

    repository_id: str
    since: datetime | None
    found: int
    habit: timedelta | None


def silences(
    learnt: Sequence[Learnt], repositories: Iterable[str], *, watched_since: datetime, now: datetime
) -> list[Silence]:
    """The repositories that are silent or quiet.

    Args:
        learnt: of the last HABIT_OF, oldest first.
        repositories: ids of those that matter.
        watched_since: when Pullcord started this time: what was missed before was its own fault.
        now: the time.
    """
    found = [_silence(each, learnt, watched_since, now) for each in repositories]
    return [each for each in found if each is not None]


def _silence(
    repository_id: str, learnt: Sequence[Learnt], watched_since: datetime, now: datetime
) -> Silence | None:
    of_it = [each for each in learnt if each.repository_id == repository_id]
    heard = [each.at for each in of_it if each.cause.startswith("webhook/")]
    last = heard[-1] if heard else None
    after = max(last, watched_since) if last else watched_since
    proofs = [
        each.at
        for each in of_it
        if each.cause.startswith("sweep") and each.action in _FIRING and each.at > after
    ]
    if len(proofs) >= PROOFS and now - proofs[0] >= PROOF_AGE:
        return Silence(repository_id, last, len(proofs), None)
    habit = _habit(heard)
    if last is None or habit is None:
        return None
    is_longer = now - last > max(habit * LONGER_THAN_HABIT, LEAST_SILENCE)
    return Silence(repository_id, last, 0, habit) if is_longer else None


def _habit(heard: Sequence[datetime]) -> timedelta | None:
    """The longest pause between two webhooks; None while too few are known."""
    if len(heard) < LEAST_EVENTS:
        return None
    return max(later - earlier for earlier, later in pairwise(heard))
