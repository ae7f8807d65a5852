"""What is to be sent for one row of the outbox: read, and cards drawn, just before it is sent."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic import TypeAdapter
from sqlmodel import Session

from bot.cards.alert_view import load_alert
from bot.cards.conflict_alert import draw_conflict_alert
from bot.cards.pull_request import draw_pull_request
from bot.cards.radar_alert import draw_radar_alert, load_pair, own_of
from bot.cards.view import load_view
from bot.outgoing import message_of
from bot.stored_conversation import to_conversation
from bot.teams_model import Conversation, ConversationKind, Json, OutgoingMessage
from storage import enqueue, outbox
from storage.outbox import Claimed
from storage.queries import conversations, pull_requests
from storage.tables import PostedAlert, PostedCard, PostedRadarAlert

AGE_CAUSE = "age"
"""The cause of a card that is drawn anew only because time went by."""

_message = TypeAdapter(OutgoingMessage)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A message and where it goes.

    ``nothing_new`` is a card that already looks like this; ``update_of`` is the message to change;
    ``is_below_card`` is a reply in the thread of a card; with ``needs_card`` somebody deleted that
    card, and it must be posted first.
    """

    conversation: Conversation
    message: OutgoingMessage
    update_of: str = ""
    thread_id: str = ""
    content_hash: str = ""
    nothing_new: bool = False
    needs_card: bool = False
    is_below_card: bool = False

    @property
    def hangs_on_card(self) -> bool:
        """Whether it changes a card, or stands below one: it fails when the card is deleted."""
        return bool(self.update_of) or self.is_below_card


def prepare(session: Session, row: Claimed, now: datetime) -> Prepared | None:
    """What to send for a row; None when there is nothing to send, or nowhere to send it."""
    return _prepare(session, row, now, outbox.payloads(session, [row.id]))


def _prepare(
    session: Session, row: Claimed, now: datetime, payloads: Mapping[int, Json]
) -> Prepared | None:
    stored = conversations.get(session, row.conversation_id)
    if stored is None:
        return None
    if row.kind == "card":
        return prepare_card(session, row, now)
    conversation = to_conversation(stored)
    if row.kind == "alert":
        return _prepare_alert(session, row, conversation, now)
    message = message_of(payloads[row.id])
    posted = _posted(session, row)
    threaded = conversation.kind is ConversationKind.CHANNEL
    if not threaded or row.thread_id or posted is None:
        thread_id = row.thread_id if threaded else ""
        return Prepared(conversation, message, thread_id=thread_id)
    return Prepared(
        conversation,
        message,
        thread_id=posted.activity_id,
        needs_card=_is_forgotten(posted),
        is_below_card=True,
    )


def prepare_all(
    session: Session, rows: Sequence[Claimed], now: datetime
) -> dict[int, Prepared | None]:
    """The same for many rows, by their ids, in few queries."""
    cards = {
        (row.conversation_id, row.pull_request_id)
        for row in rows
        if row.pull_request_id is not None
    }
    conversations.look_up(session, {row.conversation_id for row in rows}, cards)
    drawn = {row.pull_request_id for row in rows if row.kind == "card" and row.pull_request_id}
    pull_requests.look_up(session, drawn)
    payloads = outbox.payloads(session, [row.id for row in rows if row.kind == "message"])
    return {row.id: _prepare(session, row, now, payloads) for row in rows}


def prepare_card(session: Session, row: Claimed, now: datetime) -> Prepared | None:
    """The card of the row's pull request as it looks now; None when there is nothing to send.

    One that only grew older changes what is there. It is never posted anew: nothing happened.
    """
    stored = conversations.get(session, row.conversation_id)
    if stored is None or row.pull_request_id is None:
        return None
    posted = _posted(session, row)
    if row.cause == AGE_CAUSE and (posted is None or not posted.activity_id):
        return None
    message = draw_pull_request(load_view(session, row.pull_request_id, row.conversation_id, now))
    digest = content_hash(message)
    is_posted = posted is not None and bool(posted.activity_id)
    return Prepared(
        to_conversation(stored),
        message,
        update_of=posted.activity_id if posted else "",
        thread_id=row.thread_id if row.kind == "card" else "",
        content_hash=digest,
        nothing_new=is_posted and posted is not None and posted.content_hash == digest,
    )


