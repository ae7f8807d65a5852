"""An author without a chat is mentioned of a conflict where its alert stands."""

from datetime import datetime

from sqlmodel import Session

from bot.cards.plain_text import escape_message, plain
from bot.connections.telling import write_into
from bot.teams_model import ConversationKind, Mention, OutgoingMessage
from storage.queries import conflicts, conversations
from storage.tables import ConflictEpisode, Person

NAME_LENGTH = 60


def mention_author(
    session: Session,
    person: Person,
    episode: ConflictEpisode,
    said: str,
    *,
    cause: str,
    now: datetime,
) -> bool:
    """Mention him below each alert; False where there is none, so that he must be written to.

    A card cannot be updated when a text stands with it, so the mention is a reply of its own.
    Runs inside ``Database.write``.

    Args:
        session: the transaction that takes it from what waits for him.
        person: the author, who has no chat with us.
        episode: the conflict, open.
        said: the sentence to him, plain text.
        cause: what brought it.
        now: the time.
    """
    told = [
        place.id
        for conversation_id in sorted(conflicts.told_in(session, episode.id or 0))
        if (place := conversations.get(session, conversation_id)) is not None
        and place.state == "active"
        and place.kind != ConversationKind.PERSONAL.value
    ]
    name = plain(person.name, NAME_LENGTH).replace("<", "").replace(">", "") or "Author"
    message = OutgoingMessage(
        text=f"<at>{name}</at> {escape_message(said)}",
        summary=f"{name}: {said}",
        mentions=(Mention(person.teams_user_id, name),),
    )
    write_into(
        session,
        told,
        message,
        key=f"conflict-mention:{episode.id}",
        now=now,
        cause=cause,
        pull_request_id=episode.pull_request_id,
    )
    return bool(told)
