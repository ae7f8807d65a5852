"""The people whom reminders are about, each with his own working time."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlmodel import Session, col, select

from bot.group_reviewers import Asked, GroupReview, reviewers_through_groups
from bot.model import Reviewer
from bot.people_preferences import preferences_of
from bot.preferences import Preferences
from bot.reminders.seen import Seen
from bot.reminders.waiting import waiting_reviewers
from bot.working_time import Calendar, calendar_of
from storage.tables import ConversationRow, IdentityRow, Person, RepositoryRow

_IS_OPEN_CHAT = (col(ConversationRow.id) == col(Person.personal_conversation_id)) & (
    col(ConversationRow.state) == "active"
)


@dataclass(frozen=True, slots=True)
class Someone:
    """A person of Teams; ``chat`` is the personal chat if it can be used, else ""."""

    id: int
    name: str
    chat: str
    preferences: Preferences
    calendar: Calendar

    def is_away(self, now: datetime) -> bool:
        """Whether he said that he is absent today."""
        return self.calendar.is_away(self.calendar.day_of(now))

    def rests_until(self, now: datetime) -> datetime | None:
        """When he may be reminded next; None: now."""
        snoozed = self.preferences.snoozed_until
        at = max(now, snoozed) if snoozed is not None else now
        first = self.calendar.next_working(at)
        return first if first > now else None


@dataclass(frozen=True, slots=True)
class Roster:
    """Whom Pullcord knows among those concerned.

    ``by_identity`` is by (connection, identity id in lower case). ``reviewers`` are the identity
    ids of those who are configured to review, by (connection, repository id). ``for_groups`` are
    those whose review is waited for because of a group, by (pull request's row, the group's
    identity id in lower case), and by person.
    """

    by_identity: dict[tuple[str, str], Someone] = field(default_factory=dict)
    reviewers: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    for_groups: dict[Asked, dict[int, Someone]] = field(default_factory=dict)

    def of(self, connection: str, identity_id: str) -> Someone | None:
        """The person behind an identity."""
        return self.by_identity.get((connection, identity_id.lower()))

    def concerned(self, seen: Seen, identity_id: str) -> Mapping[int, Someone]:
        """Who is waited for under an identity, by person; for a group, who reviews through it."""
        found = self.of(seen.state.connection, identity_id)
        if found is not None:
            return {found.id: found}
        return self.for_groups.get((seen.id, identity_id.lower()), {})

    def author_of(self, seen: Seen) -> Someone | None:
        """The person who wrote a pull request."""
        return self.of(seen.state.connection, seen.state.author.id)

    def stand_in(self, seen: Seen, absent: Reviewer, now: datetime) -> Someone | None:
        """Who reviews instead of somebody who is away; None when nobody is left.

        First the other reviewers whose vote is waited for, in their order after the absent one;
        then those who are configured to review in the repository.
        """
        state = seen.state
        order = [r.identity.id for r in waiting_reviewers(state, seen.history)]
        here = order.index(absent.identity.id) if absent.identity.id in order else -1
        following = [*order[here + 1 :], *order[: max(here, 0)]]
        asked = {r.identity.id for r in state.reviewers}
        configured = self.reviewers.get((state.connection, state.repository.id), ())
        following += [each for each in configured if each not in asked]
        author = self.author_of(seen)
        for identity_id in following:
            found = self.of(state.connection, identity_id)
            if found is None or found.is_away(now) or (author and found.id == author.id):
                continue
            return found
        return None


def load_roster(session: Session, seen: Collection[Seen]) -> Roster:
    """Everybody who has to do with these pull requests, or could review them."""
    ids: dict[str, set[str]] = {}
    repositories: set[tuple[str, str]] = set()
    for one in seen:
        state = one.state
        found = ids.setdefault(state.connection, set())
        found |= {state.author.id, *(reviewer.identity.id for reviewer in state.reviewers)}
        repositories.add((state.connection, state.repository.id))
    reviewers = _configured(session, repositories)
    for (connection, _), configured in reviewers.items():
        ids[connection] |= set(configured)
    people: dict[tuple[str, str], Someone] = {}
    for connection, identity_ids in ids.items():
        for identity_id, person, chat in _people(session, connection, identity_ids):
            people[(connection, identity_id.lower())] = someone(person, chat)
    return Roster(people, reviewers, _for_groups(session, seen))


def _for_groups(session: Session, all_seen: Collection[Seen]) -> dict[Asked, dict[int, Someone]]:
    asked = [
        GroupReview(seen.id, seen.state.connection, reviewer.identity.id)
        for seen in all_seen
        for reviewer in seen.state.reviewers
        if reviewer.identity.is_group
    ]
    found = reviewers_through_groups(session, asked)
    known = _load_people(session, {person_id for people in found.values() for person_id in people})
    by_name = sorted(known.values(), key=lambda person: (person.name, person.id))
    return {
        key: {person.id: person for person in by_name if person.id in people}
        for key, people in found.items()
    }


def _load_people(session: Session, ids: Collection[int]) -> dict[int, Someone]:
    rows = session.exec(
        select(Person, ConversationRow.id)
        .join(ConversationRow, _IS_OPEN_CHAT, isouter=True)
        .where(col(Person.id).in_(ids), col(Person.removed_at).is_(None))
    )
    return {person.id or 0: someone(person, chat or "") for person, chat in rows}


def load_person(session: Session, person_id: int) -> Someone | None:
    """One person, None if he is not there any more."""
    person = session.get(Person, person_id)
    if person is None or person.removed_at is not None:
        return None
    chat = session.get(ConversationRow, person.personal_conversation_id)
    return someone(person, chat.id if chat is not None and chat.state == "active" else "")


def someone(person: Person, chat: str) -> Someone:
    """A stored person as reminders see him."""
    preferences = preferences_of(person)
    calendar = calendar_of(preferences, person.timezone)
    return Someone(person.id or 0, person.name, chat, preferences, calendar)


def _configured(
    session: Session, repositories: Collection[tuple[str, str]]
) -> dict[tuple[str, str], tuple[str, ...]]:
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for key in repositories:
        row = session.get(RepositoryRow, key)
        if row is not None and row.reviewers:
            found[key] = tuple(row.reviewers)
    return found


def _people(
    session: Session, connection: str, identity_ids: Collection[str]
) -> Iterable[tuple[str, Person, str]]:
    statement = (
        select(IdentityRow.id, Person, ConversationRow.id)
        .join(Person, col(Person.id) == IdentityRow.person_id)
        .join(ConversationRow, _IS_OPEN_CHAT, isouter=True)
        .where(
            IdentityRow.connection == connection,
            col(IdentityRow.id).in_(identity_ids),
            col(IdentityRow.is_group).is_(False),
            col(Person.removed_at).is_(None),
        )
    )
    for identity_id, person, chat in session.exec(statement):
        yield identity_id, person, chat or ""
