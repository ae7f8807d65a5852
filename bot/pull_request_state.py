"""What Pullcord holds of a pull request, built from snapshots that arrive in any order.

Each part of the state is a register that keeps its newest value: the greatest ``Version`` wins,
whatever the order of arrival. Parts that a snapshot may say nothing about (a webhook body without
reviewers, a trial merge still queued, a cut description) have registers of their own, so silence
never overwrites knowledge.
"""

import hashlib
import json
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import UTC, datetime
from typing import Any

from bot.model import (
    Fork,
    Identity,
    MergeStatus,
    PullRequestSnapshot,
    PullRequestStatus,
    Repository,
    Reviewer,
    SnapshotSource,
)

_NOT_CONTENT = frozenset({"as_of", "source"})


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """A snapshot's place in the total order: time, then REST (1) over hook (0), then content."""

    as_of: datetime
    rank: int
    digest: str

    @property
    def label(self) -> str:
        """Short text that no other version of the pull request has."""
        return f"{self.as_of:%Y%m%dT%H%M%S.%fZ}-{self.rank}-{self.digest[:16]}"


@dataclass(frozen=True, slots=True)
class Versions:
    """Which snapshot each register's value is from; None: no snapshot has spoken of it yet."""

    head: Version
    description: Version | None = None
    summary: Version | None = None
    source_commit: Version | None = None
    reviewers: Version | None = None
    auto_complete: Version | None = None
    closer: Version | None = None
    merge: Version | None = None
    fork: Version | None = None


@dataclass(frozen=True, slots=True)
class Closer:
    """Who closed it, and which closing this speaks of."""

    by: Identity
    status: PullRequestStatus
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Merge:
    """The last settled trial merge and what was merged."""

    status: MergeStatus
    as_of: datetime
    failure: str = ""
    source_commit: str = ""
    target_commit: str = ""
    merge_commit: str = ""
    target_ref: str = ""


@dataclass(frozen=True, slots=True)
class PullRequestState:
    """A pull request as far as it is known.

    ``published_at`` and ``conflicted_since`` are history: when it was first seen ready for review,
    and since when the current episode runs (None: no episode). They depend on what was seen when,
    so they are not part of what converges; everything else is.
    """

    connection: str
    repository: Repository
    number: int
    title: str
    author: Identity
    source_ref: str
    target_ref: str
    status: PullRequestStatus
    is_draft: bool
    created_at: datetime
    closed_at: datetime | None
    web_url: str
    versions: Versions
    full_description: str = ""
    summary: str = ""
    source_commit: str = ""
    reviewers: tuple[Reviewer, ...] = ()
    auto_complete_by: Identity | None = None
    closer: Closer | None = None
    merge: Merge | None = None
    published_at: datetime | None = None
    conflicted_since: datetime | None = None
    fork: Fork | None = None

    @property
    def is_active(self) -> bool:
        """Whether it is open."""
        return self.status is PullRequestStatus.ACTIVE

    @property
    def as_of(self) -> datetime:
        """The time of the newest snapshot."""
        return self.versions.head.as_of

    @property
    def merge_status(self) -> MergeStatus:
        """The last settled trial merge's outcome, NOT_SET before the first."""
        return self.merge.status if self.merge else MergeStatus.NOT_SET

    @property
    def has_conflicts(self) -> bool:
        """Whether it is open and the last settled trial merge found conflicts."""
        return self.is_active and self.merge_status is MergeStatus.CONFLICTS

    @property
    def closed_by(self) -> Identity | None:
        """Who closed it, None while it is open or not known."""
        closer = self.closer
        if closer is None or (closer.status, closer.closed_at) != (self.status, self.closed_at):
            return None
        return closer.by

    @property
    def description(self) -> str:
        """The description, whole where one was read; a list answer's cut of it is not newer."""
        whole, cut = self.versions.description, self.versions.summary
        if cut is None or (whole is not None and cut < whole):
            return self.full_description
        if whole is not None and self.full_description.startswith(self.summary):
            return self.full_description
        return self.summary


def version_of(snapshot: PullRequestSnapshot) -> Version:
    """The snapshot's place in the total order. Equal versions are equal snapshots."""
    rank = 1 if snapshot.source is SnapshotSource.REST else 0
    content = json.dumps(_canonical(snapshot), sort_keys=True)
    return Version(in_utc(snapshot.as_of), rank, hashlib.sha256(content.encode()).hexdigest())


