"""Whether webhooks pour in, so that work on stored ones stands back for storing new ones.

Azure DevOps sends what one large push or a mass edit causes all at once, and counts a body that is
not answered in time as lost. A stored one can wait.
"""

import time
from collections.abc import Callable
from types import TracebackType

from bot.ports import Sleep

CROWD = 8  # at once; one action of one person causes up to five webhooks
CALM_S = 0.05
LOOK_EVERY_S = 0.02
STAND_BACK_S = 5.0


class Storm:
    """Counts the bodies that are being stored at the same time, each inside ``with storm:``.

    Args:
        sleep: waits.
        monotonic: seconds of a clock that never goes back.
    """

    def __init__(self, sleep: Sleep, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._sleep = sleep
        self._monotonic = monotonic
        self._storing = 0
        self._crowded_at = float("-inf")
        self._is_over = False

    def __enter__(self) -> None:
        self._storing += 1
        if self._storing >= CROWD:
            self._crowded_at = self._monotonic()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._storing -= 1

    async def passed(self) -> None:
        """Wait while there is a crowd, at most STAND_BACK_S: no storm holds work up for ever.

        Who has waited looks twice: when the process itself was held up, the crowd may be waiting
        in its sockets.
        """
        began = self._monotonic()
        looks_needed = 1
        while not self._is_over:
            now = self._monotonic()
            if now - began >= STAND_BACK_S:
                return
            looks_needed = looks_needed - 1 if now - self._crowded_at >= CALM_S else 2
            if not looks_needed:
                return
            await self._sleep(LOOK_EVERY_S)

    def end(self) -> None:
        """Let go who waits, and wait no more."""
        self._is_over = True
