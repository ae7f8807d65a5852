"""Changes of a pull request as audit entries: who, what, before and after, because of what."""

import re
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlmodel import Session

from bot.changes import (
    AutoCompleteSet,
    Change,
    CloserIdentified,
    CommentPosted,
    PullRequestAbandoned,
    PullRequestCompleted,
    PullRequestCreated,
    VoteCast,
)
from bot.model import Identity
from bot.pull_request_state import PullRequestState
from storage import audit

UNKNOWN = "unknown"

_changes: TypeAdapter[Change] = TypeAdapter(Change)


def subject_of(connection: str, number: int) -> str:
    """How the audit calls a pull request."""
    return f"pull_request/{connection}/{number}"


def action_of(change: Change) -> str:
    """``VoteCast`` is ``vote_cast``."""
    return action_of_type(type(change))


def action_of_type(kind: type[Change]) -> str:
    """The same of all changes of a type."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower()


def audit_change(
    session: Session,
    change: Change,
    state: PullRequestState,
    *,
    actor: str,
    cause: str,
    now: datetime,
) -> None:
    """Add the entry of one change. ``actor`` is who made Pullcord do it, "" if nobody did."""
    before, after = _before_and_after(change)
    audit.append(
        session,
        at=now,
        actor=_actor(change, state, actor),
        action=action_of(change),
        connection=state.connection,
        subject=subject_of(state.connection, state.number),
        before=before,
        after=after,
        cause=cause,
    )


def _actor(change: Change, state: PullRequestState, actor: str) -> str:
    """Azure DevOps' own word where it says who did it; else the one who gave Pullcord the order."""
    match change:
        case VoteCast(reviewer=who) | AutoCompleteSet(by=who) | CloserIdentified(by=who):
            return _named(who)
        case CommentPosted(comment=comment):
            return _named(comment.author)
        case (
            PullRequestCompleted(by=Identity() as who) | PullRequestAbandoned(by=Identity() as who)
        ):
            return _named(who)
        case PullRequestCreated():
            return actor or _named(state.author)
    return actor or UNKNOWN


def _named(identity: Identity) -> str:
    account = identity.unique_name or identity.id
    return f"{identity.display_name} <{account}>"


def _before_and_after(change: Change) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    if isinstance(change, CommentPosted):  # what people write to each other stays out of the audit
        return None, {"change": change.id, "comment": change.id}
    said: dict[str, Any] = _changes.dump_python(change, mode="json")
    said["change"] = said.pop("id")
    before = {"value": said.pop("old")} if "old" in said else None
    if "new" in said:
        said["value"] = said.pop("new")
    return before, said
