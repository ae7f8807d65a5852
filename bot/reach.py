"""The subscriptions in reach of a pull request, from the database, and what their filters need."""

import logging
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from sqlmodel import Session

from bot.log_text import log_safe
from bot.model import Repository
from bot.notices.filters import NO_FACTS, Facts, Need
from bot.notices.model import Subscriber, UnreadableSubscription
from bot.notices.subscriptions import is_in_reach
from bot.notices.wishes import read_stored
from bot.pull_request_state import PullRequestState
from bot.teams_model import ConversationKind
from storage.one_text import moment_of
from storage.queries import routing

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reach:
    """Subscriptions to a repository, and those to it whose settings cannot be read.

    ``needs`` is what any of their filters needs beside the pull request itself, ``groups`` are the
    names of the groups that filters are about, by id.
    """

    subscribers: tuple[Subscriber, ...] = ()
    unreadable: tuple[UnreadableSubscription, ...] = ()
    needs: Need = Need.NOTHING
    groups: Mapping[str, str] = field(default_factory=dict)


def load_reach(session: Session, connection: str, repository: Repository) -> Reach:
    """Read the subscriptions to a repository that can be told now."""
    found = routing.subscriptions_in_reach(
        session,
        connection,
        project=(repository.project_name, repository.project_id),
        repository=(repository.name, repository.id),
    )
    reach = _reach(found, repository)
    for each in reach.unreadable:
        log.warning("subscription %d cannot be read: %s", each.id, log_safe(each.reason))
    return reach


@lru_cache(200)  # the repositories in which most happens just now
def _reach(stored: str, repository: Repository) -> Reach:
    """What is stored means. Remembered: it is the same until somebody subscribes anew."""
    found: list[Subscriber] = []
    unreadable: list[UnreadableSubscription] = []
    for row in routing.read_in_reach(stored):
        read = _read(row)
        if isinstance(read, str):
            unreadable.append(_unreadable(row, read))
        elif is_in_reach(read, repository):
            found.append(read)
    needs = Need.NOTHING
    groups: dict[str, str] = {}
    for filters in {id(each.filters): each.filters for each in found}.values():
        needs |= filters.needs
        groups |= {group_id: name for name, group_id in filters.groups}
    return Reach(tuple(found), tuple(unreadable), needs, groups)


@lru_cache(50_000)
def _read(row: routing.InReach) -> Subscriber | str:
    """The subscriber, or why it cannot be read. Remembered: equal rows are equal subscribers."""
    wishes = read_stored(row.options, row.target_branches, row.drafts)
    if isinstance(wishes, str):
        return wishes
    return Subscriber(
        row.conversation_id,
        ConversationKind(row.kind),
        row.project,
        row.repository,
        moment_of(row.created_at),
        wishes.filters,
        wishes.places,
        row.person_id,
        row.id,
    )


def _unreadable(row: routing.InReach, reason: str) -> UnreadableSubscription:
    label = f"{row.project}/{row.repository}" if row.repository else row.project
    return UnreadableSubscription(row.id, row.conversation_id, label, reason)


def load_facts(session: Session, state: PullRequestState, reach: Reach) -> Facts:
    """What was read of a pull request for the filters in reach. Nothing is asked for here."""
    need = reach.needs
    if need is Need.NOTHING:
        return NO_FACTS
    labels = files = None
    if Need.LABELS in need or Need.FILES in need:
        labels, files = routing.labels_and_files(
            session, state.connection, state.number, state.source_commit, state.target_ref
        )
    return Facts(labels, files, members_by_group(session, state.connection, reach.groups))


def members_by_group(
    session: Session, connection: str, named: Mapping[str, str]
) -> dict[str, frozenset[str]]:
    """Names of groups by the identities in them, and by the groups themselves as reviewers.

    Args:
        session: the transaction.
        connection: whose groups.
        named: how filters call the groups, by id.
    """
    by_member: dict[str, set[str]] = defaultdict(set)
    for group_id, row in routing.group_members(session, connection, list(named)).items():
        for member in (group_id, *row.members):
            by_member[member].add(named[group_id])
    return {member: frozenset(names) for member, names in by_member.items()}
