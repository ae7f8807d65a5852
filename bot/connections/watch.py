"""Trying credentials regularly, because a token does not tell its end before it comes.

Source: no answer of Azure DevOps names a personal access token's expiry, so it is the date that was
given at set-up, or what a refusal says ("Use personal access tokens").
"""

import logging
import math
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from bot.connections.failing import pause, record_failed, record_works
from bot.connections.telling import expiry_message, label_of, tell_administrators
from bot.log_text import log_safe
from bot.ports import AuthenticationFailed, CredentialProbe
from bot.services import Services
from storage.queries import connections
from storage.tables import Credential

log = logging.getLogger(__name__)

EVERY = timedelta(minutes=1)
TRY_WORKING_EVERY = timedelta(minutes=30)
TRY_FAILED_EVERY = timedelta(minutes=5)
WARN_DAYS = (14, 7, 3, 1)
NO_CREDENTIAL = "It has no credential."


@dataclass(frozen=True, slots=True)
class _Held:
    """A credential as this round finds it."""

    connection: str
    credential_id: int
    label: str
    has_failed: bool
    is_over: bool
    is_paused: bool


class ConnectionWatch:
    """One round a minute. When each credential was tried is kept in memory: a restart asks anew.

    Args:
        services: what the bot works with.
        probe: asks Azure DevOps who one credential is.
        catch_up: called with the paused connections that go on.
    """

    def __init__(
        self,
        services: Services,
        probe: CredentialProbe,
        catch_up: Callable[[Collection[str]], Awaitable[object]],
    ) -> None:
        self._services = services
        self._probe = probe
        self._catch_up = catch_up
        self._tried_at: dict[int, datetime] = {}
        self._unheard: set[str] = set()

    async def run(self) -> None:
        """Try what is due, warn of what will expire, let go on what works again."""
        now = self._services.clock()
        unheard = await self._services.db.write(
            lambda s: warn(s, self._services.administrators, now)
        )
        for text in set(unheard) - self._unheard:
            log.warning("credential %s", text)
        self._unheard = set(unheard)
        held = await self._services.db.write(lambda s: _look(s, now))
        self._tried_at = {
            each.credential_id: self._tried_at[each.credential_id]
            for each in held
            if each.credential_id in self._tried_at
        }
        went_on: set[str] = set()
        for each in held:
            if self._is_due(each, now):
                self._tried_at[each.credential_id] = now
                if await self._try(each):
                    went_on.add(each.connection)
        if went_on:
            await self._catch_up(went_on)

    def _is_due(self, each: _Held, now: datetime) -> bool:
        """Every round while people wait for it, or once the date that was given is past."""
        tried = self._tried_at.get(each.credential_id)
        if tried is None or tried > now:  # the clock may have been set back
            return True
        if each.is_paused:
            return True
        if each.has_failed:
            return now - tried >= TRY_FAILED_EVERY
        return each.is_over or now - tried >= TRY_WORKING_EVERY

    async def _try(self, each: _Held) -> bool:
        """Ask with one credential; True when its connection goes on by this."""
        trouble = await self._probe(each.connection, each.credential_id)
        now = self._services.clock()
        administrators = self._services.administrators
        if trouble is None:
            return await self._services.db.write(
                lambda s: record_works(
                    s, each.credential_id, administrators=administrators, now=now
                )
            )
        log.info("credential %r: %s", each.label, log_safe(str(trouble)))
        if isinstance(trouble, AuthenticationFailed):  # anything else says nothing of it
            await self._services.db.write(
                lambda s: record_failed(
                    s,
                    each.credential_id,
                    reason=str(trouble),
                    administrators=administrators,
                    now=now,
                )
            )
        return False


def warn(session: Session, administrators: Collection[str], now: datetime) -> Sequence[str]:
    """Tell administrators of credentials that expire soon, once per step; which nobody heard of.

    What nobody could be told is told to the first administrator whom Teams comes to know.
    """
    unheard: list[str] = []
    for connection in connections.all_connections(session):
        for credential in connections.credentials(session, connection.name):
            days = due_warning(credential, now)
            if days is None:
                continue
            message = expiry_message(connection.name, credential, days)
            key = f"credential_expires:{credential.id}:{now.isoformat()}"
            if tell_administrators(session, administrators, message, key=key, now=now):
                credential.warned_days = min(step for step in WARN_DAYS if days <= step)
                session.add(credential)
            else:
                left = f"expires in {days} days, and no administrator is known in Teams"
                unheard.append(f"{label_of(credential)} of {connection.name} {left}")
    return unheard


def due_warning(credential: Credential, now: datetime) -> int | None:
    """Days left, rounded up, when a step of WARN_DAYS was reached that was not told; else None."""
    if credential.expires_at is None or credential.failed_at is not None:
        return None
    left = (credential.expires_at - now) / timedelta(days=1)
    if left < 0:
        return None
    step = min((each for each in WARN_DAYS if left <= each), default=None)
    told = credential.warned_days
    if step is None or (told is not None and told <= step):
        return None
    return math.ceil(left)


def _look(session: Session, now: datetime) -> Sequence[_Held]:
    """Every credential; a connection that has none is paused."""
    held: list[_Held] = []
    for connection in connections.all_connections(session):
        found = connections.credentials(session, connection.name)
        if not found:
            pause(session, connection.name, reason=NO_CREDENTIAL, now=now)
        held += [
            _Held(
                connection=connection.name,
                credential_id=each.id or 0,
                label=label_of(each),
                has_failed=each.failed_at is not None,
                is_over=each.expires_at is not None and each.expires_at <= now,
                is_paused=bool(connection.paused_reason),
            )
            for each in found
        ]
    return held
