"""The radar's rounds: read changed files, merge on trial, tell the authors. Within a budget.

What was asked is stored, so a restart asks nothing twice, and the budget counts what was stored in
the last hour, so a restart does not refill it.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from sqlmodel import Session

from bot.cards.view import load_state
from bot.conflicts.radar import Overlap, RadarEntry, plan
from bot.conflicts.radar_notices import end_pair, refresh_pair, tell_after_all, tell_pair
from bot.conflicts.radar_scan import (
    FILES_CALLS,
    TRIAL_CALLS,
    PairChanges,
    Scan,
    load_scan,
    not_told_yet,
    pair_changes,
)
from bot.log_text import log_safe
from bot.model import MergeStatus, TrialMerge, branch_name
from bot.ports import AzureDevOps, AzureDevOpsError, BadAnswer, NotFound, Rejected
from bot.services import Services
from bot.workflows.side_by_side import first_failure_ends_all
from storage import audit
from storage.queries import connections
from storage.queries import radar as rows
from storage.tables import PullRequestRow, RadarPair

log = logging.getLogger(__name__)

CAUSE = "radar"
CALLS_PER_HOUR = 600
AT_ONCE = 3

_ABOUT_THIS_ONE = (NotFound, Rejected, BadAnswer)
"""Failures that say something of the commits asked for, not of the connection."""


@dataclass(slots=True)
class RadarReport:
    """What one round did, for the log and tests."""

    files_read: int = 0
    merges_tried: int = 0
    failures: dict[str, str] = field(default_factory=dict)


class Radar:
    """Finds open pull requests that conflict with each other, before either is completed."""

    def __init__(self, services: Services, *, calls_per_hour: int = CALLS_PER_HOUR) -> None:
        """Prepare the radar; nothing is asked.

        Args:
            services: what it works with; a pair that is back within ``conflict_flap`` is not told
                again.
            calls_per_hour: to Azure DevOps per connection; 0 asks nothing.
        """
        self._services = services
        self._calls_per_hour = calls_per_hour
        self._seen: dict[str, tuple[int, datetime | None]] = {}

    async def run(self) -> RadarReport:
        """One round over every connection; one that fails does not keep the others waiting."""
        return await self._rounds(await self._names())

    async def run_changed(self) -> RadarReport:
        """A round over the connections whose open pull requests changed since the last one."""
        changed = []
        for name in await self._names():
            seen = await self._services.db.read(partial(rows.last_change, connection=name))
            if self._seen.get(name) != seen:
                changed.append(name)
        return await self._rounds(changed)

    async def _names(self) -> Sequence[str]:
        found = await self._services.db.read(connections.all_connections)
        return [row.name for row in found if not row.paused_reason]

    async def _rounds(self, names: Sequence[str]) -> RadarReport:
        report = RadarReport()
        await asyncio.gather(*(self._round(name, report) for name in names))
        return report

    async def _round(self, name: str, report: RadarReport) -> None:
        # Noted before: what changes while the round is under way causes another one.
        self._seen[name] = await self._services.db.read(lambda s: rows.last_change(s, name))
        try:
            await self._ask(name, report)
        except AzureDevOpsError as error:
            report.failures[name] = str(error)
            log.info("radar: %s: %s", log_safe(name), log_safe(str(error)))
        await self._settle(name)

    async def _ask(self, name: str, report: RadarReport) -> None:
        """Read files, then merge on trial, newest first, while the budget lasts."""
        azure = await self._services.azure_devops(name)
        scan = await self._scan(name)
        if scan.unread:
            room = max(self._calls_per_hour - scan.spent, 0) // FILES_CALLS
            await self._read_files(azure, scan, scan.unread[:room], report)
            scan = await self._scan(name)
        room = max(self._calls_per_hour - scan.spent, 0) // TRIAL_CALLS
        wanted = plan(scan.pairs, scan.outcomes, room=room)
        places = asyncio.Semaphore(AT_ONCE)
        await first_failure_ends_all(
            self._try(places, azure, scan, pair, report) for pair in wanted.to_check
        )

    async def _scan(self, name: str) -> Scan:
        now = self._services.clock()
        return await self._services.db.read(lambda s: load_scan(s, name, now))

    async def _read_files(
        self,
        azure: AzureDevOps,
        scan: Scan,
        entries: Sequence[RadarEntry],
        report: RadarReport,
    ) -> None:
        tips: dict[tuple[str, str], str] = {}
        for entry in entries:
            state = load_state(scan.rows[entry.id])
            base = state.merge.target_commit if state.merge else ""
            place = (entry.repository_id, entry.target_ref)
            if not base:
                if place not in tips:
                    branch = branch_name(entry.target_ref)
                    tips[place] = await azure.branch_tip(entry.repository_id, branch) or ""
                base = tips[place]
            await self._read_files_of(azure, entry, base)
            report.files_read += 1

    async def _read_files_of(self, azure: AzureDevOps, entry: RadarEntry, base: str) -> None:
        """Keep what an entry changes. A commit that is gone changes nothing: it was replaced."""
        files: Sequence[str] = ()
        if base:
            try:
                files = await azure.changed_files(entry.repository_id, base, entry.source_commit)
            except _ABOUT_THIS_ONE as error:
                log.info("radar: files of %d: %s", entry.number, log_safe(str(error)))
        now = self._services.clock()
        await self._services.db.write(
            lambda s: rows.keep_files(
                s, azure.connection, entry.source_commit, entry.target_ref, files, now=now
            )
        )

    async def _try(
        self,
        places: asyncio.Semaphore,
        azure: AzureDevOps,
        scan: Scan,
        pair: Overlap,
        report: RadarReport,
    ) -> None:
        repository = scan.repositories[pair.first.id]
        one, other = pair.commits
        async with places:
            try:
                merge = await azure.trial_merge(repository.project_id, repository.id, one, other)
            except _ABOUT_THIS_ONE as error:
                merge = TrialMerge(one, other, MergeStatus.FAILURE, str(error))
        report.merges_tried += 1
        now = self._services.clock()
        await self._services.db.write(
            lambda s: rows.keep_merge(
                s,
                azure.connection,
                pair.commits,
                status=merge.status.value,
                message=merge.message,
                now=now,
            )
        )

    async def _settle(self, name: str) -> None:
        """Begin and end the episodes that what is known now asks for."""
        now = self._services.clock()

        def decide(session: Session) -> tuple[Scan, PairChanges]:
            scan = load_scan(session, name, now)
            return scan, pair_changes(scan, rows.open_pairs(session, name))

        scan, changes = await self._services.db.read(decide)
        write = self._services.db.write
        await write(
            lambda s: rows.keep_backlog(s, name, pairs=scan.unchecked, unread=len(scan.unread))
        )
        for pair in changes.begun:
            await write(partial(self._begin, pair=pair, now=now))
        for episode_id, pair in changes.wanted:
            await write(partial(_tell_now, episode_id=episode_id, pair=pair, now=now))
        for episode_id, pair in changes.moved:
            await write(partial(_move, episode_id=episode_id, pair=pair, now=now))
        for episode_id, reason in changes.ended:
            await write(partial(_end, episode_id=episode_id, reason=reason, now=now))

    def _begin(self, session: Session, pair: Overlap, now: datetime) -> None:
        """Open the pair's episode and tell of it, unless something changed since it was decided."""
        both = _still_there(session, pair)
        last = rows.last_pair(session, *pair.key)
        if both is None or (last is not None and last.ended_at is None):
            return
        if (
            last is not None
            and last.ended_at is not None
            and now - last.ended_at <= self._services.conflict_flap
        ):
            last.ended_at, last.ended_by = None, ""
            _write(last, pair)
            session.add(last)
            tell_after_all(session, last, cause=CAUSE, now=now)
            _audit(session, last, "radar_pair_back", now)
            return
        episode = RadarPair(
            connection=both[0].connection,
            first_id=pair.first.id,
            second_id=pair.second.id,
            first_commit="",
            second_commit="",
            began_at=now,
        )
        _write(episode, pair)
        session.add(episode)
        session.flush()
        _audit(session, episode, "radar_pair_found", now)
        _tell(session, episode, pair, both, now)


