"""A pull request's checks as read: stored, told where they failed or pass again, watched."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlmodel import Session

from bot import checks as rules
from bot.model import Check
from bot.pull_request_state import PullRequestState
from bot.recorded_rows import storable
from bot.recording import tell
from storage.queries import checks, open_pull_requests, routing
from storage.tables import CheckWatch, FailedCheck, PullRequestRow

_checks = TypeAdapter(tuple[Check, ...])


@dataclass(frozen=True, slots=True)
class ReadChecks:
    """What one read found. None: that part could not be read. ``asked_at`` is before the calls."""

    asked_at: datetime
    statuses: Sequence[Check] | None
    policies: Sequence[Check] | None


def record_checks(
    session: Session,
    pull_request_id: int,
    state: PullRequestState,
    read: ReadChecks,
    *,
    cause: str,
    now: datetime,
    is_new: bool = False,
) -> bool:
    """Store what was read and tell what is news; True when those of others differ from before.

    An answer older than the one that is stored changes nothing. What had failed before Pullcord
    looked is no news. Runs inside ``Database.write``, after the pull request itself was recorded;
    ``is_new``: for the first time, so nothing is stored of its checks.
    """
    row = session.get(PullRequestRow, pull_request_id)
    watch = None if is_new else checks.watch(session, pull_request_id)
    if row is None or (watch is not None and watch.asked_at > read.asked_at):
        return False
    stored = load_checks(row.checks)
    found = storable(rules.merged(read.statuses, read.policies, stored))
    is_first = row.checks is None
    has_changed = open_pull_requests.set_checks(session, pull_request_id, dump_checks(found))
    changed_at = now if has_changed or watch is None else watch.changed_at
    pushed = state.versions.source_commit
    due_at = rules.next_look(
        found,
        is_active=state.is_active,
        pushed_at=pushed.as_of if pushed else state.created_at,
        changed_at=changed_at,
        now=now,
    )
    watch = watch or CheckWatch(pull_request_id=pull_request_id, changed_at=now, asked_at=now)
    watch.asked_at, watch.changed_at, watch.due_at = read.asked_at, changed_at, due_at
    session.add(watch)
    if state.is_active:
        known = {} if is_new else _known_failures(session, pull_request_id)
        _judge(
            session,
            pull_request_id,
            state,
            found,
            known,
            is_first=is_first,
            cause=cause,
            now=now,
        )
    return has_changed and _shown(found) != _shown(stored)


def _shown(found: Sequence[Check]) -> list[Check]:
    """Without our own status, which the card says in its words: our posting it is no news."""
    return [check for check in found if check.name != rules.OWN_STATUS]


def load_checks(stored: list[dict[str, Any]] | None) -> tuple[Check, ...]:
    """The checks in a row's column."""
    return _checks.validate_python(stored or [])


def dump_checks(found: Sequence[Check]) -> list[dict[str, Any]]:
    """Checks as they are stored."""
    dumped: list[dict[str, Any]] = _checks.dump_python(tuple(found), mode="json")
    return dumped


def _known_failures(
    session: Session, pull_request_id: int
) -> Mapping[rules.CheckKey, rules.Failure]:
    return {
        (row.name, row.kind): rules.Failure(row.run, row.source_commit, row.since)
        for row in checks.failures(session, pull_request_id)
    }


def _judge(
    session: Session,
    pull_request_id: int,
    state: PullRequestState,
    found: Sequence[Check],
    known: Mapping[rules.CheckKey, rules.Failure],
    *,
    is_first: bool,
    cause: str,
    now: datetime,
) -> None:
    judged = rules.judge(known, found, source_commit=state.source_commit, now=now)
    if judged.failures != known:
        rows = [
            FailedCheck(
                pull_request_id=pull_request_id,
                name=name,
                kind=kind,
                run=failure.run,
                source_commit=failure.source_commit,
                since=failure.since,
            )
            for (name, kind), failure in judged.failures.items()
        ]
        checks.keep_failures(session, pull_request_id, rows)
    if not judged.changes:
        return
    if is_first and state.created_at < routing.watched_since(session, state.connection):
        return
    tell(session, pull_request_id, state, state, judged.changes, cause=cause, actor="", now=now)
