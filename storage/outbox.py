"""The outbox: what must be told in Teams, in order per conversation, and what became of it.

``storage.enqueue`` puts it in. A lane is one conversation, or one person whose personal chat may
not be open yet. Only the first open row of a lane can be claimed, so a row that waits holds up its
own lane and no other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    TextClause,
    Update,
    bindparam,
    func,
    text,
    update,
)
from sqlmodel import Session, col, select

from storage import audit
from storage.dialects import affected, is_sqlite, table_of
from storage.json_text import dump_json, load_json
from storage.one_text import moment_of, rows_as_text, rows_of
from storage.queues import CLOCKS_DIFFER_BY, LEASE, is_free
from storage.tables import OutboxRow, Person
from storage.tables.queues import IS_OPEN, IS_WAITING_CARD, lane_of
from storage.topics import OUTBOX, touch

Condition = ColumnElement[bool] | TextClause

# Walks from lane to lane along ix_outbox_open, so the cost is of the lanes that have something to
# send, not of what waits in them nor of what has been sent.
_HEADS = """
    WITH RECURSIVE lanes(lane) AS (
        SELECT min(lane) FROM outbox{by_lane} WHERE state IN ('pending', 'sending')
        UNION ALL
        SELECT (
            SELECT min(o.lane) FROM outbox o{by_lane}
            WHERE o.state IN ('pending', 'sending') AND o.lane > lanes.lane
        )
        FROM lanes WHERE lanes.lane IS NOT NULL
    )
    SELECT head.id FROM lanes JOIN outbox head ON head.id = (
        SELECT min(o.id) FROM outbox o{by_lane}
        WHERE o.state IN ('pending', 'sending') AND o.lane = lanes.lane
    )
    WHERE head.state = 'pending'
        AND (head.due_at <= :now OR head.claimed_at IS NULL OR head.claimed_at > :ahead)
    ORDER BY head.id LIMIT :limit
"""


@dataclass(slots=True)
class Claimed:
    """A row that this process is to send; the fields are OutboxRow's.

    Without its message: ``payloads`` reads that.
    """

    id: int
    key: str
    kind: str
    lane: str
    conversation_id: str
    person_id: int | None
    pull_request_id: int | None
    episode_id: int | None
    radar_pair_id: int | None
    thread_id: str
    cause: str
    attempts: int
    created_at: datetime


def claim(
    session: Session, *, now: datetime, limit: int = 100, lease: timedelta = LEASE
) -> list[Claimed]:
    """Take up to ``limit`` rows to send, at most one per lane, oldest first.

    What is claimed is ``sending`` until one of the functions below says what became of it. Several
    replicas never get the same row (PostgreSQL: FOR UPDATE SKIP LOCKED).
    """
    due = {"now": now, "ahead": now + CLOCKS_DIFFER_BY, "limit": limit}
    ids = session.connection().execute(_heads(is_sqlite(session)), due).scalars().all()
    if not ids:
        return []
    taken = {"claimed_at": now, "claimed_until": now + lease}
    session.connection().execute(_take(), {**taken, "ids": ids})
    return _rows(session, ids)


def _rows(session: Session, ids: Sequence[int]) -> list[Claimed]:
    """Not as objects of the table's class: making them takes longer than reading."""
    columns = ", ".join(_COLUMNS)
    statement = rows_as_text(session, columns, "FROM outbox WHERE id IN :ids", lists=("ids",))
    found: str = session.connection().execute(statement, {"ids": ids}).scalar_one()
    rows = (dict(zip(_COLUMNS, row, strict=True)) for row in sorted(rows_of(found)))
    return [Claimed(**{**row, "created_at": moment_of(row["created_at"])}) for row in rows]


def is_any_waiting(session: Session) -> bool:
    """Whether a row waits: for its time, or behind one of its lane that is being sent."""
    return session.connection().execute(_WAITING).first() is not None


