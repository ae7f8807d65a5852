"""The client of each stored connection, made when it is first needed."""

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from adapters.azure_devops.client import AzureDevOpsClient
from adapters.azure_devops.rate_limit import RateLimit
from adapters.azure_devops.stored_credentials import (
    CredentialReader,
    StoredConnection,
    load,
)
from bot.connections.failing import record_failed
from bot.ports import (
    AuthenticationFailed,
    AzureDevOps,
    AzureDevOpsError,
    Clock,
    ConnectionPaused,
    NotFound,
    Sleep,
    Unreachable,
)
from storage.engine import CannotStore, Database
from storage.queries import connections
from storage.secrets import SecretBox

log = logging.getLogger(__name__)

FRESH_S = 10.0


@dataclass(slots=True)
class _Client:
    made_from: StoredConnection
    client: AzureDevOpsClient
    checked_at: float


class AzureDevOpsClients:
    """Gives the client of a connection by its name (``bot.ports.AzureDevOpsFor``).

    What is stored is looked at again every FRESH_S seconds, so that a credential added or rotated
    by the command line is used without a restart.

    Args:
        db: where connections are.
        box: decrypts credentials; None when no PULLCORD_SECRET_KEY is set.
        login_url: where tokens of Entra applications come from.
        clock: the time.
        sleep: waits.
        administrators: mails of those who hear that a credential is refused.
        monotonic: seconds that never go back.
    """

    def __init__(
        self,
        db: Database,
        box: SecretBox | None,
        *,
        login_url: str,
        clock: Clock,
        sleep: Sleep,
        administrators: Collection[str] = (),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._db = db
        self._reader = CredentialReader(box, login_url=login_url)
        self._clock = clock
        self._sleep = sleep
        self._administrators = administrators
        self._monotonic = monotonic
        self._clients: dict[str, _Client] = {}
        self._retired: list[AzureDevOpsClient] = []
        self._is_reached: dict[str, bool] = {}
        self._looking = asyncio.Lock()

    async def __call__(self, connection: str) -> AzureDevOps:
        """The client.

        Raises:
            NotFound: there is no such connection.
            ConnectionPaused: none of its credentials works.
            AuthenticationFailed: it has no credential that can be used.
        """
        known = self._clients.get(connection)
        if known and self._monotonic() - known.checked_at < FRESH_S:
            return known.client
        async with self._looking:
            return await self._look(connection)

    async def _look(self, connection: str) -> AzureDevOps:
        stored = await self._db.read(lambda s: load(s, connection))
        if stored is None:
            raise NotFound(f"there is no connection {connection!r}")
        if stored.paused_reason:
            reason = stored.paused_reason.rstrip(".")
            raise ConnectionPaused(f"the connection {connection!r} is paused: {reason}")
        known = self._clients.get(connection)
        if known is None or known.made_from != stored:
            client = await asyncio.to_thread(self._make, stored)  # it reads certificates
            if known is not None:
                self._retired.append(known.client)  # calls may still be under way on it
            known = self._clients[connection] = _Client(stored, client, 0.0)
        known.checked_at = self._monotonic()
        return known.client

    def _make(self, stored: StoredConnection) -> AzureDevOpsClient:
        usable = [each for each in stored.credentials if not each.has_failed]
        if not usable:
            why = "; ".join(each.failure for each in stored.credentials) or "it has no credential"
            raise AuthenticationFailed(
                f"the connection {stored.name!r} cannot sign in: {why}. "
                f"`pullcord credentials add {stored.name}` gives it another credential"
            )
        network = self._reader.network(stored)
        sources = self._reader.sources(usable, network)
        numbers = {source.name: number for number, source in sources.items()}
        secrets = {each.id: each.secret for each in usable}

        async def refused(name: str, error: AzureDevOpsError) -> None:
            number = numbers[name]
            await self._set_aside(stored.name, number, secrets[number], str(error))

        return AzureDevOpsClient(
            stored.name,
            stored.base_url,
            list(sources.values()),
            api_version=stored.api_version,
            network=network,
            clock=self._clock,
            sleep=self._sleep,
            refused=refused,
            reached=partial(self._note_reach, stored.name),
        )

    async def _set_aside(self, connection: str, number: int, secret: str, reason: str) -> None:
        """Note that Azure DevOps refuses a credential, unless it was changed meanwhile."""
        now = self._clock()
        try:
            await self._db.write(
                lambda s: record_failed(
                    s,
                    number,
                    reason=reason,
                    administrators=self._administrators,
                    now=now,
                    secret=secret,
                )
            )
        except CannotStore as error:
            log.warning("that a credential was refused is noted later: %s", error)
        known = self._clients.get(connection)
        if known is not None:
            known.checked_at = float("-inf")

    async def _note_reach(self, connection: str, trouble: Unreachable | None) -> None:
        """Store since when a connection is not reached, and that it is again; only on a change."""
        is_reached = trouble is None
        if self._is_reached.get(connection) is is_reached:
            return
        self._is_reached[connection] = is_reached
        reason, now = str(trouble or ""), self._clock()
        try:
            await self._db.write(
                lambda s: connections.note_reach(s, connection, reason=reason, now=now)
            )
        except CannotStore as error:
            self._is_reached.pop(connection, None)
            log.warning("whether %s is reached is noted later: %s", connection, error)

    def rate_limits(self) -> Mapping[str, Sequence[RateLimit]]:
        """What Azure DevOps said last about each credential's limits, by connection."""
        return {name: known.client.rate_limits for name, known in self._clients.items()}

    async def close(self) -> None:
        """Close every client."""
        clients = [*self._retired, *(known.client for known in self._clients.values())]
        self._clients.clear()
        self._retired.clear()
        for client in clients:
            await client.close()
