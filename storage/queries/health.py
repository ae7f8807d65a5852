"""How the connections are doing, for ``status``."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func
from sqlmodel import Session, col, select

from storage.queries.connections import all_connections
from storage.tables import Connection, Credential, InboxRow, RepositoryRow

RECENT_ROWS = 50_000


@dataclass(frozen=True, slots=True)
class ConnectionHealth:
    """One connection, without anything secret."""

    name: str
    base_url: str
    paused_reason: str
    unreachable_reason: str
    unreachable_since: datetime | None
    failing_credentials: int
    last_hook_at: datetime | None
    last_sweep_at: datetime | None


def of_connections(session: Session) -> list[ConnectionHealth]:
    """Every connection, by name."""
    return [_health(session, row) for row in all_connections(session)]


def last_webhook_at(session: Session, connection: str) -> datetime | None:
    """When a connection's last webhook came, of those that are kept."""
    # Ids rise with time. Only the newest rows are looked at, so that a quiet connection among busy
    # ones costs no scan of everything that ever came.
    newest = select(func.max(InboxRow.id)).scalar_subquery()
    return session.exec(
        select(InboxRow.received_at)
        .where(InboxRow.connection == connection, col(InboxRow.id) > newest - RECENT_ROWS)
        .order_by(col(InboxRow.id).desc())
        .limit(1)
    ).first()


def _health(session: Session, row: Connection) -> ConnectionHealth:
    last_sweep = session.exec(
        select(func.max(RepositoryRow.swept_at)).where(RepositoryRow.connection == row.name)
    ).one()
    failing = session.exec(
        select(func.count())
        .select_from(Credential)
        .where(Credential.connection == row.name, col(Credential.failed_at).is_not(None))
    ).one()
    return ConnectionHealth(
        name=row.name,
        base_url=row.base_url,
        paused_reason=row.paused_reason,
        unreachable_reason=row.unreachable_reason,
        unreachable_since=row.unreachable_since,
        failing_credentials=failing,
        last_hook_at=last_webhook_at(session, row.name),
        last_sweep_at=last_sweep,
    )
