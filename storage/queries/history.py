"""What happened to pull requests lately, from the audit: for previews."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, or_, select

from storage.tables import AuditRow, ChangedFilesRow, PullRequestLabels, PullRequestRow

SUBJECTS_AT_ONCE = 400


@dataclass(frozen=True, slots=True)
class Happened:
    """One entry of the audit about a pull request. ``after`` is the change, as far as audited."""

    subject: str
    at: datetime
    action: str
    actor: str
    after: dict[str, Any]
    cause: str


def pull_requests_since(
    session: Session, connection: str, repository_ids: Collection[str], *, since: datetime
) -> Sequence[PullRequestRow]:
    """Pull requests of some repositories that are open, or changed after ``since``."""
    statement = select(PullRequestRow).where(
        PullRequestRow.connection == connection,
        col(PullRequestRow.repository_id).in_(repository_ids),
        or_(PullRequestRow.status == "active", col(PullRequestRow.updated_at) >= since),
    )
    return session.exec(statement.order_by(col(PullRequestRow.number))).all()


def entries(
    session: Session, subjects: Sequence[str], actions: Collection[str], *, since: datetime
) -> list[Happened]:
    """Audit entries about these, oldest first."""
    found: list[Happened] = []
    for start in range(0, len(subjects), SUBJECTS_AT_ONCE):
        statement = (
            select(  # type: ignore[call-overload]  # more columns than SQLModel has types for
                AuditRow.subject,
                AuditRow.at,
                AuditRow.action,
                AuditRow.actor,
                AuditRow.after,
                AuditRow.cause,
            )
            .where(
                col(AuditRow.subject).in_(subjects[start : start + SUBJECTS_AT_ONCE]),
                col(AuditRow.at) >= since,
                col(AuditRow.action).in_(actions),
            )
            .order_by(col(AuditRow.id))
        )
        found += [
            Happened(subject, at, action, actor, after or {}, cause)
            for subject, at, action, actor, after, cause in session.exec(statement)
        ]
    return found


def known_labels(
    session: Session, connection: str, numbers: Collection[int]
) -> dict[int, tuple[str, ...]]:
    """The labels that were read, by pull request."""
    rows = session.exec(
        select(PullRequestLabels).where(
            PullRequestLabels.connection == connection,
            col(PullRequestLabels.number).in_(numbers),
        )
    ).all()
    return {row.number: tuple(row.labels) for row in rows}


def known_files(
    session: Session, connection: str, commits: Collection[str]
) -> dict[tuple[str, str], tuple[str, ...]]:
    """The changed files that were read, by (source commit, target ref)."""
    rows = session.exec(
        select(ChangedFilesRow).where(
            ChangedFilesRow.connection == connection,
            col(ChangedFilesRow.source_commit).in_(commits),
        )
    ).all()
    return {(row.source_commit, row.target_ref): tuple(row.files) for row in rows}
