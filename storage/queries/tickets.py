"""Tickets as last seen."""

from sqlmodel import Session

from storage.tables import TicketRow


def get(session: Session, connection: str, number: int) -> TicketRow | None:
    """The ticket of this number."""
    return session.get(TicketRow, (connection, number))


def store(session: Session, seen: TicketRow) -> bool:
    """Keep a ticket; False when a later revision (or this one, read later) is stored already."""
    stored = session.get(TicketRow, (seen.connection, seen.number), with_for_update=True)
    if stored is not None and (stored.rev, stored.as_of) > (seen.rev, seen.as_of):
        return False
    session.merge(seen)
    session.flush()
    return True
