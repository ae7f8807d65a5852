"""What was learned, stored with all its consequences in one transaction.

State, notices and audit are written together or not at all, so a crash can neither lose a notice
nor tell it twice. Every function here runs inside ``Database.write``.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlmodel import Session

from bot.audience import load_situation, send
from bot.audit_entries import action_of, audit_change, subject_of
from bot.cards.view import load_state
from bot.changes import Change, CommentPosted, CommitsPushed, VoteCast
from bot.conflicts.episodes import FLAP
from bot.conflicts.following import follow
from bot.hooks.lateness import is_late
from bot.model import (
    CommentHook,
    PullRequestSnapshot,
    PushedCommits,
    RepositoryHook,
    TicketHook,
    Vote,
)
from bot.notices.lateness import SWEEP_CAUSE, lateness
from bot.notices.routing import looks, route
from bot.ownership import as_started
from bot.pull_request_state import PullRequestState
from bot.reconcile import Reconciled, reconcile
from bot.recorded_rows import (
    keep_identities,
    keep_identity,
    keep_repository,
    new_repository,
    storable,
    store_pull_request,
)
from storage import audit, enqueue
from storage.queries import recording, reviews
from storage.tables import PullRequestRow, RepositoryRow, TicketRow

__all__ = [
    "PullRequestUnknown",
    "Recorded",
    "record_comment",
    "record_repository",
    "record_snapshot",
    "record_ticket",
    "show_card",
    "storable",
    "tell",
]

COMMENT_DELETED = "comment_deleted"
REPOSITORY_DELETED = "git.repo.deleted"


class PullRequestUnknown(LookupError):
    """Something was said of a pull request that is not stored: read it first, then say it again."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What recording did. ``needs_read``: read the pull request afresh (once, see Reconciled).

    ``is_new``: it was stored for the first time.
    """

    pull_request_id: int
    state: PullRequestState
    changes: tuple[Change, ...]
    needs_read: bool
    is_new: bool = False


def record_snapshot(
    session: Session,
    snapshot: PullRequestSnapshot,
    *,
    cause: str,
    actor: str = "",
    now: datetime,
    flap: timedelta = FLAP,
    pushed: PushedCommits | None = None,
) -> Recorded:
    """Reconcile a snapshot with what is stored; store it, tell of it, and write the audit.

    Args:
        session: the transaction.
        snapshot: the pull request as a webhook or REST told it.
        cause: the webhook, activity or sweep that brought it.
        actor: ``Name <mail>`` of the person who made Pullcord do what is seen, "" if nobody.
        now: the time.
        flap: a conflict that is back within this time is the same episode.
        pushed: what moved the source branch, where Azure DevOps was asked for it.
    """
    snapshot = as_started(session, storable(snapshot))
    row = recording.locked_pull_request(session, snapshot.connection, snapshot.number)
    before = load_state(row) if row else None
    found = _with_push(reconcile(before, snapshot), pushed)
    if row is not None and found.state == before:
        return _nothing_new(session, row, found)
    if before is None or before.versions.head != found.state.versions.head:
        keep_repository(session, found.state)
    row_id = store_pull_request(session, row, found, snapshot, now=now)
    keep_identities(session, found.state, now=now)
    if found.changes or before is None or looks(before) != looks(found.state):
        tell(session, row_id, before, found.state, found.changes, cause=cause, actor=actor, now=now)
    follow(session, row_id, before, found.state, found.changes, cause=cause, now=now, flap=flap)
    return Recorded(row_id, found.state, found.changes, found.needs_read, is_new=row is None)


def record_comment(
    session: Session,
    connection: str,
    hook: CommentHook,
    *,
    cause: str,
    now: datetime,
    flap: timedelta = FLAP,
) -> Recorded:
    """Tell of a comment, once, however often its webhook comes; edits and deletions are no news.

    Raises:
        PullRequestUnknown: the pull request is not stored and the webhook does not carry it.
    """
    hook = storable(hook)
    row = recording.locked_pull_request(session, connection, hook.number)
    if row is None and hook.snapshot is not None:
        record_snapshot(session, hook.snapshot, cause=cause, now=now, flap=flap)
        row = recording.locked_pull_request(session, connection, hook.number)
    if row is None or row.id is None:
        raise PullRequestUnknown(f"pull request {hook.number} of {connection} is not stored")
    state = load_state(row)
    change = CommentPosted(
        f"comment:{hook.comment.thread_id}:{hook.comment.comment_id}", hook.comment
    )
    if hook.comment.is_system or _is_known_comment(session, state, change):
        return Recorded(row.id, state, (), False)
    if hook.comment.is_deleted:
        _audit_deletion(session, state, change, cause=cause, now=now)
        return Recorded(row.id, state, (), False)
    keep_identity(session, connection, hook.comment.author, now=now)
    tell(session, row.id, state, state, (change,), cause=cause, actor="", now=now)
    return Recorded(row.id, state, (change,), False)


def record_repository(
    session: Session, connection: str, hook: RepositoryHook, *, cause: str, now: datetime
) -> None:
    """A repository was renamed or deleted: cards of its open pull requests show the new name."""
    seen = storable(hook).repository
    row = session.get(RepositoryRow, (connection, seen.id))
    old_name = row.name if row else None
    is_deleted = hook.kind == REPOSITORY_DELETED
    if row is None:
        row = new_repository(connection, seen)
    elif (row.removed_at is not None) == is_deleted and row.name == seen.name:
        return
    row.name = seen.name
    row.removed_at = now if is_deleted else None
    session.add(row)
    audit.append(
        session,
        at=now,
        actor="unknown",
        action="repository_deleted" if is_deleted else "repository_renamed",
        connection=connection,
        subject=f"repository/{connection}/{seen.id}",
        before={"name": old_name},
        after={"name": seen.name},
        cause=cause,
    )
    for conversation_id, pull_request_id in recording.cards_in_repository(
        session, connection, seen.id
    ):
        show_card(session, conversation_id, pull_request_id, cause=cause, now=now)


def record_ticket(
    session: Session, connection: str, hook: TicketHook, *, cause: str, now: datetime
) -> None:
    """Keep what a ticket's webhook says, unless a newer revision is stored; cards show it."""
    hook = storable(hook)
    row = session.get(TicketRow, (connection, hook.number))
    if row is not None and row.rev >= hook.rev:
        return
    before = {"title": row.title, "state": row.state} if row else None
    after = {"title": hook.title, "state": hook.state}
    row = row or TicketRow(connection=connection, number=hook.number, as_of=hook.at)
    row.rev, row.as_of = hook.rev, hook.at
    row.type = hook.type or row.type
    row.project_name = hook.project_name or row.project_name
    row.title = hook.title or row.title
    row.state = hook.state or row.state
    if "System.AssignedTo" in hook.fields:
        row.assigned_to = hook.fields["System.AssignedTo"].partition(" <")[0]
    session.add(row)
    if before == after:
        return
    audit.append(
        session,
        at=now,
        actor=hook.changed_by or "unknown",
        action="ticket_changed",
        connection=connection,
        subject=f"ticket/{connection}/{hook.number}",
        before=before,
        after=after,
        cause=cause,
    )
    for conversation_id, pull_request_id in recording.cards_with_ticket(
        session, connection, hook.number
    ):
        show_card(session, conversation_id, pull_request_id, cause=cause, now=now)


