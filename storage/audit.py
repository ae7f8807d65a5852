"""Who did what. Entries are only ever added, and each carries a digest of all before it.

A change or removal behind our back breaks the chain from there on, and ``verify`` names the first
entry that does not fit. (Cutting entries off the very end leaves a chain that fits: keep an
exported digest elsewhere where that matters.) Of entries that were forgotten by age the digest of
the last one is left (storage.audit_cut).
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import insert
from sqlmodel import Session, col, select

from storage.dialects import table_of
from storage.tables import AuditCut, AuditRow
from storage.text import storable_text

PROGRESS_EVERY = 10_000
_NEWEST = select(AuditRow.digest).order_by(col(AuditRow.id).desc()).limit(1)
_INSERT = insert(table_of(AuditRow)).inline()


def append(
    session: Session,
    *,
    at: datetime,
    actor: str,
    action: str,
    connection: str = "",
    subject: str = "",
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    cause: str = "",
) -> None:
    """Add an entry, in the transaction of what it tells of. The fields are AuditRow's.

    ``before`` and ``after`` must be JSON as they are (TypeError or ValueError otherwise). Only the
    writer may call it, whose turn keeps two replicas from adding to the same entry.
    """
    entry = {
        "at": at.astimezone(UTC),
        "actor": storable_text(actor),
        "action": storable_text(action),
        "connection": storable_text(connection),
        "subject": storable_text(subject),
        "before": None if before is None else dict(before),
        "after": None if after is None else dict(after),
        "cause": storable_text(cause),
    }
    session.flush()
    database = session.connection()
    newest = database.execute(_NEWEST).scalar() or _beginning(session)
    entry["digest"] = _digest(newest, entry)
    database.execute(_INSERT, entry)


def of_subject(session: Session, subject: str, *, limit: int = 100) -> list[AuditRow]:
    """The newest entries of a subject (``pull_request/contoso/12``), newest first."""
    statement = (
        select(AuditRow)
        .where(AuditRow.subject == subject)
        .order_by(col(AuditRow.id).desc())
        .limit(limit)
    )
    return list(session.exec(statement).all())


def verify(session: Session, progress: Callable[[int], None] | None = None) -> int | None:
    """Recompute the chain; the id of the first entry that does not fit, None when all do.

    Args:
        session: a session to read from.
        progress: called with the number of entries seen so far, now and then and at the end.
    """
    previous = _beginning(session)
    seen = 0
    statement = select(AuditRow).order_by(col(AuditRow.id)).execution_options(yield_per=1_000)
    for row in session.exec(statement):
        if row.digest != _digest(previous, row.model_dump(exclude={"id", "digest"})):
            return row.id
        session.expunge(row)
        previous = row.digest
        seen += 1
        if progress and seen % PROGRESS_EVERY == 0:
            progress(seen)
    if progress:
        progress(seen)
    return None


def _beginning(session: Session) -> str:
    """What the first entry follows: nothing, or the last of those that were forgotten by age."""
    cut = session.get(AuditCut, 1)
    return cut.digest if cut else ""


def _digest(previous: str, entry: Mapping[str, Any]) -> str:
    written = {**entry, "at": entry["at"].astimezone(UTC).isoformat(timespec="microseconds")}
    canonical = json.dumps(written, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(f"{previous}\n{canonical}".encode()).hexdigest()
