"""The loop that posts ``pullcord/mergeable`` to Azure DevOps, once for each state and iteration.

What is to be posted stands in the database, so a restart goes on where it was. It runs beside what
people are told and never holds that up.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from sqlmodel import Session, select

from bot.cards.view import PullRequestView, load_state
from bot.conflicts.following import want_status
from bot.conflicts.rounds import Rounds
from bot.conflicts.statuses import FAILED, SENTENCES, StatusMode, is_to_be_posted, mode_of
from bot.due_loop import DueLoop
from bot.log_text import log_safe
from bot.model import branch_name
from bot.ports import (
    AzureDevOps,
    AzureDevOpsError,
    Forbidden,
    NotFound,
    RateLimited,
    Rejected,
)
from bot.services import Services
from bot.together import Pace, Together
from storage.engine import CannotStore
from storage.queries import merge_statuses
from storage.tables import Connection, MergeStatusRow, PullRequestRow

log = logging.getLogger(__name__)

AT_ONCE = 8
LOOK_EVERY_S = 0.25  # they are in no hurry, and several at once cost little more than one
POST_S = 20.0
FIRST_PAUSE_S = 5.0
LONGEST_PAUSE_S = 600.0
ATTEMPTS = 12
REST_AFTER_REFUSAL = timedelta(hours=1)
LOOK_FOR_MISSING_EVERY = timedelta(hours=1)
MISSING_AT_ONCE = 200
NOT_EDITABLE = frozenset({"TF401344", "GitPullRequestStatusNotEditableException"})
"""The number stands in the message, and the error's code is the number where there is one."""
BRANCH_LENGTH = 100


class NotThisIteration(Exception):
    """Azure DevOps has newer commits than those that the status is about."""


@dataclass(frozen=True, slots=True)
class Post:
    """A status in hand: its row (detached), and what posting it needs."""

    row: MergeStatusRow
    number: int
    repository_id: str
    description: str
    target_url: str
    mode: StatusMode
    is_open: bool


class StatusWatch(DueLoop):
    """Posts the statuses that are due. ``wake`` when one was recorded."""

    what = "merge statuses"

    def __init__(self, services: Services) -> None:
        super().__init__()
        self._services = services
        self._rounds = Rounds()
        self._pace = Pace(LOOK_EVERY_S)
        self._settled = Together(services.db.write, self._note)
        self._refused: dict[str, datetime] = {}
        self._looked_at: datetime | None = None

    async def work_off(self) -> int:
        """Post what is due; how many that were."""
        with self._rounds.one():
            now = self._services.clock()
            due = await self._services.db.write(
                lambda s: [
                    _claimed(s, row) for row in merge_statuses.claim_due(s, now=now, limit=AT_ONCE)
                ]
            )
            await asyncio.gather(*(self._handle(*rows) for rows in due))
            return len(due)

    async def _round(self) -> int:
        await self._pace.keep()
        await self._look_for_missing()
        return await self.work_off()

    async def is_idle(self) -> bool:
        """Whether nothing is in hand and nothing is due; what failed is due later."""
        db, now = self._services.db, self._services.clock()
        return await self._rounds.are_idle(
            lambda: db.read(lambda s: merge_statuses.is_due(s, now=now))
        )

    async def _look_for_missing(self) -> None:
        """Pull requests that were stored before statuses were posted, or while they were not."""
        now = self._services.clock()
        if self._looked_at is not None and abs(now - self._looked_at) < LOOK_FOR_MISSING_EVERY:
            return
        after = 0
        while after >= 0 and not self._stopping:
            after = await self._services.db.write(partial(_want_missing, after=after, now=now))
        self._looked_at = now

    async def _handle(
        self, row: MergeStatusRow, of: PullRequestRow, connection: Connection
    ) -> None:
        pull_request_id = row.pull_request_id
        try:
            await self._work(_post(row, of, connection))
        except CannotStore:
            log.warning("merge status of %s waits for the database", pull_request_id)
        except Exception as error:  # a defect of ours must not stop the other statuses
            log.exception("merge status of %s failed", pull_request_id)
            await self._later(pull_request_id, str(error))

    async def _work(self, post: Post) -> None:
        pull_request_id = post.row.pull_request_id
        if not post.is_open or not is_to_be_posted(
            post.mode, post.row.state, post.row.posted_state
        ):
            await self._settle(post.row, None)
            return
        if (until := self._refused.get(post.row.connection)) and until > self._services.clock():
            await self._later(pull_request_id, "posting was refused a while ago", at=until)
            return
        try:
            async with asyncio.timeout(POST_S):
                azure = await self._services.azure_devops(post.row.connection)
                iteration = await self._iteration(azure, post)
                await _send(azure, post, iteration)
        except TimeoutError:
            await self._later(pull_request_id, "Azure DevOps did not answer in time")
        except NotThisIteration as error:
            await self._later(pull_request_id, str(error))
        except Forbidden as error:
            await self._was_refused(post, error)
        except (NotFound, Rejected) as error:  # for good: it is gone, or closed by now
            log.info("status of %s not posted: %s", post.number, log_safe(str(error)))
            await self._settle(post.row, None)
        except RateLimited as error:
            at = self._services.clock() + timedelta(seconds=error.retry_after_s)
            await self._later(pull_request_id, str(error), at=at)
        except AzureDevOpsError as error:
            await self._later(pull_request_id, str(error))
        else:
            await self._settle(post.row, iteration)

    async def _iteration(self, azure: AzureDevOps, post: Post) -> int:
        """The number of the iteration that the status is about; asked once for each."""
        row = post.row
        if row.iteration and (row.posted_commit, row.posted_ref) == (
            row.source_commit,
            row.target_ref,
        ):
            return row.iteration
        latest = await azure.latest_iteration(post.repository_id, post.number)
        if latest is None:  # a pull request that was made without iterations
            return 0
        if latest.source_commit and latest.source_commit != row.source_commit:
            raise NotThisIteration("there are newer commits that are not known yet")
        return latest.number

    async def _was_refused(self, post: Post, error: Forbidden) -> None:
        """Closed meanwhile; or the credential may not, then nobody else of it is tried for long."""
        if error.code in NOT_EDITABLE:
            await self._settle(post.row, None)
            return
        until = self._services.clock() + REST_AFTER_REFUSAL
        self._refused[post.row.connection] = until
        log.warning(
            "%s does not let me post pull-request statuses: %s. Give the credential the scope "
            "Code (status), or connect with --merge-status off.",
            log_safe(post.row.connection),
            log_safe(str(error)),
        )
        await self._later(post.row.pull_request_id, str(error), at=until)

    async def _settle(self, posted: MergeStatusRow, iteration: int | None) -> None:
        """Note what was posted (None: nothing); what is wanted by now may be another thing."""
        await self._settled.add((posted, iteration))

    def _note(self, session: Session, settled: Sequence[tuple[MergeStatusRow, int | None]]) -> None:
        now = self._services.clock()
        posted = [
            merge_statuses.Posted(
                row.pull_request_id, row.state, row.source_commit, row.target_ref, iteration
            )
            for row, iteration in settled
            if iteration is not None
        ]
        if posted:
            merge_statuses.note_posted(session, posted, now=now)
        for row, iteration in settled:
            if iteration is None:
                _note_nothing_posted(session, row, now)

    async def _later(
        self, pull_request_id: int, reason: str, *, at: datetime | None = None
    ) -> None:
        """With growing pauses, or at a time that is known; given up until the next look."""
        now = self._services.clock()

        def put_off(session: Session) -> None:
            row = merge_statuses.locked(session, pull_request_id)
            row.attempts = max(row.attempts, 1) if at else row.attempts + 1
            pause = min(FIRST_PAUSE_S * 2**row.attempts, LONGEST_PAUSE_S)
            row.due_at = at or now + timedelta(seconds=pause)
            if row.attempts >= ATTEMPTS:
                row.due_at = None
            session.add(row)

        await self._services.db.write(put_off)
        log.info("merge status of %s waits: %s", pull_request_id, log_safe(reason))