def show_card(
    session: Session, conversation_id: str, pull_request_id: int, cause: str, now: datetime
) -> None:
    """Post the pull request's card in a conversation, or bring the one that is there up to date."""
    enqueue.card(
        session,
        conversation_id=conversation_id,
        pull_request_id=pull_request_id,
        cause=cause,
        now=now,
    )


def tell(
    session: Session,
    pull_request_id: int,
    before: PullRequestState | None,
    state: PullRequestState,
    changes: tuple[Change, ...],
    *,
    cause: str,
    actor: str,
    now: datetime,
) -> None:
    """Write what changed into the audit, and queue what people are told of it."""
    for change in changes:
        audit_change(session, change, state, actor=actor, cause=cause, now=now)
    situation = load_situation(session, pull_request_id, before, state, changes, actor=actor)
    _remember_reviews(session, pull_request_id, before, state, changes, now)
    notices = route(changes, situation)
    late = None
    if notices and (is_late(cause) or cause == SWEEP_CAUSE):
        unchanged_at = _unchanged_at(session, before, state)
        late = lateness(
            changes, state, unchanged_at=unchanged_at, was_missed=is_late(cause), now=now
        )
    send(session, notices, situation, pull_request_id, cause=cause, now=now, late=late)


def _unchanged_at(
    session: Session, before: PullRequestState | None, state: PullRequestState
) -> datetime | None:
    """When it was last seen as it was before, by itself or in the list of a sweep."""
    if before is None:
        return None
    repository = session.get(RepositoryRow, (state.connection, state.repository.id))
    swept_at = repository.swept_at if repository else None
    return max(before.as_of, swept_at) if swept_at else before.as_of


def _with_push(found: Reconciled, pushed: PushedCommits | None) -> Reconciled:
    """The changes with what is known of the push, if it is this one that was asked about."""
    if pushed is None:
        return found

    def known(change: Change) -> Change:
        if isinstance(change, CommitsPushed) and (change.old, change.new) == (
            pushed.old,
            pushed.new,
        ):
            return replace(change, count=pushed.count, is_rewritten=pushed.is_rewritten)
        return change

    return replace(found, changes=tuple(known(change) for change in found.changes))


def _remember_reviews(
    session: Session,
    pull_request_id: int,
    before: PullRequestState | None,
    state: PullRequestState,
    changes: tuple[Change, ...],
    now: datetime,
) -> None:
    """Which commit a vote was about, and who talks in which thread: for who is told later."""
    seen = before.source_commit if before else state.source_commit
    for change in changes:
        match change:
            case VoteCast(reviewer=who, new=vote) if vote is not Vote.NONE and seen:
                reviews.keep_reviewed(session, pull_request_id, who.id, seen, now=now)
            case CommentPosted(comment=comment):
                thread, writer = comment.thread_id, comment.author.id
                reviews.join_thread(session, pull_request_id, thread, writer)


def _nothing_new(session: Session, row: PullRequestRow, found: Reconciled) -> Recorded:
    assert row.id is not None
    if found.needs_read and not row.needs_read:
        row.needs_read = True
        session.add(row)
    return Recorded(row.id, found.state, (), found.needs_read)


def _is_known_comment(session: Session, state: PullRequestState, change: CommentPosted) -> bool:
    known = recording.comments_in_audit(
        session, subject_of(state.connection, state.number), (action_of(change), COMMENT_DELETED)
    )
    return change.id in known


def _audit_deletion(
    session: Session, state: PullRequestState, change: CommentPosted, *, cause: str, now: datetime
) -> None:
    """Noted, so that the comment's own webhook, if it comes late, is not told."""
    audit.append(
        session,
        at=now,
        actor="unknown",
        action=COMMENT_DELETED,
        connection=state.connection,
        subject=subject_of(state.connection, state.number),
        after={"comment": change.id},
        cause=cause,
    )
