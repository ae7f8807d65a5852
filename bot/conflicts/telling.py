"""An episode's alert, its green end and its updates, into the outbox. Inside ``Database.write``."""

from datetime import datetime

from sqlmodel import Session

from bot.audience import load_situation
from bot.cards.direct import reply_message
from bot.cards.plain_text import escape_message, plain
from bot.changes import ConflictStarted
from bot.conflicts.episodes import EndedBy
from bot.held_item import about_pull_request, hold_alert, hold_direct
from bot.notices import texts
from bot.notices.conflict_alerts import Audience, audience
from bot.notices.conflict_texts import ended_how
from bot.notices.holding import HoldingRules, Send, decide
from bot.notices.kinds import EventKind
from bot.notices.model import Contact, DirectMessage
from bot.notices.reasons import Role
from bot.outgoing import as_payload
from bot.people_preferences import preferences_of
from bot.pull_request_state import PullRequestState
from bot.teams_model import ConversationKind, Mention, OutgoingMessage
from storage import outbox
from storage.outbox import AlertOf
from storage.queries import conflicts, conversations, people, recording
from storage.tables import ConflictEpisode, PullRequestRow

NAME_LENGTH = 60


def tell(
    session: Session, row: ConflictEpisode, state: PullRequestState, *, cause: str, now: datetime
) -> None:
    """Alert the author and the conversations that follow, each once however often it is called."""
    told = _audience(session, row, state, now)
    for conversation_id in told.cards:
        outbox.enqueue_card(
            session,
            conversation_id=conversation_id,
            pull_request_id=row.pull_request_id,
            cause=cause,
            now=now,
        )
    for conversation_id in told.places:
        thread = outbox.OWN_MESSAGE if conversation_id in told.own_messages else ""
        outbox.enqueue_alert(
            session,
            about=AlertOf(episode_id=row.id),
            pull_request_id=row.pull_request_id,
            now=now,
            conversation_id=conversation_id,
            thread_id=thread,
            cause=cause,
        )
    author, mentioned = told.author, told.mention
    if mentioned is not None and not _hears_now(session, mentioned.person_id, state, now):
        author, mentioned = mentioned, None  # it is kept for him, as his settings say
    if mentioned is not None:
        _mention(session, row, state, mentioned, told.places, cause=cause, now=now)
    if author is not None:
        hold_alert(
            session,
            author.person_id,
            AlertOf(episode_id=row.id),
            row.pull_request_id,
            _said(row, state),
            cause=cause,
            now=now,
        )
    for person_id in told.followers:
        message = DirectMessage(
            person_id,
            _said(row, state),
            f"{AlertOf(episode_id=row.id).key}:follower/{person_id}",
            page="conflicts",
            kind=EventKind.CONFLICT,
            role=Role.SUBSCRIBER,
        )
        hold_direct(session, message, row.pull_request_id, cause=cause, now=now)
    row.told_at = row.told_at or now
    session.add(row)


def _said(row: ConflictEpisode, state: PullRequestState) -> str:
    return f"{texts.pull_request(state)} has conflicts with {texts.branch(row.target_ref)}"


def tell_clean(
    session: Session,
    row: ConflictEpisode,
    state: PullRequestState,
    *,
    cause: str,
    now: datetime,
) -> None:
    """One short reply where the alert was told; the author sees his alert turn green."""
    row.clean_told_at = now
    session.add(row)
    sentence = clean_sentence(row, state)
    for conversation_id in sorted(conflicts.told_in(session, row.id or 0)):
        place = conversations.get(session, conversation_id)
        if place is None or place.kind == ConversationKind.PERSONAL.value:
            continue
        text = sentence
        if place.kind == ConversationKind.GROUP.value:  # has no threads: say what it is about
            text = f"{texts.pull_request(state)}: {text}"
        outbox.enqueue_message(
            session,
            key=f"conflict-clean:{row.id}:{conversation_id}",
            payload=as_payload(reply_message(text)),
            now=now,
            conversation_id=conversation_id,
            pull_request_id=row.pull_request_id,
            cause=cause,
        )


def clean_sentence(row: ConflictEpisode, state: PullRequestState) -> str:
    """``Clean again after 3 h, by Maya Sample's push to feature/x``."""
    assert row.ended_at is not None
    how = ended_how(
        EndedBy(row.ended_by),
        row.ended_actor,
        source_ref=state.source_ref,
        target_ref=state.target_ref,
    )
    return f"Clean again after {texts.duration(row.ended_at - row.began_at)}{how}"


def refresh_alerts(session: Session, row: ConflictEpisode, *, cause: str, now: datetime) -> None:
    """The alerts that are there show what is known now, in place."""
    episode_id = row.id or 0
    shown = conflicts.alert_places(session, episode_id)
    for conversation_id in sorted(shown | conflicts.alerts_under_way(session, episode_id)):
        outbox.refresh_alert(
            session,
            about=AlertOf(episode_id=episode_id),
            pull_request_id=row.pull_request_id,
            conversation_id=conversation_id,
            cause=cause,
            now=now,
        )


def refresh_cards(session: Session, pull_request_id: int, *, cause: str, now: datetime) -> None:
    """The pull request's cards show our own finding, of which its state knows nothing."""
    for conversation_id in sorted(recording.conversations_with_card(session, pull_request_id)):
        outbox.enqueue_card(
            session,
            conversation_id=conversation_id,
            pull_request_id=pull_request_id,
            cause=cause,
            now=now,
        )


def _audience(
    session: Session, row: ConflictEpisode, state: PullRequestState, now: datetime
) -> Audience:
    change = ConflictStarted(f"episode:{row.id}", row.began_at)
    situation = load_situation(session, row.pull_request_id, state, state, (), actor="")
    author = situation.people.get(state.author.id)
    return audience(
        situation,
        change,
        at_first_sight=row.at_first_sight,
        is_snoozed=author is not None
        and conflicts.is_snoozed(session, row.pull_request_id, author.person_id, now=now),
    )


def _hears_now(session: Session, person_id: int, state: PullRequestState, now: datetime) -> bool:
    """Whether the person's settings let a mention disturb him now."""
    person = people.get(session, person_id)
    if person is None:
        return False
    verdict = decide(
        about_pull_request(EventKind.CONFLICT, state),
        preferences_of(person),
        person.timezone,
        HoldingRules(),
        created_at=now,
        now=now,
    )
    return isinstance(verdict, Send)


def _mention(
    session: Session,
    row: ConflictEpisode,
    state: PullRequestState,
    author: Contact,
    places: tuple[str, ...],
    *,
    cause: str,
    now: datetime,
) -> None:
    """A card cannot be updated when a text stands with it, so the mention is a reply of its own."""
    person = people.get(session, author.person_id)
    if person is None:
        return
    name = plain(person.name, NAME_LENGTH).replace("<", "").replace(">", "") or "Author"
    said = _said(row, state)
    message = OutgoingMessage(
        text=f"<at>{name}</at> {escape_message(said)}",
        summary=f"{name}: {said}",
        mentions=(Mention(person.teams_user_id, name),),
    )
    for conversation_id in places:
        outbox.enqueue_message(
            session,
            key=f"conflict-mention:{row.id}:{conversation_id}",
            payload=as_payload(message),
            now=now,
            conversation_id=conversation_id,
            pull_request_id=row.pull_request_id,
            cause=cause,
        )


def pull_request_row(session: Session, row: ConflictEpisode) -> PullRequestRow | None:
    """The episode's pull request, locked until the transaction ends."""
    return recording.locked_pull_request(session, row.connection, row.number)
