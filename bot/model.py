"""What Pullcord knows of Azure DevOps, as plain values.

Adapters turn webhook bodies and REST answers into these; everything else reads only these.
Times are aware and in UTC; refs are whole (``refs/heads/feature/x``).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import ClassVar

HEADS = "refs/heads/"


def branch_name(ref: str) -> str:
    """The branch's name without ``refs/heads/``; slashes in it stay (``feature/x``)."""
    return ref.removeprefix(HEADS)


class PullRequestStatus(StrEnum):
    """Status of a pull request (Azure DevOps REST, PullRequestStatus)."""

    ACTIVE = "active"
    COMPLETED = "completed"
    ABANDONED = "abandoned"


class MergeStatus(StrEnum):
    """Outcome of the last trial merge (Azure DevOps REST, PullRequestAsyncStatus)."""

    NOT_SET = "notSet"
    QUEUED = "queued"
    CONFLICTS = "conflicts"
    SUCCEEDED = "succeeded"
    REJECTED_BY_POLICY = "rejectedByPolicy"
    FAILURE = "failure"

    @property
    def is_settled(self) -> bool:
        """Whether Azure DevOps has finished the trial merge that this status speaks of."""
        return self not in (MergeStatus.NOT_SET, MergeStatus.QUEUED)


class Vote(IntEnum):
    """A reviewer's vote (Azure DevOps REST, IdentityRefWithVote.vote)."""

    APPROVED = 10
    APPROVED_WITH_SUGGESTIONS = 5
    NONE = 0
    WAITING_FOR_AUTHOR = -5
    REJECTED = -10


@dataclass(frozen=True, slots=True)
class Identity:
    """A person or group of Azure DevOps.

    ``unique_name`` is a mail address or UPN on Services, ``DOMAIN\\user`` on Server.
    """

    id: str
    display_name: str
    unique_name: str = ""
    is_group: bool = False


@dataclass(frozen=True, slots=True)
class Repository:
    """A git repository. ``id`` and ``project_id`` are GUIDs, lower case."""

    id: str
    name: str
    project_id: str
    project_name: str
    default_branch: str | None = None
    web_url: str | None = None
    is_disabled: bool = False


@dataclass(frozen=True, slots=True)
class Fork:
    """The repository that a pull request's source branch is in, where it is not the target's.

    Azure DevOps allows forks within one organisation or collection. Everything is "" where it does
    not say which one it is (GitPullRequest.forkSource).
    """

    id: str = ""
    name: str = ""
    project_id: str = ""
    project_name: str = ""


@dataclass(frozen=True, slots=True)
class Reviewer:
    """One reviewer of a pull request and the vote.

    ``voted_for`` are the ids of the groups for which this vote counts.
    """

    identity: Identity
    vote: Vote = Vote.NONE
    required: bool = False
    declined: bool = False
    voted_for: tuple[str, ...] = ()


class SnapshotSource(StrEnum):
    """Where a snapshot comes from. REST is the truth; a hook's body may be drawn late."""

    HOOK = "hook"
    REST = "rest"


@dataclass(frozen=True, slots=True)
class PullRequestSnapshot:
    """A pull request as it was at ``as_of``.

    ``as_of`` is a webhook's createdDate, or the moment a REST answer was asked for.
    ``description`` is cut to 400 characters in list answers (``is_summary``).
    ``number`` is unique in the connection (organisation or collection). ``fork`` is where the
    source branch is, None: in the same repository, as far as this snapshot says.
    """

    connection: str
    repository: Repository
    number: int
    title: str
    author: Identity
    source_ref: str
    target_ref: str
    status: PullRequestStatus
    as_of: datetime
    source: SnapshotSource
    created_at: datetime
    description: str = ""
    is_draft: bool = False
    merge_status: MergeStatus = MergeStatus.NOT_SET
    merge_failure: str = ""
    source_commit: str = ""
    target_commit: str = ""
    merge_commit: str = ""
    closed_at: datetime | None = None
    closed_by: Identity | None = None
    auto_complete_by: Identity | None = None
    reviewers: tuple[Reviewer, ...] = ()
    web_url: str = ""
    is_summary: bool = False
    fork: Fork | None = None


class CheckKind(StrEnum):
    """What gives a check's verdict.

    ``status``: a tool that posts statuses. ``build``: a build validation policy. ``policy``: any
    other branch policy; most of them wait for people (reviewers, comments, linked tickets).
    """

    STATUS = "status"
    BUILD = "build"
    POLICY = "policy"


@dataclass(frozen=True, slots=True)
class Check:
    """One check of a pull request: a status, the latest of its context, or a policy's evaluation.

    ``state`` is Azure DevOps' GitStatusState for all kinds: notSet, pending, succeeded, failed,
    error, notApplicable. ``is_blocking``: without it the pull request cannot be completed.
    ``run`` tells one run of the check from the next (``status/17``, ``build/123``).
    """

    name: str
    state: str
    description: str = ""
    target_url: str = ""
    kind: CheckKind = CheckKind.STATUS
    is_blocking: bool = False
    run: str = ""


class ConflictKind(StrEnum):
    """How a file conflicts, in people's words (from Azure DevOps' GitConflictType)."""

    BOTH_CHANGED = "both changed"
    BOTH_ADDED = "both added"
    DELETED_HERE = "deleted here, changed on the target"
    DELETED_THERE = "changed here, deleted on the target"
    RENAMED = "renamed"
    FOLDER = "file and folder of one name"
    UNKNOWN = "conflicts"


@dataclass(frozen=True, slots=True)
class FileConflict:
    """One file that cannot be merged; ``path`` begins with a slash."""

    path: str
    kind: ConflictKind


