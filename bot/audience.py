"""Who may be told of a pull request, from the database; and what is told, into the outbox."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from email.utils import parseaddr

from sqlmodel import Session

from bot.cards.direct import direct_card, reply_message
from bot.cards.pull_request import draw_pull_request
from bot.cards.view import load_view
from bot.changes import Change, CommentPosted
from bot.notices.model import (
    Contact,
    DirectMessage,
    Notice,
    RefreshCard,
    Situation,
    Subscriber,
    ThreadReply,
)
from bot.notices.texts import mentioned
from bot.outgoing import as_payload
from bot.pull_request_state import PullRequestState
from bot.teams_model import ConversationKind, OutgoingMessage
from storage import outbox
from storage.queries import recording
from storage.tables import Connection, ConversationRow, Subscription


def load_situation(
    session: Session,
    pull_request_id: int,
    before: PullRequestState | None,
    state: PullRequestState,
    changes: Sequence[Change],
    *,
    actor: str,
) -> Situation:
    """Read who may be told. ``actor`` is ``Name <mail>``, "" when nobody ordered it."""
    connection = session.get_one(Connection, state.connection)
    repository = state.repository
    subscriptions = recording.subscriptions_about(
        session,
        state.connection,
        project=(repository.project_name, repository.project_id),
        repository=(repository.name, repository.id),
    )
    person = recording.person_with_mail(session, mail) if (mail := parseaddr(actor)[1]) else None
    return Situation(
        before=before,
        state=state,
        subscribers=tuple(_subscriber(row, place) for row, place in subscriptions),
        posted=recording.conversations_with_card(session, pull_request_id),
        people=_people(session, state, changes),
        watched_since=connection.created_at,
        actor=person.id if person else None,
    )


def _subscriber(row: Subscription, conversation: ConversationRow) -> Subscriber:
    return Subscriber(
        conversation_id=conversation.id,
        kind=ConversationKind(conversation.kind),
        project=row.project,
        repository=row.repository,
        target_branches=tuple(row.target_branches),
        drafts=row.drafts,
        created_at=row.created_at,
    )


def _people(
    session: Session, state: PullRequestState, changes: Sequence[Change]
) -> dict[str, Contact]:
    """Persons by identity id, also by its lower case, as mentions have it."""
    concerned = [state.author, *(reviewer.identity for reviewer in state.reviewers)]
    concerned += [who for who in (state.closed_by, state.auto_complete_by) if who]
    ids = {identity.id for identity in concerned}
    for change in changes:
        if isinstance(change, CommentPosted):
            ids |= {change.comment.author.id, *mentioned(change.comment.text)}
    people: dict[str, Contact] = {}
    for found in recording.people_of(session, state.connection, ids):
        contact = Contact(found.person_id, found.name, found.conversation_id)
        people[found.identity_id] = people[found.identity_id.lower()] = contact
    return people


def send(
    session: Session,
    notices: Sequence[Notice],
    situation: Situation,
    pull_request_id: int,
    *,
    cause: str,
    now: datetime,
    late: str = "",
) -> None:
    """Queue the notices in their order: a conversation's card before its replies.

    ``late`` says how late they are, and is told once to each conversation and person.
    """
    chats = {contact.person_id: contact for contact in situation.people.values()}
    for notice in _with_lateness(notices, late) if late else notices:
        match notice:
            case RefreshCard(conversation_id=conversation_id):
                outbox.enqueue_card(
                    session,
                    conversation_id=conversation_id,
                    pull_request_id=pull_request_id,
                    cause=cause,
                    now=now,
                )
            case ThreadReply():
                outbox.enqueue_message(
                    session,
                    key=notice.key,
                    payload=as_payload(reply_message(notice.text)),
                    now=now,
                    conversation_id=notice.conversation_id,
                    pull_request_id=pull_request_id,
                    cause=cause,
                )
            case DirectMessage():
                chat = chats[notice.person_id].personal_conversation_id
                _send_directly(session, notice, chat, situation, pull_request_id, cause, now)


def _with_lateness(notices: Sequence[Notice], late: str) -> Iterator[Notice]:
    told: set[str | int] = set()
    for notice in notices:
        match notice:
            case RefreshCard():
                yield notice
                continue
            case ThreadReply(conversation_id=conversation_id):
                place: str | int = conversation_id
            case DirectMessage(person_id=person_id):
                place = person_id
        yield notice if place in told else replace(notice, text=f"{notice.text} ({late})")
        told.add(place)


def _send_directly(
    session: Session,
    notice: DirectMessage,
    chat: str,
    situation: Situation,
    pull_request_id: int,
    cause: str,
    now: datetime,
) -> None:
    """In a chat that has no card of it yet, the living card itself is the message."""
    if notice.with_card and chat and chat not in situation.posted:
        outbox.enqueue_card(
            session, conversation_id=chat, pull_request_id=pull_request_id, cause=cause, now=now
        )
        return
    view = load_view(session, pull_request_id, chat, now)
    sent = (
        OutgoingMessage(card=draw_pull_request(view).card, summary=notice.text)
        if notice.with_card and not chat
        else direct_card(notice.text, view, page=notice.page)
    )
    outbox.enqueue_message(
        session,
        key=notice.key,
        payload=as_payload(sent),
        now=now,
        conversation_id=chat,
        person_id=None if chat else notice.person_id,
        pull_request_id=pull_request_id,
        cause=cause,
    )
