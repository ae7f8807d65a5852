"""What happened to a pull request, in the past tense.

``bot.reconcile`` finds all of these except CommentPosted, which comes from its own webhook, and
those of checks, which ``bot.checks`` finds.
``id`` is made of the kind, its subject and the version of the snapshot that told it: the same
finding never has two ids, and two findings never share one. Outbox keys and audit entries are
built on it.
"""

from dataclasses import dataclass
from datetime import datetime

from bot.model import Comment, Identity, MergeStatus, PullRequestStatus, Vote


@dataclass(frozen=True, slots=True)
class PullRequestCreated:
    """An open pull request was seen for the first time; it may be an old one (``created_at``)."""

    id: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class PullRequestPublished:
    """A draft became ready for review."""

    id: str


@dataclass(frozen=True, slots=True)
class ReturnedToDraft:
    """A published pull request became a draft again."""

    id: str


@dataclass(frozen=True, slots=True)
class CommitsPushed:
    """The source branch moved from commit ``old`` to ``new``.

    ``count`` new commits, 0 when that is not known; ``is_rewritten`` when it was force-pushed.
    Both follow from the two commits, so they are no part of what tells one change from another.
    """

    id: str
    old: str
    new: str
    count: int = 0
    is_rewritten: bool = False


@dataclass(frozen=True, slots=True)
class ReviewerAdded:
    """Somebody was asked for a review, or joined by voting."""

    id: str
    reviewer: Identity
    required: bool


@dataclass(frozen=True, slots=True)
class ReviewerRemoved:
    """A reviewer is no reviewer any more."""

    id: str
    reviewer: Identity


@dataclass(frozen=True, slots=True)
class ReviewerMadeRequired:
    """An optional reviewer's approval is now needed."""

    id: str
    reviewer: Identity


@dataclass(frozen=True, slots=True)
class VoteCast:
    """A reviewer voted. ``new`` is NONE when the vote was taken back or reset."""

    id: str
    reviewer: Identity
    old: Vote
    new: Vote


@dataclass(frozen=True, slots=True)
class PullRequestCompleted:
    """It was merged. ``by`` is None where the source does not say (webhook bodies do not)."""

    id: str
    by: Identity | None


@dataclass(frozen=True, slots=True)
class PullRequestAbandoned:
    """It was given up. ``by`` is None where the source does not say."""

    id: str
    by: Identity | None


@dataclass(frozen=True, slots=True)
class CloserIdentified:
    """Who completed or abandoned it became known after the fact itself."""

    id: str
    by: Identity
    status: PullRequestStatus


@dataclass(frozen=True, slots=True)
class PullRequestReactivated:
    """An abandoned pull request is open again."""

    id: str


@dataclass(frozen=True, slots=True)
class ConflictStarted:
    """An episode began: the trial merge found conflicts."""

    id: str
    since: datetime


@dataclass(frozen=True, slots=True)
class ConflictEnded:
    """The episode that began at ``since`` ended with a clean trial merge at ``at``."""

    id: str
    since: datetime
    at: datetime


@dataclass(frozen=True, slots=True)
class MergeFailed:
    """The trial merge ended without an answer: FAILURE or REJECTED_BY_POLICY. Not a conflict."""

    id: str
    status: MergeStatus
    reason: str


@dataclass(frozen=True, slots=True)
class TargetChanged:
    """The pull request targets another branch; both are whole refs."""

    id: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class TitleChanged:
    """The title was edited. Only the card shows it."""

    id: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class DescriptionChanged:
    """The description was edited. Nobody is told."""

    id: str


@dataclass(frozen=True, slots=True)
class AutoCompleteSet:
    """It will complete by itself once its policies pass."""

    id: str
    by: Identity


@dataclass(frozen=True, slots=True)
class AutoCompleteCleared:
    """It will not complete by itself any more."""

    id: str


@dataclass(frozen=True, slots=True)
class CommentPosted:
    """Somebody commented. ``id`` is the comment's place: a repeated webhook tells nothing new."""

    id: str
    comment: Comment


@dataclass(frozen=True, slots=True)
class ChecksFailed:
    """Checks failed that had not failed before for these commits.

    ``again``: they had failed for older commits, too, and were not fixed meanwhile. ``run_url`` is
    the page of a run that failed, as whoever posted it says, "" when nobody does.
    """

    id: str
    names: tuple[str, ...]
    again: bool = False
    run_url: str = ""


@dataclass(frozen=True, slots=True)
class ChecksFixed:
    """The last of the checks that had failed succeeded; ``names`` are those that did."""

    id: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BecameReady:
    """It is approved and merges cleanly now, as routing finds from the other changes."""

    id: str


Change = (
    PullRequestCreated
    | PullRequestPublished
    | ReturnedToDraft
    | CommitsPushed
    | ReviewerAdded
    | ReviewerRemoved
    | ReviewerMadeRequired
    | VoteCast
    | PullRequestCompleted
    | PullRequestAbandoned
    | CloserIdentified
    | PullRequestReactivated
    | ConflictStarted
    | ConflictEnded
    | MergeFailed
    | TargetChanged
    | TitleChanged
    | DescriptionChanged
    | AutoCompleteSet
    | AutoCompleteCleared
    | CommentPosted
    | ChecksFailed
    | ChecksFixed
    | BecameReady
)
