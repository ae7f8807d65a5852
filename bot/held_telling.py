"""Released things as messages in the outbox. Inside ``Database.write``."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlmodel import Session

from bot.cards.direct import direct_card, news_card, reply_message
from bot.cards.held_news import About, held_card
from bot.cards.pull_request import draw_pull_request
from bot.cards.view import load_view
from bot.conflicts.mentioning import mention_author
from bot.held_item import Waiting
from bot.notices import texts
from bot.notices.holding import Reason
from bot.notices.kinds import EventKind
from bot.notices.lateness import Late, with_lateness
from bot.notices.reasons import Role
from bot.notices.review import as_one, first_lines
from bot.outgoing import as_payload, message_of
from bot.teams_model import Json, OutgoingMessage
from storage import enqueue
from storage.enqueue import AlertOf
from storage.queries import conflicts, conversations, identities, recording
from storage.tables import Person, RadarPair

READY_TOO = "Nothing stands in its way now: you can complete it"

_TITLES = {
    Reason.QUIET: "Outside your working hours: {count}",
    Reason.DIGEST: "Your digest: {count}",
    Reason.SNOOZE: "While you had it snoozed: {count}",
}
MIXED_TITLE = "What you have not heard yet: {count}"


def tell_person(
    session: Session, person: Person, group: Sequence[Waiting], *, now: datetime
) -> None:
    """Queue one message for a person: one thing, or one review."""
    first = group[0]
    chat = _chat(session, person)
    about = _alert_of(session, first)
    if about is not None:
        alert, pull_request_id = about
        enqueue.alert(
            session,
            about=alert,
            pull_request_id=pull_request_id,
            now=now,
            conversation_id=chat,
            person_id=None if chat else person.id,
            cause=first.row.cause,
        )
        return
    if first.item.with_card and first.row.pull_request_id is not None:
        _send_card(session, person, chat, first, now)
        return
    _enqueue(session, person, chat, first, as_payload(_message(group, now)), now)


def _alert_of(session: Session, waiting: Waiting) -> tuple[AlertOf, int] | None:
    """The alert that a conflict is told as, and the pull request that it is filed under."""
    item = waiting.item
    if item.radar_pair_id is not None:
        pair = session.get_one(RadarPair, item.radar_pair_id)
        return AlertOf(radar_pair_id=item.radar_pair_id), pair.first_id
    if item.episode_id is not None and waiting.row.pull_request_id is not None:
        return AlertOf(episode_id=item.episode_id), waiting.row.pull_request_id
    return None


def mention_instead(session: Session, person: Person, waiting: Waiting, *, now: datetime) -> bool:
    """An author without a chat hears of his conflict by a mention where its alert stands.

    False for everything else, and where no conversation has the alert.
    """
    item = waiting.item
    if item.episode_id is None or item.role is not Role.AUTHOR or _chat(session, person):
        return False
    episode = conflicts.get(session, item.episode_id)
    return episode is not None and mention_author(
        session, person, episode, item.text, cause=waiting.row.cause, now=now
    )


def tell_person_together(
    session: Session, person: Person, groups: Sequence[Sequence[Waiting]], *, now: datetime
) -> None:
    """Queue one message for all that waited, by what it is about."""
    reasons = {waiting.row.reason for group in groups for waiting in group}
    count = "1 message" if len(groups) == 1 else f"{len(groups)} messages"
    title = _TITLES[Reason(reasons.pop())] if len(reasons) == 1 else MIXED_TITLE
    found: dict[object, About] = {}
    for group in groups:
        first = group[0]
        known = found.get(first.row.pull_request_id or first.row.key)
        about = known or _about(first)
        sentences = (*about.sentences, _sentence(group, now))
        found[first.row.pull_request_id or first.row.key] = replace(about, sentences=sentences)
    card = held_card(title.format(count=count), list(found.values()), why="held")
    _enqueue(session, person, _chat(session, person), groups[0][0], as_payload(card), now)


def tell_reply(session: Session, group: Sequence[Waiting], *, now: datetime) -> None:
    """Queue one reply below a card: one thing, or one review."""
    first = group[0]
    parts = [part for waiting in group for part in waiting.item.parts]
    text = with_lateness(as_one(parts) if parts else first.item.text, _late(group), now)
    lines = first_lines(parts)
    said = f"{text}: {lines}" if lines else text
    about = first.item.about
    enqueue.message(
        session,
        key=first.row.key,
        payload=as_payload(reply_message(f"{about}: {said}" if about else said)),
        now=now,
        conversation_id=first.row.conversation_id,
        pull_request_id=first.row.pull_request_id,
        cause=first.row.cause,
    )


def why_arguments(waiting: Waiting) -> str:
    """What the button carries: the kind, the role, and the pull request."""
    kind = waiting.row.kind.replace(" ", "-")
    role = waiting.item.role.value
    if waiting.view is None:
        return f"{kind} {role}"
    state = waiting.view.state
    return f"{kind} {role} {state.connection}:{state.number}"


def _message(group: Sequence[Waiting], now: datetime) -> OutgoingMessage:
    first = group[0]
    why = why_arguments(first)
    if first.view is None:
        item = first.item
        if item.card is not None:
            return message_of(item.card)
        return news_card(item.text, where=item.where, url=item.url, why=why)
    notes = [waiting.item.note for waiting in group if waiting.item.note]
    notes += [lines] if (lines := _first_lines(group)) else []
    return direct_card(
        _sentence(group, now),
        first.view,
        page=first.item.page,
        run_url=first.item.run_url,
        notes=notes,
        why=why,
    )


def _sentence(group: Sequence[Waiting], now: datetime) -> str:
    """One review as one sentence, perhaps with the news that nothing stands in the way."""
    first = group[0]
    parts = [part for waiting in group for part in waiting.item.parts]
    if not parts or first.view is None:
        return with_lateness(first.item.text, first.item.late, now)
    did = as_one(
        parts,
        about=texts.pull_request(first.view.state),
        to_author=first.item.role is Role.AUTHOR,
    )
    said = with_lateness(did, _late(group), now)
    is_ready = any(waiting.row.kind == EventKind.READY for waiting in group)
    return f"{said}. {READY_TOO}" if is_ready else said


def _late(group: Sequence[Waiting]) -> Late | None:
    """How late a review is: as the oldest of it that is late."""
    found = [waiting.item.late for waiting in group if waiting.item.late is not None]
    return min(found, key=lambda late: late.since or group[-1].row.created_at, default=None)


def _first_lines(group: Sequence[Waiting]) -> str:
    return first_lines(part for waiting in group for part in waiting.item.parts)


def _about(waiting: Waiting) -> About:
    if waiting.view is None:
        return About(waiting.item.where or "Also", waiting.item.url, "", ())
    state = waiting.view.state
    where = f"{state.repository.project_name} / {state.repository.name}"
    return About(texts.pull_request(state), waiting.view.page_url(), where, ())


def _send_card(
    session: Session, person: Person, chat: str, waiting: Waiting, now: datetime
) -> None:
    """In a chat that has no card of it yet, the living card itself is the message."""
    pull_request_id = waiting.row.pull_request_id or 0
    if chat and chat not in recording.conversations_with_card(session, pull_request_id):
        enqueue.card(
            session,
            conversation_id=chat,
            pull_request_id=pull_request_id,
            cause=waiting.row.cause,
            now=now,
        )
        return
    if chat:
        _enqueue(session, person, chat, waiting, as_payload(_message([waiting], now)), now)
        return
    view = load_view(session, pull_request_id, "", now)
    own = identities.ids_of_person(session, person.id or 0, view.state.connection)
    drawn = draw_pull_request(replace(view, viewers=own))
    sent = OutgoingMessage(card=drawn.card, summary=_sentence([waiting], now))
    _enqueue(session, person, chat, waiting, as_payload(sent), now)


def _enqueue(
    session: Session, person: Person, chat: str, waiting: Waiting, payload: Json, now: datetime
) -> None:
    enqueue.message(
        session,
        key=waiting.row.key,
        payload=payload,
        now=now,
        conversation_id=chat,
        person_id=None if chat else person.id,
        pull_request_id=waiting.row.pull_request_id,
        cause=waiting.row.cause,
    )


def _chat(session: Session, person: Person) -> str:
    """The person's chat with the bot if it can be used, else "": it is opened then."""
    stored = conversations.get(session, person.personal_conversation_id)
    return stored.id if stored is not None and stored.state == "active" else ""
