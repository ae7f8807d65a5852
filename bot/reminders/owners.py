"""Who wants to be reminded: people by their preferences, conversations by their subscriptions."""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlmodel import Session

from bot.log_text import log_safe
from bot.notices.filters import passes, subject_of
from bot.notices.model import Subscriber
from bot.reach import Reach, load_facts, load_reach
from bot.reminders.rules import BrokenReminders, ReminderWishes, read_reminders
from bot.reminders.seen import Seen
from bot.teams_model import ConversationKind
from storage.queries import reminders

log = logging.getLogger(__name__)

PERSON, CONVERSATION = "person/", "conversation/"


def person_owner(person_id: int) -> str:
    """How the table names a person."""
    return f"{PERSON}{person_id}"


def conversation_owner(conversation_id: str) -> str:
    """How the table names a conversation."""
    return f"{CONVERSATION}{conversation_id}"


@dataclass(frozen=True, slots=True)
class Place:
    """A channel or group chat that may be reminded of a pull request, and how it wants it."""

    conversation_id: str
    kind: ConversationKind
    wishes: tuple[ReminderWishes, ...]

    def rests_until(self, now: datetime) -> datetime | None:
        """When it may be told next; None: now."""
        first = min(wish.calendar.next_working(now) for wish in self.wishes)
        return first if first > now else None


@dataclass(slots=True)
class Conversations:
    """The conversations that want reminders, by subscription; reaches are read once each."""

    wishes: Mapping[int, ReminderWishes]
    _reaches: dict[tuple[str, str], Reach] = field(default_factory=dict)

    def about(self, session: Session, seen: Seen) -> list[Place]:
        """Those whose subscriptions cover a pull request, with all their filters."""
        if not self.wishes:
            return []
        found: dict[str, list[Subscriber]] = {}
        for subscriber in self._covering(session, seen):
            found.setdefault(subscriber.conversation_id, []).append(subscriber)
        return [
            Place(key, those[0].kind, tuple(self.wishes[each.id] for each in those))
            for key, those in found.items()
        ]

    def _covering(self, session: Session, seen: Seen) -> Iterator[Subscriber]:
        state = seen.state
        key = (state.connection, state.repository.id)
        if key not in self._reaches:
            self._reaches[key] = load_reach(session, state.connection, state.repository)
        reach = self._reaches[key]
        interested = [
            each
            for each in reach.subscribers
            if each.id in self.wishes and each.kind is not ConversationKind.PERSONAL
        ]
        if not interested:
            return
        subject = subject_of(state, load_facts(session, state, reach))
        yield from (each for each in interested if passes(each.filters, subject))


def load_conversations(session: Session) -> Conversations:
    """The subscriptions that have reminders switched on and can be told now."""
    wishes: dict[int, ReminderWishes] = {}
    for subscription, _ in reminders.live_subscriptions(session):
        try:
            found = read_reminders(subscription.options)
        except BrokenReminders as broken:
            log.warning("subscription %s: %s", subscription.id, log_safe(str(broken)))
            continue
        if found.rules and subscription.id is not None:
            wishes[subscription.id] = found
    return Conversations(wishes)
