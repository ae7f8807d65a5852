"""What each conversation is told of some changes, and in which place. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from bot.changes import (
    BecameReady,
    Change,
    CommentPosted,
    ReviewerAdded,
    ReviewerMadeRequired,
    VoteCast,
)
from bot.notices.filters import subject_of
from bot.notices.kinds import Place
from bot.notices.machines import is_machine
from bot.notices.model import Situation, Subscriber
from bot.notices.places import kind_of
from bot.notices.subscriptions import is_about, wants

_LOUDEST_FIRST = (Place.CHANNEL, Place.THREAD, Place.DIRECT, Place.CARD)
_NO_REASON_TO_POST = ReviewerAdded | ReviewerMadeRequired | BecameReady


@dataclass(slots=True)
class Telling:
    """What one conversation is told: each change, by its id, with the place."""

    subscriber: Subscriber
    found: dict[str, tuple[Change, Place]] = field(default_factory=dict)

    def add(self, change: Change, place: Place) -> None:
        """Of several subscriptions that tell the same, the loudest counts."""
        if (known := self.found.get(change.id)) is not None:
            place = min(known[1], place, key=_LOUDEST_FIRST.index)
        self.found[change.id] = (change, place)

    @property
    def posts_card(self) -> bool:
        """Whether a conversation without the card gets it; what is only seen on it is no reason."""
        return any(
            place is not Place.CARD or not isinstance(change, _NO_REASON_TO_POST)
            for change, place in self.found.values()
        )

    def in_place(self, *places: Place) -> Iterator[tuple[Change, Place]]:
        """What goes to one of these places, in the order of the changes."""
        for change, place in self.found.values():
            if place in places:
                yield change, place


def tellings(changes: tuple[Change, ...], situation: Situation) -> dict[str, Telling]:
    """By conversation what it is told, under any one of its subscriptions."""
    worth_telling = [
        (change, kind)
        for change in changes
        if (kind := kind_of(change)) is not None and _is_worth_telling(change, changes)
    ]
    if not worth_telling:
        return {}
    subject = subject_of(situation.state, situation.facts)
    told: dict[str, Telling] = {}
    for subscriber in situation.subscribers:
        if not is_about(subscriber, situation.state, subject):
            continue
        for change, kind in worth_telling:
            place = subscriber.places.of(kind, subscriber.kind)
            if place is Place.OFF or not wants(subscriber, change, situation):
                continue
            telling = told.get(subscriber.conversation_id)
            if telling is None:
                telling = told[subscriber.conversation_id] = Telling(subscriber)
            telling.add(change, place)
    return told


def _is_worth_telling(change: Change, changes: tuple[Change, ...]) -> bool:
    """Not what machines say, nor that somebody was asked who came by voting."""
    match change:
        case VoteCast(reviewer=who):
            return not is_machine(who)
        case CommentPosted(comment=comment):
            return not comment.is_system and not is_machine(comment.author)
        case ReviewerAdded(reviewer=who):
            return who.id not in {c.reviewer.id for c in changes if isinstance(c, VoteCast)}
    return True
