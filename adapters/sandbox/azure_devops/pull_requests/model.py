"""The state of one pull request."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from adapters.sandbox.azure_devops.git.conflicts import Conflict
from adapters.sandbox.azure_devops.people import SandboxIdentity
from adapters.sandbox.azure_devops.projects import SandboxRepository

Status = Literal["active", "abandoned", "completed"]
MergeStatus = Literal["notSet", "queued", "conflicts", "succeeded", "rejectedByPolicy", "failure"]

DESCRIPTION_LIMIT = 4000
LISTED_DESCRIPTION_LIMIT = 400
VOTES = (10, 5, 0, -5, -10)


@dataclass(slots=True)
class Reviewer:
    """A reviewer and the vote (10, 5, 0, -5, -10); it counts for ``voted_for``, groups, too."""

    person: SandboxIdentity
    vote: int = 0
    is_required: bool = False
    has_declined: bool = False
    is_flagged: bool = False
    voted_for: list[SandboxIdentity] = field(default_factory=list)


@dataclass(slots=True)
class ThreadComment:
    """One comment in a thread; ids count from 1 within the thread."""

    id: int
    author: SandboxIdentity
    text: str
    published: datetime
    updated: datetime
    parent_id: int = 0
    kind: str = "text"
    is_deleted: bool = False


@dataclass(slots=True)
class Thread:
    """A comment thread; ``status`` active, fixed, wontFix, closed, byDesign or pending."""

    id: int
    published: datetime
    updated: datetime
    status: str = "active"
    comments: list[ThreadComment] = field(default_factory=list)
    file_path: str | None = None


@dataclass(frozen=True, slots=True)
class Iteration:
    """The pull request as of one push; ``reason`` create, push, forcePush or retarget."""

    id: int
    author: SandboxIdentity
    created: datetime
    reason: str
    source: str
    target: str
    common: str | None


@dataclass(frozen=True, slots=True)
class PullRequestStatus:
    """A status that a tool has posted; the newest per (genre, name) counts."""

    id: int
    state: str
    description: str
    genre: str | None
    name: str
    target_url: str | None
    created_by: SandboxIdentity
    created: datetime
    iteration_id: int | None = None


@dataclass(frozen=True, slots=True)
class PolicyType:
    """A kind of branch policy, as every organisation has it (Policy - Types)."""

    id: str
    name: str


MINIMUM_REVIEWERS = PolicyType(
    "fa4e907d-c16b-4a4c-9dfa-4906e5d171dd", "Minimum number of reviewers"
)
BUILD_VALIDATION = PolicyType("0609b952-1397-4640-95ec-e00a01b2c241", "Build")
STATUS_POLICY = PolicyType("cbdc66da-9728-4af8-aada-9a5a32e4a226", "Status")


@dataclass(slots=True)
class PolicyEvaluation:
    """One branch policy's verdict.

    ``status`` is queued, running, approved, rejected, notApplicable or broken. ``settings`` are
    the configuration's own, ``context`` what the evaluation knows of its build.
    """

    id: str
    name: str
    type: PolicyType
    status: str
    is_blocking: bool
    started: datetime
    settings: dict[str, Any] = field(default_factory=dict)
    context: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Label:
    """A label (tag) of the pull request."""

    id: str
    name: str


@dataclass(eq=False, slots=True)
class SandboxPullRequest:
    """A pull request; ``id`` is unique in the organisation, commits are full SHAs."""

    id: int
    repository: SandboxRepository
    title: str
    description: str
    source_ref: str
    target_ref: str
    author: SandboxIdentity
    created: datetime
    is_draft: bool = False
    status: Status = "active"
    merge_status: MergeStatus = "notSet"
    merge_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    merge_failure: str | None = None
    merge_failure_type: str = "none"
    last_source: str | None = None
    last_target: str | None = None
    last_merge: str | None = None
    merge_base: str | None = None
    conflicts: tuple[Conflict, ...] = ()
    reviewers: dict[str, Reviewer] = field(default_factory=dict)
    threads: list[Thread] = field(default_factory=list)
    iterations: list[Iteration] = field(default_factory=list)
    statuses: list[PullRequestStatus] = field(default_factory=list)
    policies: list[PolicyEvaluation] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)
    closed: datetime | None = None
    closed_by: SandboxIdentity | None = None
    completion_options: dict[str, Any] | None = None
    completion_queued: datetime | None = None
    auto_complete_set_by: SandboxIdentity | None = None
    merge_round: int = 0
    """Counts requested merges, so that one overtaken by a newer request is dropped."""

    def latest_statuses(self) -> list[PullRequestStatus]:
        """Return the newest status per context."""
        newest = {(status.genre, status.name): status for status in self.statuses}
        return list(newest.values())
