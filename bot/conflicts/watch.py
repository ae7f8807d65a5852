"""The loop that examines episodes and tells of them: of their beginning and of their end.

What is to be done stands in the episodes' rows, so a restart goes on where it was.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from bot.cards.alert_view import keep_examination
from bot.cards.view import load_finding, load_state
from bot.conflicts.ending import is_end_to_tell, who_ended
from bot.conflicts.episodes import judge
from bot.conflicts.examination import Examination, Question, examine
from bot.conflicts.rounds import Rounds
from bot.conflicts.telling import pull_request_row, refresh_alerts, tell, tell_clean
from bot.due_loop import DueLoop
from bot.log_fields import add_log_fields
from bot.log_text import log_safe
from bot.ports import AzureDevOpsError, Unreachable
from bot.pull_request_state import PullRequestState
from bot.services import Services
from storage.engine import CannotStore
from storage.queries import conflicts
from storage.tables import ConflictEpisode, PullRequestRow

log = logging.getLogger(__name__)

CAUSE = "conflicts"
AT_ONCE = 4
TELL_WITHIN = timedelta(seconds=30)
"""From when a conflict was learned: then it is told without files."""
ASK_S = 20.0
FIRST_PAUSE_S = 2.0
LONGEST_PAUSE_S = 45.0  # so that the files are there within a minute after an outage
ATTEMPTS = 100  # with the pauses more than an hour without Azure DevOps
MERGED_LOOKED_AT = 50


@dataclass(frozen=True, slots=True)
class Work:
    """An episode in hand: its row (detached), its pull request, and what to ask.

    ``target_commit`` is the one that the pull request merges into by what is known now.
    """

    row: ConflictEpisode
    state: PullRequestState
    target_commit: str
    question: Question


class ConflictWatch(DueLoop):
    """Works off the episodes that have something to do. ``wake`` when one was recorded."""

    what = "conflict episodes"

    def __init__(self, services: Services) -> None:
        super().__init__()
        self._services = services
        self._rounds = Rounds()

    async def work_off(self) -> int:
        """Do what is due, the oldest conflicts first; how many episodes that were."""
        with self._rounds.one():
            now = self._services.clock()
            rows = await self._services.db.write(
                lambda s: [row.id or 0 for row in conflicts.claim_due(s, now=now, limit=AT_ONCE)]
            )
            await asyncio.gather(*(self._handle(episode_id) for episode_id in rows))
            return len(rows)

    async def is_idle(self) -> bool:
        """Whether nothing is in hand and nothing is due; what failed is due later."""
        db, now = self._services.db, self._services.clock()
        return await self._rounds.are_idle(lambda: db.read(lambda s: conflicts.is_due(s, now=now)))

    async def _handle(self, episode_id: int) -> None:
        add_log_fields(conflict=episode_id)
        try:
            await self._work(episode_id)
        except CannotStore:
            log.warning("conflict episode %s waits for the database", episode_id)
        except Exception as error:  # a defect of ours must not stop the other episodes
            log.exception("conflict episode %s failed", episode_id)
            await self._failed(episode_id, str(error))

    async def _work(self, episode_id: int) -> None:
        work = await self._services.db.read(lambda s: _load(s, episode_id))
        if work is None:
            return
        row = work.row
        try:
            if row.ended_at is None and row.examined_at is None:
                await self._examined(work, await self._ask(work))
            elif is_end_to_tell(row):
                await self._ended(work, await self._who(work))
            else:
                await self._nothing_left(episode_id)
        except AzureDevOpsError as error:
            await self._failed(episode_id, str(error))

    async def _ask(self, work: Work) -> Examination:
        azure = await self._services.azure_devops(work.row.connection)
        try:
            async with asyncio.timeout(self._patience_s(work.row)):
                return await examine(azure, work.question)
        except TimeoutError:
            raise Unreachable("Azure DevOps did not answer in time") from None

    async def _who(self, work: Work) -> str:
        azure = await self._services.azure_devops(work.row.connection)
        try:
            async with asyncio.timeout(self._patience_s(work.row)):
                return await who_ended(azure, work.row, work.state, work.target_commit)
        except TimeoutError:
            raise Unreachable("Azure DevOps did not answer in time") from None

    def _patience_s(self, row: ConflictEpisode) -> float:
        """Nobody waits longer for the news than TELL_WITHIN."""
        limit = _tell_until(row)
        if limit is None:
            return ASK_S
        return min(max((limit - self._services.clock()).total_seconds(), 1.0), ASK_S)

    async def _examined(self, work: Work, found: Examination) -> None:
        now = self._services.clock()

        def keep(session: Session) -> None:
            loaded = _locked(session, work.row.id or 0)
            if loaded is None:
                return
            row, state = loaded
            if row.ended_at is not None or not _same_commits(row, work.row):
                return  # it is over, or about other commits now: examined anew
            keep_examination(row, found.files, found.files_from, found.cause)
            row.examined_at = now
            row.attempts = 0
            session.add(row)
            if row.told_at is None:
                tell(session, row, state, cause=CAUSE, now=now)
            else:
                refresh_alerts(session, row, cause=CAUSE, now=now)
            _what_is_left(row, now)

        await self._services.db.write(keep)

    async def _ended(self, work: Work, who: str) -> None:
        now = self._services.clock()

        def keep(session: Session) -> None:
            loaded = _locked(session, work.row.id or 0)
            if loaded is None:
                return
            row, state = loaded
            if row.ended_at != work.row.ended_at:
                return  # the conflict is back, or it ended in another way: looked at anew
            row.ended_actor = who
            row.attempts = 0
            tell_clean(session, row, state, cause=CAUSE, now=now)
            if who:
                refresh_alerts(session, row, cause=CAUSE, now=now)
            _what_is_left(row, now)

        await self._services.db.write(keep)

    async def _nothing_left(self, episode_id: int) -> None:
        now = self._services.clock()

        def note(session: Session) -> None:
            loaded = _locked(session, episode_id)
            if loaded is not None:
                _what_is_left(loaded[0], now)
                session.add(loaded[0])

        await self._services.db.write(note)

    async def _failed(self, episode_id: int, reason: str) -> None:
        """Later, with growing pauses; people do not wait for it longer than TELL_WITHIN."""
        now = self._services.clock()

        def put_off(session: Session) -> None:
            loaded = _locked(session, episode_id)
            if loaded is None:
                return
            row, state = loaded
            row.attempts += 1
            limit = _tell_until(row)
            if limit is not None and now >= limit:
                if row.ended_at is None:
                    tell(session, row, state, cause=CAUSE, now=now)
                else:
                    tell_clean(session, row, state, cause=CAUSE, now=now)
            if row.attempts >= ATTEMPTS:
                row.examined_at = row.examined_at or now
                row.due_at = None
                refresh_alerts(session, row, cause=CAUSE, now=now)
            else:
                _what_is_left(row, now)
                row.due_at = _later(row, now) if row.due_at else None
            session.add(row)

        await self._services.db.write(put_off)
        log.info("conflict episode %s waits: %s", episode_id, log_safe(reason))


def _tell_until(row: ConflictEpisode) -> datetime | None:
    """When it must be told, with all that is known by then; None when nothing is to be told."""
    if row.ended_at is None:
        return row.opened_at + TELL_WITHIN if row.told_at is None else None
    return row.ended_at + TELL_WITHIN if is_end_to_tell(row) else None


def _later(row: ConflictEpisode, now: datetime) -> datetime:
    pause = min(FIRST_PAUSE_S * 2 ** (row.attempts - 1), LONGEST_PAUSE_S)
    due = now + timedelta(seconds=pause)
    limit = _tell_until(row)
    return min(due, limit) if limit is not None and limit > now else due


def _what_is_left(row: ConflictEpisode, now: datetime) -> None:
    is_open = row.ended_at is None
    has_work = (is_open and row.examined_at is None) or is_end_to_tell(row)
    row.due_at = now if has_work else None


def _same_commits(row: ConflictEpisode, other: ConflictEpisode) -> bool:
    def about(each: ConflictEpisode) -> Sequence[object]:
        return (each.source_commit, each.target_ref, each.is_own_finding)

    return about(row) == about(other)


def _locked(session: Session, episode_id: int) -> tuple[ConflictEpisode, PullRequestState] | None:
    row = conflicts.get(session, episode_id)
    if row is None:
        return None
    pull_request = pull_request_row(session, row)
    if pull_request is None:
        return None
    session.refresh(row)  # as it is now that nobody else can change it
    return row, load_state(pull_request)


def _load(session: Session, episode_id: int) -> Work | None:
    row = conflicts.get(session, episode_id)
    if row is None:
        return None
    pull_request = session.get_one(PullRequestRow, row.pull_request_id)
    state = load_state(pull_request)
    standing = judge(state, load_finding(session, row.pull_request_id))
    question = Question(
        project_id=state.repository.project_id,
        repository_id=state.repository.id,
        number=row.number,
        source_commit=row.source_commit,
        target_commit=row.target_commit,
        last_clean_target_commit=row.last_clean_target_commit,
        is_own_finding=row.is_own_finding,
        merged_by=_merged_by(session, row, state),
    )
    return Work(row, state, standing.target_commit, question)


def _merged_by(session: Session, row: ConflictEpisode, state: PullRequestState) -> dict[str, int]:
    """Commits that pull requests brought to the target, as far as we saw that."""
    found: dict[str, int] = {}
    for merged in conflicts.completed_on_target(
        session, row.connection, state.repository.id, row.target_ref, MERGED_LOOKED_AT
    ):
        other = load_state(merged)
        commits = {other.source_commit, other.merge.merge_commit if other.merge else ""}
        found.update(dict.fromkeys(commits - {""}, merged.number))
    return found