def _note_nothing_posted(session: Session, settled: MergeStatusRow, now: datetime) -> None:
    """It need not be posted; what is wanted by now may need it."""
    row = merge_statuses.locked(session, settled.pull_request_id)
    is_other = (row.state, row.source_commit, row.target_ref) != (
        settled.state,
        settled.source_commit,
        settled.target_ref,
    )
    row.due_at = now if is_other and not merge_statuses.is_posted(row) else None
    row.attempts = 0
    session.add(row)


async def _send(azure: AzureDevOps, post: Post, iteration: int) -> None:
    await azure.set_pull_request_status(
        post.repository_id,
        post.number,
        state=post.row.state,
        description=post.description,
        target_url=post.target_url,
        iteration=iteration,
    )


def _claimed(
    session: Session, row: MergeStatusRow
) -> tuple[MergeStatusRow, PullRequestRow, Connection]:
    """The rows that posting it needs; what is in them is looked at one by one, later."""
    pull_request = session.get_one(PullRequestRow, row.pull_request_id)
    return row, pull_request, session.get_one(Connection, row.connection)


def _post(row: MergeStatusRow, of: PullRequestRow, connection: Connection) -> Post:
    state = load_state(of)
    view = PullRequestView(state, connection.base_url, state.as_of)
    target = branch_name(row.target_ref)[:BRANCH_LENGTH]
    return Post(
        row=row,
        number=state.number,
        repository_id=state.repository.id,
        description=SENTENCES[row.state].format(target=target),
        target_url=view.page_url("conflicts" if row.state == FAILED else ""),
        mode=mode_of(connection.settings),
        is_open=state.is_active,
    )


def _want_missing(session: Session, after: int, now: datetime) -> int:
    """Some of them; the id to go on with, -1 at the end."""
    posting = [
        row.name
        for row in session.exec(select(Connection)).all()
        if mode_of(row.settings) is not StatusMode.OFF
    ]
    rows = merge_statuses.without_any(session, posting, after=after, limit=MISSING_AT_ONCE)
    for row in rows:
        want_status(session, row.id or 0, load_state(row), now=now)
    if len(rows) == MISSING_AT_ONCE:
        return rows[-1].id or 0
    merge_statuses.ask_again(session, posting, now=now)
    return -1
