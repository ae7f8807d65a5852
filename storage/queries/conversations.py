"""Teams conversations that the bot is or was in."""

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Protocol

from sqlalchemy import BindParameter, bindparam
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from storage.session import keep
from storage.tables import ConversationRow, PostedCard


class ConversationFacts(Protocol):
    """What Teams tells of a conversation (bot.teams_model.Conversation)."""

    @property
    def id(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def service_url(self) -> str: ...
    @property
    def tenant_id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def team_id(self) -> str: ...
    @property
    def team_name(self) -> str: ...
    @property
    def channel_id(self) -> str: ...


def get(session: Session, conversation_id: str) -> ConversationRow | None:
    """The conversation with this id."""
    return session.get(ConversationRow, conversation_id)


def look_up(session: Session, ids: Collection[str], cards: Collection[tuple[str, int]]) -> None:
    """Read these conversations, and these cards in them, for the session to remember.

    Args:
        session: the transaction.
        ids: of the conversations.
        cards: each by conversation and pull request.
    """
    keep(session, ConversationRow, session.exec(_all(), params={"ids": list(ids)}).all(), ids)
    if cards:
        numbers = list({number for _, number in cards})
        wanted: dict[str, list[Any]] = {"ids": list(ids), "pull_requests": numbers}
        keep(session, PostedCard, session.exec(_cards_in(), params=wanted).all(), cards)


@cache  # here and below: making a statement takes longer than running it
def _all() -> SelectOfScalar[ConversationRow]:
    wanted: BindParameter[Any] = bindparam("ids", expanding=True)
    return select(ConversationRow).where(col(ConversationRow.id).in_(wanted))


@cache
def _cards_in() -> SelectOfScalar[PostedCard]:
    return select(PostedCard).where(
        col(PostedCard.conversation_id).in_(bindparam("ids", expanding=True)),
        col(PostedCard.pull_request_id).in_(bindparam("pull_requests", expanding=True)),
    )


def upsert(session: Session, told: ConversationFacts, *, now: datetime) -> ConversationRow:
    """Store what Teams tells. Settings stay, and so does what Teams leaves out this time.

    It does not bring back a conversation that is gone: ``mark_active`` does.
    """
    stored = session.get(ConversationRow, told.id)
    if stored is None:
        stored = ConversationRow(
            id=told.id,
            kind=str(told.kind),
            service_url=told.service_url,
            tenant_id=told.tenant_id,
            created_at=now,
        )
    stored.kind = str(told.kind)
    stored.service_url = told.service_url or stored.service_url
    stored.tenant_id = told.tenant_id or stored.tenant_id
    stored.name = told.name or stored.name
    stored.team_id = told.team_id or stored.team_id
    stored.team_name = told.team_name or stored.team_name
    stored.channel_id = told.channel_id or stored.channel_id
    session.add(stored)
    session.flush()
    return stored


def mark_gone(session: Session, conversation_id: str, *, reason: str) -> bool:
    """Nothing can be sent there any more; False when that was known, or it is unknown."""
    stored = session.get(ConversationRow, conversation_id)
    if stored is None or stored.state == "gone":
        return False
    stored.state = "gone"
    stored.gone_reason = reason
    session.add(stored)
    return True


def mark_active(session: Session, conversation_id: str) -> bool:
    """The bot is (again) there; False when that was known, or it is unknown."""
    stored = session.get(ConversationRow, conversation_id)
    if stored is None or stored.state == "active":
        return False
    stored.state = "active"
    stored.gone_reason = ""
    session.add(stored)
    return True


def rename(session: Session, conversation_id: str, *, name: str) -> None:
    """A channel or group chat has a new name."""
    stored = session.get(ConversationRow, conversation_id)
    if stored is not None:
        stored.name = name
        session.add(stored)


def rename_team(session: Session, team_id: str, *, team_name: str) -> None:
    """A team has a new name, in all its channels."""
    for stored in of_team(session, team_id):
        stored.team_name = team_name
        session.add(stored)


def of_team(session: Session, team_id: str) -> Sequence[ConversationRow]:
    """The channels of a team."""
    if not team_id:
        return []
    of_it = select(ConversationRow).where(ConversationRow.team_id == team_id)
    return session.exec(of_it.order_by(col(ConversationRow.id))).all()


def set_defaults(
    session: Session, conversation_id: str, *, connection: str, repository: str
) -> None:
    """Set the connection and repository that are meant where a command names none."""
    stored = session.get(ConversationRow, conversation_id)
    if stored is not None:
        stored.default_connection = connection
        stored.default_repository = repository
        session.add(stored)


def places_to_ask(
    session: Session,
    *,
    tenant_id: str,
    personal: str,
    without: str,
    without_team: str,
    limit: int,
) -> Sequence[ConversationRow]:
    """Active conversations of a tenant in which somebody may still be: the personal chat first.

    Not the conversation or team that was left, nor other people's personal chats.
    """
    there = select(ConversationRow).where(
        ConversationRow.tenant_id == tenant_id,
        ConversationRow.state == "active",
        ConversationRow.id != without,
        (col(ConversationRow.id) == personal) | (col(ConversationRow.kind) != "personal"),
    )
    if without_team:
        there = there.where(ConversationRow.team_id != without_team)
    return session.exec(
        there.order_by(col(ConversationRow.id) != personal, col(ConversationRow.id)).limit(limit)
    ).all()
