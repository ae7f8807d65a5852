"""(what is stored, a snapshot) -> what changed. Pure and total.

Webhooks, the sweep and "sync pr" all end here, so a late, doubled, missing or reordered webhook
cannot tell anything wrong or twice.
"""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime

from bot.changes import (
    AutoCompleteCleared,
    AutoCompleteSet,
    Change,
    CloserIdentified,
    CommitsPushed,
    ConflictEnded,
    ConflictStarted,
    DescriptionChanged,
    MergeFailed,
    PullRequestAbandoned,
    PullRequestCompleted,
    PullRequestCreated,
    PullRequestPublished,
    PullRequestReactivated,
    ReturnedToDraft,
    ReviewerAdded,
    ReviewerMadeRequired,
    ReviewerRemoved,
    TargetChanged,
    TitleChanged,
    VoteCast,
)
from bot.model import (
    MergeStatus,
    PullRequestSnapshot,
    PullRequestStatus,
    Reviewer,
    SnapshotSource,
    Vote,
)
from bot.pull_request_state import PullRequestState, Version, absorb, first_state, version_of

__all__ = ["PullRequestState", "Reconciled", "reconcile"]

LONGEST_SUBJECT = 64


@dataclass(frozen=True, slots=True)
class Reconciled:
    """The state after a snapshot, what changed, and whether Azure DevOps must be read afresh.

    ``needs_read`` is set by a snapshot that was too old to be applied and says something else, and
    by one that leaves out what people must be told. Read once; a REST answer that is still older
    (clocks differ) asks again at the next sweep, not in a loop.
    """

    state: PullRequestState
    changes: tuple[Change, ...]
    needs_read: bool


def reconcile(stored: PullRequestState | None, snapshot: PullRequestSnapshot) -> Reconciled:
    """Take a snapshot of the same pull request into the stored state.

    Any order and any repetition of the same snapshots ends in the same state (its two fields of
    history aside), and no change is found twice.
    """
    version = version_of(snapshot)
    if stored is None:
        state = first_state(snapshot, version)
    else:
        state = absorb(stored, snapshot, version)
        if state is stored:
            return Reconciled(stored, (), _needs_read(stored, snapshot, version))
    published_at = _published_at(stored, state)
    since, merge_changes = _episode(stored, state, version)
    state = replace(state, published_at=published_at, conflicted_since=since)
    changes = (*_changes(stored, state, version), *merge_changes)
    return Reconciled(state, changes, _needs_read(state, snapshot, version))


def _changes(
    before: PullRequestState | None, after: PullRequestState, version: Version
) -> list[Change]:
    if before is None:
        if not after.is_active:
            return []  # it was over before Pullcord looked: nobody waits for that news
        return [PullRequestCreated("created", after.created_at)]
    return [
        *_reopening(before, after, version),
        *_texts_and_target(before, after, version),
        *_readiness(before, after, version),
        *_reviews(before, after, version),
        *_closing(before, after, version),
    ]


def _reopening(before: PullRequestState, after: PullRequestState, version: Version) -> list[Change]:
    if after.is_active and not before.is_active:
        return [PullRequestReactivated(_id("reactivated", version))]
    return []


def _texts_and_target(
    before: PullRequestState, after: PullRequestState, version: Version
) -> list[Change]:
    found: list[Change] = []
    if before.title != after.title:
        found.append(TitleChanged(_id("title", version), before.title, after.title))
    if _description_was_edited(before, after):
        found.append(DescriptionChanged(_id("description", version)))
    if before.target_ref != after.target_ref:
        found.append(TargetChanged(_id("target", version), before.target_ref, after.target_ref))
    if before.source_commit and before.source_commit != after.source_commit:
        found.append(
            CommitsPushed(_id("commits", version), before.source_commit, after.source_commit)
        )
    return found


def _description_was_edited(before: PullRequestState, after: PullRequestState) -> bool:
    if before.description == after.description:
        return False
    was_only_cut = before.versions.description is None
    return not (was_only_cut and after.description.startswith(before.description))


def _readiness(before: PullRequestState, after: PullRequestState, version: Version) -> list[Change]:
    found: list[Change] = []
    if before.is_draft and not after.is_draft:
        found.append(PullRequestPublished(_id("published", version)))
    if after.is_draft and not before.is_draft:
        found.append(ReturnedToDraft(_id("draft", version)))
    if after.auto_complete_by and after.auto_complete_by != before.auto_complete_by:
        found.append(AutoCompleteSet(_id("auto-complete", version), after.auto_complete_by))
    if before.auto_complete_by and not after.auto_complete_by:
        found.append(AutoCompleteCleared(_id("auto-complete-off", version)))
    return found


