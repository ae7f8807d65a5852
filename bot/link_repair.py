"""Keeping a pull request's ticket links right: finding what it names, storing the difference."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Select, bindparam, select
from sqlmodel import Session

from bot.branch_template import DEFAULT_TEMPLATE, ticket_of_branch
from bot.model import PullRequestSnapshot, Ticket, branch_name
from bot.ports import AzureDevOps, AzureDevOpsError
from bot.recorded_rows import storable
from bot.ticket_links import (
    REMOVED_IN_AZURE_DEVOPS,
    KnownLink,
    LinkRepair,
    mentioned_tickets,
    repair_links,
)
from storage import audit
from storage.dialects import table_of
from storage.queries import open_pull_requests, tickets
from storage.tables import Connection, Link, TicketRow

MOST_MENTIONS = 20
"""More numbers than this in one text are a list of something, not links."""


@dataclass(frozen=True, slots=True)
class LinkChanges:
    """Tickets whose link was added or taken away; false when there are none."""

    added: tuple[int, ...] = ()
    removed: tuple[int, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.removed)


@dataclass(frozen=True, slots=True)
class NamedTickets:
    """The numbers that a pull request names; ``unseen`` are those to link that are not stored."""

    in_azure_devops: tuple[int, ...] | None
    in_text: tuple[int, ...]
    in_branch: int | None
    unseen: frozenset[int]


@dataclass(frozen=True, slots=True)
class FoundLinks:
    """What a pull request says of tickets. ``tickets`` were read and are real."""

    in_azure_devops: tuple[int, ...] | None
    in_text: tuple[int, ...]
    in_branch: int | None
    tickets: tuple[Ticket, ...] = ()


def named_tickets(
    session: Session, snapshot: PullRequestSnapshot, in_azure_devops: tuple[int, ...] | None
) -> NamedTickets:
    """What the pull request names, by Azure DevOps' links (None: not read), text and branch."""
    connection = snapshot.connection
    stored = open_pull_requests.links_of(session, connection, snapshot.number)
    in_branch = ticket_of_branch(_template(session, connection), branch_name(snapshot.source_ref))
    in_text = mentioned_tickets(snapshot.title, snapshot.description)[:MOST_MENTIONS]
    repair = repair_links(
        _as_known(stored), in_azure_devops=in_azure_devops, in_text=in_text, in_branch=in_branch
    )
    wanted = list(repair.add)
    return NamedTickets(
        in_azure_devops=in_azure_devops,
        in_text=in_text,
        in_branch=in_branch,
        unseen=frozenset(wanted) - open_pull_requests.tickets_known(session, connection, wanted),
    )


async def find_links(azure: AzureDevOps, named: NamedTickets) -> FoundLinks:
    """What was named, with each number from text or branch checked to be a ticket.

    One more call at most, and only when there is a ticket not seen before. When that fails, the
    numbers that are not yet known are left for the next read.
    """
    seen: Sequence[Ticket] = ()
    if named.unseen:
        try:
            seen = await azure.tickets(sorted(named.unseen))
        except AzureDevOpsError:
            seen = ()
    unreal = named.unseen - {ticket.number for ticket in seen}
    return FoundLinks(
        in_azure_devops=named.in_azure_devops,
        in_text=tuple(number for number in named.in_text if number not in unreal),
        in_branch=None if named.in_branch in unreal else named.in_branch,
        tickets=tuple(seen),
    )


def store_links(
    session: Session,
    snapshot: PullRequestSnapshot,
    found: FoundLinks,
    *,
    cause: str,
    actor: str,
    now: datetime,
) -> LinkChanges:
    """Add and take away what changed, each with its audit entry."""
    stored = open_pull_requests.links_of(session, snapshot.connection, snapshot.number)
    repair = repair_links(
        _as_known(stored),
        in_azure_devops=found.in_azure_devops,
        in_text=found.in_text,
        in_branch=found.in_branch,
    )
    for ticket in found.tickets:
        store_ticket(session, ticket, now=now)
    _add(session, snapshot, stored, repair, actor=actor, now=now)
    _remove(session, stored, repair, now=now)
    changes = LinkChanges(tuple(repair.add), repair.remove)
    for ticket_number, origin in repair.add.items():
        _audit(session, snapshot, "link.added", ticket_number, origin, cause, actor, now)
    for ticket_number in repair.remove:
        _audit(session, snapshot, "link.removed", ticket_number, "azure_devops", cause, actor, now)
    return changes


def store_ticket(session: Session, ticket: Ticket, *, now: datetime) -> None:
    """Keep a ticket as read; an older revision never overwrites a newer one."""
    ticket = storable(ticket)
    row = TicketRow(
        connection=ticket.connection,
        number=ticket.number,
        rev=ticket.rev,
        project_name=ticket.project_name,
        type=ticket.type,
        title=ticket.title,
        state=ticket.state,
        assigned_to=ticket.assigned_to.display_name if ticket.assigned_to else "",
        web_url=ticket.web_url,
        as_of=now,
    )
    tickets.store(session, row)


def _add(
    session: Session,
    snapshot: PullRequestSnapshot,
    stored: Sequence[Link],
    repair: LinkRepair,
    *,
    actor: str,
    now: datetime,
) -> None:
    links = {link.ticket: link for link in stored}
    for ticket, origin in repair.add.items():
        link = links.get(ticket) or Link(
            connection=snapshot.connection,
            ticket=ticket,
            repository_id=snapshot.repository.id,
            branch=branch_name(snapshot.source_ref),
            pull_request=snapshot.number,
            origin=origin,
            created_at=now,
        )
        link.origin = origin
        link.created_by = actor or "pullcord"
        link.removed_at = None
        link.removed_by = ""
        session.add(link)


def _remove(session: Session, stored: Sequence[Link], repair: LinkRepair, *, now: datetime) -> None:
    for link in stored:
        if link.ticket in repair.remove and link.removed_at is None:
            link.removed_at = now
            link.removed_by = REMOVED_IN_AZURE_DEVOPS
            session.add(link)


def _audit(
    session: Session,
    snapshot: PullRequestSnapshot,
    action: str,
    ticket: int,
    origin: str,
    cause: str,
    actor: str,
    now: datetime,
) -> None:
    audit.append(
        session,
        at=now,
        actor=actor or "pullcord",
        action=action,
        connection=snapshot.connection,
        subject=f"pull_request/{snapshot.connection}/{snapshot.number}",
        before=None if action == "link.added" else {"ticket": ticket, "origin": origin},
        after={"ticket": ticket, "origin": origin} if action == "link.added" else None,
        cause=cause,
    )


def _as_known(stored: Sequence[Link]) -> tuple[KnownLink, ...]:
    return tuple(
        KnownLink(
            ticket=link.ticket,
            origin=link.origin,
            removed_by=(link.removed_by or "somebody") if link.removed_at else "",
        )
        for link in stored
    )


def _template(session: Session, connection: str) -> str:
    found = session.connection().execute(_its_template(), {"connection": connection}).scalar()
    return DEFAULT_TEMPLATE if found is None else str(found)


@cache  # read for every change, and making a statement takes longer than running it
def _its_template() -> Select[Any]:
    known = table_of(Connection).c
    return select(known.branch_template).where(known.name == bindparam("connection"))
