"""What is stored of a connection, as what the client takes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from sqlmodel import Session

from adapters.azure_devops.credentials import CredentialSource, EntraCredential, PatCredential
from adapters.azure_devops.entra_tokens import (
    EntraTokens,
    application_tokens,
    certificate_credential,
    managed_identity_tokens,
)
from adapters.azure_devops.network import Network, decoded
from adapters.entra import EntraRefused, EntraUnreachable
from bot.ports import AuthenticationFailed, Unreachable
from storage.queries import connections
from storage.secrets import SecretBox, SecretKeyError

PAT = "pat"
SERVICE_PRINCIPAL = "service_principal"
CERTIFICATE = "certificate"
MANAGED_IDENTITY = "managed_identity"
KINDS = (PAT, SERVICE_PRINCIPAL, CERTIFICATE, MANAGED_IDENTITY)


@dataclass(frozen=True, slots=True)
class StoredCredential:
    """A credential as it is in the database, ``secret`` encrypted."""

    id: int
    kind: str
    label: str
    secret: str = field(repr=False)
    client_id: str = ""
    tenant_id: str = ""
    has_failed: bool = False
    failure: str = ""

    @property
    def is_entra(self) -> bool:
        """Whether it is an application of Entra, not a token of Azure DevOps."""
        return self.kind != PAT


@dataclass(frozen=True, slots=True)
class StoredConnection:
    """A connection as it is in the database; equal when nothing changed."""

    name: str
    base_url: str
    api_version: str
    paused_reason: str
    projects: tuple[str, ...]
    network: str = field(repr=False)
    credentials: tuple[StoredCredential, ...] = ()

    def with_credentials(self, *credentials: StoredCredential) -> "StoredConnection":
        """The same connection with these credentials."""
        return replace(self, credentials=credentials)


def load(session: Session, name: str) -> StoredConnection | None:
    """The connection of this name with its credentials; None when there is none."""
    row = connections.get(session, name)
    if row is None:
        return None
    return StoredConnection(
        name=row.name,
        base_url=row.base_url,
        api_version=row.api_version,
        paused_reason=row.paused_reason,
        projects=tuple(row.projects),
        network=row.network,
        credentials=tuple(
            StoredCredential(
                id=each.id or 0,
                kind=each.kind,
                label=each.label or f"{each.kind} {each.id}",
                secret=each.secret,
                client_id=each.client_id,
                tenant_id=each.tenant_id,
                has_failed=each.failed_at is not None,
                failure=each.failure,
            )
            for each in connections.credentials(session, name)
        ),
    )


class CredentialReader:
    """Decrypts what is stored.

    Args:
        box: None when no PULLCORD_SECRET_KEY is set.
        login_url: where Entra's tokens come from.
    """

    def __init__(self, box: SecretBox | None, *, login_url: str) -> None:
        self._box = box
        self._login_url = login_url

    def network(self, stored: StoredConnection) -> Network:
        """How the connection is reached.

        Raises:
            AuthenticationFailed: it cannot be decrypted.
        """
        return decoded(self._decrypt(stored.network)) if stored.network else Network()

    def sources(
        self, credentials: Sequence[StoredCredential], network: Network
    ) -> Mapping[int, CredentialSource]:
        """Each credential by its number, with a name of its own.

        Raises:
            AuthenticationFailed: one of them cannot be decrypted.
        """
        labels = [each.label for each in credentials]
        found: dict[int, CredentialSource] = {}
        for each in credentials:
            is_unique = labels.count(each.label) == 1
            name = each.label if is_unique else f"{each.label} ({each.id})"
            found[each.id] = self._source(each, network, name)
        return found

    def _source(
        self, credential: StoredCredential, network: Network, name: str
    ) -> CredentialSource:
        if credential.kind == MANAGED_IDENTITY:
            return _entra(
                name, managed_identity_tokens(client_id=credential.client_id, network=network)
            )
        secret = self._decrypt(credential.secret)
        if credential.kind == PAT:
            return PatCredential(name, secret)
        try:
            proof = certificate_credential(secret) if credential.kind == CERTIFICATE else secret
        except ValueError as error:
            raise AuthenticationFailed(f"credential {name!r}: {error}") from None
        return _entra(
            name,
            application_tokens(
                login_url=self._login_url,
                tenant=credential.tenant_id,
                client_id=credential.client_id,
                credential=proof,
                network=network,
            ),
        )

    def _decrypt(self, stored: str) -> str:
        if self._box is None:
            raise AuthenticationFailed(
                "PULLCORD_SECRET_KEY is not set, so stored credentials cannot be read"
            )
        try:
            return self._box.decrypt(stored)
        except SecretKeyError as error:
            raise AuthenticationFailed(str(error)) from None


def _entra(name: str, tokens: EntraTokens) -> EntraCredential:
    async def token() -> str:
        try:
            return await tokens.token()
        except EntraRefused as error:
            raise AuthenticationFailed(str(error), code=error.code) from None
        except EntraUnreachable as error:
            raise Unreachable(str(error)) from None

    return EntraCredential(name, token, tokens.forget, tokens.close)
