"""Connections to Azure DevOps, their credentials and webhook secrets."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from storage.queries.hooks import forget_feed
from storage.secrets import SecretBox, SecretHash, hash_secret, tag_of
from storage.tables import (
    Connection,
    ConversationRow,
    Credential,
    Hook,
    RepositoryRow,
    Subscription,
)


class Door:
    """What it takes to let a webhook in; may be kept in memory for a short while."""

    def __init__(self, connection: str, secret_hash: str, old_secret_hash: str) -> None:
        self.connection = connection
        stored = (secret_hash, *old_secret_hash.split())
        self._hashes = tuple(map(SecretHash, stored))

    def __repr__(self) -> str:
        return f"Door({self.connection!r})"

    def admits(self, secret: str) -> bool:
        """Whether this is the webhook secret, or a former one while a rotation is on.

        All are compared in any case, so that the time does not tell which one fits.
        """
        matches = [one.fits(secret) for one in self._hashes]
        return any(matches)


@dataclass(frozen=True, slots=True)
class NewCredential:
    """A credential to store; the fields are those of ``storage.tables.Credential``."""

    kind: str
    secret: str
    label: str = ""
    client_id: str = ""
    tenant_id: str = ""
    expires_at: datetime | None = None

    def __repr__(self) -> str:
        return f"NewCredential({self.kind!r}, {self.label!r})"


def all_connections(session: Session) -> Sequence[Connection]:
    """Every connection that was not disconnected, by name."""
    there = select(Connection).where(col(Connection.disconnected_at).is_(None))
    return session.exec(there.order_by(col(Connection.name))).all()


def without_secret(session: Session) -> Sequence[str]:
    """Names of connections that have no webhook secret, so that no webhook is let in."""
    return [row.name for row in all_connections(session) if not row.secret_hash]


def get(session: Session, name: str) -> Connection | None:
    """The connection of this name, None also when it was disconnected."""
    stored = session.get(Connection, name)
    return stored if stored is not None and stored.disconnected_at is None else None


def save(session: Session, connection: Connection) -> Connection:
    """Store a connection, new or changed; a changed one keeps its secret hashes.

    One that was disconnected is connected again, with the links of before.
    """
    stored = session.get(Connection, connection.name)
    if stored is None:
        session.add(connection)
        session.flush()
        return connection
    for name in ("base_url", "api_version", "projects", "branch_template", "settings", "network"):
        setattr(stored, name, getattr(connection, name))
    stored.paused_reason = connection.paused_reason
    stored.paused_at = connection.paused_at
    stored.disconnected_at = None
    session.add(stored)
    session.flush()
    return stored


def pause(session: Session, name: str, *, reason: str, now: datetime | None = None) -> None:
    """Stop using a connection since ``now`` and say why; an empty reason starts it again."""
    stored = session.get(Connection, name)
    if stored is not None:
        stored.paused_reason = reason
        stored.paused_at = now if reason else None
        session.add(stored)


def note_reach(session: Session, name: str, *, reason: str, now: datetime) -> None:
    """Azure DevOps gives no answer, for this reason, since ``now`` or before; "": it does again."""
    stored = session.get(Connection, name)
    if stored is None or bool(stored.unreachable_since) is bool(reason):
        return
    stored.unreachable_reason = reason
    stored.unreachable_since = now if reason else None
    session.add(stored)


def door(session: Session, name: str) -> Door | None:
    """What it takes to let a webhook of this connection in; None when there is none."""
    stored = get(session, name)
    if stored is None:
        return None
    return Door(stored.name, stored.secret_hash, stored.old_secret_hash)


def set_webhook_secret(session: Session, name: str, secret: str) -> str:
    """Set a new webhook secret; the present one stays valid until ``end_rotation``.

    Returns the new one's tag (``storage.secrets.tag_of``).

    Raises:
        LookupError: there is no such connection.
        WeakSecret: the secret is shorter than 20 characters.
    """
    stored = _existing(session, name)
    former = [stored.secret_hash] if stored.secret_hash else []
    stored.old_secret_hash = " ".join([*former, *stored.old_secret_hash.split()])
    stored.secret_hash = hash_secret(secret)
    session.add(stored)
    return tag_of(stored.secret_hash)


def withdraw_secret(session: Session, name: str, tag: str) -> None:
    """Undo ``set_webhook_secret``, because no hook came to send that secret.

    Raises:
        LookupError: there is no such connection.
    """
    stored = _existing(session, name)
    kept = [one for one in _hashes(stored) if tag_of(one) != tag]
    stored.secret_hash = kept[0] if kept else ""
    stored.old_secret_hash = " ".join(kept[1:])
    session.add(stored)


def retire_secrets(session: Session, name: str, *, in_use: Collection[str]) -> int:
    """Refuse former webhook secrets whose tag is not in use any more; how many.

    Raises:
        LookupError: there is no such connection.
    """
    stored = _existing(session, name)
    former = stored.old_secret_hash.split()
    kept = [one for one in former if tag_of(one) in in_use]
    stored.old_secret_hash = " ".join(kept)
    session.add(stored)
    return len(former) - len(kept)


def end_rotation(session: Session, name: str) -> None:
    """Refuse every former webhook secret from now on.

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
    stored.warned_days = None
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


