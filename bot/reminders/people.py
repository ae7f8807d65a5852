"""The people whom reminders are about, each with his own working time."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlmodel import Session, col, select

from bot.model import Reviewer
from bot.notices.kinds import EventKind
from bot.notices.reasons import Role
from bot.people_preferences import preferences_of
from bot.preferences import Preferences
from bot.reminders.seen import Seen
from bot.reminders.waiting import waiting_reviewers
from bot.working_time import Calendar, calendar_of
from storage.queries import identities, reviews
from storage.tables import ConversationRow, IdentityRow, Person, RepositoryRow


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
    those who were asked in the stead of a group that reviews, by (pull request's row, the group's
    identity id in lower case).
    """

    by_identity: dict[tuple[str, str], Someone] = field(default_factory=dict)
    reviewers: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    for_groups: dict[tuple[int, str], tuple[Someone, ...]] = field(default_factory=dict)

    def of(self, connection: str, identity_id: str) -> Someone | None:
        """The person behind an identity."""
        return self.by_identity.get((connection, identity_id.lower()))

    def concerned(self, seen: Seen, identity_id: str) -> Sequence[Someone]:
        """Who is waited for under an identity; a group's are those asked in its stead."""
        found = self.of(seen.state.connection, identity_id)
        if found is not None:
            return (found,)
        return self.for_groups.get((seen.id, identity_id.lower()), ())

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
    return Roster(people, reviewers, _for_groups(session, seen, people))


def _for_groups(
    session: Session, all_seen: Collection[Seen], known: Mapping[tuple[str, str], Someone]
) -> dict[tuple[int, str], tuple[Someone, ...]]:
    """Those asked who are in the group; who reviews in person is waited for as himself."""
    with_groups = {
        seen.id: seen
        for seen in all_seen
        if any(reviewer.identity.is_group for reviewer in seen.state.reviewers)
    }
    asked = reviews.asked_for_groups(
        session,
        list(with_groups),
        kind=EventKind.REVIEW_ASKED.value,
        role=Role.GROUP_MEMBER.value,
    )
    found: dict[tuple[int, str], dict[int, Someone]] = {}
    for row_id, person_id, _ in asked:
        state = with_groups[row_id].state
        person = load_person(session, person_id)
        in_person = {
            own.id
            for reviewer in state.reviewers
            if (own := known.get((state.connection, reviewer.identity.id.lower())))
        }
        if person is None or person.id in in_person:
            continue
        own_ids = identities.ids_of_person(session, person.id, state.connection)
        for reviewer in state.reviewers:
            if not reviewer.identity.is_group:
                continue
            group = reviews.group_members(session, state.connection, reviewer.identity.id)
            if group is not None and own_ids & set(group.members):
                key = (row_id, reviewer.identity.id.lower())
                found.setdefault(key, {})[person.id] = person
    return {key: tuple(people.values()) for key, people in found.items()}


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
        .join(
            ConversationRow,
            (col(ConversationRow.id) == Person.personal_conversation_id)
            & (col(ConversationRow.state) == "active"),
            isouter=True,
        )
        .where(
            IdentityRow.connection == connection,
            col(IdentityRow.id).in_(identity_ids),
            col(IdentityRow.is_group).is_(False),
            col(Person.removed_at).is_(None),
        )
    )
    for identity_id, person, chat in session.exec(statement):
        yield identity_id, person, chat or ""
