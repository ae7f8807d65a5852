"""Which conversations want to hear of what."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Text, cast
from sqlmodel import Session, col, select

from storage.tables import ConversationRow, Subscription
from storage.text import folded


def get(session: Session, subscription_id: int) -> Subscription | None:
    """The subscription with this id."""
    return session.get(Subscription, subscription_id)


def of_conversation(session: Session, conversation_id: str) -> Sequence[Subscription]:
    """The subscriptions of a conversation, paused ones too."""
    its_own = select(Subscription).where(Subscription.conversation_id == conversation_id)
    return session.exec(its_own.order_by(col(Subscription.id))).all()


def find(
    session: Session, conversation_id: str, connection: str, project: str, repository: str = ""
) -> Subscription | None:
    """A conversation's subscription to exactly this, names in any case."""
    candidates = session.exec(
        select(Subscription).where(
            Subscription.conversation_id == conversation_id,
            Subscription.connection == connection,
            Subscription.project_key == folded(project),
        )
    ).all()
    wanted = folded(repository)
    return next((one for one in candidates if folded(one.repository) == wanted), None)


def add(
    session: Session,
    *,
    conversation_id: str,
    connection: str,
    project: str,
    now: datetime,
    repository: str = "",
    target_branches: Sequence[str] = (),
    drafts: str = "published",
    options: dict[str, Any] | None = None,
    created_by: str = "",
) -> tuple[Subscription, bool]:
    """Subscribe a conversation; one to the same project and repository is changed in place.

    Returns the subscription and whether it is new.
    """
    found = find(session, conversation_id, connection, project, repository)
    stored = found or Subscription(
        conversation_id=conversation_id,
        connection=connection,
        project=project,
        repository=repository,
        created_by=created_by,
        created_at=now,
    )
    stored.target_branches = list(target_branches)
    stored.drafts = drafts
    stored.options = options or {}
    stored.paused_at = None
    session.add(stored)
    session.flush()
    return stored, found is None


def remove(
    session: Session, conversation_id: str, connection: str, project: str, repository: str = ""
) -> bool:
    """End a subscription; False when there is none."""
    found = find(session, conversation_id, connection, project, repository)
    if found is None:
        return False
    session.delete(found)
    session.flush()
    return True


def any_in(session: Session, connection: str) -> bool:
    """Whether anybody follows anything of a connection."""
    found = select(Subscription.id).where(Subscription.connection == connection).limit(1)
    return session.exec(found).first() is not None


def any_with_filter(session: Session, connection: str, name: str) -> bool:
    """Whether anybody's subscription in a connection sets the filter of this name."""
    found = select(Subscription.id).where(
        Subscription.connection == connection,
        cast(col(Subscription.options), Text).contains(f'"{name}"', autoescape=True),
    )
    return session.exec(found.limit(1)).first() is not None


def conversations_of(session: Session, connection: str) -> Sequence[str]:
    """Ids of the conversations that follow something of a connection and can be told now."""
    following = (
        select(Subscription.conversation_id)
        .join(ConversationRow, col(ConversationRow.id) == col(Subscription.conversation_id))
        .where(Subscription.connection == connection, ConversationRow.state == "active")
        .distinct()
    )
    return session.exec(following.order_by(col(Subscription.conversation_id))).all()


def candidates(session: Session, connection: str, project: str) -> Sequence[Subscription]:
    """Subscriptions to this project or something in it that can be told now.

    Not the paused ones, nor those of conversations that are gone. Repository and branch patterns
    are the caller's to match.
    """
    return session.exec(
        select(Subscription)
        .join(ConversationRow, col(ConversationRow.id) == col(Subscription.conversation_id))
        .where(
            Subscription.connection == connection,
            Subscription.project_key == folded(project),
            col(Subscription.paused_at).is_(None),
            ConversationRow.state == "active",
        )
        .order_by(col(Subscription.id))
    ).all()
