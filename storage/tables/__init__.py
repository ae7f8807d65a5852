"""Every table, one module per area. Importing this fills ``SQLModel.metadata``."""

from storage.tables.audit import AuditRow
from storage.tables.connections import Connection, Credential, Hook, RepositoryRow
from storage.tables.people import (
    ConversationRow,
    IdentityRow,
    Person,
    PostedCard,
    Subscription,
)
from storage.tables.queues import ActivityRow, InboxRow, Lease, OutboxRow, WorkflowRun
from storage.tables.work import Link, PullRequestRow, ReviewerRow, TicketRow

__all__ = [
    "ActivityRow",
    "AuditRow",
    "Connection",
    "ConversationRow",
    "Credential",
    "Hook",
    "IdentityRow",
    "InboxRow",
    "Lease",
    "Link",
    "OutboxRow",
    "Person",
    "PostedCard",
    "PullRequestRow",
    "RepositoryRow",
    "ReviewerRow",
    "Subscription",
    "TicketRow",
    "WorkflowRun",
]
