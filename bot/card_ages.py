"""Keeping the ages on cards true: a card whose age reads differently now is changed in place."""

from collections import Counter
from datetime import datetime, timedelta

from sqlmodel import Session

from bot.notices import texts
from bot.prepared import AGE_CAUSE
from bot.recording import show_card
from storage.queries import posted_cards

MOST_PER_CONVERSATION = 10
"""Of one round: what people wait for is not held up behind cards that only grow older.

A conversation takes 60 messages in 30 s (see bot.send_budget).
"""

FIRST_DAY = timedelta(days=1)  # on which a card shows no age


def refresh_ages(session: Session, *, now: datetime) -> int:
    """Say which cards of open pull requests show an age that is not true any more; how many.

    Nobody is notified: Teams tells nobody that a message was changed, and a card that somebody
    deleted is not posted again for its age.
    """
    queued: Counter[str] = Counter()
    for card in posted_cards.of_open_pull_requests(session, created_before=now - FIRST_DAY):
        shown = texts.age_in_days(card.created_at, card.drawn_at)
        if shown == texts.age_in_days(card.created_at, now):
            continue
        if queued[card.conversation_id] == MOST_PER_CONVERSATION:
            continue
        queued[card.conversation_id] += 1
        show_card(session, card.conversation_id, card.pull_request_id, AGE_CAUSE, now)
    return queued.total()
