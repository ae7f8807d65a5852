"""How an episode of conflicts ended, in a few words. Plain text."""

from bot.cards.plain_text import plain
from bot.conflicts.episodes import EndedBy
from bot.notices.texts import NAME_LENGTH, branch


def ended_how(by: EndedBy, actor: str, *, source_ref: str, target_ref: str) -> str:
    """``, by Maya Sample's push to feature/x``; "" when neither what nor who is known.

    ``actor`` is the name of the person who did it, "" when it is not known.
    """
    who = plain(actor, NAME_LENGTH)
    match by:
        case EndedBy.SOURCE:
            source = branch(source_ref)
            return f", by {who}'s push to {source}" if who else f", by new commits on {source}"
        case EndedBy.TARGET:
            target = branch(target_ref)
            return f", by {who}'s push to {target}" if who else f", by a change of {target}"
        case EndedBy.RETARGET:
            target = branch(target_ref)
            return f", by {who}, who chose {target}" if who else f", by targeting {target}"
    return ""
