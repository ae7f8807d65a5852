"""Wake whoever waits for something to happen in the sandbox, without polling."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class Changes:
    """Something changed: every waiter looks again."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Event] = set()

    def tell(self) -> None:
        """Wake all waiters. Cheap when nobody waits."""
        for event in self._waiting:
            event.set()

    async def wait_for(
        self,
        predicate: Callable[[], T],
        timeout: float = 10.0,  # noqa: ASYNC109 - asyncio.timeout could not say what was missing
        what: str = "",
    ) -> T:
        """Wait until `predicate()` is true and return its value.

        Args:
            predicate: Looked at now and after every change.
            timeout: Seconds of real time.
            what: What is waited for, for the error.

        Raises:
            TimeoutError: If it did not become true in time.
        """
        event = asyncio.Event()
        self._waiting.add(event)
        try:
            async with asyncio.timeout(timeout):
                while not (value := predicate()):
                    await event.wait()
                    event.clear()
                return value
        except TimeoutError:
            raise TimeoutError(f"not seen within {timeout} s: {what or predicate}") from None
        finally:
            self._waiting.discard(event)
