"""Whether a loop has something in hand: what it took is not due any more, and not done yet."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager


class Rounds:
    """Counts the rounds of a loop that takes what is due and works it off."""

    def __init__(self) -> None:
        self._begun = self._ended = 0

    @contextmanager
    def one(self) -> Iterator[None]:
        """A round, from before it takes anything until all that it took is dealt with."""
        self._begun += 1
        try:
            yield
        finally:
            self._ended += 1

    async def are_idle(self, is_due: Callable[[], Awaitable[bool]]) -> bool:
        """Whether nothing is in hand, and nothing is due, at one and the same time."""
        begun = self._begun
        if begun != self._ended or await is_due():
            return False
        return begun == self._begun
