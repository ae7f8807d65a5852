"""Episodes in the database: opened, kept and ended in the transaction of what was learned.

Every function here runs inside ``Database.write``, with the pull request's row locked.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlmodel import Session

from bot.audit_entries import subject_of
from bot.cards.view import load_finding
from bot.changes import (
    AutoCompleteCleared,
    AutoCompleteSet,
    Change,
    PullRequestPublished,
    TitleChanged,
)
from bot.conflicts.behind import last_known
from bot.conflicts.episodes import (
    Begin,
    End,
    EndedBy,
    Episode,
    Finding,
    GoOn,
    Reopen,
    Standing,
    judge,
    next_step,
)
from bot.conflicts.statuses import Wanted, wanted_status
from bot.conflicts.telling import refresh_alerts, refresh_cards, tell
from bot.held_item import hold_alert_again
from bot.model import MergeStatus
from bot.pull_request_state import PullRequestState
from storage import audit
from storage.enqueue import AlertOf
from storage.queries import conflicts, merge_statuses
from storage.tables import ConflictEpisode, OwnFinding


def follow(
    session: Session,
    pull_request_id: int,
    before: PullRequestState | None,
    state: PullRequestState,
    changes: Sequence[Change],
    *,
    overtaken: Finding | None = None,
    cause: str,
    now: datetime,
    flap: timedelta,
) -> None:
    """Bring the pull request's episode and status in line with what is known of it now.

    Args:
        session: the transaction that stores what was learned.
        pull_request_id: its row.
        before: the state before, None at first sight, when nothing of it is stored.
        state: the state now.
        changes: what changed between the two.
        overtaken: the finding of ours that a new one has replaced just now.
        cause: what brought it.
        now: the time.
        flap: a conflict that is back within this time is the same episode.
    """
    is_new = before is None
    finding = None if is_new else load_finding(session, pull_request_id)
    wanted = wanted_status(state, finding)
    _want(session, pull_request_id, wanted, state.connection, now=now, is_new=is_new)
    row = None if is_new else conflicts.latest(session, pull_request_id)
    was_own = row is not None and row.is_own_finding
    standing = judge(state, finding)
    step = next_step(state, standing, _episode(row) if row else None, now=now, flap=flap)
    match step:
        case Begin(at=at):
            known = (state, overtaken) if standing.is_own else (before, finding)
            clean = _last_clean(*known, standing)
            row = _begin(session, pull_request_id, before, state, standing, at, now, clean=clean)
        case Reopen() if row is not None:
            _reopen(session, row, standing, now)
        case GoOn(examine_again=again) if row is not None:
            _go_on(session, row, standing, now, examine_again=again)
        case End(by=by) if row is not None:
            _end(session, row, standing, by, now)
    if step is None:
        _keep_up(session, row, state, standing, changes, cause=cause, now=now)
        return
    assert row is not None
    if row.told_at is not None:
        refresh_alerts(session, row, cause=cause, now=now)
    if standing.is_own or was_own:
        refresh_cards(session, pull_request_id, cause=cause, now=now)
    _audit(session, row, step, cause, now)


def keep_finding(session: Session, pull_request_id: int, finding: Finding) -> None:
    """Store our own trial merge's word, in place of an older one."""
    conflicts.keep_own_finding(
        session,
        OwnFinding(
            pull_request_id=pull_request_id,
            status=finding.status.value,
            source_commit=finding.source_commit,
            target_ref=finding.target_ref,
            target_commit=finding.target_commit,
            stale_target_commit=finding.stale_target_commit,
            found_at=finding.found_at,
            is_unaffected=finding.is_unaffected,
        ),
    )


def want_status(
    session: Session, pull_request_id: int, state: PullRequestState, *, now: datetime
) -> None:
    """Record which status the pull request should have in Azure DevOps."""
    wanted = wanted_status(state, load_finding(session, pull_request_id))
    _want(session, pull_request_id, wanted, state.connection, now=now)


def _want(
    session: Session,
    pull_request_id: int,
    wanted: Wanted | None,
    connection: str,
    *,
    now: datetime,
    is_new: bool = False,
) -> None:
    if wanted is None:
        if not is_new:
            merge_statuses.unwant(session, pull_request_id)
        return
    merge_statuses.want(
        session,
        pull_request_id=pull_request_id,
        connection=connection,
        state=wanted.state,
        source_commit=wanted.source_commit,
        target_ref=wanted.target_ref,
        now=now,
        is_new=is_new,
    )


