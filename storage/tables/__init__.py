"""Every table, one module per area. Importing this fills ``SQLModel.metadata``."""

from storage.tables.audit import AuditCut, AuditRow
from storage.tables.builds import BranchBuild
from storage.tables.checks import CheckWatch, FailedCheck
from storage.tables.conflicts import (
    ConflictEpisode,
    ConflictSnooze,
    MergeStatusRow,
    OwnFinding,
    PostedAlert,
)
from storage.tables.connections import (
    Connection,
    Credential,
    Feed,
    FeedTrouble,
    Hook,
    RepositoryRow,
)
from storage.tables.filters import PullRequestLabels
from storage.tables.held import (
    GroupMembers,
    GroupTurn,
    HeldNotice,
    ReviewedCommit,
    ThreadParticipant,
)
from storage.tables.people import (
    ConversationRow,
    IdentityRow,
    Person,
    PostedCard,
    Subscription,
    TeamChannel,
)
from storage.tables.queues import ActivityRow, InboxRow, Lease, OutboxRow, WorkflowRun
from storage.tables.radar import (
    ChangedFilesRow,
    PostedRadarAlert,
    RadarBacklog,
    RadarPair,
    TrialMergeRow,
)
from storage.tables.reminders import DigestTime, Reminder
from storage.tables.roles import ConversationRole, ProjectRoleRow
from storage.tables.tickets import TicketNews
from storage.tables.work import Link, PullRequestRow, ReviewerRow, TicketRow

__all__ = [
    "ActivityRow",
    "AuditCut",
    "AuditRow",
    "BranchBuild",
    "ChangedFilesRow",
    "CheckWatch",
    "ConflictEpisode",
    "ConflictSnooze",
    "Connection",
    "ConversationRole",
    "ConversationRow",
    "Credential",
    "DigestTime",
    "FailedCheck",
    "Feed",
    "FeedTrouble",
    "GroupMembers",
    "GroupTurn",
    "HeldNotice",
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
    "ProjectRoleRow",
    "PullRequestLabels",
    "PullRequestRow",
    "RadarBacklog",
    "RadarPair",
    "Reminder",
    "RepositoryRow",
    "ReviewedCommit",
    "ReviewerRow",
    "Subscription",
    "TeamChannel",
    "ThreadParticipant",
    "TicketNews",
    "TicketRow",
    "TrialMergeRow",
    "WorkflowRun",
]
