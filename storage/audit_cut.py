"""Forgetting the oldest entries of the audit, so that the rest can still be verified."""

from datetime import datetime

from sqlalchemy import delete
from sqlmodel import Session, col, select

from storage import audit
from storage.dialects import table_of
from storage.tables import AuditCut, AuditRow

ACTION = "audit.forgotten"


def forget_audit(session: Session, *, before: datetime, now: datetime, limit: int) -> int:
    """Delete one round of the entries that are older than ``before``; how many went.

    Only from the beginning, so that no hole is made: an entry that is old and stands behind a
    younger one (clocks are set back) stays until that one goes. The digest of the last one that
    went is kept, and the audit itself says how many went and up to which. To be called again while
    it returns ``limit``.
    """
    cut = session.get(AuditCut, 1)
    gone = _forgettable(session, before, limit)
    if gone:
        last = gone[-1]
        cut = cut or AuditCut(through_id=0, digest="", cut_at=now)
        cut.through_id, cut.digest, cut.cut_at = last.id or 0, last.digest, now
        cut.entries += len(gone)
        session.add(cut)
        session.flush()
        table = table_of(AuditRow)
        session.connection().execute(delete(table).where(table.c.id <= cut.through_id))
    if cut is not None and cut.entries and len(gone) < limit:
        _say(session, cut, before, now)
        cut.entries = 0
        session.add(cut)
    return len(gone)


def _forgettable(session: Session, before: datetime, limit: int) -> list[AuditRow]:
    oldest = session.exec(select(AuditRow).order_by(col(AuditRow.id)).limit(limit)).all()
    gone: list[AuditRow] = []
    for row in oldest:
        if row.at >= before:
            break
        gone.append(row)
        session.expunge(row)
    return gone


def _say(session: Session, cut: AuditCut, before: datetime, now: datetime) -> None:
    audit.append(
        session,
        at=now,
        actor="pullcord",
        action=ACTION,
        subject="audit",
        after={
            "entries": cut.entries,
            "through": cut.through_id,
            "older_than": before.isoformat(),
            "digest": cut.digest,
        },
        cause="retention",
    )
