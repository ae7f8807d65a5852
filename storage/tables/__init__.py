"""Every table, one module per area. Importing this fills ``SQLModel.metadata``."""

from storage.tables.audit import AuditCut, AuditRow
from storage.tables.conflicts import ConflictEpisode, ConflictSnooze, OwnFinding, PostedAlert
from storage.tables.connections import (
    Connection,
    Credential,
    Feed,
    FeedTrouble,
    Hook,
    RepositoryRow,
)
from storage.tables.people import (
    ConversationRow,
    IdentityRow,
    Person,
    PostedCard,
    Subscription,
)
from storage.tables.queues import ActivityRow, InboxRow, Lease, OutboxRow, WorkflowRun
from storage.tables.radar import ChangedFilesRow, RadarPair, TrialMergeRow
from storage.tables.roles import ConversationRole, ProjectRoleRow
from storage.tables.work import Link, PullRequestRow, ReviewerRow, TicketRow

__all__ = [
    "ActivityRow",
    "AuditCut",
    "AuditRow",
    "ChangedFilesRow",
    "ConflictEpisode",
    "ConflictSnooze",
    "Connection",
    "ConversationRole",
    "ConversationRow",
    "Credential",
    "Feed",
    "FeedTrouble",
    "Hook",
    "IdentityRow",
    "InboxRow",
    "Lease",
    "Link",
    "OutboxRow",
    "OwnFinding",
    "Person",
    "PostedAlert",
    "PostedCard",
    "ProjectRoleRow",
    "PullRequestRow",
    "RadarPair",
    "RepositoryRow",
    "ReviewerRow",
    "Subscription",
    "TicketRow",
    "TrialMergeRow",
    "WorkflowRun",
]
