"""An episode's alert, its green end and its updates, into the outbox. Inside ``Database.write``."""

from dataclasses import replace
from datetime import datetime

from sqlmodel import Session

from bot.audience import load_situation
from bot.cards.direct import reply_message
from bot.changes import ConflictStarted
from bot.conflicts.episodes import EndedBy
from bot.held_item import hold_alert
from bot.notices import texts
from bot.notices.conflict_alerts import Audience, audience
from bot.notices.conflict_texts import ended_how
from bot.notices.reasons import Role
from bot.outgoing import as_payload
from bot.pull_request_state import PullRequestState
from bot.teams_model import ConversationKind
from storage import enqueue
from storage.enqueue import AlertOf
from storage.queries import conflicts, conversations, recording
from storage.tables import ConflictEpisode, PullRequestRow


def tell(
    session: Session, row: ConflictEpisode, state: PullRequestState, *, cause: str, now: datetime
) -> None:
    """Alert the author and those who follow, each once however often it is called."""
    told = _audience(session, row, state, now)
    for conversation_id in told.cards:
        enqueue.card(
            session,
            conversation_id=conversation_id,
            pull_request_id=row.pull_request_id,
            cause=cause,
            now=now,
        )
    for conversation_id in told.places:
        thread = enqueue.OWN_MESSAGE if conversation_id in told.own_messages else ""
        enqueue.alert(
            session,
            about=AlertOf(episode_id=row.id),
            pull_request_id=row.pull_request_id,
            now=now,
            conversation_id=conversation_id,
            thread_id=thread,
            cause=cause,
        )
    readers = [(told.author.person_id, Role.AUTHOR)] if told.author is not None else []
    readers += [(person_id, Role.SUBSCRIBER) for person_id in told.followers]
    said = f"{texts.pull_request(state)} has conflicts with {texts.branch(row.target_ref)}"
    for person_id, role in readers:
        hold_alert(
            session,
            person_id,
            AlertOf(episode_id=row.id),
            row.pull_request_id,
            said,
            role=role,
            cause=cause,
            now=now,
        )
    row.told_at = row.told_at or now
    session.add(row)


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
        enqueue.message(
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
        enqueue.refresh_alert(
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
        enqueue.card(
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
    situation = load_situation(
        session,
        row.pull_request_id,
        state,
        state,
        (),
        actor="",
        at_first_sight=row.at_first_sight,
    )
    author = situation.people.get(state.author.id)

    def is_snoozed(person_id: int) -> bool:
        return conflicts.is_snoozed(session, row.pull_request_id, person_id, now=now)

    found = audience(
        situation,
        change,
        at_first_sight=row.at_first_sight,
        is_snoozed=author is not None and is_snoozed(author.person_id),
    )
    return replace(found, followers=tuple(each for each in found.followers if not is_snoozed(each)))


def pull_request_row(session: Session, row: ConflictEpisode) -> PullRequestRow | None:
    """The episode's pull request, locked until the transaction ends."""
    return recording.locked_pull_request(session, row.connection, row.number)
