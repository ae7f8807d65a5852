"""The gauges that tell of the moment: ``/metrics`` brings them up to date before it answers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from typing import Protocol

from prometheus_client import Gauge
from sqlmodel import Session

from bot.metrics import (
    ACTIVITIES,
    BUILD,
    CONFLICT_WORK,
    CONFLICTS,
    COOLING_S,
    CREDENTIAL_EXPIRES_AT,
    CREDENTIALS_FAILING,
    INBOX,
    LAST_HOOK_AT,
    LAST_SWEEP_AT,
    OLDEST_S,
    OUTBOX,
    PAUSED,
    RATE_LIMIT,
    RATE_REMAINING,
)
from bot.ports import Clock
from storage import inbox, outbox
from storage.engine import Database
from storage.queries import activities, conflicts, gauges, health


class CredentialLoad(Protocol):
    """What Azure DevOps said last about a credential's use; None where it said nothing."""

    @property
    def credential(self) -> str: ...
    @property
    def limit(self) -> float | None: ...
    @property
    def remaining(self) -> float | None: ...
    @property
    def cooling_s(self) -> float: ...


class Gauges:
    """Brings every gauge up to date.

    Those of the database are the same on every replica; those of Azure DevOps' limits are this
    process' own.

    Args:
        db: the database.
        rate_limits: by connection, what is known of its credentials.
        clock: the time.
    """

    def __init__(
        self,
        db: Database,
        rate_limits: Callable[[], Mapping[str, Sequence[CredentialLoad]]],
        clock: Clock,
    ) -> None:
        self._db = db
        self._rate_limits = rate_limits
        self._clock = clock
        BUILD.info({"version": version("pullcord")})

    async def refresh(self) -> None:
        """Read what is needed, then set all at once, so that nobody sees half of it.

        Raises:
            CannotStore: the database cannot be read; the gauges keep what they said.
        """
        self._set_rate_limits()
        figures = await self._db.read(_read)
        _set(figures, self._clock())

    def _set_rate_limits(self) -> None:
        for gauge in (RATE_LIMIT, RATE_REMAINING, COOLING_S):
            gauge.clear()
        for connection, loads in self._rate_limits().items():
            for load in loads:
                names = {"connection": connection, "credential": load.credential}
                COOLING_S.labels(**names).set(load.cooling_s)
                if load.limit is not None:
                    RATE_LIMIT.labels(**names).set(load.limit)
                if load.remaining is not None:
                    RATE_REMAINING.labels(**names).set(load.remaining)


@dataclass(frozen=True, slots=True)
class _Figures:
    """What the database says: rows by state, the oldest that waits, and the connections."""

    inbox: Mapping[str, int]
    outbox: Mapping[str, int]
    activities: Mapping[str, int]
    oldest: Mapping[str, datetime | None]
    conflict_work: int
    open_conflicts: Mapping[str, int]
    connections: Sequence[health.ConnectionHealth]
    expiries: Sequence[gauges.CredentialExpiry]


def _read(session: Session) -> _Figures:
    return _Figures(
        inbox=inbox.counts(session),
        outbox=outbox.counts(session),
        activities=activities.counts(session),
        oldest={"inbox": inbox.oldest_pending(session), "outbox": outbox.oldest_pending(session)},
        conflict_work=conflicts.counts(session)["pending"],
        open_conflicts=gauges.open_conflicts(session),
        connections=health.of_connections(session),
        expiries=gauges.credential_expiries(session),
    )


def _set(figures: _Figures, now: datetime) -> None:
    _set_states(INBOX, figures.inbox, "pending", "dead")
    _set_states(OUTBOX, figures.outbox, "pending", "dead")
    _set_states(ACTIVITIES, figures.activities, "pending", "failed")
    for queue, oldest in figures.oldest.items():
        age_s = (now - oldest).total_seconds() if oldest else 0.0
        OLDEST_S.labels(queue=queue).set(max(age_s, 0.0))  # the clock may have gone back
    CONFLICT_WORK.set(figures.conflict_work)
    CONFLICTS.clear()
    for connection, count in figures.open_conflicts.items():
        CONFLICTS.labels(connection=connection).set(count)
    _set_connections(figures)


def _set_states(gauge: Gauge, counts: Mapping[str, int], *always: str) -> None:
    gauge.clear()  # states that nothing is in any more
    for state in {*always, *counts}:
        gauge.labels(state=state).set(counts.get(state, 0))


def _set_connections(figures: _Figures) -> None:
    for gauge in (PAUSED, CREDENTIALS_FAILING, LAST_HOOK_AT, LAST_SWEEP_AT, CREDENTIAL_EXPIRES_AT):
        gauge.clear()  # connections that are gone
    for each in figures.connections:
        PAUSED.labels(connection=each.name).set(bool(each.paused_reason))
        CREDENTIALS_FAILING.labels(connection=each.name).set(each.failing_credentials)
        if each.last_hook_at is not None:
            LAST_HOOK_AT.labels(connection=each.name).set(each.last_hook_at.timestamp())
        if each.last_sweep_at is not None:
            LAST_SWEEP_AT.labels(connection=each.name).set(each.last_sweep_at.timestamp())
    for expiry in figures.expiries:
        CREDENTIAL_EXPIRES_AT.labels(
            connection=expiry.connection, credential=expiry.credential
        ).set(expiry.expires_at.timestamp())