def _prepare_alert(
    session: Session, row: Claimed, conversation: Conversation, now: datetime
) -> Prepared:
    """The alert of the row's conflict episode or radar pair as it looks now.

    One that is there is changed in place, and one that somebody deleted is not posted again. In a
    channel it stands below the pull request's card, if it is not to be a message of its own.
    """
    if row.radar_pair_id is not None:
        pair = load_pair(session, row.radar_pair_id)
        message = draw_radar_alert(pair, own=own_of(session, pair, row.conversation_id))
    else:
        chat = conversation.id if conversation.kind is ConversationKind.PERSONAL else ""
        message = draw_conflict_alert(load_alert(session, row.episode_id or 0, now, chat=chat))
    digest = content_hash(message)
    alert = _posted_alert(session, row)
    if alert is not None:
        return Prepared(
            conversation,
            message,
            update_of=alert.activity_id,
            content_hash=digest,
            nothing_new=not alert.activity_id or alert.content_hash == digest,
        )
    card = _posted(session, row)
    is_own = row.thread_id == enqueue.OWN_MESSAGE
    if conversation.kind is not ConversationKind.CHANNEL or card is None or is_own:
        return Prepared(conversation, message, content_hash=digest)
    return Prepared(
        conversation,
        message,
        thread_id=card.activity_id,
        content_hash=digest,
        needs_card=_is_forgotten(card),
        is_below_card=True,
    )


def content_hash(message: OutgoingMessage) -> str:
    """Equal for equal messages."""
    text = json.dumps(_message.dump_python(message, mode="json"), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def remember_card(
    session: Session, row: Claimed, digest: str, activity_id: str, now: datetime
) -> None:
    """Note which message is the pull request's card in this conversation, and what it shows."""
    key = (row.conversation_id, row.pull_request_id)
    posted = session.get(PostedCard, key) or PostedCard(
        conversation_id=row.conversation_id, pull_request_id=row.pull_request_id or 0
    )
    posted.posted_at = posted.posted_at or now
    posted.activity_id = activity_id
    posted.content_hash = digest
    posted.updated_at = now
    session.add(posted)


def remember_alert(
    session: Session, row: Claimed, digest: str, activity_id: str, now: datetime
) -> None:
    """Note which message is the alert in this conversation, and what it shows."""
    posted = _posted_alert(session, row) or _new_posted_alert(row, now)
    posted.activity_id = activity_id
    posted.content_hash = digest
    posted.updated_at = now
    session.add(posted)


def forget_alert(session: Session, row: Claimed) -> None:
    """Somebody deleted the alert: it was told, and is not posted again."""
    posted = _posted_alert(session, row)
    if posted is not None:
        posted.activity_id = posted.content_hash = ""
        session.add(posted)


def _posted_alert(session: Session, row: Claimed) -> PostedAlert | PostedRadarAlert | None:
    if row.radar_pair_id is not None:
        return session.get(PostedRadarAlert, (row.radar_pair_id, row.conversation_id))
    return session.get(PostedAlert, (row.episode_id, row.conversation_id))


def _new_posted_alert(row: Claimed, now: datetime) -> PostedAlert | PostedRadarAlert:
    if row.radar_pair_id is not None:
        return PostedRadarAlert(
            radar_pair_id=row.radar_pair_id,
            conversation_id=row.conversation_id,
            posted_at=now,
            updated_at=now,
        )
    return PostedAlert(
        episode_id=row.episode_id or 0,
        conversation_id=row.conversation_id,
        posted_at=now,
        updated_at=now,
    )


def forget_card(session: Session, row: Claimed) -> None:
    """The card's message is no more: the next one is posted anew."""
    posted = _posted(session, row)
    if posted is not None:
        posted.activity_id = posted.content_hash = ""
        session.add(posted)


def _posted(session: Session, row: Claimed) -> PostedCard | None:
    if row.pull_request_id is None:
        return None
    return session.get(PostedCard, (row.conversation_id, row.pull_request_id))


def _is_forgotten(posted: PostedCard) -> bool:
    return not posted.activity_id and not posted.content_hash
