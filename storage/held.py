"""What waits to be told to people: held, looked at when due, released once."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, update
from sqlalchemy import select as sql_select
from sqlmodel import Session, col, func, or_, select
from sqlmodel.sql.expression import SelectOfScalar

from storage.dialects import affected, insert_new, table_of
from storage.tables import HeldNotice
from storage.text import bounded_key, storable_text
from storage.topics import HELD, touch

SENT = "sent"


@dataclass(frozen=True, slots=True)
class Addressees:
    """Whom rows are for: persons, conversations, and single rows that are for neither yet."""

    people: frozenset[int]
    conversations: frozenset[str]
    rows: frozenset[int]

    def __bool__(self) -> bool:
        return bool(self.people or self.conversations or self.rows)


def hold(
    session: Session,
    *,
    key: str,
    kind: str,
    payload: Mapping[str, Any],
    now: datetime,
    person_id: int | None = None,
    conversation_id: str = "",
    pull_request_id: int | None = None,
    group_key: str = "",
    cause: str = "",
    reason: str = "",
) -> bool:
    """Keep something to be told; False when ``key`` is there already, whatever became of it.

    It is looked at right after the transaction: that it need not wait is found then.
    """
    touch(session, HELD)
    values = {
        "key": bounded_key(storable_text(key)),
        "kind": kind,
        "payload": dict(payload),
        "person_id": person_id,
        "conversation_id": conversation_id,
        "pull_request_id": pull_request_id,
        "group_key": group_key,
        "cause": cause,
        "reason": reason,
        "attempts": 0,
        "due_at": now,
        "created_at": now,
        "outcome": "",
    }
    return insert_new(session, HeldNotice, values)


def due_addressees(session: Session, *, now: datetime, limit: int = 200) -> Addressees:
    """Whose rows are due, those that wait longest first."""
    rows = session.execute(_due(), {"now": now, "limit": limit}).all()
    return Addressees(
        people=frozenset(person for _, person, _ in rows if person is not None),
        conversations=frozenset(place for _, _, place in rows if place),
        rows=frozenset(id_ or 0 for id_, person, place in rows if person is None and not place),
    )


@cache  # here and below: making a statement takes longer than running it
def _due() -> Select[int | None, int | None, str]:
    return (
        sql_select(col(HeldNotice.id), col(HeldNotice.person_id), col(HeldNotice.conversation_id))
        .where(col(HeldNotice.released_at).is_(None), HeldNotice.due_at <= bindparam("now"))
        .order_by(col(HeldNotice.due_at), col(HeldNotice.id))
        .limit(bindparam("limit"))
    )


def waiting_for(
    session: Session,
    addressees: Addressees,
    *,
    now: datetime,
    also: Collection[str] = (),
    lock: bool = True,
) -> Sequence[HeldNotice]:
    """What is due to these, oldest first; locked until the transaction ends.

    ``also`` are reasons: what waits for them is among it, due or not.
    """
    wanted = {
        "now": now,
        "also": list(also),
        "people": list(addressees.people),
        "conversations": list(addressees.conversations),
        "rows": list(addressees.rows),
    }
    return session.exec(_waiting_for(lock=lock), params=wanted).all()


@cache
def _waiting_for(*, lock: bool) -> SelectOfScalar[HeldNotice]:
    def among(column: Any, name: str) -> ColumnElement[bool]:
        return col(column).in_(bindparam(name, expanding=True))

    is_theirs = or_(
        among(HeldNotice.person_id, "people"),
        among(HeldNotice.conversation_id, "conversations"),
        among(HeldNotice.id, "rows"),
    )
    is_wanted = or_(HeldNotice.due_at <= bindparam("now"), among(HeldNotice.reason, "also"))
    statement = (
        select(HeldNotice)
        .where(col(HeldNotice.released_at).is_(None), is_wanted, is_theirs)
        .order_by(col(HeldNotice.id))
        .execution_options(populate_existing=True)
    )
    return statement.with_for_update() if lock else statement


def waits_below(session: Session, conversation_id: str, pull_request_id: int) -> bool:
    """Whether a reply of this conversation about this pull request waits."""
    found = session.exec(
        select(HeldNotice.id)
        .where(
            HeldNotice.conversation_id == conversation_id,
            HeldNotice.pull_request_id == pull_request_id,
            col(HeldNotice.released_at).is_(None),
        )
        .limit(1)
    ).first()
    return found is not None


def put_off(
    session: Session, ids: Collection[int | None], *, due_at: datetime, reason: str
) -> None:
    """Look at these again at ``due_at``."""
    _update(session, ids, {"due_at": due_at, "reason": reason})


def failed(session: Session, row_id: int | None, *, due_at: datetime) -> None:
    """A question to Azure DevOps that this row needs failed: ask again at ``due_at``."""
    values = {"due_at": due_at, "attempts": col(HeldNotice.attempts) + 1}
    _update(session, [row_id], values)


def keep_payload(session: Session, row_id: int | None, payload: Mapping[str, Any]) -> None:
    """What is told has become more than it was."""
    _update(session, [row_id], {"payload": dict(payload), "reason": ""})


def release(session: Session, ids: Collection[int | None], *, now: datetime, outcome: str) -> None:
    """These are done with: told (SENT), or not to be told, and why."""
    _update(session, ids, {"released_at": now, "outcome": outcome})


def hold_again(session: Session, *, key_prefix: str, outcome: str, now: datetime) -> int:
    """What was let go for this reason is news again: it waits anew; how many rows."""
    touch(session, HELD)
    let_go = [
        col(HeldNotice.key).startswith(key_prefix, autoescape=True),
        col(HeldNotice.outcome) == outcome,
        col(HeldNotice.released_at).is_not(None),
    ]
    anew = {"released_at": None, "outcome": "", "due_at": now}
    return affected(session, update(table_of(HeldNotice)).where(*let_go).values(**anew))


def reconsider(session: Session, person_id: int, *, now: datetime) -> None:
    """A person chose otherwise: look again at all that waits for him."""
    touch(session, HELD)
    mine = [col(HeldNotice.person_id) == person_id, col(HeldNotice.released_at).is_(None)]
    affected(session, update(table_of(HeldNotice)).where(*mine).values(due_at=now))


def next_due(session: Session) -> datetime | None:
    """When the next row is looked at."""
    waiting = select(func.min(HeldNotice.due_at)).where(col(HeldNotice.released_at).is_(None))
    return session.exec(waiting).one()


def count_waiting(session: Session, person_id: int) -> int:
    """How much waits for a person."""
    waiting = select(func.count()).where(
        HeldNotice.person_id == person_id, col(HeldNotice.released_at).is_(None)
    )
    return session.exec(waiting).one()


def _update(session: Session, ids: Collection[int | None], values: Mapping[str, Any]) -> None:
    if ids:
        waiting = [col(HeldNotice.id).in_(ids), col(HeldNotice.released_at).is_(None)]
        affected(session, update(table_of(HeldNotice)).where(*waiting).values(**values))
