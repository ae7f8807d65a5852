"""A credential is refused, or works again: set aside, paused, gone on, and who hears of it."""

from collections.abc import Collection
from datetime import datetime

from sqlmodel import Session

from bot.connections.telling import (
    failed_message,
    label_of,
    paused_message,
    resumed_message,
    tell_administrators,
    tell_conversations,
    works_message,
)
from storage import audit
from storage.queries import connections
from storage.tables import Credential

ACTOR = "pullcord"
REASON_LENGTH = 400


def record_failed(
    session: Session,
    credential_id: int,
    *,
    reason: str,
    administrators: Collection[str],
    now: datetime,
    secret: str | None = None,
) -> bool:
    """Set a credential aside; without another the connection is paused. False: that was known.

    ``secret`` is what was refused, as it is stored: a credential that has another by now is fine.
    """
    credential = session.get(Credential, credential_id)
    if credential is None or credential.failed_at is not None:
        return False
    if secret is not None and credential.secret != secret:
        return False
    name, reason = credential.connection, reason[:REASON_LENGTH]
    connections.mark_credential(session, credential_id, failure=reason, now=now)
    _audit(session, "credential.failed", credential, {"reason": reason}, now)
    others = [each for each in connections.credentials(session, name) if each.failed_at is None]
    message = failed_message(name, credential, reason, others)
    key = f"credential_failed:{credential_id}:{now.isoformat()}"
    tell_administrators(session, administrators, message, key=key, now=now)
    if not others:
        pause(
            session, name, reason=f"No credential works. {label_of(credential)}: {reason}", now=now
        )
    return True


def record_works(
    session: Session, credential_id: int, *, administrators: Collection[str], now: datetime
) -> bool:
    """Use a credential again; a paused connection goes on. True: it went on by this."""
    credential = session.get(Credential, credential_id)
    if credential is None:
        return False
    name = credential.connection
    if credential.failed_at is not None:
        connections.mark_credential(session, credential_id, failure="", now=now)
        _audit(session, "credential.works", credential, {}, now)
        key = f"credential_works:{credential_id}:{now.isoformat()}"
        tell_administrators(
            session, administrators, works_message(name, credential), key=key, now=now
        )
    return resume(session, name, now=now)


def pause(session: Session, name: str, *, reason: str, now: datetime) -> None:
    """Stop using a connection, and say so where it is followed."""
    connection = connections.get(session, name)
    if connection is None or connection.paused_reason:
        return
    connections.pause(session, name, reason=reason, now=now)
    audit.append(
        session,
        at=now,
        actor=ACTOR,
        action="connection.paused",
        connection=name,
        subject=f"connection/{name}",
        before={"paused": False},
        after={"paused": True, "reason": reason},
    )
    key = f"connection_paused:{name}:{now.isoformat()}"
    tell_conversations(session, name, paused_message(name, reason), key=key, now=now)


def resume(session: Session, name: str, *, now: datetime) -> bool:
    """Use a paused connection again, and say so; False when it was not paused."""
    connection = connections.get(session, name)
    if connection is None or not connection.paused_reason:
        return False
    before = {"paused": True, "reason": connection.paused_reason}
    since = connection.paused_at.isoformat() if connection.paused_at else ""
    connections.pause(session, name, reason="")
    audit.append(
        session,
        at=now,
        actor=ACTOR,
        action="connection.resumed",
        connection=name,
        subject=f"connection/{name}",
        before=before | {"since": since},
        after={"paused": False},
    )
    key = f"connection_resumed:{name}:{now.isoformat()}"
    tell_conversations(session, name, resumed_message(name), key=key, now=now)
    return True


def _audit(
    session: Session, action: str, credential: Credential, after: dict[str, str], now: datetime
) -> None:
    audit.append(
        session,
        at=now,
        actor=ACTOR,
        action=action,
        connection=credential.connection,
        subject=f"connection/{credential.connection}",
        before=None,
        after={"credential": label_of(credential), **after},
    )
