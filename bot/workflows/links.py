"""Storing what "start ticket" links: ticket ↔ branch ↔ pull request."""

from datetime import datetime

from sqlmodel import Session, select

from bot.workflows.place import Place
from bot.workflows.start_ticket_types import StartTicketRequest
from storage import audit
from storage.tables import Link


def store_link(
    session: Session,
    place: Place,
    request: StartTicketRequest,
    *,
    branch: str,
    pull_request: int = 0,
    now: datetime,
) -> None:
    """Link the ticket to a branch, and once there is one to its pull request, with the audit.

    The branch's own link grows into that of the pull request. A link that somebody had taken away
    stands again: starting the ticket says so.
    """
    found = session.exec(
        select(Link)
        .where(
            Link.connection == place.connection.name,
            Link.ticket == request.ticket,
            Link.repository_id == place.repository.id,
        )
        .with_for_update()
    ).all()
    exact = [each for each in found if each.pull_request == pull_request and pull_request]
    same_branch = [each for each in found if each.branch == branch and each.pull_request == 0]
    standing = [each for each in found if each.branch == branch and each.removed_at is None]
    if not pull_request and standing:
        return
    link = next(iter(exact + same_branch), None)
    if link is not None and link.removed_at is None and link.pull_request == pull_request:
        return
    before = {"pull_request": link.pull_request, "removed_by": link.removed_by} if link else None
    if link is None:
        link = Link(
            connection=place.connection.name,
            ticket=request.ticket,
            repository_id=place.repository.id,
            branch=branch,
            origin="start",
            created_by=request.asker.mail or request.asker.name,
            created_at=now,
        )
    link.branch = link.branch or branch
    link.pull_request = pull_request
    link.removed_at = None
    link.removed_by = ""
    session.add(link)
    session.flush()
    audit.append(
        session,
        at=now,
        actor=request.actor,
        action="link.added",
        connection=place.connection.name,
        subject=f"ticket/{place.connection.name}/{request.ticket}",
        before=before,
        after={
            "repository": place.repository.name,
            "branch": branch,
            "pull_request": pull_request,
            "origin": link.origin,
        },
        cause=request.cause,
    )