def _still_there(session: Session, pair: Overlap) -> tuple[PullRequestRow, PullRequestRow] | None:
    """The rows of the two, None when one was closed or has new commits since."""
    found = []
    for entry in (pair.first, pair.second):
        row = session.get(PullRequestRow, entry.id)
        if row is None or row.status != rows.ACTIVE:
            return None
        if row.state.get("source_commit") != entry.source_commit:
            return None
        found.append(row)
    return found[0], found[1]


def _tell_now(session: Session, episode_id: int, pair: Overlap, now: datetime) -> None:
    """The subscriptions ask by now that authors hear of it."""
    both = _still_there(session, pair)
    episode = session.get_one(RadarPair, episode_id)
    if both is not None and episode.ended_at is None:
        _tell(session, episode, pair, both, now)


def _tell(
    session: Session,
    episode: RadarPair,
    pair: Overlap,
    both: tuple[PullRequestRow, PullRequestRow],
    now: datetime,
) -> None:
    """Tell those who want to hear and were not told."""
    first, second = not_told_yet(episode, pair)
    now_told = replace(
        pair,
        first=replace(pair.first, is_told=first),
        second=replace(pair.second, is_told=second),
    )
    tell_pair(session, episode, now_told, both, cause=CAUSE, now=now)
    episode.first_told |= first
    episode.second_told |= second
    session.add(episode)


def _move(session: Session, episode_id: int, pair: Overlap, now: datetime) -> None:
    """New commits, and perhaps other files: the messages that are there show them."""
    episode = session.get_one(RadarPair, episode_id)
    before = list(episode.files)
    _write(episode, pair)
    session.add(episode)
    if episode.files != before:
        refresh_pair(session, episode, cause=CAUSE, now=now)


def _write(episode: RadarPair, pair: Overlap) -> None:
    episode.first_commit = pair.first.source_commit
    episode.second_commit = pair.second.source_commit
    episode.files = list(pair.files)


def _end(session: Session, episode_id: int, reason: str, now: datetime) -> None:
    episode = session.get_one(RadarPair, episode_id)
    if episode.ended_at is not None:
        return
    episode.ended_at, episode.ended_by = now, reason
    session.add(episode)
    end_pair(session, episode, cause=CAUSE, now=now)
    _audit(session, episode, "radar_pair_gone", now)


def _audit(session: Session, episode: RadarPair, action: str, now: datetime) -> None:
    first = session.get_one(PullRequestRow, episode.first_id)
    second = session.get_one(PullRequestRow, episode.second_id)
    audit.append(
        session,
        at=now,
        actor="pullcord",
        action=action,
        connection=episode.connection,
        subject=f"pull_request/{episode.connection}/{first.number}",
        after={"with": second.number, "reason": episode.ended_by},
        cause=CAUSE,
    )
