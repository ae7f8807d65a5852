"""The cards that stand in conversations."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import exists, text
from sqlmodel import Session, col, select

from storage.tables import ConversationRow, OutboxRow, PostedCard, PullRequestRow

# Written out, because neither database uses a partial index for a bound parameter.
_IS_WAITING_CARD = text("outbox.kind = 'card' AND outbox.state = 'pending'")


@dataclass(frozen=True, slots=True)
class StandingCard:
    """A card that stands in a conversation; ``drawn_at`` is when it was last sent."""

    conversation_id: str
    pull_request_id: int
    created_at: datetime
    drawn_at: datetime


def of_open_pull_requests(session: Session, *, created_before: datetime) -> Sequence[StandingCard]:
    """Cards of open pull requests, those sent longest ago first.

    Left out are cards that wait to be sent anyway, and conversations that are gone.
    """
    waits = exists().where(
        col(OutboxRow.conversation_id) == PostedCard.conversation_id,
        col(OutboxRow.pull_request_id) == PostedCard.pull_request_id,
        _IS_WAITING_CARD,
    )
    statement = (
        select(
            PostedCard.conversation_id,
            PostedCard.pull_request_id,
            PullRequestRow.created_at,
            PostedCard.updated_at,
        )
        .join(PullRequestRow, col(PullRequestRow.id) == PostedCard.pull_request_id)
        .join(ConversationRow, col(ConversationRow.id) == PostedCard.conversation_id)
        .where(
            PullRequestRow.status == "active",
            col(PullRequestRow.created_at) <= created_before,
            PostedCard.activity_id != "",
            ConversationRow.state == "active",
            ~waits,
        )
        .order_by(col(PostedCard.updated_at), col(PostedCard.pull_request_id))
    )
    return [
        StandingCard(conversation, pull_request, created, drawn)
        for conversation, pull_request, created, drawn in session.exec(statement)
        if drawn is not None
    ]
