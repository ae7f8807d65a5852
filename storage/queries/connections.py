"""Connections to Azure DevOps, their credentials and webhook secrets."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from storage.secrets import SecretBox, SecretHash, hash_secret
from storage.tables import Connection, Credential


class Door:
    """What it takes to let a webhook in; may be kept in memory for a short while."""

    def __init__(self, connection: str, secret_hash: str, old_secret_hash: str) -> None:
        self.connection = connection
        stored = (secret_hash, old_secret_hash) if old_secret_hash else (secret_hash,)
        self._hashes = tuple(map(SecretHash, stored))

    def __repr__(self) -> str:
        return f"Door({self.connection!r})"

    def admits(self, secret: str) -> bool:
        """Whether this is the webhook secret, or the former one while a rotation is on.

        Both are compared in any case, so that the time does not tell which one fits.
        """
        matches = [one.fits(secret) for one in self._hashes]
        return any(matches)


@dataclass(frozen=True, slots=True)
class NewCredential:
    """A credential to store. ``kind``: ``pat`` or ``service_principal`` (then with ids)."""

    kind: str
    secret: str
    label: str = ""
    client_id: str = ""
    tenant_id: str = ""
    expires_at: datetime | None = None

    def __repr__(self) -> str:
        return f"NewCredential({self.kind!r}, {self.label!r})"


def all_connections(session: Session) -> Sequence[Connection]:
    """Every connection, by name."""
    return session.exec(select(Connection).order_by(col(Connection.name))).all()


def get(session: Session, name: str) -> Connection | None:
    """The connection of this name."""
    return session.get(Connection, name)


def save(session: Session, connection: Connection) -> Connection:
    """Store a connection, new or changed; a changed one keeps its secret hashes."""
    stored = session.get(Connection, connection.name)
    if stored is None:
        session.add(connection)
        session.flush()
        return connection
    for name in ("base_url", "api_version", "projects", "branch_template", "settings"):
        setattr(stored, name, getattr(connection, name))
    stored.paused_reason = connection.paused_reason
    session.add(stored)
    session.flush()
    return stored


def pause(session: Session, name: str, *, reason: str) -> None:
    """Stop using a connection and say why; an empty reason starts it again."""
    stored = session.get(Connection, name)
    if stored is not None:
        stored.paused_reason = reason
        session.add(stored)


def door(session: Session, name: str) -> Door | None:
    """What it takes to let a webhook of this connection in; None when there is none."""
    stored = session.get(Connection, name)
    if stored is None:
        return None
    return Door(stored.name, stored.secret_hash, stored.old_secret_hash)


def set_webhook_secret(session: Session, name: str, secret: str) -> None:
    """Set a new webhook secret; the present one stays valid until ``end_rotation``.

    Raises:
        LookupError: there is no such connection.
        WeakSecret: the secret is shorter than 20 characters.
    """
    stored = _existing(session, name)
    stored.old_secret_hash = stored.secret_hash
    stored.secret_hash = hash_secret(secret)
    session.add(stored)


def end_rotation(session: Session, name: str) -> None:
    """Refuse the former webhook secret from now on.

    Raises:
        LookupError: there is no such connection.
    """
    stored = _existing(session, name)
    stored.old_secret_hash = ""
    session.add(stored)


def add_credential(
    session: Session, name: str, new: NewCredential, box: SecretBox, *, now: datetime
) -> Credential:
    """Store a credential, encrypted. One of the same kind and label is replaced."""
    same = (
        Credential.connection == name,
        Credential.kind == new.kind,
        Credential.label == new.label,
    )
    stored = session.exec(select(Credential).where(*same)).first() or Credential(
        connection=name, kind=new.kind, label=new.label, secret="", created_at=now
    )
    stored.secret = box.encrypt(new.secret)
    stored.client_id = new.client_id
    stored.tenant_id = new.tenant_id
    stored.expires_at = new.expires_at
    stored.failed_at = None
    stored.failure = ""
    session.add(stored)
    session.flush()
    return stored


def credentials(session: Session, name: str) -> Sequence[Credential]:
    """The credentials of a connection in the order they were stored, secrets encrypted."""
    of_connection = select(Credential).where(Credential.connection == name)
    return session.exec(of_connection.order_by(col(Credential.id))).all()


def mark_credential(session: Session, credential_id: int, *, failure: str, now: datetime) -> None:
    """Note that a credential failed, or with an empty failure that it works."""
    stored = session.get(Credential, credential_id)
    if stored is not None:
        stored.failure = failure
        stored.failed_at = now if failure else None
        session.add(stored)


def remove_credential(session: Session, credential_id: int) -> None:
    """Forget a credential."""
    stored = session.get(Credential, credential_id)
    if stored is not None:
        session.delete(stored)


def _existing(session: Session, name: str) -> Connection:
    stored = session.get(Connection, name)
    if stored is None:
        raise LookupError(f"there is no connection {name}")
    return stored
