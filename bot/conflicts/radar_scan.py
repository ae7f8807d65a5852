"""What the radar knows of a connection, read in one go; and what follows from it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from bot.conflicts.radar import (
    DIGEST_ONLY,
    OFF,
    ON,
    OPTION,
    Commits,
    Overlap,
    RadarEntry,
    conflicting,
    mode_of,
    overlaps,
    plan,
)
from bot.model import MergeStatus
from bot.notices.filters import ANNOUNCE
from bot.notices.patterns import matches_branch
from bot.repository_names import covers
from storage.queries import radar as rows
from storage.tables import PullRequestRow, RadarPair, RepositoryRow, Subscription, TrialMergeRow

BUDGET_WINDOW = timedelta(hours=1)
FILES_CALLS = 1
TRIAL_CALLS = 3
"""Calls that one question costs: a trial merge is asked for, and looked at twice as a rule."""

ASK_AGAIN_AFTER = timedelta(hours=1)
"""A trial merge that failed, or was not done in time, says nothing: it is made again."""

_SETTLED = (MergeStatus.SUCCEEDED, MergeStatus.CONFLICTS)


@dataclass(frozen=True, slots=True)
class Scan:
    """A connection's radar.

    ``rows`` and ``repositories`` are by pull request id. ``unread`` are entries whose changed files
    are not known, most recently updated first. ``pairs`` are those that overlap, ``outcomes`` what
    trial merges said (QUEUED: asked lately, without an answer). ``spent`` are calls of this hour.
    """

    entries: Mapping[int, RadarEntry]
    rows: Mapping[int, PullRequestRow]
    repositories: Mapping[int, RepositoryRow]
    unread: Sequence[RadarEntry]
    pairs: Sequence[Overlap]
    outcomes: Mapping[Commits, MergeStatus]
    spent: int

    @property
    def conflicting(self) -> Sequence[Overlap]:
        """The pairs that conflict."""
        return conflicting(self.pairs, self.outcomes)

    @property
    def unchecked(self) -> int:
        """How many pairs there are whose outcome is not known."""
        known = {commits: status for commits, status in self.outcomes.items() if status in _SETTLED}
        return plan(self.pairs, known, room=0).unchecked


@dataclass(frozen=True, slots=True)
class PairChanges:
    """Episodes of pairs that begin, go on with other commits, and end (with the reason).

    ``wanted`` are those that go on, and of which an author is to hear only now.
    """

    begun: Sequence[Overlap]
    wanted: Sequence[tuple[int, Overlap]]
    moved: Sequence[tuple[int, Overlap]]
    ended: Sequence[tuple[int, str]]


def load_scan(session: Session, connection: str, now: datetime) -> Scan:
    """Read everything the radar decides with."""
    found = rows.open_pull_requests(session, connection)
    following = _following(
        rows.live_subscriptions(session, connection), [repository for _, repository in found]
    )
    entries = {
        entry.id: entry
        for row, repository in found
        if (entry := _entry(row, following[repository.id])) is not None
    }
    commits = {entry.source_commit for entry in entries.values()}
    known = rows.files_of(session, connection, commits)
    files = {
        entry.id: known[entry.source_commit, entry.target_ref]
        for entry in entries.values()
        if (entry.source_commit, entry.target_ref) in known
    }
    read, merged = rows.asked_since(session, connection, now - BUDGET_WINDOW)
    unread = [entry for entry in entries.values() if entry.id not in files]
    return Scan(
        entries=entries,
        rows={row.id: row for row, _ in found if row.id is not None},
        repositories={row.id: repository for row, repository in found if row.id is not None},
        unread=sorted(unread, key=lambda entry: (entry.updated_at, entry.number), reverse=True),
        pairs=overlaps(entries.values(), files),
        outcomes=_outcomes(rows.merges_of(session, connection, commits), now),
        spent=read * FILES_CALLS + merged * TRIAL_CALLS,
    )


def pair_changes(scan: Scan, open_pairs: Sequence[RadarPair]) -> PairChanges:
    """Compare the pairs that conflict with the episodes that are open.

    One whose new commits are not tried yet goes on: nobody knows better.
    """
    by_key = {pair.key: pair for pair in scan.pairs}
    now_conflicting = {pair.key: pair for pair in scan.conflicting}
    begun = dict(now_conflicting)
    wanted: list[tuple[int, Overlap]] = []
    moved: list[tuple[int, Overlap]] = []
    ended: list[tuple[int, str]] = []
    for episode in open_pairs:
        key = (episode.first_id, episode.second_id)
        pair = begun.pop(key, None)
        episode_id = episode.id or 0
        if pair is not None:
            commits = (pair.first.source_commit, pair.second.source_commit)
            if commits != (episode.first_commit, episode.second_commit):
                moved.append((episode_id, pair))
            if not_told_yet(episode, pair) != (False, False):
                wanted.append((episode_id, pair))
        elif reason := _end_of(key, by_key.get(key), scan):
            ended.append((episode_id, reason))
    return PairChanges(list(begun.values()), wanted, moved, ended)


def not_told_yet(episode: RadarPair, pair: Overlap) -> tuple[bool, bool]:
    """Whether the first and the second author are to hear of it and were not told."""
    return (
        pair.first.is_told and not episode.first_told,
        pair.second.is_told and not episode.second_told,
    )


def _end_of(key: tuple[int, int], pair: Overlap | None, scan: Scan) -> str:
    """Why a pair that is not known to conflict is over, "" when it may still conflict."""
    if not all(one in scan.rows for one in key):
        return "closed"
    if not all(one in scan.entries for one in key):
        return "unfollowed"
    if pair is not None:
        return "clean" if scan.outcomes.get(pair.commits) is MergeStatus.SUCCEEDED else ""
    unread = {entry.id for entry in scan.unread}
    return "" if unread & set(key) else "clean"


def _following(
    subscriptions: Iterable[Subscription], repositories: Iterable[RepositoryRow]
) -> Mapping[str, Sequence[Subscription]]:
    """By repository id one subscription of each kind: thousands may ask for the same."""
    different = {
        (
            each.project_key,
            each.repository,
            tuple(each.target_branches),
            each.drafts,
            radar_option(each),
        ): each
        for each in subscriptions
    }.values()
    return {
        repository.id: [each for each in different if covers(each, repository)]
        for repository in {each.id: each for each in repositories}.values()
    }


def _entry(row: PullRequestRow, subscriptions: Iterable[Subscription]) -> RadarEntry | None:
    mode = mode_of(
        radar_option(each)
        for each in subscriptions
        if matches_branch(tuple(each.target_branches), row.target_ref)
        and (not row.is_draft or each.drafts == ANNOUNCE)
    )
    commit = str(row.state.get("source_commit") or "")
    if mode == OFF or not commit or row.id is None:
        return None
    return RadarEntry(
        id=row.id,
        number=row.number,
        repository_id=row.repository_id,
        target_ref=row.target_ref,
        source_commit=commit,
        updated_at=row.updated_at,
        is_told=mode == ON,
    )


def radar_option(subscription: Subscription) -> str:
    """on, off or digest-only, as the subscription says."""
    told = subscription.options.get(OPTION)
    return told if told in (ON, OFF, DIGEST_ONLY) else ON


def _outcomes(merges: Sequence[TrialMergeRow], now: datetime) -> dict[Commits, MergeStatus]:
    outcomes: dict[Commits, MergeStatus] = {}
    for row in merges:
        status = MergeStatus(row.status)
        if status in _SETTLED:
            outcomes[row.one, row.other] = status
        elif now - row.checked_at < ASK_AGAIN_AFTER:
            outcomes[row.one, row.other] = MergeStatus.QUEUED
    return outcomes
