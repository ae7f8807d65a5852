"""Who is alerted of a conflict: the author, and the conversations that follow. Pure.

Reviewers are not bothered.
"""

from dataclasses import dataclass, replace

from bot.changes import ConflictStarted
from bot.notices.model import Contact, Situation, Subscriber
from bot.notices.subscriptions import is_about, wants
from bot.teams_model import ConversationKind


@dataclass(frozen=True, slots=True)
class Audience:
    """Where an alert goes.

    ``cards`` are conversations whose card must be there and show it; ``places`` those that get
    the alert, channels and group chats. ``author`` is told directly, ``mention`` in the places
    instead.
    """

    cards: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    author: Contact | None = None
    mention: Contact | None = None


def audience(
    situation: Situation, change: ConflictStarted, *, at_first_sight: bool, is_snoozed: bool
) -> Audience:
    """Who is alerted.

    Args:
        situation: the pull request as it is now.
        change: the beginning of the episode.
        at_first_sight: it had conflicts when it was first seen: no news to those who came later.
        is_snoozed: the author does not want to be told now.
    """
    if at_first_sight:
        situation = replace(situation, before=None)
    told: dict[str, Subscriber] = {}
    for subscriber in situation.subscribers:
        if is_about(subscriber, situation.state) and wants(subscriber, change, situation):
            told.setdefault(subscriber.conversation_id, subscriber)
    places = tuple(
        key for key, subscriber in told.items() if subscriber.kind is not ConversationKind.PERSONAL
    )
    author = situation.people.get(situation.state.author.id)
    is_old = at_first_sight and situation.state.created_at < situation.watched_since
    if author is None or is_old or is_snoozed:
        return Audience(tuple(told), places)
    if author.personal_conversation_id or not places:
        return Audience(tuple(told), places, author=author)
    return Audience(tuple(told), places, mention=author)
