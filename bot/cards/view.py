"""What a pull request's card shows, read in one go."""

from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any
from urllib.parse import quote

from pydantic import TypeAdapter
from sqlalchemy import bindparam
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import Select, SelectOfScalar

from bot.checks import OWN_STATUS
from bot.conflicts.episodes import Finding, judge
from bot.links import pull_request_url, repository_url, split_url, ticket_url
from bot.model import Check, Fork, MergeStatus, Repository, Reviewer, Vote
from bot.pull_request_state import PullRequestState
from bot.teams_model import ConversationKind
from storage.queries import conflicts
from storage.tables import (
    Connection,
    ConversationRow,
    IdentityRow,
    Link,
    OwnFinding,
    Person,
    PullRequestRow,
    RepositoryRow,
    TicketRow,
)
from storage.text import storable_text

LONGEST_NAME_IN_ADDRESS = 300  # percent-encoded; names have at most 64 characters

_state = TypeAdapter(PullRequestState)
_checks = TypeAdapter(tuple[Check, ...])


@dataclass(frozen=True, slots=True)
class LinkedTicket:
    """A ticket that the pull request is for; the texts are empty while it was never read."""

    number: int
    title: str = ""
    state: str = ""
    project_name: str = ""


@dataclass(frozen=True, slots=True)
class PullRequestView:
    """Everything that a card shows.

    ``checks`` are None while they were never read. ``viewers`` are the identity ids of the one
    who reads a personal chat, empty elsewhere, and of one who is nobody in Azure DevOps;
    ``is_own_chat`` is true for him, too. ``base_url`` is the connection's. ``finding`` is
    what Pullcord's own trial merge said last; ``conflicts_since`` is when the episode of conflicts
    began, None without one.
    """

    state: PullRequestState
    base_url: str
    now: datetime
    tickets: tuple[LinkedTicket, ...] = ()
    checks: tuple[Check, ...] | None = None
    viewers: frozenset[str] = frozenset()
    is_own_chat: bool = False
    finding: Finding | None = None
    conflicts_since: datetime | None = None

    @property
    def own_finding(self) -> Finding | None:
        """Pullcord's own finding, while Azure DevOps has not said its word about the same."""
        return self.finding if judge(self.state, self.finding).is_own else None

    @property
    def has_conflicts(self) -> bool:
        """Whether it has conflicts, by our own finding where that is newer."""
        own = self.own_finding
        if own is not None:
            return own.status is MergeStatus.CONFLICTS
        return self.state.has_conflicts

    @property
    def reviews_pending(self) -> tuple[Reviewer, ...]:
        """Reviewers whose vote is waited for: the required ones while any is missing, else all."""
        waiting = [r for r in self.state.reviewers if r.vote is Vote.NONE and not r.declined]
        required = [r for r in waiting if r.required]
        return tuple(required or waiting)

    @property
    def waits_for_viewer(self) -> bool:
        """Whether the reader's own vote is missing on a pull request that is ready for review."""
        return (
            self.state.is_active
            and not self.state.is_draft
            and any(
                r.identity.id in self.viewers and r.vote is Vote.NONE and not r.declined
                for r in self.state.reviewers
            )
        )

    def page_url(self, page: str = "") -> str:
        """The pull request's page ("", files, conflicts) on the configured host."""
        url = pull_request_url(*self._in_addresses(self.state.repository), self.state.number)
        return f"{url}?_a={page}" if page else url

    def repository_url(self) -> str:
        """The page of the pull request's repository, by which git clones it, too."""
        return repository_url(*self._in_addresses(self.state.repository))

    def fork_url(self) -> str:
        """The same of the fork that its source branch is in, "" without one or not knowing it."""
        fork = self.state.fork
        if fork is None or not fork.name or not fork.project_name:
            return ""
        return repository_url(*self._in_addresses(fork))

    def _in_addresses(self, repository: Repository | Fork) -> tuple[str, str, str]:
        """The connection's address, the project and the repository, as addresses have them."""
        return (
            without_user(self.base_url),
            _in_address(repository.project_name, repository.project_id),
            _in_address(repository.name, repository.id),
        )

    def ticket_url(self, ticket: LinkedTicket) -> str:
        """The ticket's page on the configured host."""
        repository = self.state.repository
        project = _in_address(ticket.project_name or repository.project_name, repository.project_id)
        return ticket_url(without_user(self.base_url), project, ticket.number)


class UnknownPullRequest(LookupError):
    """There is no such pull request in the database."""


