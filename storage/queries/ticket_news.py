"""Tickets as their last webhooks left them."""

from sqlmodel import Session

from storage.tables import TicketNews


def get(session: Session, connection: str, number: int) -> TicketNews | None:
    """What was told last of a ticket, locked until the transaction ends."""
    return session.get(TicketNews, (connection, number), with_for_update=True)


def keep(session: Session, row: TicketNews) -> None:
    """Store it in place of the one before."""
    session.merge(row)
    session.flush()
