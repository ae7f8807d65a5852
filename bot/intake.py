"""Stored webhooks, one by one, become what they mean.

A body about a pull request is a hint: the pull request is read from Azure DevOps, and only when
that fails is the body itself taken for the truth, until a later read.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlmodel import Session

from bot.branch_builds import build_ended
from bot.conflicts.target_moved import Target, TargetMoved
from bot.connections.known_conventions import KnownConventions
from bot.fresh_read import FreshReads
from bot.hooks.lateness import comes_late, late
from bot.log_fields import add_log_fields
from bot.log_text import log_safe
from bot.mentioned import learn_mentioned
from bot.metrics import HOOK_LAG_S, HOOKS_HANDLED
from bot.model import (
    BuildHook,
    CommentHook,
    Hook,
    PullRequestHook,
    PullRequestSnapshot,
    Pushed,
    Repository,
    RepositoryHook,
    TestHook,
    TicketHook,
    UnusedHook,
)
from bot.ports import AzureDevOpsError, ConnectionPaused, PayloadError, Unreachable
from bot.recording import record_comment, record_repository, record_snapshot, record_ticket
from bot.services import Services
from bot.storm import Storm
from bot.ticket_news import tell_ticket
from bot.together import Pace, Together
from storage import inbox
from storage.engine import LONG_BODY_BYTES, CannotStore
from storage.queries import conflicts, pull_requests
from storage.tables import InboxRow

log = logging.getLogger(__name__)

BATCH = 300  # many at once: then one read of a pull request does for more of them
AT_ONCE = 8  # more would wait for each other, and hold up webhooks that begin to pour in
POLL_S = 1.0
ENDS_EVERY_S = 0.1  # nobody waits for it, and at a busy time it saves most of the commits
READ_TIME_S = 5.0  # a slow Azure DevOps must not keep people waiting: then the body is told
ATTEMPTS = 8
OUTAGE_ATTEMPTS = 100  # with LONGEST_PAUSE_S more than an hour and a half without Azure DevOps
UNLIMITED = 2**31  # a paused connection goes on when somebody renews its credential
LONGEST_PAUSE_S = 60
PULL_REQUEST_REF = "refs/pull/"
COMMENT_EVENT = "ms.vss-code.git-pullrequest-comment-event"


_End = tuple[inbox.FinalState, str]
"""How a webhook ended, and why."""


@dataclass(slots=True)
class _InHand:
    """A claimed webhook, and the event loop's time at which it was certainly in the inbox.

    ``end`` is what became of it and is still to be stored.
    """

    row: InboxRow
    since: float
    end: _End | None = None


class Intake:
    """The loop that works off the inbox. ``wake`` is called when something was stored."""

    def __init__(self, services: Services, reads: FreshReads, targets: TargetMoved) -> None:
        self._services = services
        self._reads = reads
        self._conventions = KnownConventions(services.db)
        self._targets = targets
        self._something = asyncio.Event()
        self._places = asyncio.Semaphore(AT_ONCE)
        self.storm = Storm(services.sleep)
        self._talk = asyncio.Lock()
        self._ends = Together(services.db.write, self._mark, Pace(ENDS_EVERY_S))
        self._in_hand: dict[asyncio.Task[None], int] = {}
        self._unfinished: set[int] = set()
        self._looked_ahead_at = float("-inf")
        self._stopping = False

    def wake(self) -> None:
        """Something was stored: look at once instead of at the next poll."""
        self._something.set()

    def stop(self) -> None:
        """End ``run`` after what is in hand."""
        self._stopping = True
        self.storm.end()
        self._something.set()

    async def run(self) -> None:
        """Work off the inbox until ``stop``. Trouble with the database is waited out."""
        try:
            while not self._stopping:
                self._something.clear()
                try:
                    await self.release()
                    started = await self._start_due()
                except CannotStore:
                    log.warning("the inbox cannot be worked off now; trying again")
                    started = 0
                if started < BATCH:
                    await self._pause()
            if self._in_hand:
                await asyncio.wait(self._in_hand)
        finally:
            for task in self._in_hand:
                task.cancel()

    async def release(self) -> None:
        """What was claimed and could not be finished is due now, not when its lease ends.

        Raises CannotStore.
        """
        if self._in_hand and self._stopping:
            await asyncio.wait(self._in_hand)
        unfinished = sorted(self._unfinished)
        if unfinished:
            await self._services.db.write(lambda s: inbox.release(s, unfinished))
            self._unfinished.difference_update(unfinished)

    async def _start_due(self) -> int:
        """Claim what is due and begin with it, beside what is in hand; how many there were."""
        await self.storm.passed()
        room = BATCH - len(self._in_hand)
        if room <= 0:
            await asyncio.wait(self._in_hand, return_when=asyncio.FIRST_COMPLETED)
            return BATCH
        rows = await self._claim(room)
        since = asyncio.get_running_loop().time()
        for row in rows:
            task = asyncio.create_task(self._in_order(_InHand(row, since)))
            self._in_hand[task] = row.id or 0
            task.add_done_callback(self._ended)
        return BATCH if len(rows) == room else len(rows)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        row_id = self._in_hand.pop(task)
        if task.cancelled():
            self._unfinished.add(row_id)
        elif error := task.exception():  # only CannotStore is not dealt with before
            self._unfinished.add(row_id)
            log.warning("webhook %s waits for the database: %s", row_id, error)

    async def _claim(self, room: int) -> Sequence[InboxRow]:
        now, moment = self._services.clock(), asyncio.get_running_loop().time()
        looks_ahead = moment - self._looked_ahead_at >= POLL_S
        if looks_ahead:
            self._looked_ahead_at = moment
        return await self._services.db.write(
            lambda s: inbox.claim(s, now=now, limit=room, looks_ahead=looks_ahead)
        )

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(POLL_S):
                await self._something.wait()
        except TimeoutError:
            pass

    async def _in_order(self, claimed: _InHand) -> None:
        """Comments one after the other: a talk is told in the order in which it was held."""
        row = claimed.row
        add_log_fields(webhook=row.id or 0, connection=row.connection)
        if row.event_type != COMMENT_EVENT:
            await self._in_place(claimed)
        else:
            async with self._talk:
                await self._in_place(claimed)
        if claimed.end is not None:
            await self._ends.add((row.id, *claimed.end))
            self._count(row, claimed.end[0])

    async def _in_place(self, claimed: _InHand) -> None:
        async with self._places:
            await self.storm.passed()
            await self._handle(claimed)

    async def _handle(self, claimed: _InHand) -> None:
        row = claimed.row
        try:
            hook = await self._parse(row)
            if await self._is_wanted(row.connection, hook):
                claimed.end = await self._dispatch(claimed, hook)
            else:
                claimed.end = ("unused", "")
        except PayloadError as error:
            log.warning("webhook %s cannot be understood: %s", row.id, log_safe(str(error)))
            claimed.end = ("dead", str(error))
        except ConnectionPaused as error:
            claimed.end = await self._try_again(row, str(error), attempts=UNLIMITED)
        except AzureDevOpsError as error:
            claimed.end = await self._try_again(row, str(error), attempts=OUTAGE_ATTEMPTS)
        except CannotStore:
            raise
        except Exception as error:  # a defect of ours must not lose the webhook or stop the loop
            log.exception("webhook %s failed", row.id)
            reason = f"{type(error).__name__}: {error}"
            claimed.end = await self._try_again(row, reason, attempts=ATTEMPTS)

    async def _parse(self, row: InboxRow) -> Hook:
        if len(row.body) > LONG_BODY_BYTES:
            return await asyncio.to_thread(self._services.parse_hook, row.body, row.connection)
        return self._services.parse_hook(row.body, row.connection)

    async def _is_wanted(self, connection: str, hook: Hook) -> bool:
        """Whether the connection is about this at all, by what its administrator chose."""
        return (await self._conventions(connection)).wants(hook)

    async def _dispatch(self, claimed: _InHand, hook: Hook) -> _End | None:
        """Do what a webhook asks for; None when its end is stored with its effect."""
        row = claimed.row
        cause = f"webhook/{row.id}"
        if comes_late(hook, row.received_at):
            cause = late(cause)
        match hook:
            case TestHook():
                return ("test", "")
            case UnusedHook():
                return ("unused", "")
            case PullRequestHook(snapshot=snapshot):
                # One read tells what many webhooks about the same pull request have to tell.
                if not self._reads.covers(row.connection, snapshot.number, claimed.since):
                    await self._read_or_take(snapshot, cause)
            case CommentHook():
                await self._comment(row, hook, cause)
                return None
            case Pushed():
                await self._pushed(row, hook, cause)
            case BuildHook():
                await self._build(row, hook, cause)
            case TicketHook() | RepositoryHook():
                await self._record_and_mark(row, hook, cause)
                return None
        return ("done", "")

    async def _read_or_take(self, snapshot: PullRequestSnapshot, cause: str) -> None:
        """The truth from Azure DevOps; while it cannot be had, the body."""
        try:
            await self._read(snapshot.connection, snapshot.number, cause, snapshot.repository)
        except AzureDevOpsError as error:
            log.info(
                "pull request %s!%s not read, its webhook is taken: %s",
                snapshot.connection,
                snapshot.number,
                log_safe(str(error)),
            )
            await self._take_body(snapshot, cause)

    async def _read(
        self, connection: str, number: int, cause: str, told: Repository | None = None
    ) -> None:
        """Read and record a pull request, within READ_TIME_S; raises AzureDevOpsError."""
        try:
            async with asyncio.timeout(READ_TIME_S):
                await self._reads.read(connection, number, cause=cause, told=told)
        except TimeoutError:
            raise Unreachable("Azure DevOps did not answer in time") from None

    async def _take_body(self, snapshot: PullRequestSnapshot, cause: str) -> None:
        now = self._services.clock()

        def take(session: Session) -> None:
            flap = self._services.conflict_flap
            recorded = record_snapshot(session, snapshot, cause=cause, now=now, flap=flap)
            pull_requests.ask_for_read(session, recorded.pull_request_id)

        await self._services.db.write(take)

    async def _comment(self, row: InboxRow, hook: CommentHook, cause: str) -> None:
        known = await self._services.db.read(
            lambda s: pull_requests.by_number(s, row.connection, hook.number)
        )
        if known is None and hook.snapshot is not None:
            await self._read_or_take(hook.snapshot, cause)
        elif known is None:
            await self._read(row.connection, hook.number, cause)
        await learn_mentioned(self._services, row.connection, hook.comment)
        await self._record_and_mark(row, hook, cause)

    async def _pushed(self, row: InboxRow, hook: Pushed, cause: str) -> None:
        """A push changes the pull requests from that branch, and may break those into it."""
        refs = [update.name for update in hook.updates]
        touched = await self._services.db.read(
            lambda s: pull_requests.open_on_refs(s, row.connection, hook.repository.id, refs)
        )
        pushed = [each for each in touched if each.source_ref in refs]
        targets = {each.target_ref for each in touched if each.target_ref in refs}
        repository = hook.repository
        await asyncio.gather(
            *(self._read_or_ask(row.connection, pr.number, cause) for pr in pushed),
            *(
                self._target_moved(
                    (row.connection, repository.project_id, repository.id, ref), cause
                )
                for ref in targets
            ),
        )

    async def _target_moved(self, target: Target, cause: str) -> None:
        """Check the pull requests into a branch, or leave word that they must be read."""
        connection, _, repository_id, ref = target
        try:
            async with asyncio.timeout(READ_TIME_S):
                await self._targets.pushed(target, cause=cause)
        except (AzureDevOpsError, TimeoutError) as error:
            log.info("pull requests into %s not listed: %s", log_safe(ref), log_safe(str(error)))

            def ask(session: Session) -> None:
                for pr in conflicts.open_on_target(session, connection, repository_id, [ref]):
                    pull_requests.ask_for_read(session, pr.id or 0)

            await self._services.db.write(ask)

    async def _build(self, row: InboxRow, hook: BuildHook, cause: str) -> None:
        """Of a pull request's merge: its checks are read again. Of a branch: did it break it?"""
        number = _pull_request_of(hook.source_ref)
        if number is not None:
            await self._read_or_ask(row.connection, number, cause)
        else:
            await build_ended(self._services, row.connection, hook, cause=cause)

    async def _read_or_ask(self, connection: str, number: int, cause: str) -> None:
        """Read the pull request, or leave word that it must be read."""
        try:
            await self._read(connection, number, cause)
        except AzureDevOpsError as error:
            log.info("pull request %s!%s not read: %s", connection, number, log_safe(str(error)))
            await self._services.db.write(
                lambda s: pull_requests.ask_for_read_by_number(s, connection, number)
            )

    async def _record_and_mark(
        self, row: InboxRow, hook: CommentHook | TicketHook | RepositoryHook, cause: str
    ) -> None:
        now = self._services.clock()

        def record(session: Session) -> None:
            match hook:
                case CommentHook():
                    flap = self._services.conflict_flap
                    record_comment(session, row.connection, hook, cause=cause, now=now, flap=flap)
                case TicketHook():
                    record_ticket(session, row.connection, hook, cause=cause, now=now)
                    tell_ticket(session, row.connection, hook, cause=cause, now=now)
                case RepositoryHook():
                    record_repository(session, row.connection, hook, cause=cause, now=now)
            inbox.mark(session, row.id, "done", now=now)

        await self._services.db.write(record)
        self._count(row, "done")

    def _count(self, row: InboxRow, outcome: inbox.FinalState) -> None:
        HOOKS_HANDLED.labels(outcome=outcome).inc()
        lag = self._services.clock() - row.received_at
        HOOK_LAG_S.observe(max(lag.total_seconds(), 0))  # the clock may have gone back

    def _mark(
        self, session: Session, ends: Sequence[tuple[int | None, inbox.FinalState, str]]
    ) -> None:
        now = self._services.clock()
        alike: dict[tuple[inbox.FinalState, str], list[int | None]] = {}
        for row_id, state, reason in ends:
            alike.setdefault((state, reason), []).append(row_id)
        for (state, reason), row_ids in alike.items():
            inbox.mark_many(session, row_ids, state, now=now, reason=reason)

    async def _try_again(self, row: InboxRow, reason: str, *, attempts: int) -> _End | None:
        """Later, with growing pauses; after so many attempts it is a dead letter."""
        if row.attempts + 1 >= attempts:
            return ("dead", reason)
        now = self._services.clock()
        due = now + timedelta(seconds=min(2 ** min(row.attempts + 1, 10), LONGEST_PAUSE_S))
        await self._services.db.write(
            lambda s: inbox.retry_later(s, row.id, due_at=due, reason=reason)
        )
        return None


def _pull_request_of(ref: str) -> int | None:
    """The number in ``refs/pull/12/merge``, the ref of a pull request's own build."""
    if not ref.startswith(PULL_REQUEST_REF):
        return None
    number = ref.removeprefix(PULL_REQUEST_REF).partition("/")[0]
    return int(number) if number.isdecimal() else None