def load_view(
    session: Session, pull_request_id: int, conversation_id: str, now: datetime
) -> PullRequestView:
    """Read what the card of a pull request shows in a conversation ("" for none in particular).

    Raises:
        UnknownPullRequest: there is no such pull request.
    """
    row = session.get(PullRequestRow, pull_request_id)
    if row is None:
        raise UnknownPullRequest(f"pull request with the id {pull_request_id} is not stored")
    connection = session.get_one(Connection, row.connection)
    is_own_chat = _is_own_chat(session, conversation_id)
    view = PullRequestView(
        state=_with_current_names(session, row, load_state(row)),
        base_url=connection.base_url,
        now=now,
        tickets=_tickets(session, row),
        checks=None if row.checks is None else _checks_of_others(row.checks),
        viewers=_viewers(session, row.connection, conversation_id) if is_own_chat else frozenset(),
        is_own_chat=is_own_chat,
        finding=load_finding(session, pull_request_id),
    )
    if not view.has_conflicts:
        return view
    blocked = conflicts.blocked_since(session, [pull_request_id])
    return replace(view, conflicts_since=blocked.get(pull_request_id))


def load_state(row: PullRequestRow) -> PullRequestState:
    """The stored state."""
    return _state.validate_python(row.state)


def _checks_of_others(stored: list[dict[str, Any]]) -> tuple[Check, ...]:
    """Without our own status, which says of conflicts what the card says anyway."""
    return tuple(c for c in _checks.validate_python(stored) if c.name != OWN_STATUS)


def load_finding(session: Session, pull_request_id: int) -> Finding | None:
    """What our own trial merge of a pull request said last."""
    row = session.get(OwnFinding, pull_request_id)
    if row is None:
        return None
    return Finding(
        status=MergeStatus(row.status),
        source_commit=row.source_commit,
        target_ref=row.target_ref,
        target_commit=row.target_commit,
        stale_target_commit=row.stale_target_commit,
        found_at=row.found_at,
        is_unaffected=row.is_unaffected,
    )


def dump_state(state: PullRequestState) -> dict[str, object]:
    """The state as it is stored."""
    dumped: dict[str, object] = _state.dump_python(state, mode="json")
    return dumped


def _with_current_names(
    session: Session, row: PullRequestRow, state: PullRequestState
) -> PullRequestState:
    """A repository that was renamed since the last snapshot has its new name."""
    repository = session.get(RepositoryRow, (row.connection, row.repository_id))
    if repository is None:
        return state
    renamed = replace(state.repository, name=repository.name, project_name=repository.project_name)
    return replace(state, repository=renamed)


def _tickets(session: Session, row: PullRequestRow) -> tuple[LinkedTicket, ...]:
    place = {"connection": row.connection, "number": row.number}
    found: dict[int, LinkedTicket] = {}
    for number, ticket in session.exec(_linked_tickets(), params=place):
        found[number] = (
            LinkedTicket(number, ticket.title, ticket.state, ticket.project_name)
            if ticket
            else LinkedTicket(number)
        )
    return tuple(found.values())


@cache  # here and below: making a statement takes longer than running it
def _linked_tickets() -> "Select[int, TicketRow]":
    return (
        select(Link.ticket, TicketRow)
        .join(
            TicketRow,
            (col(TicketRow.connection) == Link.connection) & (col(TicketRow.number) == Link.ticket),
            isouter=True,
        )
        .where(
            Link.connection == bindparam("connection"),
            Link.pull_request == bindparam("number"),
            col(Link.removed_at).is_(None),
        )
        .order_by(col(Link.ticket))
    )


def _viewers(session: Session, connection: str, conversation_id: str) -> frozenset[str]:
    reader = {"conversation": conversation_id, "connection": connection}
    return frozenset(session.exec(_readers(), params=reader).all())


def _is_own_chat(session: Session, conversation_id: str) -> bool:
    place = session.get(ConversationRow, conversation_id) if conversation_id else None
    return place is not None and place.kind == ConversationKind.PERSONAL.value


@cache
def _readers() -> SelectOfScalar[str]:
    return (
        select(IdentityRow.id)
        .join(Person, col(Person.id) == IdentityRow.person_id)
        .where(
            Person.personal_conversation_id == bindparam("conversation"),
            IdentityRow.connection == bindparam("connection"),
        )
    )


def _in_address(name: str, guid: str) -> str:
    """The name, or the GUID where no name of Azure DevOps is that long: pages take either."""
    text = storable_text(name)
    return text if len(quote(text, safe="")) <= LONGEST_NAME_IN_ADDRESS else guid


def without_user(base_url: str) -> str:
    """A connection's address as it may be shown: without a user name in front of the host."""
    parts = split_url(base_url)
    return parts.geturl() if parts else base_url