_WAITING = text("SELECT 1 FROM outbox WHERE state = 'pending' LIMIT 1")


@cache  # here and below: making a statement takes longer than running it
def _take() -> Update:
    table = table_of(OutboxRow)
    times = {
        name: bindparam(name, type_=table.c[name].type) for name in ("claimed_at", "claimed_until")
    }
    # One statement for all rows, not one for each: see storage.hook_lane.
    wanted = table.c.id.in_(bindparam("ids", expanding=True))
    return update(table).where(wanted).values(state="sending", **times)


def payloads(session: Session, row_ids: Sequence[int]) -> dict[int, Any]:
    """The messages of these rows, as the JSON values that are stored; by id, others left out."""
    if not row_ids:
        return {}
    statement = _payloads(is_sqlite(session))
    found: str = session.connection().execute(statement, {"ids": row_ids}).scalar_one()
    return {int(row_id): payload for row_id, payload in load_json(found).items()}


@cache
def _payloads(is_sqlite: bool) -> TextClause:
    collected = "json_group_object(id, json(payload))"
    if not is_sqlite:
        collected = "json_object_agg(id, payload)"
    return text(_PAYLOADS.format(collected=collected)).bindparams(bindparam("ids", expanding=True))


_COLUMNS = tuple(each.name for each in fields(Claimed))
_PAYLOADS = """
    SELECT CAST(COALESCE({collected}, '{{}}') AS VARCHAR)
    FROM outbox WHERE id IN :ids AND payload IS NOT NULL
"""


@cache
def _heads(is_sqlite: bool) -> TextClause:
    # SQLite's planner takes ix_outbox_state and reads all that waits, unless it is told.
    by_lane = " INDEXED BY ix_outbox_open" if is_sqlite else ""
    lock = "" if is_sqlite else " FOR UPDATE OF head SKIP LOCKED"
    time = table_of(OutboxRow).c.due_at.type
    return text(_HEADS.format(by_lane=by_lane) + lock).bindparams(
        bindparam("now", type_=time), bindparam("ahead", type_=time), bindparam("limit")
    )


def address(session: Session, row_id: int | None, *, conversation_id: str) -> None:
    """Note the personal chat in which a person's row is sent; it keeps its lane."""
    _update(session, [col(OutboxRow.id) == row_id], {"conversation_id": conversation_id})


def renew(session: Session, row_ids: Sequence[int], *, until: datetime) -> None:
    """Keep claimed rows for longer."""
    claimed = [col(OutboxRow.id).in_(row_ids), col(OutboxRow.state) == "sending"]
    _update(session, claimed, {"claimed_until": until})


def mark_sent(session: Session, activity_ids: Mapping[int | None, str], *, now: datetime) -> None:
    """Teams took these; the mapping is from row ids to Teams' activity ids."""
    if not activity_ids:
        return
    told = {str(row_id): activity_id for row_id, activity_id in activity_ids.items()}
    statement = _mark_sent(is_sqlite(session))
    session.connection().execute(statement, {"told": dump_json(told), "now": now})


@cache
def _mark_sent(is_sqlite: bool) -> TextClause:
    each = "json_each(:told)" if is_sqlite else "json_each_text(CAST(:told AS json))"
    time = table_of(OutboxRow).c.sent_at.type
    return text(_MARK_SENT.format(each=each)).bindparams(bindparam("now", type_=time))


# One statement for all rows, as in _take.
_MARK_SENT = """
    UPDATE outbox SET
        state = 'sent', reason = '', claimed_until = NULL, sent_at = :now, activity_id = told.value
    FROM {each} AS told
    WHERE outbox.id = CAST(told.key AS INTEGER)
"""


def mark_dead(session: Session, row_id: int | None, *, reason: str, now: datetime) -> None:
    """Teams refused it for good, or it was tried too often: it stays with its reason."""
    _close(session, [col(OutboxRow.id) == row_id, IS_OPEN], "dead", reason=reason, now=now)


