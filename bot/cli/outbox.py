"""``pullcord outbox list`` and ``outbox retry``: messages that Teams did not take."""

from bot.cli.dead_letters import Box, Letter, commands_of
from storage import outbox as stored
from storage.queues import row_id
from storage.tables import OutboxRow


def _letter(row: OutboxRow) -> Letter:
    facts = {
        "kind": row.kind,
        "conversation": row.conversation_id,
        "queued_at": row.created_at.isoformat(),
        "attempts": row.attempts,
    }
    return Letter(row_id(row), row.created_at, row.kind, row.reason, facts)


outbox = commands_of(
    Box(
        name="outbox",
        help="Look at messages that Teams did not take; retry them.",
        list_help="List messages that could not be sent, the newest first, with the reason.",
        none="Everything could be sent.",
        not_one="no message that could not be sent",
        taken="sends them",
        count=lambda session: stored.counts(session).get("dead", 0),
        newest=lambda session: [_letter(row) for row in stored.dead_letters(session)],
        retry=stored.retry_dead,
    )
)