def _begin(
    session: Session,
    pull_request_id: int,
    before: PullRequestState | None,
    state: PullRequestState,
    standing: Standing,
    began_at: datetime,
    now: datetime,
    *,
    clean: str,
) -> ConflictEpisode:
    row = ConflictEpisode(
        connection=state.connection,
        pull_request_id=pull_request_id,
        number=state.number,
        began_at=began_at,
        opened_at=now,
        source_commit=standing.source_commit,
        target_ref=standing.target_ref,
        target_commit=standing.target_commit,
        last_clean_target_commit=clean,
        is_own_finding=standing.is_own,
        at_first_sight=before is None,
    )
    conflicts.add(session, row)
    conflicts.ask_for_work(session, row, due_at=now)
    return row


def _last_clean(state: PullRequestState | None, finding: Finding | None, standing: Standing) -> str:
    """The target's newest commit of which it is known that it merged cleanly, "" if none is."""
    if state is None or state.merge is None or state.merge.target_ref != standing.target_ref:
        return ""
    known = last_known(state, finding)
    if known is None or known.verdict is not MergeStatus.SUCCEEDED:
        return ""
    return known.base_commit


def _reopen(session: Session, row: ConflictEpisode, standing: Standing, now: datetime) -> None:
    row.ended_at, row.ended_by = None, EndedBy.UNKNOWN.value
    _take_over(row, standing)
    row.examined_at = None
    hold_alert_again(session, AlertOf(episode_id=row.id), now=now)
    conflicts.ask_for_work(session, row, due_at=now)


def _go_on(
    session: Session,
    row: ConflictEpisode,
    standing: Standing,
    now: datetime,
    *,
    examine_again: bool,
) -> None:
    if row.target_ref != standing.target_ref:
        row.last_clean_target_commit = ""
    _take_over(row, standing)
    if examine_again:
        row.examined_at = None
        conflicts.ask_for_work(session, row, due_at=now)
    session.add(row)


def _take_over(row: ConflictEpisode, standing: Standing) -> None:
    row.source_commit = standing.source_commit
    row.target_ref = standing.target_ref
    row.target_commit = standing.target_commit
    row.is_own_finding = standing.is_own


def _end(
    session: Session,
    row: ConflictEpisode,
    standing: Standing,
    by: EndedBy,
    now: datetime,
) -> None:
    """The alert turns green at once; the reply waits a moment for the name of who did it."""
    row.ended_at, row.ended_by = now, by.value
    row.is_own_finding = standing.is_own
    row.ended_actor, row.clean_told_at = "", None
    session.add(row)
    if row.told_at is not None and not by.is_closing:
        conflicts.ask_for_work(session, row, due_at=now)
    elif row.due_at is not None:
        row.due_at = None  # it was over before it was told: nobody needs to hear of it


def _keep_up(
    session: Session,
    row: ConflictEpisode | None,
    state: PullRequestState,
    standing: Standing,
    changes: Sequence[Change],
    *,
    cause: str,
    now: datetime,
) -> None:
    """Alerts show what changed; who hears of drafts only when published hears of it then."""
    if row is None or row.told_at is None:
        return
    if row.ended_at is not None:
        if row.is_own_finding and not standing.is_own:  # Azure DevOps agrees that it is clean
            row.is_own_finding = False
            session.add(row)
            refresh_alerts(session, row, cause=cause, now=now)
        return
    if any(isinstance(change, PullRequestPublished) for change in changes):
        tell(session, row, state, cause=cause, now=now)
    if any(isinstance(change, _SHOWN) for change in changes):
        refresh_alerts(session, row, cause=cause, now=now)


_SHOWN = TitleChanged | AutoCompleteSet | AutoCompleteCleared


def _audit(
    session: Session,
    row: ConflictEpisode,
    step: Begin | Reopen | GoOn | End,
    cause: str,
    now: datetime,
) -> None:
    """What Azure DevOps says is in the audit as its change; our own doing comes here."""
    names = {Begin: "begun", Reopen: "reopened", GoOn: "continued", End: "ended"}
    audit.append(
        session,
        at=now,
        actor="pullcord",
        action=f"conflict_episode_{names[type(step)]}",
        connection=row.connection,
        subject=subject_of(row.connection, row.number),
        after={
            "episode": row.id,
            "is_own_finding": row.is_own_finding,
            "source_commit": row.source_commit,
            "target_commit": row.target_commit,
            "ended_by": row.ended_by,
        },
        cause=cause,
    )


def _episode(row: ConflictEpisode) -> Episode:
    return Episode(
        began_at=row.began_at,
        ended_at=row.ended_at,
        ended_by=EndedBy(row.ended_by),
        source_commit=row.source_commit,
        target_ref=row.target_ref,
        target_commit=row.target_commit,
        is_own=row.is_own_finding,
    )
