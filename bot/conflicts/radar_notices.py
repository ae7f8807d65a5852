"""Telling the two authors of a pair that conflicts; and taking back what is not true any more."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session

from bot.cards.plain_text import plain
from bot.conflicts.radar import Overlap
from bot.held_item import PAIR_OVER, alert_prefix, hold_alert, hold_alert_again
from storage import enqueue, outbox
from storage.enqueue import AlertOf
from storage.queries import conflicts, radar, recording
from storage.tables import PullRequestRow, RadarPair

TITLE_LENGTH = 80


def tell_pair(
    session: Session,
    episode: RadarPair,
    pair: Overlap,
    both: Sequence[PullRequestRow],
    *,
    cause: str,
    now: datetime,
) -> None:
    """Keep one message for each author who wants to hear; for one who wrote both, one.

    Each author's settings say when he is told, as of a conflict of his own.
    """
    entries = (pair.first, pair.second)
    own = {
        row.author_id: row
        for row, entry in reversed(list(zip(both, entries, strict=True)))
        if entry.is_told
    }
    told: set[int] = set()
    for person in recording.people_of(session, episode.connection, own):
        mine = own[person.identity_id]
        snoozed = conflicts.is_snoozed(session, mine.id or 0, person.person_id, now=now)
        if person.person_id in told or snoozed:
            continue
        told.add(person.person_id)
        hold_alert(
            session,
            person.person_id,
            AlertOf(radar_pair_id=episode.id),
            mine.id or 0,
            _sentence(both),
            cause=cause,
            now=now,
        )


def _sentence(both: Sequence[PullRequestRow]) -> str:
    first, second = (f"#{row.number} {plain(row.title, TITLE_LENGTH)}".rstrip() for row in both)
    return f"{first} and {second} will conflict with each other"


def end_pair(session: Session, episode: RadarPair, *, cause: str, now: datetime) -> None:
    """What was not sent yet is not sent; what was sent says in its place that it is over."""
    outbox.drop_pending(
        session,
        pull_request_id=episode.first_id,
        key_prefix=alert_prefix(AlertOf(radar_pair_id=episode.id)),
        reason=PAIR_OVER,
        now=now,
    )
    refresh_pair(session, episode, cause=cause, now=now)


def tell_after_all(session: Session, episode: RadarPair, *, cause: str, now: datetime) -> None:
    """The pair is back: what was taken back unsent is sent, what was sent shows it again."""
    outbox.restore_dropped(
        session,
        pull_request_id=episode.first_id,
        key_prefix=alert_prefix(AlertOf(radar_pair_id=episode.id)),
        reason=PAIR_OVER,
        now=now,
    )
    hold_alert_again(session, AlertOf(radar_pair_id=episode.id), now=now)
    refresh_pair(session, episode, cause=cause, now=now)


def refresh_pair(session: Session, episode: RadarPair, *, cause: str, now: datetime) -> None:
    """The messages that are there show what is known now, in place."""
    for conversation_id in sorted(radar.alert_places(session, episode.id or 0)):
        enqueue.refresh_alert(
            session,
            about=_about(episode),
            pull_request_id=episode.first_id,
            conversation_id=conversation_id,
            cause=cause,
            now=now,
        )


def _about(episode: RadarPair) -> AlertOf:
    return AlertOf(radar_pair_id=episode.id)