@dataclass(frozen=True, slots=True)
class TrialMerge:
    """A trial merge of two commits (Azure DevOps REST, Merges).

    ``status`` is CONFLICTS, SUCCEEDED, FAILURE, or QUEUED when it was still not done.
    """

    ours: str
    theirs: str
    status: MergeStatus
    message: str = ""


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit, with the pull request that brought it when its message names one (0: none)."""

    id: str
    author_name: str
    message: str
    at: datetime
    pull_request: int = 0


@dataclass(frozen=True, slots=True)
class PushedFile:
    """A file that we pushed: its commit, and the account that Azure DevOps says it was."""

    commit: str
    by: Identity | None = None


@dataclass(frozen=True, slots=True)
class BranchChanges:
    """What a branch gained since a commit.

    ``tip`` is the branch's commit; ``is_ahead``: that commit is part of it, so it was not
    rewritten. ``paths`` begin with a slash; None: too many to be listed at once.
    """

    tip: str
    is_ahead: bool
    paths: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class Iteration:
    """One update of a pull request: a push to its source, or another target.

    ``number`` counts from 1; ``author_name`` is who pushed or retargeted.
    """

    number: int
    source_commit: str
    author_name: str = ""


@dataclass(frozen=True, slots=True)
class PushedCommits:
    """What moved a source branch from commit ``old`` to ``new``.

    ``count`` are the commits that are new and not of the target branch, so that merging the target
    counts as the one commit that it is; 0: not known. ``is_rewritten``: ``old`` is no ancestor of
    ``new``, so it was force-pushed.
    """

    old: str
    new: str
    count: int = 0
    is_rewritten: bool = False


@dataclass(frozen=True, slots=True)
class Comment:
    """One comment of a pull request's thread.

    ``is_system`` marks what Azure DevOps wrote itself ("Maya voted 10").
    """

    thread_id: int
    comment_id: int
    author: Identity
    text: str
    created_at: datetime
    updated_at: datetime | None = None
    is_deleted: bool = False
    is_system: bool = False


@dataclass(frozen=True, slots=True)
class Ticket:
    """A work item. Texts are HTML unless ``is_markdown``; relations are artifact or web URLs."""

    connection: str
    number: int
    rev: int
    project_name: str
    type: str
    title: str
    state: str
    description: str = ""
    acceptance_criteria: str = ""
    assigned_to: Identity | None = None
    area_path: str = ""
    web_url: str = ""
    relations: tuple[str, ...] = ()
    markdown_fields: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class TicketState:
    """A state of a work item type. ``category``: Proposed, InProgress, Resolved, Completed, …"""

    name: str
    category: str


@dataclass(frozen=True, slots=True)
class RefUpdate:
    """One ref of a push. Commit ids are 40 hex digits; all zeros means "did not exist"."""

    name: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Pushed:
    """A push to a repository (git.push)."""

    repository: Repository
    updates: tuple[RefUpdate, ...]
    pusher: Identity | None
    at: datetime


@dataclass(frozen=True, slots=True)
class PullRequestHook:
    """A pull-request body: a hint of its state. ``kind`` is the hook's event type."""

    snapshot: PullRequestSnapshot
    kind: str


@dataclass(frozen=True, slots=True)
class CommentHook:
    """A comment on a pull request.

    Resource version 2.0 carries the pull request; 1.0 only its number and repository id in links.
    """

    comment: Comment
    repository_id: str
    number: int
    snapshot: PullRequestSnapshot | None = None


@dataclass(frozen=True, slots=True)
class TicketHook:
    """A work item was created, updated or commented.

    ``fields`` are the new values known from the body by reference name; identities as strings.
    ``old`` are the values that this very update replaced, of an update only.
    """

    kind: str
    number: int
    rev: int
    project_name: str
    type: str
    title: str
    state: str
    at: datetime
    changed_by: str = ""
    comment: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    old: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BuildHook:
    """A build ended. ``result``: succeeded, partiallySucceeded, failed, canceled, stopped.

    Resource version 1.0 does not say of which repository it is; ``project_id`` is "" where the
    body does not name the project.
    """

    build_id: int
    name: str
    result: str
    source_ref: str
    repository_id: str
    web_url: str
    at: datetime
    project_id: str = ""


@dataclass(frozen=True, slots=True)
class Build:
    """A finished build (Azure DevOps REST, Build). ``result`` as in BuildHook.

    ``definition_id`` is unique in the organisation, ``source_ref`` a whole ref. Without a
    repository of Azure Repos ``repository_id`` and ``repository_name`` are "". ``requested_for``
    is whose commit it builds.
    """

    id: int
    number: str
    project_id: str
    project_name: str
    definition_id: int
    definition: str
    result: str
    source_ref: str
    repository_id: str
    repository_name: str
    finished_at: datetime
    requested_for: Identity | None = None
    web_url: str = ""


@dataclass(frozen=True, slots=True)
class RepositoryHook:
    """A repository was renamed or deleted. ``kind``: git.repo.renamed, git.repo.deleted."""

    kind: str
    repository: Repository


@dataclass(frozen=True, slots=True)
class TestHook:
    """The Test button's sample (Fabrikam): nothing happened in the organisation."""

    __test__: ClassVar = False  # pytest takes the name for a test's

    kind: str


@dataclass(frozen=True, slots=True)
class UnusedHook:
    """A kind of event that Pullcord does not use: kept, and marked so."""

    kind: str


Hook = (
    PullRequestHook
    | CommentHook
    | Pushed
    | TicketHook
    | BuildHook
    | RepositoryHook
    | TestHook
    | UnusedHook
)
