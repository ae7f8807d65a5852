"""Sample pull requests for tests; all people and names are plainly samples."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.model import (
    Identity,
    MergeStatus,
    PullRequestSnapshot,
    PullRequestStatus,
    Repository,
    Reviewer,
    SnapshotSource,
    Vote,
)

START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
MAYA = Identity("id-maya", "Maya Sample", "maya@example.com")
JONAS = Identity("id-jonas", "Jonas Sample", "jonas@example.com")
LENA = Identity("id-lena", "Lena Sample", "lena@example.com")
TEAM = Identity("id-team", "[samples]\\Web Team", is_group=True)
ROBOT = Identity("id-robot", "samples Build Service (contoso)", "Build\\0f1e2d3c")
WEB = Repository("repo-web", "web", "project-shop", "shop", "refs/heads/main")

PULL_REQUEST = PullRequestSnapshot(
    connection="contoso",
    repository=WEB,
    number=12,
    title="Add search",
    author=MAYA,
    source_ref="refs/heads/feature/search/fast",
    target_ref="refs/heads/main",
    status=PullRequestStatus.ACTIVE,
    as_of=START,
    source=SnapshotSource.REST,
    created_at=START,
    source_commit="a" * 40,
    target_commit="f" * 40,
)


def at(minutes: float) -> datetime:
    """A moment after START."""
    return START + timedelta(minutes=minutes)


def seen(minutes: float = 0, **changed: Any) -> PullRequestSnapshot:
    """The sample pull request as read at a moment, with what is different then."""
    return replace(PULL_REQUEST, as_of=at(minutes), **changed)


def hooked(minutes: float = 0, **changed: Any) -> PullRequestSnapshot:
    """The same from a webhook's body."""
    return seen(minutes, source=SnapshotSource.HOOK, **changed)


def votes(*cast: tuple[Identity, Vote], **changed: Any) -> dict[str, Any]:
    """The ``reviewers`` of these people."""
    reviewers = tuple(Reviewer(who, vote) for who, vote in cast)
    return {"reviewers": reviewers, **changed}


CONFLICT: dict[str, Any] = {"merge_status": MergeStatus.CONFLICTS}
CLEAN: dict[str, Any] = {"merge_status": MergeStatus.SUCCEEDED}
QUEUED: dict[str, Any] = {"merge_status": MergeStatus.QUEUED}
COMPLETED: dict[str, Any] = {"status": PullRequestStatus.COMPLETED, "closed_at": at(90)}
ABANDONED: dict[str, Any] = {"status": PullRequestStatus.ABANDONED, "closed_at": at(90)}
