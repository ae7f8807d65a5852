"""``pullcord inbox list`` and ``inbox retry``: webhooks that could not be understood."""

from bot.cli.dead_letters import Box, Letter, commands_of
from storage import inbox as stored
from storage.inbox import DeadLetter


def _letter(row: DeadLetter) -> Letter:
    facts = {
        "connection": row.connection,
        "event_type": row.event_type,
        "received_at": row.received_at.isoformat(),
        "attempts": row.attempts,
        "bytes": row.size,
    }
    what = f"{row.connection}  {row.event_type}"
    return Letter(row.id, row.received_at, what, row.reason, facts)


inbox = commands_of(
    Box(
        name="inbox",
        help="Look at webhooks that could not be understood; retry them.",
        list_help="List dead letters, the newest first, with the reason.",
        none="No dead letters.",
        not_one="no dead letter",
        taken="takes them",
        count=lambda session: stored.counts(session).get("dead", 0),
        newest=lambda session: [_letter(row) for row in stored.dead_letters(session)],
        retry=stored.retry_dead,
        by_connection=True,
    )
)
