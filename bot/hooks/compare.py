"""Hooks as they should be and as they are: what differs. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from bot.hooks.model import (
    NARROWING,
    HookStatus,
    HookSubscription,
    WantedHook,
)


class Fault(StrEnum):
    """What is wrong with a hook."""

    MISSING = "missing"
    CHANGED = "changed"
    SWITCHED_OFF = "switched off"
    DISABLED = "disabled"
    ON_PROBATION = "on probation"

    @property
    def is_by_hand(self) -> bool:
        """Whether a person did it, perhaps on purpose; else Azure DevOps itself."""
        return self in (Fault.MISSING, Fault.CHANGED, Fault.SWITCHED_OFF)


@dataclass(frozen=True, slots=True)
class Difference:
    """One hook that is not as it should be; ``actual`` is None when it is missing."""

    wanted: WantedHook
    actual: HookSubscription | None
    fault: Fault
    says: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """``pairs`` are all wanted hooks that are there; ``surplus`` are ours that nothing wants."""

    pairs: tuple[tuple[WantedHook, HookSubscription], ...]
    differences: tuple[Difference, ...]
    surplus: tuple[HookSubscription, ...]

    @property
    def is_right(self) -> bool:
        return not self.differences and not self.surplus


def own_hooks(
    hooks: Sequence[HookSubscription], *, url: str, known: Collection[str]
) -> tuple[HookSubscription, ...]:
    """Those that feed this connection: known by their id, or pointing to our address."""
    own = _address(url) if url else None
    return tuple(hook for hook in hooks if hook.id in known or (own and _address(hook.url) == own))


def compare(
    wanted: Sequence[WantedHook], own: Sequence[HookSubscription], *, url: str
) -> Comparison:
    """Match each wanted hook with the best one that is there."""
    pairs: list[tuple[WantedHook, HookSubscription]] = []
    differences: list[Difference] = []
    taken: set[str] = set()
    for want in wanted:
        candidates = [hook for hook in own if hook.key == want.key]
        if not candidates:
            differences.append(Difference(want, None, Fault.MISSING, "is not there"))
            continue
        best = min(candidates, key=lambda hook: _rank(want, hook, url))
        taken.add(best.id)
        pairs.append((want, best))
        difference = _difference(want, best, url)
        if difference is not None:
            differences.append(difference)
    surplus = tuple(hook for hook in own if hook.id not in taken)
    return Comparison(tuple(pairs), tuple(differences), surplus)


def is_as_wanted(want: WantedHook, hook: HookSubscription, url: str) -> bool:
    """Whether a hook is right but for its status."""
    return not _changes(want, hook, url)


def delivers(hook: HookSubscription, url: str) -> bool:
    """Whether it is switched on and points to us, as far as that is known."""
    is_ours = not url or _address(hook.url) == _address(url)
    return hook.status is HookStatus.ENABLED and is_ours


_STATUS_FAULTS = {
    HookStatus.ON_PROBATION: (
        Fault.ON_PROBATION,
        "is on probation: deliveries failed, and Azure DevOps loses events meanwhile",
    ),
    HookStatus.DISABLED_BY_SYSTEM: (
        Fault.DISABLED,
        "was disabled by Azure DevOps, because deliveries failed for long",
    ),
    HookStatus.DISABLED_BY_INACTIVE_IDENTITY: (
        Fault.DISABLED,
        "was disabled by Azure DevOps, because the account that made it is not active any more",
    ),
    HookStatus.DISABLED_BY_USER: (Fault.SWITCHED_OFF, "was switched off by hand"),
}


def _difference(want: WantedHook, hook: HookSubscription, url: str) -> Difference | None:
    """The worst thing that is wrong with a hook: its status, then how it was changed."""
    if hook.status in _STATUS_FAULTS:
        fault, says = _STATUS_FAULTS[hook.status]
        return Difference(want, hook, fault, says)
    changes = _changes(want, hook, url)
    if not changes:
        return None
    return Difference(want, hook, Fault.CHANGED, f"was changed by hand: {', '.join(changes)}")


def _changes(want: WantedHook, hook: HookSubscription, url: str) -> list[str]:
    found = []
    if url and _address(hook.url) != _address(url):
        found.append("it points to another address")
    filters = [name for name in NARROWING if hook.inputs.get(name)]
    if filters:
        found.append(f"it is limited by {', '.join(filters)}")
    if hook.resource_version != want.resource_version:
        shown = hook.resource_version or "the latest"
        found.append(f"resource version {shown} instead of {want.resource_version}")
    if not hook.sends_all:
        found.append("it does not send all resource details")
    if not hook.is_signed:
        found.append("it sends no secret")
    return found


def _rank(want: WantedHook, hook: HookSubscription, url: str) -> tuple[int, bool, str]:
    return (len(_changes(want, hook, url)), hook.status is not HookStatus.ENABLED, hook.id)


def _address(url: str) -> tuple[str, str, int | None, str] | None:
    """An address as it is compared; None for one that is none."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"https": 443, "http": 80}.get(parts.scheme)
        return parts.scheme, (parts.hostname or "").lower(), port, parts.path.rstrip("/")
    except ValueError:
        return None
