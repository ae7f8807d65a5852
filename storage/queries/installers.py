"""Who added the app to a team or conversation, from the audit."""

from collections.abc import Sequence

from sqlmodel import Session, and_, col, or_, select

from storage.tables import AuditRow, ConversationRow

INSTALLED = "bot.installed"


def who_added(session: Session, conversation_id: str, team_id: str) -> Sequence[str]:
    """The actors (``Name <mail>``) who added the app to the conversation or its team, oldest first.

    In a team the app is added once for all channels.
    """
    places = select(ConversationRow.id).where(
        or_(
            ConversationRow.id == conversation_id,
            and_(ConversationRow.team_id == team_id, ConversationRow.team_id != ""),
        )
    )
    ids = session.exec(places).all()
    rows = session.exec(
        select(AuditRow.actor)
        .where(
            col(AuditRow.subject).in_([f"conversation/{each}" for each in ids]),
            AuditRow.action == INSTALLED,
        )
        .order_by(col(AuditRow.id))
    ).all()
    return list(dict.fromkeys(rows))
