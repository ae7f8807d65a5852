"""Telling the two authors of a pair that conflicts; and taking back what is not true any more."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session

from bot.conflicts.radar import Overlap
from storage import outbox
from storage.outbox import AlertOf
from storage.queries import radar, recording
from storage.tables import PullRequestRow, RadarPair

NOT_TRUE_ANY_MORE = "the two do not conflict any more"


def tell_pair(
    session: Session,
    episode: RadarPair,
    pair: Overlap,
    both: Sequence[PullRequestRow],
    *,
    cause: str,
    now: datetime,
) -> None:
    """Queue one message to each author who wants to hear; to one who wrote both, one."""
    entries = (pair.first, pair.second)
    authors = [row.author_id for row, entry in zip(both, entries, strict=True) if entry.is_told]
    people = recording.people_of(session, episode.connection, authors)
    for person in {found.person_id: found for found in people}.values():
        chat = person.conversation_id
        outbox.enqueue_alert(
            session,
            about=_about(episode),
            pull_request_id=episode.first_id,
            now=now,
            conversation_id=chat,
            person_id=None if chat else person.person_id,
            cause=cause,
        )


def end_pair(session: Session, episode: RadarPair, *, cause: str, now: datetime) -> None:
    """What was not sent yet is not sent; what was sent says in its place that it is over."""
    outbox.drop_pending(
        session,
        pull_request_id=episode.first_id,
        key_prefix=f"{_about(episode).key}:",
        reason=NOT_TRUE_ANY_MORE,
        now=now,
    )
    refresh_pair(session, episode, cause=cause, now=now)


def tell_after_all(session: Session, episode: RadarPair, *, cause: str, now: datetime) -> None:
    """The pair is back: what was taken back unsent is sent, what was sent shows it again."""
    outbox.restore_dropped(
        session,
        pull_request_id=episode.first_id,
        key_prefix=f"{_about(episode).key}:",
        reason=NOT_TRUE_ANY_MORE,
        now=now,
    )
    refresh_pair(session, episode, cause=cause, now=now)


def refresh_pair(session: Session, episode: RadarPair, *, cause: str, now: datetime) -> None:
    """The messages that are there show what is known now, in place."""
    for conversation_id in sorted(radar.alert_places(session, episode.id or 0)):
        outbox.refresh_alert(
            session,
            about=_about(episode),
            pull_request_id=episode.first_id,
            conversation_id=conversation_id,
            cause=cause,
            now=now,
        )


def _about(episode: RadarPair) -> AlertOf:
    return AlertOf(radar_pair_id=episode.id)
