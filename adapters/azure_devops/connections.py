"""The client of each stored connection, made when it is first needed."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import aiohttp
from sqlmodel import Session

from adapters.azure_devops.client import AzureDevOpsClient
from adapters.azure_devops.credentials import CredentialSource, EntraCredential, PatCredential
from adapters.entra import AZURE_DEVOPS_SCOPE, ClientCredentials, EntraRefused, EntraUnreachable
from bot.ports import AuthenticationFailed, AzureDevOps, Clock, NotFound, Sleep, Unreachable
from storage.engine import Database
from storage.queries import connections
from storage.queries.connections import NewCredential
from storage.secrets import SecretBox, SecretKeyError
from storage.tables import Connection, Credential

FRESH_S = 10.0
SERVICE_PRINCIPAL = "service_principal"


@dataclass(frozen=True, slots=True)
class _Stored:
    """A connection with its credentials as they are in the database; equal when nothing changed."""

    base_url: str
    api_version: str
    paused_reason: str
    credentials: tuple[tuple[int, str, str, str, str, str], ...]


@dataclass(slots=True)
class _Client:
    made_from: _Stored
    client: AzureDevOpsClient
    checked_at: float


class AzureDevOpsClients:
    """Gives the client of a connection by its name (``bot.ports.AzureDevOpsFor``).

    What is stored is looked at again every FRESH_S seconds, so that a credential added or rotated
    by the command line is used without a restart.

    Args:
        db: where connections are.
        box: decrypts credentials; None when no PULLCORD_SECRET_KEY is set.
        http: for tokens of service principals.
        login_url: where those tokens come from.
        clock: the time.
        sleep: waits.
        monotonic: seconds that never go back.
    """

    def __init__(
        self,
        db: Database,
        box: SecretBox | None,
        http: aiohttp.ClientSession,
        *,
        login_url: str,
        clock: Clock,
        sleep: Sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._db = db
        self._box = box
        self._http = http
        self._login_url = login_url
        self._clock = clock
        self._sleep = sleep
        self._monotonic = monotonic
        self._clients: dict[str, _Client] = {}
        self._retired: list[AzureDevOpsClient] = []
        self._looking = asyncio.Lock()

    async def __call__(self, connection: str) -> AzureDevOps:
        """The client.

        Raises:
            NotFound: there is no such connection.
            AuthenticationFailed: it has no credential that can be used, or it is paused.
        """
        known = self._clients.get(connection)
        if known and self._monotonic() - known.checked_at < FRESH_S:
            return known.client
        async with self._looking:
            return await self._look(connection)

    async def _look(self, connection: str) -> AzureDevOps:
        stored = await self._db.read(lambda s: _read(s, connection))
        if stored is None:
            raise NotFound(f"there is no connection {connection!r}")
        if stored.paused_reason:
            raise AuthenticationFailed(
                f"the connection {connection!r} is paused: {stored.paused_reason}"
            )
        known = self._clients.get(connection)
        if known is None or known.made_from != stored:
            if known is not None:
                self._retired.append(known.client)  # calls may still be under way on it
            client = self._make(connection, stored)
            known = self._clients[connection] = _Client(stored, client, 0.0)
        known.checked_at = self._monotonic()
        return known.client

    def _make(self, connection: str, stored: _Stored) -> AzureDevOpsClient:
        return AzureDevOpsClient(
            connection,
            stored.base_url,
            self._sources(connection, stored),
            api_version=stored.api_version,
            clock=self._clock,
            sleep=self._sleep,
        )

    def _sources(self, connection: str, stored: _Stored) -> Sequence[CredentialSource]:
        if not stored.credentials:
            raise AuthenticationFailed(
                f"the connection {connection!r} has no credential: run `pullcord connect` again"
            )
        if self._box is None:
            raise AuthenticationFailed(
                "PULLCORD_SECRET_KEY is not set, so stored credentials cannot be read"
            )
        try:
            return [self._source(self._box, each) for each in stored.credentials]
        except SecretKeyError as error:
            raise AuthenticationFailed(str(error)) from None

    def _source(
        self, box: SecretBox, credential: tuple[int, str, str, str, str, str]
    ) -> CredentialSource:
        id_, kind, label, secret, client_id, tenant_id = credential
        plain = NewCredential(
            kind,
            box.decrypt(secret),
            label=label or f"{kind} {id_}",
            client_id=client_id,
            tenant_id=tenant_id,
        )
        return _credential_source(plain, self._http, login_url=self._login_url, clock=self._clock)

    async def close(self) -> None:
        """Close every client."""
        clients = [*self._retired, *(known.client for known in self._clients.values())]
        self._clients.clear()
        self._retired.clear()
        for client in clients:
            await client.close()


def client_of(
    connection: Connection,
    credential: NewCredential,
    http: aiohttp.ClientSession,
    *,
    login_url: str,
    clock: Clock,
    sleep: Sleep,
) -> AzureDevOpsClient:
    """A client with a credential that is not stored yet, to try it; close it after use."""
    source = _credential_source(credential, http, login_url=login_url, clock=clock)
    return AzureDevOpsClient(
        connection.name,
        connection.base_url,
        [source],
        api_version=connection.api_version,
        clock=clock,
        sleep=sleep,
    )


def _credential_source(
    credential: NewCredential, http: aiohttp.ClientSession, *, login_url: str, clock: Clock
) -> CredentialSource:
    if credential.kind != SERVICE_PRINCIPAL:
        return PatCredential(credential.label, credential.secret)
    tokens = ClientCredentials(
        http,
        login_url=login_url,
        tenant=credential.tenant_id,
        client_id=credential.client_id,
        secret=credential.secret,
        scope=AZURE_DEVOPS_SCOPE,
        clock=clock,
    )
    return EntraCredential(credential.label, lambda: _token(tokens), tokens.forget)


async def _token(tokens: ClientCredentials) -> str:
    try:
        return await tokens.token()
    except EntraRefused as error:
        raise AuthenticationFailed(str(error), code=error.code) from None
    except EntraUnreachable as error:
        raise Unreachable(str(error)) from None


def _read(session: Session, name: str) -> _Stored | None:
    connection = connections.get(session, name)
    if connection is None:
        return None
    return _stored(connection, connections.credentials(session, name))


def _stored(connection: Connection, credentials: Sequence[Credential]) -> _Stored:
    return _Stored(
        base_url=connection.base_url,
        api_version=connection.api_version,
        paused_reason=connection.paused_reason,
        credentials=tuple(
            (each.id or 0, each.kind, each.label, each.secret, each.client_id, each.tenant_id)
            for each in credentials
        ),
    )
