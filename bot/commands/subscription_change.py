"""What a wish makes of a subscription that is there, or of none."""

from sqlmodel import Session

from bot.commands.following import Following
from bot.commands.subscription_words import Wish
from bot.notices.places import DEFAULT_PLACES, Places
from bot.notices.wishes import Wishes
from bot.subscribing import Subscribed, settings_or_default
from bot.teams_model import ConversationKind
from storage.queries import subscriptions

Place = tuple[str, str, str]


def place_of(following: Following) -> Place:
    """(connection, project, repository)."""
    return following.connection, following.project, following.repository


def stored(session: Session, conversation_id: str, place: Place) -> Subscribed | None:
    """What the conversation's subscription to this wants; None when there is none."""
    row = subscriptions.find(session, conversation_id, *place)
    return None if row is None else settings_or_default(row)


def changed(before: Subscribed | None, wish: Wish, where: ConversationKind) -> Subscribed:
    """A subscription after what is wished; typed anew it is not paused any more."""
    old = before or Subscribed()
    wishes = wish.applied(old.wishes)
    chosen = [
        (kind, place)
        for kind, place in wishes.places.chosen
        if place is not DEFAULT_PLACES.of(kind, where)  # better defaults are to reach everybody
    ]
    return Subscribed(
        Wishes(wishes.filters, Places(tuple(chosen))),
        wish.radar or old.radar,
        is_paused=old.is_paused and wish.is_form,
    )
