"""Pull requests with what they wait for, from the database: state, audit, conflicts, checks."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlmodel import Session

from bot.audit_entries import subject_of
from bot.cards.view import load_state
from bot.model import Check, Vote
from bot.notices.readiness import checks_in_the_way
from bot.pull_request_state import PullRequestState
from bot.reminders.waiting import History, Wait, waits
from storage.queries import conflicts, reminders
from storage.tables import AuditRow, PullRequestRow

PUBLISHED = frozenset({"pull_request_published", "pull_request_reactivated"})
SIGNS_OF_LIFE = PUBLISHED | {
    "returned_to_draft",
    "commits_pushed",
    "reviewer_added",
    "reviewer_removed",
    "vote_cast",
    "comment_posted",
    "target_changed",
    "title_changed",
    "description_changed",
    "conflict_ended",
}

_checks = TypeAdapter(tuple[Check, ...])


@dataclass(frozen=True, slots=True)
class Seen:
    """A pull request and all that it waits for now; ``is_blocked``: conflicts or checks.

    ``conflicts_since`` is when its conflicts began, None without any.
    """

    id: int
    state: PullRequestState
    history: History
    waits: tuple[Wait, ...]
    is_blocked: bool
    conflicts_since: datetime | None = None

    @property
    def has_conflicts(self) -> bool:
        """Whether it has conflicts, whoever found them."""
        return self.conflicts_since is not None

    @property
    def key(self) -> str:
        """``connection/NUMBER``, as preferences name it."""
        return f"{self.state.connection}/{self.state.number}"

    @property
    def repository_key(self) -> str:
        """``connection/REPOSITORY_ID``, as preferences name it."""
        return f"{self.state.connection}/{self.state.repository.id}"


def load_seen(session: Session, rows: Sequence[PullRequestRow]) -> list[Seen]:
    """These pull requests as they are now."""
    subjects = [subject_of(row.connection, row.number) for row in rows]
    entries = reminders.audited(session, subjects, SIGNS_OF_LIFE)
    blocked = conflicts.blocked_since(session, [row.id for row in rows if row.id is not None])
    return [
        _seen(row, entries.get(subject, ()), blocked.get(row.id or 0))
        for row, subject in zip(rows, subjects, strict=True)
    ]


def _seen(
    row: PullRequestRow, entries: Iterable[AuditRow], conflicts_since: datetime | None
) -> Seen:
    state = load_state(row)
    history = history_of(entries)
    checks = _checks.validate_python(row.checks or ())
    is_blocked = conflicts_since is not None or checks_in_the_way(checks)
    return Seen(
        id=row.id or 0,
        state=state,
        history=history,
        waits=waits(state, history, is_blocked=is_blocked),
        is_blocked=is_blocked,
        conflicts_since=conflicts_since,
    )


def history_of(entries: Iterable[AuditRow]) -> History:
    """When things happened last, from audit entries of one pull request, oldest first."""
    last: dict[str, datetime] = {}
    by_reviewer: Mapping[str, dict[str, datetime]] = {"asked": {}, "voted": {}, "reset": {}}
    active: datetime | None = None
    for entry in entries:
        active = entry.at
        after = entry.after or {}
        last["published" if entry.action in PUBLISHED else entry.action] = entry.at
        reviewer = _reviewer(after)
        if entry.action == "reviewer_added":
            by_reviewer["asked"][reviewer] = entry.at
        elif entry.action == "vote_cast":
            is_reset = after.get("value") == int(Vote.NONE)
            by_reviewer["reset" if is_reset else "voted"][reviewer] = entry.at
    return History(
        published=last.get("published"),
        drafted=last.get("returned_to_draft"),
        pushed=last.get("commits_pushed"),
        removed=last.get("reviewer_removed"),
        cleaned=last.get("conflict_ended"),
        active=active,
        asked=by_reviewer["asked"],
        voted=by_reviewer["voted"],
        reset=by_reviewer["reset"],
    )


def _reviewer(after: Mapping[str, Any]) -> str:
    reviewer = after.get("reviewer")
    return str(reviewer.get("id", "")) if isinstance(reviewer, dict) else ""
