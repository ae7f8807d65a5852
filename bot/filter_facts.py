"""What filters need beside the pull request: asked of Azure DevOps before it is recorded.

Asked for only where a subscription in reach filters by it: the changed files once per source commit
(and kept for the radar, too), the labels with each read, the members of a group once a day. What
cannot be had now stays unknown, and then the filter lets pass.
"""

import logging
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from sqlmodel import Session

from bot.log_text import log_safe
from bot.model import PullRequestSnapshot, branch_name
from bot.notices.filters import Need
from bot.ports import AzureDevOps, AzureDevOpsError
from bot.reach import load_reach
from storage.queries import radar, reviews, routing

log = logging.getLogger(__name__)

T = TypeVar("T")

MEMBERS_STAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ReadFacts:
    """What was asked and answered; None and absent ones were not."""

    labels: Sequence[str] | None = None
    files: Sequence[str] | None = None
    members: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MissingFacts:
    """What must be asked: labels, files, and the groups (ids) whose members are not known."""

    labels: bool
    files: bool
    groups: tuple[str, ...]


async def read_facts(
    azure: AzureDevOps, snapshot: PullRequestSnapshot, missing: MissingFacts
) -> ReadFacts:
    """Ask for what is missing; no call at all where no filter needs one."""
    repository = snapshot.repository.id
    labels = files = None
    if missing.labels:
        labels = await _or_none(azure.pull_request_labels(repository, snapshot.number))
    if missing.files:
        files = await _or_none(_changed_files(azure, snapshot))
    members: dict[str, Sequence[str]] = {}
    for group_id in missing.groups:
        found = await _or_none(azure.group_members(group_id))
        if found is not None:
            members[group_id] = [identity.id for identity in found]
    return ReadFacts(labels, files, members)


def keep_facts(
    session: Session, snapshot: PullRequestSnapshot, read: ReadFacts, *, now: datetime
) -> None:
    """Store them, so that deciding who hears of it reads only the database."""
    connection = snapshot.connection
    if read.labels is not None:
        routing.keep_labels(session, connection, snapshot.number, read.labels, now=now)
    if read.files is not None:
        radar.keep_files(
            session,
            connection,
            snapshot.source_commit,
            snapshot.target_ref,
            read.files,
            now=now,
        )
    for group_id, members in read.members.items():
        reviews.keep_group(session, connection, group_id, members, now=now)


def missing_facts(
    session: Session, snapshot: PullRequestSnapshot, *, now: datetime
) -> MissingFacts:
    """What must be asked for the filters in reach, because it is not stored."""
    reach = load_reach(session, snapshot.connection, snapshot.repository)
    need = reach.needs
    has_commit = bool(snapshot.source_commit)
    files = (
        Need.FILES in need
        and has_commit
        and (
            routing.changed_files(
                session, snapshot.connection, snapshot.source_commit, snapshot.target_ref
            )
            is None
        )
    )
    known = routing.group_members(session, snapshot.connection, list(reach.groups))
    groups = tuple(
        group_id
        for group_id in reach.groups
        if group_id not in known or now - known[group_id].read_at > MEMBERS_STAY
    )
    return MissingFacts(Need.LABELS in need, files, groups)


async def _changed_files(azure: AzureDevOps, snapshot: PullRequestSnapshot) -> Sequence[str]:
    """The files that the source commit changes since it left the target."""
    repository = snapshot.repository.id
    base = snapshot.target_commit
    if not base:
        base = await azure.branch_tip(repository, branch_name(snapshot.target_ref)) or ""
    if not base:
        return ()
    return await azure.changed_files(repository, base, snapshot.source_commit)


async def _or_none(call: Awaitable[T]) -> T | None:
    try:
        return await call
    except AzureDevOpsError as error:
        log.info("a filter's question is not answered: %s", log_safe(str(error)))
        return None
