"""What is due, told once: looked at again, put into the outbox and marked, in one transaction."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from bot.cards.direct import reply_message
from bot.cards.reminder import Line, reminder_card
from bot.cards.view import load_view
from bot.notices import texts as notice_texts
from bot.outgoing import as_payload
from bot.reminders import texts
from bot.reminders.due import Due, for_conversation, for_person, is_muted
from bot.reminders.owners import (
    CONVERSATION,
    PERSON,
    Place,
    conversation_owner,
    load_conversations,
)
from bot.reminders.people import Roster, Someone, load_person, load_roster
from bot.reminders.rules import OF_REVIEWERS, Rule
from bot.reminders.seen import Seen, load_seen
from bot.reminders.waiting import waiting_reviewers
from bot.teams_model import ConversationKind
from storage import enqueue
from storage.queries import reminders
from storage.queries.reminders import TOLD, VOID, reminder_key
from storage.tables import ConversationRow, PullRequestRow, Reminder

MOST_TOLD = 200
TRY_AGAIN = timedelta(hours=1)
CAUSE = "reminder"
FILES_PAGE = "files"
STAND_IN = "stand-in"
NOT_SO = "it is not so any more"


@dataclass(frozen=True, slots=True)
class _Told:
    """A reminder that is told now."""

    row: Reminder
    due: Due
    seen: Seen


def tell_owner(session: Session, owner: str, *, now: datetime) -> int:
    """Tell one person or conversation what is due; how many reminders were dealt with.

    A reminder that is not so any more is void. One whose time has moved, by changed settings, an
    absence or a snooze, waits for the new one. All that is told is one message.
    """
    rows = reminders.due_of(session, owner, now=now, limit=MOST_TOLD)
    if not rows:
        return 0
    all_seen = _load(session, {row.pull_request_id for row in rows})
    roster = load_roster(session, all_seen.values())
    if owner.startswith(PERSON):
        _tell_person(session, owner, rows, all_seen, roster, now)
    else:
        places = _places(session, owner, all_seen)
        _tell_conversation(session, owner, rows, all_seen, roster, places, now)
    return len(rows)


def give_up(session: Session, owner: str, *, now: datetime) -> None:
    """What is due to one owner cannot be told by a defect of ours: it is tried again later."""
    ids = [row.id for row in reminders.due_of(session, owner, now=now, limit=MOST_TOLD)]
    reminders.put_off(session, ids, due_at=now + TRY_AGAIN)


def _load(session: Session, ids: set[int]) -> dict[int, Seen]:
    rows = session.exec(select(PullRequestRow).where(col(PullRequestRow.id).in_(ids))).all()
    return {seen.id: seen for seen in load_seen(session, rows)}


def _places(session: Session, owner: str, all_seen: Mapping[int, Seen]) -> dict[int, Place]:
    """How the conversation wants to hear of each pull request, of those that it still follows."""
    conversations = load_conversations(session)
    return {
        id_: place
        for id_, seen in all_seen.items()
        for place in conversations.about(session, seen)
        if conversation_owner(place.conversation_id) == owner
    }


# --- people -----------------------------------------------------------------------------------


def _tell_person(
    session: Session,
    owner: str,
    rows: Sequence[Reminder],
    all_seen: Mapping[int, Seen],
    roster: Roster,
    now: datetime,
) -> None:
    person = load_person(session, int(owner.removeprefix(PERSON)))
    if person is None:
        ids = [row.id for row in rows]
        reminders.finish(session, ids, state=VOID, now=now, reason="the person is not there")
        return
    rests_until = person.rests_until(now)
    told: list[_Told] = []
    for row in rows:
        seen = all_seen[row.pull_request_id]
        due = _for_person_now(row, person, seen, roster, now)
        if due is not None and rests_until is not None:
            reminders.put_off(session, [row.id], due_at=rests_until)
        else:
            told += _sorted_out(session, row, due, seen, now)
    if told:
        lines = [
            _line(
                session,
                one.seen,
                texts.to_person(one.due, one.seen.state, now, asked_by=one.row.asked_by),
                texts.why(one.due),
                now,
                is_review=one.due.rule in OF_REVIEWERS,
                is_asked_for=one.due.rule is not Rule.NUDGE,
                reminder=one.due.rule.value.replace(" ", "-"),
            )
            for one in told
        ]
        _send_to_person(session, person, lines, key=f"reminder:{told[0].row.id}", now=now)
        _mark(session, told, now)


def _for_person_now(
    row: Reminder, person: Someone, seen: Seen, roster: Roster, now: datetime
) -> Due | None:
    """The reminder as it is now; None when it is not so any more, or not wanted."""
    if row.rule == Rule.NUDGE:
        return _nudge_now(row, person, seen)
    return _find(row, for_person(person, seen, roster, now), seen)


def _nudge_now(row: Reminder, person: Someone, seen: Seen) -> Due | None:
    waited_for = {reviewer.identity.id for reviewer in waiting_reviewers(seen.state, seen.history)}
    is_open = seen.state.is_active and not seen.state.is_draft
    if not is_open or row.identity_id not in waited_for or is_muted(person, seen):
        return None
    return Due(Rule.NUDGE, row.identity_id, row.since, row.due_at, 0.0, person.calendar)


def _send_to_person(
    session: Session, person: Someone, lines: Sequence[Line], *, key: str, now: datetime
) -> None:
    enqueue.message(
        session,
        key=key,
        payload=as_payload(reminder_card(lines)),
        now=now,
        conversation_id=person.chat,
        person_id=None if person.chat else person.id,
        cause=CAUSE,
    )


# --- conversations ----------------------------------------------------------------------------


def _tell_conversation(
    session: Session,
    owner: str,
    rows: Sequence[Reminder],
    all_seen: Mapping[int, Seen],
    roster: Roster,
    places: Mapping[int, Place],
    now: datetime,
) -> None:
    told: list[_Told] = []
    for row in rows:
        seen = all_seen[row.pull_request_id]
        place = places.get(row.pull_request_id)
        found = for_conversation(place.wishes, seen, roster, now) if place else []
        due = _find(row, found, seen)
        rests_until = place.rests_until(now) if place else None
        if due is not None and rests_until is not None:
            reminders.put_off(session, [row.id], due_at=rests_until)
        else:
            told += _sorted_out(session, row, due, seen, now)
    if not told:
        return
    conversation_id = owner.removeprefix(CONVERSATION)
    conversation = session.get_one(ConversationRow, conversation_id)
    _send_to_conversation(session, conversation, told, now)
    for one in told:
        _tell_stand_in(session, conversation, one, now)
    _mark(session, told, now)


def _send_to_conversation(
    session: Session, conversation: ConversationRow, told: Sequence[_Told], now: datetime
) -> None:
    """One pull request: a reply below its card. Several: one message with a table."""
    ids = {one.seen.id for one in told}
    said = [texts.to_conversation(one.due, now) for one in told]
    if len(ids) == 1:
        state = told[0].seen.state
        text = "; ".join(said)
        if conversation.kind == ConversationKind.GROUP.value:  # has no threads
            text = f"{notice_texts.pull_request(state)}: {text}"
        message, pull_request_id = reply_message(text), told[0].seen.id
    else:
        lines = [
            _line(session, one.seen, text, "", now, is_review=False)
            for one, text in zip(told, said, strict=True)
        ]
        message, pull_request_id = reminder_card(lines), None
    enqueue.message(
        session,
        key=f"reminder:{told[0].row.id}",
        payload=as_payload(message),
        now=now,
        conversation_id=conversation.id,
        pull_request_id=pull_request_id,
        cause=CAUSE,
    )


def _tell_stand_in(
    session: Session, conversation: ConversationRow, one: _Told, now: datetime
) -> None:
    """The next reviewer is told directly, if he can be now; the conversation names him anyway."""
    person = one.due.stand_in
    if person is None or person.rests_until(now) is not None or is_muted(person, one.seen):
        return
    place = conversation.name or conversation.team_name or "a conversation"
    text = texts.to_stand_in(one.due, one.seen.state)
    why = texts.why(one.due, place=place)
    line = _line(
        session,
        one.seen,
        text,
        why,
        now,
        is_review=True,
        is_asked_for=False,
        reminder=STAND_IN,
    )
    _send_to_person(session, person, [line], key=f"reminder:{one.row.id}:stand-in", now=now)


# --- both -------------------------------------------------------------------------------------


def _sorted_out(
    session: Session, row: Reminder, due: Due | None, seen: Seen, now: datetime
) -> Iterator[_Told]:
    """The row, if it is to be told now; else it is void or put off."""
    if due is None:
        reminders.finish(session, [row.id], state=VOID, now=now, reason=NOT_SO)
    elif due.due_at > now:
        reminders.put_off(session, [row.id], due_at=due.due_at)
    else:
        yield _Told(row, due, seen)


def _find(row: Reminder, found: "Iterator[Due] | Sequence[Due]", seen: Seen) -> Due | None:
    for due in found:
        key = reminder_key(row.owner, due.rule, seen.id, due.identity_id, due.since)
        if key == row.key:
            return due
    return None


def _line(
    session: Session,
    seen: Seen,
    text: str,
    why: str,
    now: datetime,
    *,
    is_review: bool,
    is_asked_for: bool = True,
    reminder: str = "",
) -> Line:
    view = load_view(session, seen.id, "", now)
    return Line(text, why, view, FILES_PAGE if is_review else "", is_asked_for, reminder)


def _mark(session: Session, told: Sequence[_Told], now: datetime) -> None:
    reminders.finish(session, [one.row.id for one in told], state=TOLD, now=now)
