"""What tickets' webhooks say, told: to the conversations that follow, and to who has the ticket.

Runs inside ``Database.write``.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlmodel import Session

from bot.cards.ticket_news import draw_ticket_news
from bot.cards.view import without_user
from bot.held_item import hold_news
from bot.identities import actor_of
from bot.links import ticket_url
from bot.model import Repository, TicketHook
from bot.notices.kinds import EventKind, Place
from bot.notices.machines import is_machine
from bot.notices.model import Subscriber
from bot.notices.reasons import Role
from bot.notices.tickets import passes, ticket_told, told_of_machines
from bot.outgoing import as_payload
from bot.ownership import is_own_name
from bot.reach import load_reach
from bot.recorded_rows import storable
from bot.teams_model import ConversationKind
from bot.ticket_changes import (
    AREA_PATH,
    Known,
    TicketAssigned,
    TicketChange,
    TicketMoved,
    is_same_person,
    person_of,
    ticket_changes,
)
from bot.workflows.place import run_key
from storage import enqueue
from storage.queries import identities, recording, ticket_news, workflow_runs
from storage.tables import Connection, Person, TicketNews

ORDER_WITHIN = timedelta(minutes=10)
"""How far the clocks and a slow "start ticket" may put its changes from what it recorded."""


def tell_ticket(
    session: Session, connection: str, hook: TicketHook, *, cause: str, now: datetime
) -> tuple[TicketChange, ...]:
    """Find what is news in a ticket's webhook, and tell it once, however often that comes."""
    hook = storable(hook)
    row = ticket_news.get(session, connection, hook.number)
    known = Known(row.rev, row.state, row.assigned_to) if row else None
    after, changes = ticket_changes(known, hook)
    if after != known:
        ticket_news.keep(
            session,
            TicketNews(
                connection=connection,
                number=hook.number,
                rev=after.rev,
                state=after.state,
                assigned_to=after.assigned_to,
                seen_at=now,
            ),
        )
    if changes and hook.project_name:
        hook = _as_said_by_who_started(session, connection, hook, changes)
        _tell(session, connection, hook, changes, after.assigned_to, cause=cause, now=now)
    return changes


def _tell(
    session: Session,
    connection: str,
    hook: TicketHook,
    changes: Sequence[TicketChange],
    assigned_to: str,
    *,
    cause: str,
    now: datetime,
) -> None:
    base_url = without_user(session.get_one(Connection, connection).base_url)
    url = ticket_url(base_url, hook.project_name, hook.number)
    area = hook.fields.get(AREA_PATH, "")
    key = f"{connection}/{hook.number}:{changes[0].id}"
    assignee = _assignee(session, connection, hook, assigned_to)
    followers = _followers(session, connection, hook, area)
    readers = {each.person_id for each in followers if each.kind is ConversationKind.PERSONAL}
    readers -= {0, _person_of(session, connection, hook.changed_by)}
    readers |= {assignee} if assignee else set()
    if _may_be_started(session, connection, hook, changes):
        readers -= _who_started(session, connection, hook, readers)
    for person_id in sorted(readers):
        is_theirs = person_id == assignee
        text = ticket_told(hook, changes, to_assignee=is_theirs)
        role = Role.ASSIGNED if is_theirs else Role.SUBSCRIBER
        sent = draw_ticket_news(
            text,
            url=url,
            project=hook.project_name,
            area_path=area,
            why=f"{EventKind.TICKET.value} {role.value}",
        )
        hold_news(
            session,
            person_id,
            EventKind.TICKET,
            key=f"ticket:person/{person_id}:{key}",
            text=text,
            role=role,
            url=url,
            where=area or hook.project_name,
            card=as_payload(sent),
            cause=cause,
            now=now,
        )
    text = ticket_told(hook, changes, to_assignee=False)
    sent = draw_ticket_news(text, url=url, project=hook.project_name, area_path=area)
    for conversation_id in dict.fromkeys(_places(followers)):
        enqueue.message(
            session,
            key=f"ticket:{conversation_id}:{key}",
            payload=as_payload(sent),
            now=now,
            conversation_id=conversation_id,
            cause=cause,
        )


