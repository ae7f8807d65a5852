"""Failed checks, and which pull requests' checks are due to be asked for."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from functools import cache

from sqlalchemy import bindparam
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from storage.dialects import is_sqlite
from storage.tables import CheckWatch, FailedCheck, PullRequestRow

CLAIM = timedelta(minutes=2)
"""How long a pull request in hand is left to the process that took it."""


def failures(session: Session, pull_request_id: int) -> Sequence[FailedCheck]:
    """The checks of a pull request that failed and have not succeeded since."""
    return session.exec(_failures(), params={"pull_request": pull_request_id}).all()


@cache  # read for every change, and making a statement takes longer than running it
def _failures() -> SelectOfScalar[FailedCheck]:
    return select(FailedCheck).where(FailedCheck.pull_request_id == bindparam("pull_request"))


def keep_failures(session: Session, pull_request_id: int, rows: Collection[FailedCheck]) -> None:
    """Make the stored failures these."""
    known = {(row.name, row.kind): row for row in failures(session, pull_request_id)}
    for wanted in rows:
        known.pop((wanted.name, wanted.kind), None)
        session.merge(wanted)
    for gone in known.values():
        session.delete(gone)
    session.flush()


def watch(session: Session, pull_request_id: int) -> CheckWatch | None:
    """When the checks were asked for, and are the next time. Locked until the transaction ends."""
    return session.exec(_watch(), params={"pull_request": pull_request_id}).first()


@cache
def _watch() -> SelectOfScalar[CheckWatch]:
    mine = CheckWatch.pull_request_id == bindparam("pull_request")
    return select(CheckWatch).where(mine).with_for_update()


def claim_due(session: Session, *, now: datetime, limit: int) -> Sequence[tuple[str, int]]:
    """(connection, number) of pull requests whose checks are due, longest first.

    They are put off by CLAIM: when reading one fails, it comes again after that. One that is put
    off to a time beyond any pause tells that the clock went back.
    """
    statement = (
        select(CheckWatch, PullRequestRow.connection, PullRequestRow.number)
        .join(PullRequestRow, col(PullRequestRow.id) == CheckWatch.pull_request_id)
        .where(
            col(CheckWatch.due_at).is_not(None),
            (col(CheckWatch.due_at) <= now) | (col(CheckWatch.due_at) > now + timedelta(days=1)),
        )
        .order_by(col(CheckWatch.due_at), col(CheckWatch.pull_request_id))
        .limit(limit)
    )
    if not is_sqlite(session):
        statement = statement.with_for_update(of=CheckWatch, skip_locked=True)
    found = session.exec(statement).all()
    for row, _, _ in found:
        row.due_at = now + CLAIM
        session.add(row)
    session.flush()
    return [(connection, number) for _, connection, number in found]


def stop_watching(session: Session, pull_request_id: int) -> None:
    """Its checks are not asked for any more, until something else reads the pull request."""
    row = session.get(CheckWatch, pull_request_id)
    if row is not None:
        row.due_at = None
        session.add(row)