def _reviews(before: PullRequestState, after: PullRequestState, version: Version) -> list[Change]:
    old = {reviewer.identity.id: reviewer for reviewer in before.reviewers}
    new = {reviewer.identity.id: reviewer for reviewer in after.reviewers}
    found: list[Change] = []
    for key, reviewer in new.items():
        known = old.get(key)
        who = reviewer.identity
        if known is None:
            found.append(ReviewerAdded(_id("asked", version, key), who, reviewer.required))
        elif reviewer.required and not known.required:
            found.append(ReviewerMadeRequired(_id("required", version, key), who))
    found += [
        ReviewerRemoved(_id("removed", version, key), reviewer.identity)
        for key, reviewer in old.items()
        if key not in new
    ]
    mirrors = _mirrors((*old.values(), *new.values()))
    for key, reviewer in new.items():
        known = old.get(key)
        vote = known.vote if known else Vote.NONE
        if reviewer.vote != vote and key not in mirrors:
            found.append(
                VoteCast(_id("vote", version, key), reviewer.identity, vote, reviewer.vote)
            )
    return found


def _mirrors(reviewers: tuple[Reviewer, ...]) -> set[str]:
    """Reviewers that only show somebody else's vote: groups get theirs from a member."""
    return {group for reviewer in reviewers for group in reviewer.voted_for} | {
        reviewer.identity.id for reviewer in reviewers if reviewer.identity.is_group
    }


def _closing(before: PullRequestState, after: PullRequestState, version: Version) -> list[Change]:
    if after.is_active:
        return []
    by = after.closed_by
    if after.status is before.status:
        if by and before.closed_by is None:
            return [CloserIdentified(_id("closer", version), by, after.status)]
        return []
    if after.status is PullRequestStatus.COMPLETED:
        return [PullRequestCompleted(_id("completed", version), by)]
    return [PullRequestAbandoned(_id("abandoned", version), by)]


def _published_at(before: PullRequestState | None, after: PullRequestState) -> datetime | None:
    if after.is_draft:
        return None
    if before is None:
        return after.created_at
    return before.published_at or after.as_of


def _episode(
    before: PullRequestState | None, after: PullRequestState, version: Version
) -> tuple[datetime | None, list[Change]]:
    """Since when there are conflicts, and the changes that a settled trial merge brings.

    Only a merge that has just been learned and is about what the pull request is now counts: an
    older one may fill the register while newer commits wait for theirs.
    """
    since = before.conflicted_since if before else None
    if not after.is_active:
        return None, []
    merge = after.merge
    if merge is None or after.versions.merge != version or not _is_about_now(after):
        return since, []
    match merge.status:
        case MergeStatus.CONFLICTS if since is None:
            return merge.as_of, [ConflictStarted(_id("conflict", version), merge.as_of)]
        case MergeStatus.SUCCEEDED if since is not None:
            return None, [ConflictEnded(_id("clean", version), since, merge.as_of)]
        case MergeStatus.FAILURE | MergeStatus.REJECTED_BY_POLICY if not _failed_so(before, after):
            return since, [MergeFailed(_id("merge-failed", version), merge.status, merge.failure)]
    return since, []


def _is_about_now(state: PullRequestState) -> bool:
    merge = state.merge
    return (
        merge is not None
        and merge.target_ref == state.target_ref
        and (not merge.source_commit or merge.source_commit == state.source_commit)
    )


def _failed_so(before: PullRequestState | None, after: PullRequestState) -> bool:
    """Whether this failure was the last outcome already, for the same commits."""
    old = before.merge if before and before.is_active else None
    new = after.merge
    if old is None or new is None:
        return False
    return (old.status, old.source_commit, old.target_ref) == (
        new.status,
        new.source_commit,
        new.target_ref,
    )


def _needs_read(state: PullRequestState, snapshot: PullRequestSnapshot, version: Version) -> bool:
    if version < state.versions.head and _differs(state, snapshot):
        return True
    closer_is_missing = not state.is_active and state.closed_by is None
    return closer_is_missing and snapshot.source is SnapshotSource.HOOK


def _differs(state: PullRequestState, snapshot: PullRequestSnapshot) -> bool:
    """Whether the snapshot says anything else of what people are told."""
    said = (
        snapshot.title,
        snapshot.source_ref,
        snapshot.target_ref,
        snapshot.status,
        snapshot.is_draft,
    )
    held = (state.title, state.source_ref, state.target_ref, state.status, state.is_draft)
    if said != held:
        return True
    if snapshot.source_commit and snapshot.source_commit != state.source_commit:
        return True
    if snapshot.merge_status.is_settled and snapshot.merge_status is not state.merge_status:
        return True
    return bool(snapshot.reviewers) and _votes(snapshot.reviewers) != _votes(state.reviewers)


def _votes(reviewers: tuple[Reviewer, ...]) -> set[tuple[str, int, bool]]:
    return {(r.identity.id, int(r.vote), r.required) for r in reviewers}


def _id(kind: str, version: Version, subject: str = "") -> str:
    if len(subject) > LONGEST_SUBJECT:
        subject = hashlib.sha256(subject.encode("utf-8", "surrogatepass")).hexdigest()
    return ":".join(part for part in (kind, subject, version.label) if part)
