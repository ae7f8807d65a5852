"""What of tickets people were told."""

from datetime import datetime

from sqlalchemy import Index
from sqlmodel import Field

from storage.tables.row import Row


class TicketNews(Row, table=True):
    """A ticket as its last webhook left it: what comes next is compared with this.

    It stands beside TicketRow, which reads from Azure DevOps bring up to date, too, without
    anybody being told. ``assigned_to`` is ``Name <account>``, "" when nobody is.
    """

    __tablename__ = "ticket_news"
    __table_args__ = (Index("ix_ticket_news_seen", "seen_at"),)

    connection: str = Field(primary_key=True, foreign_key="connections.name")
    number: int = Field(primary_key=True)
    rev: int
    state: str = ""
    assigned_to: str = ""
    seen_at: datetime
