"""What a write touched, so that the loop that waits for it can be woken after the commit."""

from collections.abc import Callable
from typing import TypeVar

from sqlmodel import Session

OUTBOX = "outbox"
CONFLICTS = "conflicts"
MERGE_STATUSES = "merge_statuses"
HELD = "held"
_KEY = "pullcord_topics"

T = TypeVar("T")


def touch(session: Session, topic: str) -> None:
    """Note that this session's transaction touched a topic."""
    session.info.setdefault(_KEY, set()).add(topic)


def noted(fn: Callable[[Session], T]) -> Callable[[Session], tuple[T, frozenset[str]]]:
    """``fn`` that returns, beside its result, the topics that it touched."""

    def run(session: Session) -> tuple[T, frozenset[str]]:
        result = fn(session)
        return result, frozenset(session.info.get(_KEY, ()))

    return run
