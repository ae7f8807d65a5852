"""How much may be sent to Teams, and when: sliding windows per conversation and for the app.

Figures: Microsoft Teams, "Optimize your bot with rate limiting in Teams" (per bot per thread:
7 in 1 s, 8 in 2 s, 60 in 30 s, 1,800 in 3,600 s; 50 requests per second per app per tenant).
Times are seconds of a monotonic clock, so that a wall clock set back neither storms nor freezes.
"""

from collections import deque
from dataclasses import dataclass, field

CONVERSATION_WINDOWS = ((7, 1.0), (8, 2.0), (60, 30.0), (1800, 3600.0))
APP_WINDOW_S = 1.0
MARGIN_S = 0.05  # messages do not take equally long to Teams; what left apart may arrive together
FORGET_EVERY = 1000


@dataclass(slots=True)
class SlidingWindows:
    """Times of what was sent, and the limits ``(count, seconds)`` that they must keep."""

    limits: tuple[tuple[int, float], ...]
    _sent: deque[float] = field(default_factory=deque)

    def wait_s(self, now: float) -> float:
        """Seconds until one more is allowed; 0 when it is allowed now."""
        self._forget(now)
        wait = 0.0
        for count, seconds in self.limits:
            if len(self._sent) >= count:
                wait = max(wait, self._sent[-count] + seconds + MARGIN_S - now)
        return wait

    def take(self, now: float) -> None:
        """Note one that is sent now."""
        self._sent.append(now)

    @property
    def is_idle(self) -> bool:
        """Nothing in any window: it can be forgotten."""
        return not self._sent

    def _forget(self, now: float) -> None:
        longest = max(seconds for _, seconds in self.limits) + MARGIN_S
        while self._sent and self._sent[0] + longest <= now:
            self._sent.popleft()


class SendBudget:
    """Says whether a message may be sent now, and counts it when it is.

    Between ``wait_s`` answering 0 and ``take`` there must be no await, so that two senders cannot
    take the same place.
    """

    def __init__(
        self,
        *,
        per_second: int = 30,
        windows: tuple[tuple[int, float], ...] = CONVERSATION_WINDOWS,
    ) -> None:
        self._app = SlidingWindows(((per_second, APP_WINDOW_S),))
        self._windows = windows
        self._conversations: dict[str, SlidingWindows] = {}
        self._taken = 0

    def wait_s(self, conversation_id: str, now: float) -> float:
        """Seconds until a message to this conversation is allowed; 0 when it is allowed now."""
        conversation = self._conversations.get(conversation_id)
        own = conversation.wait_s(now) if conversation else 0.0
        return max(own, self._app.wait_s(now))

    def take(self, conversation_id: str, now: float) -> None:
        """Count one message to this conversation as sent now."""
        windows = self._conversations.setdefault(conversation_id, SlidingWindows(self._windows))
        windows.take(now)
        self._app.take(now)
        self._taken += 1
        if self._taken % FORGET_EVERY == 0:
            self._forget_idle(now)

    def _forget_idle(self, now: float) -> None:
        for conversation_id, windows in list(self._conversations.items()):
            windows.wait_s(now)
            if windows.is_idle:
                del self._conversations[conversation_id]
