"""Who gets a digest, when the next one is due, and telling it once."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from bot.cards.digest import Digest, digest_card
from bot.cards.view import load_view
from bot.held_item import Waiting, late_once, read_item
from bot.held_over import why_over
from bot.log_text import log_safe
from bot.notices.holding import Reason
from bot.notices.lateness import with_lateness
from bot.outgoing import as_payload
from bot.people_preferences import preferences_of
from bot.reminders.digest import personal_digest, shared_digest
from bot.reminders.owners import CONVERSATION, PERSON, conversation_owner, person_owner
from bot.reminders.people import Someone, load_person
from bot.reminders.rules import BrokenReminders, DigestWishes, read_digest
from bot.reminders.schedule import Schedule, schedule_of_conversation, schedule_of_person
from bot.teams_model import ConversationKind
from bot.working_time import calendar_of
from storage import enqueue, held
from storage.queries import reminders
from storage.tables import DigestTime, HeldNotice, Person

log = logging.getLogger(__name__)

CAUSE = "digest"
TRY_AGAIN = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Owner:
    """Somebody who gets digests. ``subscriptions`` are a conversation's that are in it."""

    key: str
    schedule: Schedule
    subscriptions: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Prepared:
    """A digest that is due, as it was read; None: its owner gets none any more."""

    row: DigestTime
    owner: Owner | None
    person: Someone | None = None
    digest: Digest | None = None


# --- when -------------------------------------------------------------------------------------


def find_owners(session: Session) -> dict[str, Owner]:
    """Everybody who gets digests, by key."""
    return {owner.key: owner for owner in (*_people(session), *_conversations(session))}


def plan_digests(session: Session, *, now: datetime) -> None:
    """Keep the table: new owners, changed schedules, and those who want none any more."""
    owners = find_owners(session)
    known = reminders.digest_times(session)
    for key in known.keys() - owners.keys():
        reminders.forget_digest(session, key)
    for key, owner in owners.items():
        row = known.get(key)
        if row is None or row.schedule != owner.schedule.label:
            reminders.set_digest(
                session,
                key,
                schedule=owner.schedule.label,
                due_at=owner.schedule.next_after(now),
            )


def _people(session: Session) -> Iterator[Owner]:
    for person in session.exec(select(Person).where(col(Person.removed_at).is_(None))):
        if not person.preferences:
            continue
        preferences = preferences_of(person)
        calendar = calendar_of(preferences, person.timezone)
        schedule = schedule_of_person(preferences, calendar)
        if schedule is not None:
            yield Owner(person_owner(person.id or 0), schedule)


def _conversations(session: Session) -> Iterator[Owner]:
    """One digest per conversation: its subscriptions that have one share the time."""
    wishes: dict[str, DigestWishes] = {}
    members: dict[str, set[int]] = {}
    for subscription, conversation in reminders.live_subscriptions(session):
        if conversation.kind == ConversationKind.PERSONAL.value:
            continue
        try:
            found = read_digest(subscription.options)
        except BrokenReminders as broken:
            log.warning("subscription %s: %s", subscription.id, log_safe(str(broken)))
            continue
        if found is not None and subscription.id is not None:
            wishes.setdefault(conversation.id, found)
            members.setdefault(conversation.id, set()).add(subscription.id)
    for conversation_id, found in wishes.items():
        schedule = schedule_of_conversation(found)
        yield Owner(
            conversation_owner(conversation_id), schedule, frozenset(members[conversation_id])
        )


# --- what -------------------------------------------------------------------------------------


def prepare(session: Session, owner_key: str, *, now: datetime) -> Prepared | None:
    """Read the digest of one owner; None when it is not due any more."""
    row = session.get(DigestTime, owner_key)
    if row is None or row.due_at > now:
        return None
    if not owner_key.startswith(PERSON):
        owner = next((o for o in _conversations(session) if o.key == owner_key), None)
        digest = shared_digest(session, owner.subscriptions) if owner else None
        return Prepared(row, owner, digest=digest)
    person = load_person(session, int(owner_key.removeprefix(PERSON)))
    schedule = schedule_of_person(person.preferences, person.calendar) if person else None
    if person is None or schedule is None:
        return Prepared(row, None)
    return Prepared(row, Owner(owner_key, schedule), person, personal_digest(session, person))


def _kept(session: Session, person: Someone, now: datetime) -> list[Waiting]:
    """What happened of the kinds that a person wants in his digest, and is still news."""
    rows = session.exec(
        select(HeldNotice)
        .where(
            HeldNotice.person_id == person.id,
            HeldNotice.reason == Reason.DIGEST.value,
            col(HeldNotice.released_at).is_(None),
        )
        .order_by(col(HeldNotice.id))
        .with_for_update()
    ).all()
    kept: list[Waiting] = []
    for row in rows:
        about = row.pull_request_id
        view = load_view(session, about, "", now) if about is not None else None
        waiting = Waiting(row, read_item(row.payload), view)
        over = why_over(session, person.id, row, waiting.item, view)
        if over:
            held.release(session, [row.id], now=now, outcome=over)
        elif waiting.item.text:
            kept.append(waiting)
    return late_once(kept)


# --- telling ----------------------------------------------------------------------------------


def tell(session: Session, prepared: Prepared, *, now: datetime) -> bool:
    """Queue a digest unless it is empty, and go on to the next; False when another did so.

    A snooze puts it off. One that was missed by a stall comes once, at a time of work.
    """
    row, owner = prepared.row, prepared.owner
    if owner is None:
        reminders.forget_digest(session, row.owner)
        return False
    later = _later(prepared, owner, now)
    if later is not None:
        return reminders.advance_digest(session, row.owner, was_due_at=row.due_at, due_at=later)
    following = owner.schedule.next_after(now)
    is_ours = reminders.advance_digest(
        session, row.owner, was_due_at=row.due_at, due_at=following, told_at=now
    )
    if is_ours and prepared.digest is not None:
        _send_unless_empty(session, prepared, prepared.digest, now)
    return is_ours


def _later(prepared: Prepared, owner: Owner, now: datetime) -> datetime | None:
    """When a digest comes that cannot come now."""
    snoozed = prepared.person.preferences.snoozed_until if prepared.person else None
    if snoozed is not None and snoozed > now:
        return snoozed
    if owner.schedule.calendar.is_off(owner.schedule.calendar.day_of(now)):
        return owner.schedule.next_after(now)
    return owner.schedule.put_off(prepared.row.due_at, now)


def _send_unless_empty(session: Session, prepared: Prepared, digest: Digest, now: datetime) -> None:
    """What was kept for the digest is read here: nobody else can tell it at the same time."""
    person = prepared.person
    kept = _kept(session, person, now) if person else []
    news = tuple(with_lateness(each.item.text, each.item.late, now) for each in kept)
    digest = replace(digest, news=news)
    if digest.is_empty:
        return
    chat = person.chat if person else prepared.row.owner.removeprefix(CONVERSATION)
    enqueue.message(
        session,
        key=f"digest:{prepared.row.owner}:{prepared.row.due_at:%Y%m%dT%H%M%S}",
        payload=as_payload(digest_card(digest, now)),
        now=now,
        conversation_id=chat,
        person_id=person.id if person and not chat else None,
        cause=CAUSE,
    )
    held.release(session, [each.row.id for each in kept], now=now, outcome=held.SENT)


def give_up(session: Session, owner_key: str, *, now: datetime) -> None:
    """A digest cannot be told by a defect of ours: it is tried again later."""
    row = session.get(DigestTime, owner_key)
    if row is not None and row.due_at <= now:
        row.due_at = now + TRY_AGAIN
        session.add(row)
