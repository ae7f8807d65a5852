"""Who is alerted of a conflict: the author, and the conversations that follow. Pure.

Reviewers are not bothered.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from bot.changes import ConflictStarted
from bot.notices.kinds import Place
from bot.notices.model import Contact, Situation
from bot.notices.tellings import Telling, tellings
from bot.teams_model import ConversationKind


@dataclass(frozen=True, slots=True)
class Audience:
    """Where an alert goes.

    ``cards`` are conversations whose card must be there and show it; ``places`` those that get
    the alert, channels and group chats; ``own_messages`` those of them where it stands by itself,
    not below the card. ``author`` is told directly. ``followers`` are other people who asked for
    it in their own chats.
    """

    cards: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    own_messages: frozenset[str] = frozenset()
    author: Contact | None = None
    followers: tuple[int, ...] = ()


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
    told = tellings((change,), situation)
    alerted = {
        key: place
        for key, telling in told.items()
        for _, place in telling.in_place(Place.THREAD, Place.CHANNEL)
        if telling.subscriber.kind is not ConversationKind.PERSONAL
    }
    author = situation.people.get(situation.state.author.id)
    places = tuple(alerted)
    found = Audience(
        cards=tuple(told),
        places=places,
        own_messages=frozenset(key for key, place in alerted.items() if place is Place.CHANNEL),
        followers=_followers(told.values(), author.person_id if author else 0),
    )
    is_old = at_first_sight and situation.state.created_at < situation.watched_since
    if author is None or is_old or is_snoozed:
        return found
    return replace(found, author=author)


def _followers(told: Iterable[Telling], author: int) -> tuple[int, ...]:
    """Who asked for more than the card in his own chat; the author is told anyway."""
    found = dict.fromkeys(
        telling.subscriber.person_id
        for telling in told
        if telling.subscriber.kind is ConversationKind.PERSONAL
        and any(telling.in_place(Place.THREAD, Place.CHANNEL, Place.DIRECT))
    )
    return tuple(person for person in found if person not in (0, author))
