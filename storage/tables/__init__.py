"""Every table, one module per area. Importing this fills ``SQLModel.metadata``."""

from storage.tables.audit import AuditRow
from storage.tables.conflicts import (
    ConflictEpisode,
    ConflictSnooze,
    MergeStatusRow,
    OwnFinding,
    PostedAlert,
)
from storage.tables.connections import Connection, Credential, Hook, RepositoryRow
from storage.tables.people import (
    ConversationRow,
    IdentityRow,
    Person,
    PostedCard,
    Subscription,
)
from storage.tables.queues import ActivityRow, InboxRow, Lease, OutboxRow, WorkflowRun
from storage.tables.radar import (
    ChangedFilesRow,
    PostedRadarAlert,
    RadarBacklog,
    RadarPair,
    TrialMergeRow,
)
from storage.tables.work import Link, PullRequestRow, ReviewerRow, TicketRow

__all__ = [
    "ActivityRow",
    "AuditRow",
    "ChangedFilesRow",
    "ConflictEpisode",
    "ConflictSnooze",
    "Connection",
    "ConversationRow",
    "Credential",
    "Hook",
    "IdentityRow",
    "InboxRow",
    "Lease",
    "Link",
    "MergeStatusRow",
    "OutboxRow",
    "OwnFinding",
    "Person",
    "PostedAlert",
    "PostedCard",
    "PostedRadarAlert",
    "PullRequestRow",
    "RadarBacklog",
    "RadarPair",
    "RepositoryRow",
    "ReviewerRow",
    "Subscription",
    "TicketRow",
    "TrialMergeRow",
    "WorkflowRun",
]
