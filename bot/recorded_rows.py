"""What is known of a pull request, as rows: itself, its reviewers, repository and people."""

from dataclasses import fields, is_dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

from sqlmodel import Session

from bot.cards.view import dump_state
from bot.identities import match_stored
from bot.model import Identity, PullRequestSnapshot, Repository, SnapshotSource, Vote
from bot.pull_request_state import PullRequestState, in_utc
from bot.reconcile import Reconciled
from bot.review_requests import asked_by
from storage.queries import recording
from storage.tables import PullRequestRow, RepositoryRow, ReviewerRow
from storage.text import storable_text

T = TypeVar("T")


def storable(value: T) -> T:
    """The same plain value, with every text in it as both databases can keep it."""
    if isinstance(value, str) and type(value) is str:
        return storable_text(value)  # type: ignore[return-value]  # str is T here
    if isinstance(value, tuple):
        return tuple(storable(item) for item in value)  # type: ignore[return-value]  # as above
    if isinstance(value, dict):
        return {key: storable(item) for key, item in value.items()}  # type: ignore[return-value]  # as above
    if is_dataclass(value) and not isinstance(value, type):
        old = {field.name: getattr(value, field.name) for field in fields(value)}
        new = {name: storable(item) for name, item in old.items()}
        if any(new[name] is not old[name] for name in new):
            return replace(value, **new)
    return value


def store_pull_request(
    session: Session,
    row: PullRequestRow | None,
    found: Reconciled,
    snapshot: PullRequestSnapshot,
    *,
    now: datetime,
) -> int:
    """Write the row and its reviewers; its id. A whole read from REST answers an asked read."""
    state = found.state
    was_read = snapshot.source is SnapshotSource.REST and not snapshot.is_summary
    still_asked = row is not None and row.needs_read and not was_read
    told: dict[str, Any] = {
        "repository_id": state.repository.id,
        "title": state.title,
        "status": state.status.value,
        "is_draft": state.is_draft,
        "author_id": state.author.id,
        "source_ref": state.source_ref,
        "target_ref": state.target_ref,
        "conflicted_since": state.conflicted_since,
        "created_at": state.created_at,
        "closed_at": state.closed_at,
        "as_of": state.as_of,
        "updated_at": now,
        "needs_read": found.needs_read or still_asked,
        "state": dump_state(state),
    }
    is_new = row is None
    if row is None:
        row = PullRequestRow(connection=state.connection, number=state.number, **told)
    else:
        for name, value in told.items():
            setattr(row, name, value)
    session.add(row)
    session.flush()
    assert row.id is not None
    _keep_reviewers(session, row.id, found, in_utc(snapshot.as_of), is_new=is_new)
    return row.id


def _keep_reviewers(
    session: Session, row_id: int, found: Reconciled, at: datetime, *, is_new: bool
) -> None:
    state = found.state
    asked = asked_by(found.changes, state, at)
    rows = {
        reviewer.identity.id: ReviewerRow(
            pull_request_id=row_id,
            identity_id=reviewer.identity.id,
            display_name=reviewer.identity.display_name,
            vote=int(reviewer.vote),
            required=reviewer.required,
            is_group=reviewer.identity.is_group,
            is_open=state.is_active and reviewer.vote is Vote.NONE,
            asked_at=asked.get(reviewer.identity.id),
        )
        for reviewer in state.reviewers
    }
    recording.keep_reviewers(session, row_id, rows.values(), is_new=is_new)


def keep_repository(session: Session, state: PullRequestState) -> None:
    """Take over the repository's names; what a snapshot leaves out stays."""
    seen = state.repository
    row = session.get(RepositoryRow, (state.connection, seen.id))
    if row is None:
        session.add(new_repository(state.connection, seen))
        session.flush()
        return
    row.name, row.project_name = seen.name, seen.project_name
    row.default_branch = seen.default_branch or row.default_branch
    row.web_url = seen.web_url or row.web_url
    session.add(row)


def new_repository(connection: str, seen: Repository) -> RepositoryRow:
    """The row of a repository seen for the first time."""
    return RepositoryRow(
        connection=connection,
        id=seen.id,
        name=seen.name,
        project_id=seen.project_id,
        project_name=seen.project_name,
        default_branch=seen.default_branch,
        web_url=seen.web_url,
    )


def keep_identities(session: Session, state: PullRequestState, *, now: datetime) -> None:
    """Keep everybody who has to do with a pull request, so that messages find them."""
    involved = [state.author, *(reviewer.identity for reviewer in state.reviewers)]
    involved += [who for who in (state.closed_by, state.auto_complete_by) if who]
    for identity in {each.id: each for each in involved}.values():
        keep_identity(session, state.connection, identity, now=now)


def keep_identity(session: Session, connection: str, identity: Identity, *, now: datetime) -> None:
    """Store an identity and match it to the person with the same mail, if there is one."""
    if not identity.id:
        return
    row = recording.keep_identity(
        session,
        connection,
        identity.id,
        display_name=identity.display_name,
        unique_name=identity.unique_name,
        is_group=identity.is_group,
    )
    if row.person_id is not None or row.is_group or not row.unique_name:
        return
    person = recording.person_with_mail(session, row.unique_name)
    if person is not None:
        match_stored(session, person, connection, now=now)