def in_utc(moment: datetime) -> datetime:
    """The same moment in UTC; a naive one is taken for UTC."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def first_state(snapshot: PullRequestSnapshot, version: Version) -> PullRequestState:
    """The state after the first snapshot."""
    empty = PullRequestState(
        **_head(snapshot), connection=snapshot.connection, versions=Versions(head=version)
    )
    return _fill_registers(empty, snapshot, version)


def absorb(
    state: PullRequestState, snapshot: PullRequestSnapshot, version: Version
) -> PullRequestState:
    """The state with every register at its newest value; ``state`` itself when none moved."""
    if version > state.versions.head:
        state = replace(state, **_head(snapshot), versions=replace(state.versions, head=version))
    return _fill_registers(state, snapshot, version)


def _head(snapshot: PullRequestSnapshot) -> dict[str, Any]:
    """What every snapshot says."""
    return {
        "repository": snapshot.repository,
        "number": snapshot.number,
        "title": snapshot.title,
        "author": snapshot.author,
        "source_ref": snapshot.source_ref,
        "target_ref": snapshot.target_ref,
        "status": snapshot.status,
        "is_draft": snapshot.is_draft,
        "created_at": in_utc(snapshot.created_at),
        "closed_at": in_utc(snapshot.closed_at) if snapshot.closed_at else None,
        "web_url": snapshot.web_url,
    }


def _fill_registers(
    state: PullRequestState, snapshot: PullRequestSnapshot, version: Version
) -> PullRequestState:
    moved: dict[str, Any] = {}
    versions: dict[str, Version] = {}
    for register, field, value in _spoken_of(snapshot, version):
        held: Version | None = getattr(state.versions, register)
        if held is None or version > held:
            moved[field] = value
            versions[register] = version
    if not versions:
        return state
    return replace(state, **moved, versions=replace(state.versions, **versions))


def _spoken_of(snapshot: PullRequestSnapshot, version: Version) -> list[tuple[str, str, object]]:
    """(register, state field, value) of what this snapshot says beside the head.

    A webhook body may leave out the description, reviewers, commits and who set auto-complete
    (it does so after a conflict), so only REST answers can say that there are none. Whether the
    source is in a fork never changes, so nobody says that it is not.
    """
    is_rest = snapshot.source is SnapshotSource.REST
    said: list[tuple[str, str, object]] = []
    if snapshot.is_summary:
        said.append(("summary", "summary", snapshot.description))
    elif is_rest or snapshot.description:
        said.append(("description", "full_description", snapshot.description))
    if snapshot.source_commit:
        said.append(("source_commit", "source_commit", snapshot.source_commit))
    if is_rest or snapshot.reviewers:
        said.append(("reviewers", "reviewers", snapshot.reviewers))
    if is_rest or snapshot.auto_complete_by:
        said.append(("auto_complete", "auto_complete_by", snapshot.auto_complete_by))
    if snapshot.closed_by:
        closed_at = in_utc(snapshot.closed_at) if snapshot.closed_at else None
        closer = Closer(snapshot.closed_by, snapshot.status, closed_at)
        said.append(("closer", "closer", closer))
    if snapshot.fork is not None:
        said.append(("fork", "fork", snapshot.fork))
    if snapshot.merge_status.is_settled:
        said.append(("merge", "merge", _merge(snapshot, version)))
    return said


def _merge(snapshot: PullRequestSnapshot, version: Version) -> Merge:
    return Merge(
        status=snapshot.merge_status,
        as_of=version.as_of,
        failure=snapshot.merge_failure,
        source_commit=snapshot.source_commit,
        target_commit=snapshot.target_commit,
        merge_commit=snapshot.merge_commit,
        target_ref=snapshot.target_ref,
    )


def _canonical(value: object) -> object:
    """A value as JSON can write it, the same for equal snapshots."""
    if is_dataclass(value) and not isinstance(value, type):
        return [
            _canonical(getattr(value, field.name))
            for field in fields(value)
            if field.name not in _NOT_CONTENT
        ]
    if isinstance(value, tuple):
        return [_canonical(item) for item in value]
    if isinstance(value, datetime):
        return in_utc(value).isoformat()
    return value
