"""Azure DevOps' rate limits: which credential may be used when.

Azure DevOps delays first and says so by Retry-After on a success; only then it blocks with 429.
It counts by identity, so a credential that was told to wait rests while others go on
(Azure DevOps, "Rate and usage limits").
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from adapters.azure_devops.credentials import CredentialSource
from adapters.azure_devops.errors import DEFAULT_COOL_DOWN_S, MAX_COOL_DOWN_S, retry_after_s
from bot.ports import AuthenticationFailed, AzureDevOpsError, Clock, RateLimited, Sleep

MAX_WAIT_S = 5.0
"""Longest wait that a call takes upon itself; a longer one is told as RateLimited."""


@dataclass(frozen=True, slots=True)
class RateLimit:
    """What Azure DevOps said last about a credential's use. None where it said nothing.

    ``limit`` and ``remaining`` are throughput units (TSTU); ``delay_s`` is how long the last
    request was held back; ``cooling_s`` is how long the credential rests from now.
    """

    credential: str
    resource: str = ""
    limit: float | None = None
    remaining: float | None = None
    reset_at: datetime | None = None
    delay_s: float = 0.0
    cooling_s: float = 0.0


@dataclass(slots=True)
class _Use:
    source: CredentialSource
    calls: int = 0
    told: dict[str, str] = field(default_factory=dict)
    rests_since: datetime | None = None
    rests_for_s: float = 0.0
    refusal: AzureDevOpsError | None = None

    def rest_left_s(self, now: datetime) -> float:
        if self.rests_since is None:
            return 0.0
        left = self.rests_for_s - (now - self.rests_since).total_seconds()
        # More left than was asked for: the clock was set back.
        return left if 0.0 < left <= self.rests_for_s else 0.0


class CredentialPool:
    """Picks the credential for each call: the least used one that does not rest."""

    def __init__(self, sources: Sequence[CredentialSource], *, clock: Clock, sleep: Sleep) -> None:
        if not sources:
            raise ValueError("a connection needs a credential")
        self._uses = [_Use(source) for source in sources]
        self._clock = clock
        self._sleep = sleep

    async def acquire(self, without: Collection[CredentialSource] = ()) -> CredentialSource:
        """A credential that may be used now, after a wait of at most five seconds.

        Args:
            without: those that have been tried for this call.

        Raises:
            RateLimited: all of them rest longer.
            AuthenticationFailed: Azure DevOps refuses all of them.
        """
        use, wait_s = self._next(without)
        if wait_s > MAX_WAIT_S:
            text = f"Azure DevOps asks to slow down; it goes on in {wait_s:.0f} seconds"
            raise RateLimited(text, retry_after_s=wait_s)
        if wait_s > 0:
            await self._sleep(wait_s)
        use.calls += 1
        return use.source

    def set_aside(self, source: CredentialSource, refusal: AzureDevOpsError) -> None:
        """Azure DevOps refuses this one: the others go on without it."""
        next(use for use in self._uses if use.source is source).refusal = refusal

    def has_other_than(self, tried: Collection[CredentialSource]) -> bool:
        """Whether there is one that was neither tried nor set aside."""
        return bool(self._usable(tried))

    def told(self, source: CredentialSource, status: int, headers: Mapping[str, str]) -> None:
        """Take note of what an answer says about the credential's limits."""
        use = next(use for use in self._uses if use.source is source)
        use.told = {name: headers[name] for name in headers if name.startswith("x-ratelimit-")}
        rest_s = retry_after_s(headers) or self._until_reset_s(use.told)
        if status == 429 and not rest_s:
            rest_s = DEFAULT_COOL_DOWN_S
        if rest_s:
            use.rests_since, use.rests_for_s = self._clock(), rest_s

    async def close(self) -> None:
        """End what the credentials hold open."""
        for use in self._uses:
            await use.source.close()

    def limits(self) -> Sequence[RateLimit]:
        """The state of every credential, for metrics."""
        now = self._clock()
        return [
            RateLimit(
                credential=use.source.name,
                resource=use.told.get("x-ratelimit-resource", "")[:80],
                limit=_number(use.told.get("x-ratelimit-limit")),
                remaining=_number(use.told.get("x-ratelimit-remaining")),
                reset_at=_moment(use.told.get("x-ratelimit-reset")),
                delay_s=_number(use.told.get("x-ratelimit-delay")) or 0.0,
                cooling_s=use.rest_left_s(now),
            )
            for use in self._uses
        ]

    def _next(self, without: Collection[CredentialSource]) -> tuple[_Use, float]:
        now = self._clock()
        usable = self._usable(without)
        if not usable:
            raise AuthenticationFailed("; ".join(str(use.refusal) for use in self._uses))
        use = min(usable, key=lambda use: (use.rest_left_s(now), use.calls))
        return use, use.rest_left_s(now)

    def _usable(self, without: Collection[CredentialSource]) -> Sequence[_Use]:
        return [use for use in self._uses if use.refusal is None and use.source not in without]

    def _until_reset_s(self, told: Mapping[str, str]) -> float:
        """Seconds to the reset when nothing remains, else 0."""
        reset = _moment(told.get("x-ratelimit-reset"))
        remaining = _number(told.get("x-ratelimit-remaining"))
        if remaining is None or remaining > 0 or reset is None:
            return 0.0
        return min(max((reset - self._clock()) / timedelta(seconds=1), 0.0), MAX_COOL_DOWN_S)


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if abs(number) < 1e15 else None  # also leaves out nan and the infinities


def _moment(text: str | None) -> datetime | None:
    seconds = _number(text)
    try:
        return datetime.fromtimestamp(seconds, UTC) if seconds is not None else None
    except (ValueError, OverflowError, OSError):
        return None
