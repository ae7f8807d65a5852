"""What the gauges of ``/metrics`` show of connections, credentials and conflicts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func
from sqlmodel import Session, col, select

from storage.tables import ConflictEpisode, Connection, Credential


@dataclass(frozen=True, slots=True)
class CredentialExpiry:
    """When a credential of a connection expires. Nothing secret."""

    connection: str
    credential: str
    expires_at: datetime


def open_conflicts(session: Session) -> Mapping[str, int]:
    """How many pull requests have conflicts, for every connection."""
    counted = session.exec(
        select(ConflictEpisode.connection, func.count())
        .where(col(ConflictEpisode.ended_at).is_(None))
        .group_by(ConflictEpisode.connection)
    ).all()
    names = session.exec(select(Connection.name)).all()
    return dict.fromkeys(names, 0) | dict(counted)


def credential_expiries(session: Session) -> Sequence[CredentialExpiry]:
    """Those of which it is known."""
    rows = session.exec(
        select(Credential)
        .where(col(Credential.expires_at).is_not(None))
        .order_by(col(Credential.id))
    ).all()
    return [
        CredentialExpiry(row.connection, row.label or f"{row.kind} {row.id}", row.expires_at)
        for row in rows
        if row.expires_at is not None
    ]
