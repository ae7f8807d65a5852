"""Who may be told of a pull request, from the database; and what is told, into the outbox."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parseaddr

from sqlmodel import Session

from bot.cards.direct import direct_card, reply_message
from bot.cards.subscription_trouble import unreadable_card
from bot.cards.view import load_view
from bot.changes import Change, CommentPosted
from bot.held_item import hold_direct, hold_group, hold_reply
from bot.notices.lateness import Late, with_lateness
from bot.notices.model import (
    Contact,
    DirectMessage,
    GroupAsk,
    Notice,
    OwnMessage,
    RefreshCard,
    Situation,
    SubscriptionTrouble,
    ThreadReply,
)
from bot.notices.review_requests import may_ask_again
from bot.notices.texts import mentioned
from bot.outgoing import as_payload
from bot.pull_request_state import PullRequestState
from bot.reach import load_facts, load_reach
from storage import enqueue, held
from storage.queries import identities, recording, reviews, routing

_ALWAYS = datetime.min.replace(tzinfo=UTC)


def load_situation(
    session: Session,
    pull_request_id: int,
    before: PullRequestState | None,
    state: PullRequestState,
    changes: Sequence[Change],
    *,
    actor: str,
    at_first_sight: bool = False,
) -> Situation:
    """Read who may be told.

    ``actor`` is ``Name <mail>``, "" when nobody ordered it. ``at_first_sight``: what is told was so
    already when the pull request was first seen, although it is known now.
    """
    reach = load_reach(session, state.connection, state.repository)
    threads = _participants(session, pull_request_id, changes)
    person = recording.person_with_mail(session, mail) if (mail := parseaddr(actor)[1]) else None
    # At first sight nothing of it is stored that could be asked for.
    posted = recording.conversations_with_card(session, pull_request_id) if before else frozenset()
    return Situation(
        before=before,
        state=state,
        subscribers=reach.subscribers,
        posted=posted,
        people=_people(session, state, changes, threads),
        watched_since=(
            routing.watched_since(session, state.connection)
            if before is None or at_first_sight or _have_comments(changes)
            else _ALWAYS
        ),
        actor=person.id if person else None,
        facts=load_facts(session, state, reach),
        unreadable=reach.unreadable,
        reviewed=(
            reviews.reviewed(session, pull_request_id) if before and may_ask_again(changes) else {}
        ),
        participants=threads,
        mentioned=_mentioned(session, state.connection, changes),
    )


def _have_comments(changes: Sequence[Change]) -> bool:
    return any(isinstance(change, CommentPosted) for change in changes)


def _mentioned(session: Session, connection: str, changes: Sequence[Change]) -> dict[str, str]:
    """What Azure DevOps calls those whom comments mention: not all of them are in Teams."""
    said = [change.comment.text for change in changes if isinstance(change, CommentPosted)]
    ids = frozenset().union(*map(mentioned, said))
    return identities.names(session, connection, ids) if ids else {}


def _participants(
    session: Session, pull_request_id: int, changes: Sequence[Change]
) -> frozenset[str]:
    """Who wrote in the threads that are commented on."""
    threads = {c.comment.thread_id for c in changes if isinstance(c, CommentPosted)}
    found = (reviews.participants(session, pull_request_id, thread) for thread in threads)
    return frozenset().union(*found)


def _people(
    session: Session,
    state: PullRequestState,
    changes: Sequence[Change],
    participants: frozenset[str],
) -> dict[str, Contact]:
    """Persons by identity id, also by its lower case, as mentions have it."""
    concerned = [state.author, *(reviewer.identity for reviewer in state.reviewers)]
    concerned += [who for who in (state.closed_by, state.auto_complete_by) if who]
    ids = {identity.id for identity in concerned} | participants
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
    late: Late | None = None,
) -> None:
    """Queue the notices in their order: a conversation's card before its replies.

    ``late`` is how late they are; it is said once to each conversation, and to each person once of
    what is told together.
    """
    for notice in _with_lateness(notices, late, now) if late else notices:
        match notice:
            case RefreshCard(conversation_id=conversation_id):
                enqueue.card(
                    session,
                    conversation_id=conversation_id,
                    pull_request_id=pull_request_id,
                    cause=cause,
                    now=now,
                )
            case ThreadReply():
                _send_reply(session, notice, pull_request_id, cause, now)
            case OwnMessage():
                view = load_view(session, pull_request_id, notice.conversation_id, now)
                enqueue.message(
                    session,
                    key=notice.key,
                    payload=as_payload(direct_card(notice.text, view)),
                    now=now,
                    conversation_id=notice.conversation_id,
                    cause=cause,
                )
            case SubscriptionTrouble(subscription=unreadable):
                enqueue.message(
                    session,
                    key=notice.key,
                    payload=as_payload(unreadable_card(unreadable.label, unreadable.reason)),
                    now=now,
                    conversation_id=unreadable.conversation_id,
                    cause=cause,
                )
            case DirectMessage():
                hold_direct(session, notice, pull_request_id, cause=cause, now=now)
            case GroupAsk():
                hold_group(
                    session, notice, pull_request_id, actor=situation.actor, cause=cause, now=now
                )


def _with_lateness(notices: Sequence[Notice], late: Late, now: datetime) -> Iterator[Notice]:
    told: set[str] = set()
    for notice in notices:
        match notice:
            case ThreadReply() if notice.conversation_id not in told:
                told.add(notice.conversation_id)
                yield replace(notice, late=late)
            case DirectMessage() | GroupAsk():  # which of them a person wants is found later
                yield replace(notice, late=late)
            case OwnMessage():
                yield replace(notice, text=with_lateness(notice.text, late, now))
            case _:
                yield notice


def _send_reply(
    session: Session, reply: ThreadReply, pull_request_id: int, cause: str, now: datetime
) -> None:
    """A part of a review waits for its rest, and what comes after it goes behind it."""
    waits = held.waits_below(session, reply.conversation_id, pull_request_id)
    if reply.parts or waits:
        hold_reply(session, reply, pull_request_id, cause=cause, now=now)
        return
    enqueue.message(
        session,
        key=reply.key,
        payload=as_payload(reply_message(_said(reply, now))),
        now=now,
        conversation_id=reply.conversation_id,
        pull_request_id=pull_request_id,
        cause=cause,
    )


def _said(reply: ThreadReply, now: datetime) -> str:
    text = with_lateness(reply.text, reply.late, now)
    return f"{reply.about}: {text}" if reply.about else text
