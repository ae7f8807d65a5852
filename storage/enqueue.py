"""What is to be told in Teams, into the outbox; ``storage.outbox`` says what becomes of it there.

Every function here runs in the transaction of what is told: neither is there without the other.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Insert, update
from sqlmodel import Session, col

from storage.dialects import affected, insert_new, insert_of, is_sqlite, table_of
from storage.tables import OutboxRow
from storage.tables.queues import IS_WAITING_CARD, lane_of
from storage.text import bounded_key, storable_text
from storage.topics import OUTBOX, touch

OWN_MESSAGE = "own message"
"""As a thread: none, although the pull request has a card whose thread would be the place."""


def card(
    session: Session, *, conversation_id: str, pull_request_id: int, cause: str, now: datetime
) -> None:
    """Say that a pull request's card in a conversation is out of date.

    One waiting row per card is enough, because the card is drawn when it is sent. Where one waits
    already it is touched: so another replica cannot claim it, and draw, before this transaction's
    change can be seen.
    """
    touch(session, OUTBOX)
    values = {
        **_new_row(key=f"card/{uuid.uuid4()}", kind="card", cause=cause, now=now),
        "lane": lane_of(conversation_id, None),
        "conversation_id": conversation_id,
        "pull_request_id": pull_request_id,
    }
    session.flush()
    session.connection().execute(_insert_card(is_sqlite(session)), values)


@cache  # making a statement takes ten times as long as running it
def _insert_card(is_sqlite: bool) -> Insert:
    insert = insert_of("sqlite" if is_sqlite else "postgresql")(table_of(OutboxRow)).inline()
    statement: Insert = insert.on_conflict_do_update(
        index_elements=["conversation_id", "pull_request_id"],
        index_where=IS_WAITING_CARD,
        set_={"cause": insert.excluded.cause},
    )
    return statement


def message(
    session: Session,
    *,
    key: str,
    payload: Mapping[str, Any],
    now: datetime,
    conversation_id: str = "",
    person_id: int | None = None,
    thread_id: str = "",
    pull_request_id: int | None = None,
    cause: str = "",
) -> bool:
    """Queue a message; False when ``key`` is there already, whatever became of it.

    Args:
        session: the transaction of what is told.
        key: names what is told and to whom.
        payload: the message as JSON.
        now: when it was queued.
        conversation_id: where to, or:
        person_id: whom to, in the personal chat (opened when it is sent).
        thread_id: the root of the thread in a channel to answer in.
        pull_request_id: the pull request it is about.
        cause: the event id, activity id or ``sweep`` that it is because of.

    Raises:
        ValueError: not exactly one of conversation and person is given.
    """
    touch(session, OUTBOX)
    values = {
        **_new_row(key=bounded_key(storable_text(key)), kind="message", cause=cause, now=now),
        **_place("a message", conversation_id, person_id, thread_id),
        "pull_request_id": pull_request_id,
        "payload": dict(payload),
    }
    return insert_new(session, OutboxRow, values)


@dataclass(frozen=True, slots=True)
class AlertOf:
    """What an alert is about: a conflict episode, or a pair of the radar; one of the two."""

    episode_id: int | None = None
    radar_pair_id: int | None = None

    @property
    def key(self) -> str:
        """What its outbox keys begin with."""
        return (
            f"radar:{self.radar_pair_id}" if self.radar_pair_id else f"conflict:{self.episode_id}"
        )


def alert(
    session: Session,
    *,
    about: AlertOf,
    pull_request_id: int | None,
    now: datetime,
    conversation_id: str = "",
    person_id: int | None = None,
    thread_id: str = "",
    cause: str = "",
) -> bool:
    """Queue an alert; False when it was queued there before.

    It is drawn when it is sent. Arguments as in ``message``; without ``thread_id`` it
    stands below the pull request's card.
    """
    touch(session, OUTBOX)
    key = bounded_key(storable_text(f"{about.key}:{lane_of(conversation_id, person_id)}"))
    values = {
        **_new_row(key=key, kind="alert", cause=cause, now=now),
        **_place("an alert", conversation_id, person_id, thread_id),
        "pull_request_id": pull_request_id,
        "episode_id": about.episode_id,
        "radar_pair_id": about.radar_pair_id,
    }
    return insert_new(session, OutboxRow, values)


def refresh_alert(
    session: Session,
    *,
    about: AlertOf,
    pull_request_id: int | None,
    conversation_id: str,
    cause: str,
    now: datetime,
) -> None:
    """Say that a posted alert is out of date. One that waits to be sent there will show it.

    Where one waits it is touched, as in ``card``.
    """
    touch(session, OUTBOX)
    waiting = [
        col(OutboxRow.episode_id) == about.episode_id,
        col(OutboxRow.radar_pair_id) == about.radar_pair_id,
        col(OutboxRow.conversation_id) == conversation_id,
        col(OutboxRow.kind) == "alert",
        col(OutboxRow.state) == "pending",
    ]
    if affected(session, update(OutboxRow).where(*waiting).values(cause=cause)):
        return
    values = {
        **_new_row(key=f"alert/{uuid.uuid4()}", kind="alert", cause=cause, now=now),
        "lane": lane_of(conversation_id, None),
        "conversation_id": conversation_id,
        "pull_request_id": pull_request_id,
        "episode_id": about.episode_id,
        "radar_pair_id": about.radar_pair_id,
    }
    insert_new(session, OutboxRow, values)


def _new_row(*, key: str, kind: str, cause: str, now: datetime) -> dict[str, Any]:
    return {
        "key": key,
        "kind": kind,
        "cause": cause,
        "thread_id": "",
        "state": "pending",
        "reason": "",
        "attempts": 0,
        "activity_id": "",
        "created_at": now,
        "due_at": now,
    }


def _place(
    what: str, conversation_id: str, person_id: int | None, thread_id: str
) -> dict[str, Any]:
    if bool(conversation_id) == (person_id is not None):
        raise ValueError(f"{what} goes either to a conversation or to a person")
    return {
        "lane": lane_of(conversation_id, person_id),
        "conversation_id": conversation_id,
        "person_id": person_id,
        "thread_id": thread_id,
    }
