"""Who did what, and because of what. Append only."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, Index
from sqlmodel import Field

from storage.tables.queues import RowId
from storage.tables.row import Row


class AuditRow(Row, table=True):
    """One entry. ``subject`` is ``pull_request/contoso/12``, ``ticket/contoso/123``, …

    ``actor`` is a person's name and mail, an Azure DevOps identity, or ``pullcord``. ``cause`` is
    the webhook's event id, the Teams activity id, or ``sweep``. ``digest`` is the SHA-256 of the
    previous digest and this row, so that a change behind our back shows (``pullcord audit
    verify``).
    """

    __tablename__ = "audit"
    __table_args__ = (Index("ix_audit_subject", "subject", "id"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=RowId)
    at: datetime
    actor: str
    action: str
    connection: str = ""
    subject: str = ""
    before: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON))
    after: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON))
    cause: str = ""
    digest: str = ""


class AuditCut(Row, table=True):
    """Where the audit begins, once old entries were forgotten; one row.

    ``digest`` is that of the last forgotten entry, so that the first kept one can be checked.
    ``entries`` were forgotten since it was last said in the audit itself.
    """

    __tablename__ = "audit_cuts"

    id: int = Field(default=1, primary_key=True)
    through_id: int = Field(sa_type=RowId)
    digest: str
    cut_at: datetime
    entries: int = 0