def _followers(session: Session, connection: str, hook: TicketHook, area: str) -> list[Subscriber]:
    """Subscriptions to the whole project: tickets are in no repository, and have no card."""
    project = Repository(id="", name="", project_id="", project_name=hook.project_name)
    return [
        subscriber
        for subscriber in load_reach(session, connection, project).subscribers
        if not subscriber.repository
        and subscriber.places.of(EventKind.TICKET, subscriber.kind) not in (Place.OFF, Place.CARD)
        and subscriber.created_at <= hook.at
        and passes(subscriber.filters, area, hook.type)
        and told_of_machines(subscriber.filters, hook)
    ]


def _places(followers: Sequence[Subscriber]) -> list[str]:
    """DIRECT is told to the one who has the ticket, and he is told anyway."""
    return [
        each.conversation_id
        for each in followers
        if each.kind is not ConversationKind.PERSONAL
        and each.places.of(EventKind.TICKET, each.kind) is not Place.DIRECT
    ]


def _assignee(session: Session, connection: str, hook: TicketHook, assigned_to: str) -> int | None:
    """Who has the ticket, unless he did it, or a machine did."""
    if not assigned_to or is_machine(person_of(hook.changed_by)):
        return None
    person_id = _person_of(session, connection, assigned_to)
    if not person_id or person_id == _person_of(session, connection, hook.changed_by):
        return None
    return person_id


def _may_be_started(
    session: Session, connection: str, hook: TicketHook, changes: Sequence[TicketChange]
) -> bool:
    """Whether it is what "start ticket" does, done by Pullcord's account or by nobody we know.

    The account's name is not always known, and it may be that of a person who also works.
    """
    if not all(isinstance(change, TicketAssigned | TicketMoved) for change in changes):
        return False
    if not _person_of(session, connection, hook.changed_by):
        return True
    return is_own_name(session, connection, person_of(hook.changed_by).unique_name)


def _who_started(
    session: Session, connection: str, hook: TicketHook, person_ids: Iterable[int]
) -> set[int]:
    """Those of them who said "start ticket" of it at that time: the reply has told them."""
    by = _started_by(session, connection, hook)
    return {each for each in person_ids if by and actor_of(session.get_one(Person, each)) in by}


def _started_by(session: Session, connection: str, hook: TicketHook) -> set[str]:
    """Who said "start ticket" of it at that time, ``Name <mail>``."""
    runs = workflow_runs.with_prefix(session, run_key(connection, hook.number, ""))
    return {run.requested_by for run in runs if abs(run.updated_at - hook.at) <= ORDER_WITHIN}


def _as_said_by_who_started(
    session: Session, connection: str, hook: TicketHook, changes: Sequence[TicketChange]
) -> TicketHook:
    """What "start ticket" did is the doing of who said it, though our account is named.

    While that account's name is not known, only what gives the ticket to the one who said it is
    surely of that order.
    """
    by = _started_by(session, connection, hook)
    if len(by) != 1 or not _may_be_started(session, connection, hook, changes):
        return hook
    [starter] = by
    person = recording.person_with_mail(session, person_of(starter).unique_name)
    identity = identities.of_person(session, person.id or 0, connection) if person else None
    if identity is not None:
        starter = f"{identity.display_name} <{identity.unique_name}>"
    is_ours = is_own_name(session, connection, person_of(hook.changed_by).unique_name) or any(
        isinstance(change, TicketAssigned) and is_same_person(change.new, starter)
        for change in changes
    )
    return replace(hook, changed_by=starter) if is_ours else hook


def _person_of(session: Session, connection: str, text: str) -> int:
    """The person of ``Name <account>``, 0 if it is nobody whom we know."""
    account = person_of(text).unique_name
    if not account:
        return 0
    ids = [row.id for row in identities.called(session, connection, account) if not row.is_group]
    found = {person.person_id for person in recording.people_of(session, connection, ids)}
    if len(found) == 1:
        return found.pop()
    person = recording.person_with_mail(session, account)
    return person.id or 0 if person is not None and not found else 0