def drop(session: Session, row_id: int | None, *, reason: str, now: datetime) -> None:
    """It need not be sent any more."""
    _close(session, [col(OutboxRow.id) == row_id], "dropped", reason=reason, now=now)


def drop_pending(
    session: Session, *, pull_request_id: int, key_prefix: str, reason: str, now: datetime
) -> int:
    """What waits about a pull request under keys that begin so need not be sent any more.

    Returns how many rows that were.
    """
    conditions: list[Condition] = [
        col(OutboxRow.pull_request_id) == pull_request_id,
        col(OutboxRow.key).startswith(key_prefix, autoescape=True),
        col(OutboxRow.state) == "pending",
    ]
    return _close(session, conditions, "dropped", reason=reason, now=now)


def restore_dropped(
    session: Session, *, pull_request_id: int, key_prefix: str, reason: str, now: datetime
) -> int:
    """What was dropped for this reason is to be sent after all; returns how many rows."""
    touch(session, OUTBOX)
    conditions: list[Condition] = [
        col(OutboxRow.pull_request_id) == pull_request_id,
        col(OutboxRow.key).startswith(key_prefix, autoescape=True),
        col(OutboxRow.state) == "dropped",
        col(OutboxRow.reason) == reason,
    ]
    fresh = {"state": "pending", "reason": "", "due_at": now, "claimed_at": None, "closed_at": None}
    return _update(session, conditions, fresh)


def drop_conversation(session: Session, conversation_id: str, *, reason: str, now: datetime) -> int:
    """Nothing can be sent there any more; returns how many rows waited.

    What waits for a person whose personal chat this is goes too.
    """
    owner = select(Person.id).where(Person.personal_conversation_id == conversation_id)
    dropped = _close(session, _open_in(conversation_id), "dropped", reason=reason, now=now)
    for person_id in session.exec(owner).all():
        dropped += drop_person(session, person_id or 0, reason=reason, now=now)
    return dropped


def drop_person(session: Session, person_id: int, *, reason: str, now: datetime) -> int:
    """This person cannot be written to any more; returns how many rows waited."""
    lane = lane_of("", person_id)
    return _close(session, _open_in(lane), "dropped", reason=reason, now=now)


def retry_later(session: Session, row_id: int | None, *, due_at: datetime, reason: str) -> None:
    """It failed: count that and try again at ``due_at``; its lane waits for it."""
    failed = {"due_at": due_at, "reason": reason, "attempts": col(OutboxRow.attempts) + 1}
    _put_back(session, row_id, failed, was="sending")


def put_back(session: Session, row_id: int | None, *, due_at: datetime) -> None:
    """It was not sent at all: try at ``due_at``; its lane waits for it."""
    _put_back(session, row_id, {"due_at": due_at}, was="sending")


def retry_dead(session: Session, *, now: datetime, row_ids: Sequence[int] | None = None) -> int:
    """Put dead letters back into their lanes, all or those given; returns how many."""
    conditions: list[Condition] = [col(OutboxRow.state) == "dead"]
    if row_ids is not None:
        conditions.append(col(OutboxRow.id).in_(row_ids))
    dead = session.exec(select(OutboxRow.id).where(*conditions)).all()
    for row_id in dead:
        fresh = {"due_at": now, "claimed_at": None, "reason": "", "attempts": 0, "closed_at": None}
        _put_back(session, row_id, fresh, was="dead")
    return len(dead)


def requeue_interrupted(session: Session, *, now: datetime) -> int:
    """Put back what a dead process was sending; the audit says so. Returns how many.

    To be called at start. On SQLite one process owns the database, so all that is being sent is
    of a dead one; on PostgreSQL it is what outlived its lease.
    """
    if is_sqlite(session):
        return _requeue(session, [], now=now)
    return requeue_lapsed(session, now=now)