def credential_called(session: Session, name: str, label: str) -> Credential | None:
    """The credential of a connection with this label, or with this number."""
    found = credentials(session, name)
    by_label = [each for each in found if each.label == label]
    if not by_label and label.isdecimal():
        by_label = [each for each in found if each.id == int(label)]
    return by_label[0] if len(by_label) == 1 else None


def change_secret(
    session: Session, credential_id: int, encrypted: str, *, expires_at: datetime | None
) -> Credential:
    """Give a credential another secret; it counts as good until it is refused.

    Raises:
        LookupError: it was removed meanwhile.
    """
    stored = session.get(Credential, credential_id)
    if stored is None:
        raise LookupError("the credential was removed")
    stored.secret = encrypted
    stored.expires_at = expires_at
    stored.failed_at = stored.warned_days = None
    stored.failure = ""
    session.add(stored)
    session.flush()
    return stored


def remove_credential(session: Session, credential_id: int) -> None:
    """Forget a credential."""
    stored = session.get(Credential, credential_id)
    if stored is not None:
        session.delete(stored)


@dataclass(frozen=True, slots=True)
class Stake:
    """What hangs on a connection: how many of each."""

    subscriptions: int
    conversations: int
    repositories: int
    credentials: int
    hooks: int


def at_stake(session: Session, name: str) -> Stake:
    """What is lost when a connection is disconnected."""
    its = session.exec(
        select(Subscription.conversation_id).where(Subscription.connection == name)
    ).all()
    there = (RepositoryRow.connection == name, col(RepositoryRow.removed_at).is_(None))
    repositories = session.exec(select(RepositoryRow.id).where(*there)).all()
    hooks = session.exec(select(Hook.id).where(Hook.connection == name)).all()
    count = len(credentials(session, name))
    return Stake(len(its), len(set(its)), len(repositories), count, len(hooks))


def hook_ids(session: Session, name: str) -> Sequence[str]:
    """Ids of the service hooks that Pullcord made for a connection."""
    return session.exec(select(Hook.id).where(Hook.connection == name)).all()


def disconnect(session: Session, name: str, *, now: datetime) -> None:
    """Forget how to reach a connection and who follows it; links, pull requests and audit stay.

    Raises:
        LookupError: there is no such connection.
    """
    stored = _existing(session, name)
    stored.disconnected_at = now
    stored.secret_hash = stored.old_secret_hash = stored.network = stored.paused_reason = ""
    stored.unreachable_reason = ""
    stored.paused_at = stored.unreachable_since = None
    session.add(stored)
    forget_feed(session, name, now=now)
    for table in (Credential, Subscription):
        for row in session.exec(select(table).where(table.connection == name)).all():
            session.delete(row)
    there = (RepositoryRow.connection == name, col(RepositoryRow.removed_at).is_(None))
    for repository in session.exec(select(RepositoryRow).where(*there)).all():
        repository.removed_at = now
        session.add(repository)
    meant = select(ConversationRow).where(ConversationRow.default_connection == name)
    for conversation in session.exec(meant).all():
        conversation.default_connection = conversation.default_repository = ""
        session.add(conversation)
    session.flush()


def encrypt_again(session: Session, box: SecretBox) -> int:
    """Encrypt everything with the first key; how many secrets were.

    Raises:
        WrongSecretKey: one of them was encrypted with none of the keys; nothing is changed.
    """
    kept = session.exec(select(Credential)).all()
    reached = session.exec(select(Connection).where(Connection.network != "")).all()
    for credential in kept:
        credential.secret = box.rotate(credential.secret)
        session.add(credential)
    for connection in reached:
        connection.network = box.rotate(connection.network)
        session.add(connection)
    return len(kept) + len(reached)


def _hashes(connection: Connection) -> list[str]:
    """The valid webhook secrets' hashes, the present one first."""
    present = [connection.secret_hash] if connection.secret_hash else []
    return [*present, *connection.old_secret_hash.split()]


def _existing(session: Session, name: str) -> Connection:
    stored = get(session, name)
    if stored is None:
        raise LookupError(f"there is no connection {name}")
    return stored
