"""Stored conversations as what the Teams port takes."""

from bot.teams_model import Conversation, ConversationKind
from storage.tables import ConversationRow


def to_conversation(row: ConversationRow) -> Conversation:
    """The conversation of a row."""
    return Conversation(
        id=row.id,
        kind=ConversationKind(row.kind),
        service_url=row.service_url,
        tenant_id=row.tenant_id,
        name=row.name,
        team_id=row.team_id,
        team_name=row.team_name,
        channel_id=row.channel_id,
    )