def requeue_lapsed(session: Session, *, now: datetime, but: Sequence[int] = ()) -> int:
    """Put back what has been in sending for longer than its lease; the audit says so.

    ``but`` are the rows that this process has in hand, whatever the clock says.
    """
    lapsed = [is_free(OutboxRow, now), col(OutboxRow.id).not_in(but)]
    return _requeue(session, lapsed, now=now)


def requeue(session: Session, row_ids: Sequence[int], *, now: datetime) -> int:
    """Put back what this process was sending and cannot end; the audit says so."""
    return _requeue(session, [col(OutboxRow.id).in_(row_ids)], now=now)


def _requeue(session: Session, conditions: Sequence[Condition], *, now: datetime) -> int:
    rows = session.exec(
        select(OutboxRow)
        .where(OutboxRow.state == "sending", *conditions)
        .order_by(col(OutboxRow.id))
        .with_for_update(skip_locked=True)
    ).all()
    for row in rows:
        audit.append(
            session,
            at=now,
            actor="pullcord",
            action="delivery_retried",
            subject=f"conversation/{row.conversation_id}" if row.conversation_id else row.lane,
            after={"outbox": row.id, "kind": row.kind, "attempts": row.attempts},
            cause=row.cause,
        )
        _put_back(session, row.id, {"due_at": now, "reason": "interrupted"}, was="sending")
    return len(rows)


def _put_back(session: Session, row_id: int | None, values: Mapping[str, Any], *, was: str) -> None:
    """Make a row wait again, in its old place. Of two equal cards the earlier place is kept.

    One that is not ``was`` any more stays as it is: its conversation is gone, or its lease was over
    and another replica has dealt with it.
    """
    row = session.get_one(OutboxRow, row_id)
    if row.state != was:
        return
    if row.kind == "card":
        same: list[Condition] = [
            col(OutboxRow.id) != row_id,
            col(OutboxRow.conversation_id) == row.conversation_id,
            col(OutboxRow.pull_request_id) == row.pull_request_id,
            IS_WAITING_CARD,
        ]
        _close(session, same, "dropped", reason="an earlier one will show it", now=row.claimed_at)
    waits = {"state": "pending", "claimed_until": None, **values}
    _update(session, [col(OutboxRow.id) == row_id], waits)
    session.expire(row)
    touch(session, OUTBOX)


def counts(session: Session) -> Mapping[str, int]:
    """How many rows there are in each state."""
    statement = select(OutboxRow.state, func.count()).group_by(col(OutboxRow.state))
    return dict(session.exec(statement).all())


def oldest_pending(session: Session) -> datetime | None:
    """When the oldest row that still waits was queued."""
    statement = select(func.min(OutboxRow.created_at)).where(OutboxRow.state == "pending")
    return session.exec(statement).one()


def next_due(session: Session) -> datetime | None:
    """The earliest time at which a waiting row may be sent."""
    statement = select(func.min(OutboxRow.due_at)).where(OutboxRow.state == "pending")
    return session.exec(statement).one()


def dead_letters(session: Session, *, limit: int = 50) -> list[OutboxRow]:
    """The newest that could not be sent."""
    newest = select(OutboxRow).where(OutboxRow.state == "dead").order_by(col(OutboxRow.id).desc())
    return list(session.exec(newest.limit(limit)).all())


def _open_in(lane: str) -> list[Condition]:
    return [col(OutboxRow.lane) == lane, IS_OPEN]


def _close(
    session: Session,
    conditions: Sequence[Condition],
    state: str,
    *,
    reason: str,
    now: datetime | None,
) -> int:
    values = {"state": state, "reason": reason, "claimed_until": None, "closed_at": now}
    return _update(session, conditions, values)


def _update(session: Session, conditions: Sequence[Condition], values: Mapping[str, Any]) -> int:
    return affected(session, update(table_of(OutboxRow)).where(*conditions).values(**values))
