"""Teams' documented limits, kept by sliding windows on the sandbox's clock.

https://learn.microsoft.com/microsoftteams/platform/bots/how-to/rate-limit
"""

import math
from collections import defaultdict, deque
from collections.abc import Callable
from datetime import datetime

# (seconds, operations) per bot and conversation.
SEND_WINDOWS = ((1.0, 7), (2.0, 8), (30.0, 60), (3600.0, 1800))
CREATE_WINDOWS = SEND_WINDOWS
READ_WINDOWS = ((1.0, 14), (2.0, 16), (30.0, 120), (3600.0, 3600))
# Per app and tenant.
APP_WINDOWS = ((1.0, 50),)

Windows = tuple[tuple[float, int], ...]


class Limits:
    """Says how long a request must wait. Refused requests do not count."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._seen: dict[str, deque[float]] = defaultdict(deque)

    def take(self, operation: str, conversation_id: str) -> int:
        """Count the request and return 0, or return the whole seconds to wait.

        Args:
            operation: `send`, `create` or `read`.
            conversation_id: Without `;messageid=`; a channel is one conversation.
        """
        windows = {"send": SEND_WINDOWS, "create": CREATE_WINDOWS, "read": READ_WINDOWS}[operation]
        now = self._clock().timestamp()
        of_conversation = self._seen[f"{operation} {conversation_id}"]
        of_app = self._seen["app"]
        wait = max(_wait(of_conversation, windows, now), _wait(of_app, APP_WINDOWS, now))
        if wait > 0:
            return math.ceil(wait)
        of_conversation.append(now)
        of_app.append(now)
        return 0


def _wait(seen: deque[float], windows: Windows, now: float) -> float:
    longest = max(seconds for seconds, _ in windows)
    while seen and seen[0] <= now - longest:
        seen.popleft()
    wait = 0.0
    for seconds, allowed in windows:
        if len(seen) >= allowed and seen[-allowed] > now - seconds:
            wait = max(wait, seen[-allowed] + seconds - now)
    return wait
