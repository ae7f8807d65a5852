"""The pull-request status ``pullcord/mergeable``: what to post, and what was posted."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from sqlalchemy import Update, and_, bindparam, case, null
from sqlmodel import Session, col, or_, select, update
from sqlmodel.sql.expression import SelectOfScalar

from storage.dialects import affected, table_of
from storage.tables import MergeStatusRow, PullRequestRow
from storage.topics import MERGE_STATUSES, touch

LEASE = timedelta(minutes=2)
"""How long a status in hand is left to the process that took it."""


def want(
    session: Session,
    *,
    pull_request_id: int,
    connection: str,
    state: str,
    source_commit: str,
    target_ref: str,
    now: datetime,
    is_new: bool = False,
) -> None:
    """Say what the status should be; it is posted unless that is what was posted last.

    ``is_new``: the pull request was stored just now, so nothing was said before.
    """
    row = None if is_new else session.get(MergeStatusRow, pull_request_id)
    wanted = (state, source_commit, target_ref)
    is_known = row is not None and (row.state, row.source_commit, row.target_ref) == wanted
    if row is not None and is_known and (row.due_at is not None or is_posted(row)):
        return
    row = row or MergeStatusRow(
        pull_request_id=pull_request_id,
        connection=connection,
        state="",
        source_commit="",
        target_ref="",
    )
    row.state, row.source_commit, row.target_ref = wanted
    row.attempts = 0
    row.due_at = None if is_posted(row) else now
    session.add(row)
    touch(session, MERGE_STATUSES)


def unwant(session: Session, pull_request_id: int) -> None:
    """There is nothing to post any more: it was closed, or nobody knows how it merges now."""
    row = session.get(MergeStatusRow, pull_request_id)
    if row is not None and row.due_at is not None:
        row.due_at = None
        session.add(row)


def is_posted(row: MergeStatusRow) -> bool:
    """Whether Azure DevOps has what it should have."""
    posted = (row.posted_state, row.posted_commit, row.posted_ref)
    return posted == (row.state, row.source_commit, row.target_ref)


def locked(session: Session, pull_request_id: int) -> MergeStatusRow:
    """The status of a pull request, locked until the transaction ends."""
    return session.exec(_locked(), params={"pull_request": pull_request_id}).one()


@cache  # here and below: making a statement takes longer than running it
def _locked() -> SelectOfScalar[MergeStatusRow]:
    mine = MergeStatusRow.pull_request_id == bindparam("pull_request")
    return select(MergeStatusRow).where(mine).with_for_update()


@dataclass(frozen=True, slots=True)
class Posted:
    """A status that Azure DevOps has now, and the number of the iteration that it is about."""

    pull_request_id: int
    state: str
    source_commit: str
    target_ref: str
    iteration: int


def note_posted(session: Session, posted: Sequence[Posted], *, now: datetime) -> None:
    """Azure DevOps has these; where another is wanted by now, that one is due."""
    session.flush()
    rows = [
        {
            "pull_request": one.pull_request_id,
            "its_state": one.state,
            "its_commit": one.source_commit,
            "its_ref": one.target_ref,
            "its_iteration": one.iteration,
            "now": now,
        }
        for one in posted
    ]
    session.connection().execute(_note_posted(), rows)


@cache
def _note_posted() -> Update:
    table = table_of(MergeStatusRow)
    is_wanted = and_(
        table.c.state == bindparam("its_state"),
        table.c.source_commit == bindparam("its_commit"),
        table.c.target_ref == bindparam("its_ref"),
    )
    now = bindparam("now", type_=table.c.due_at.type)
    return (
        update(table)
        .where(table.c.pull_request_id == bindparam("pull_request"))
        .values(
            posted_state=bindparam("its_state"),
            posted_commit=bindparam("its_commit"),
            posted_ref=bindparam("its_ref"),
            iteration=bindparam("its_iteration"),
            due_at=case((is_wanted, null()), else_=now),
            attempts=0,
        )
    )


def claim_due(session: Session, *, now: datetime, limit: int) -> Sequence[MergeStatusRow]:
    """Take statuses that are due, the longest waiting first; nobody else gets them meanwhile.

    One that was put off to a time beyond any pause tells that the clock went back: it is due.
    """
    due = {"now": now, "far": now + timedelta(days=1), "limit": limit}
    rows = session.exec(_due(), params=due).all()
    for row in rows:
        row.due_at = now + LEASE
        session.add(row)
    session.flush()
    return rows


@cache
def _due() -> SelectOfScalar[MergeStatusRow]:
    due_at = col(MergeStatusRow.due_at)
    return (
        select(MergeStatusRow)
        .where(due_at.is_not(None), or_(due_at <= bindparam("now"), due_at > bindparam("far")))
        .order_by(due_at, col(MergeStatusRow.pull_request_id))
        .limit(bindparam("limit"))
        .with_for_update(skip_locked=True)
    )


def resume(session: Session, *, now: datetime) -> int:
    """What a dead process had in hand is due again; how many. To be called at start."""
    waiting = update(table_of(MergeStatusRow)).where(col(MergeStatusRow.due_at).is_not(None))
    return affected(session, waiting.values(due_at=now))


def is_due(session: Session, *, now: datetime) -> bool:
    """Whether a status is to be posted now; not what somebody has in hand, or is put off."""
    due = select(MergeStatusRow.pull_request_id).where(col(MergeStatusRow.due_at) <= now).limit(1)
    return session.exec(due).first() is not None


def pending(session: Session) -> int:
    """How many statuses wait to be posted for the first time; not those put off by a failure."""
    rows = session.exec(
        select(MergeStatusRow.pull_request_id).where(
            col(MergeStatusRow.due_at).is_not(None), MergeStatusRow.attempts == 0
        )
    ).all()
    return len(rows)


def without_any(
    session: Session, connections: Collection[str], *, after: int, limit: int
) -> Sequence[PullRequestRow]:
    """Open pull requests of which no status was ever wanted, from an id on: they are older."""
    return session.exec(
        select(PullRequestRow)
        .join(
            MergeStatusRow,
            col(MergeStatusRow.pull_request_id) == col(PullRequestRow.id),
            isouter=True,
        )
        .where(
            PullRequestRow.status == "active",
            col(PullRequestRow.connection).in_(connections),
            col(MergeStatusRow.pull_request_id).is_(None),
            col(PullRequestRow.id) > after,
        )
        .order_by(col(PullRequestRow.id))
        .limit(limit)
    ).all()


def ask_again(session: Session, connections: Collection[str], *, now: datetime) -> int:
    """What is not posted and does not wait, in connections that post, is due; how many."""
    found = session.exec(
        select(MergeStatusRow)
        .join(PullRequestRow, col(PullRequestRow.id) == col(MergeStatusRow.pull_request_id))
        .where(
            PullRequestRow.status == "active",
            col(MergeStatusRow.connection).in_(connections),
            col(MergeStatusRow.due_at).is_(None),
            or_(
                col(MergeStatusRow.posted_state) != MergeStatusRow.state,
                col(MergeStatusRow.posted_commit) != MergeStatusRow.source_commit,
                col(MergeStatusRow.posted_ref) != MergeStatusRow.target_ref,
            ),
        )
    ).all()
    for row in found:
        row.due_at, row.attempts = now, 0
        session.add(row)
    return len(found)
