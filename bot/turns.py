"""Teams' activities: stored before they are answered, then handled once, in order.

Replies go into the outbox in the transaction that marks the activity done. So a repeated activity,
a crash or a restart never doubles a reply, and nothing that was answered is lost.
"""

import asyncio
import hashlib
import logging
import secrets
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from pydantic import TypeAdapter
from sqlmodel import Session

from bot.commands.catalogue import REGISTRY
from bot.commands.registry import Registry
from bot.log_fields import add_log_fields
from bot.outgoing import as_payload
from bot.services import Services
from bot.teams_model import (
    ActionAnswer,
    BotInstalled,
    BotRemoved,
    CardActionPressed,
    MessageReceived,
    TeamsEvent,
)
from bot.turn_handling import answer_to_edit, concerns_us, failure_card, handle, thread_of
from bot.turn_result import TurnResult
from storage import enqueue
from storage.engine import CannotStore
from storage.queries import activities
from storage.queues import LEASE
from storage.tables import ActivityRow
from storage.text import bounded_key, storable_text

log = logging.getLogger(__name__)

AT_ONCE = 32
POLL_S = 1.0
RETRY_S = 1.0
MOST_ATTEMPTS = 30
ACTION_WAIT_S = 3.0
TURN_WITHIN_S = LEASE.total_seconds() - 60  # a turn ends before another process may take it over
DRAIN_WITHIN_S = 6.0
ON_IT = ActionAnswer("On it. The answer follows here.")
FAILED_REASON = "reference "
LANE_MARK = "|"

_event: TypeAdapter[TeamsEvent] = TypeAdapter(TeamsEvent)


def activity_key(event: TeamsEvent) -> str:
    """What makes an activity unique: its lane, its id, its kind, and for an edit its new text.

    The lane (before the mark) is the conversation; where the bot comes and goes it is the whole
    team, which Teams tells of once per channel and once per app.
    """
    is_installation = isinstance(event, BotInstalled | BotRemoved)
    lane = (is_installation and event.conversation.team_id) or event.conversation.id
    kind = "" if isinstance(event, MessageReceived) else f":{event.type}"
    key = f"{lane}{LANE_MARK}{event.activity_id}{kind}"
    if isinstance(event, MessageReceived) and event.is_edit:
        digest = hashlib.sha256(event.text.encode("utf-8", "surrogatepass")).hexdigest()
        key = f"{key}:edit:{digest[:20]}"
    return bounded_key(storable_text(key))


class TooManyAttempts(Exception):
    """The database could not take what an activity did, again and again."""


class Turns:
    """Stores activities (``TeamsEvents``) and works them off.

    ``action_wait_s`` is how long the presser of a button waits for the outcome before being told
    that it follows; Teams gives up after some 15 seconds.
    """

    def __init__(
        self,
        services: Services,
        registry: Registry = REGISTRY,
        *,
        action_wait_s: float = ACTION_WAIT_S,
    ) -> None:
        self._services = services
        self._registry = registry
        self._action_wait_s = min(action_wait_s, 10.0)
        self._something = asyncio.Event()
        self._in_hand: dict[int, asyncio.Task[None]] = {}
        self._awaited: dict[str, asyncio.Future[str]] = {}
        self._starting = asyncio.Lock()
        self._stopping = False

    async def __call__(self, event: TeamsEvent) -> ActionAnswer | None:
        """Store the event; for a pressed button wait shortly for what came of it.

        Raises:
            CannotStore: It could not be stored (answered 503, Teams sends it again).
        """
        if not concerns_us(event):
            return None
        key = activity_key(event)
        is_press = isinstance(event, CardActionPressed)
        is_first_to_wait = is_press and key not in self._awaited
        if is_first_to_wait:
            self._awaited[key] = asyncio.get_running_loop().create_future()
        said = self._awaited.get(key)
        now = self._services.clock()
        dumped = _event.dump_python(event, mode="json")
        try:
            is_new = await self._services.db.write(
                lambda s: activities.store(s, key=key, event=dumped, received_at=now)
            )
            self._something.set()
            if said is None:
                return None
            if is_first_to_wait and not is_new:  # handled before, or by another replica
                return ON_IT
            async with asyncio.timeout(self._action_wait_s):
                return ActionAnswer(await asyncio.shield(said))
        except TimeoutError:
            return ON_IT
        finally:
            if is_first_to_wait:
                self._awaited.pop(key, None)

    async def run(self) -> None:
        """Work off what is stored, also from before a restart, until ``drain``."""
        is_resumed = False
        while not self._stopping:
            self._something.clear()
            try:
                if not is_resumed:
                    await self._resume()
                    is_resumed = True
                started = await self.start_waiting()
            except CannotStore as error:
                log.warning("activities cannot be read now; trying again: %s", error)
                started = 0
            if not started:
                await self._pause(POLL_S)

    async def _resume(self) -> None:
        now = self._services.clock()
        count = await self._services.db.write(lambda s: activities.requeue_interrupted(s, now=now))
        if count:
            log.info("%d activities go on where they were interrupted", count)

    async def work_off(self) -> int:
        """Handle all that waits, to the end; how many that were. For tests and the demo."""
        total = 0
        while True:
            total += await self.start_waiting()
            if not self._in_hand:
                return total
            await asyncio.wait(self._in_hand.values())

    async def drain(self) -> None:
        """Begin nothing more, end what is in hand, or park it for the next start."""
        self._stopping = True
        self._something.set()
        if not self._in_hand:
            return
        left = dict(self._in_hand)
        await asyncio.wait(left.values(), timeout=DRAIN_WITHIN_S)
        parked = [row_id for row_id, task in left.items() if not task.done()]
        if not parked:
            return
        for row_id in parked:
            left[row_id].cancel()
        await asyncio.wait([left[row_id] for row_id in parked])
        log.warning("%d activities are parked; they go on at the next start", len(parked))
        try:
            await self._services.db.write(lambda s: activities.release(s, parked))
        except CannotStore:
            log.warning("their leases could not be given back; they go on when these run out")

    async def start_waiting(self) -> int:
        """Begin the first waiting activity of each lane that nobody works on; how many."""
        async with self._starting:
            return await self._start_waiting()

    async def _start_waiting(self) -> int:
        room = AT_ONCE - len(self._in_hand)
        now = self._services.clock()
        waiting = await self._services.db.read(lambda s: activities.waiting(s, now=now))
        heads: dict[str, tuple[int, bool]] = {}
        for row_id, key, is_free in waiting:
            heads.setdefault(key.partition(LANE_MARK)[0], (row_id, is_free))
        startable = [id_ for id_, is_free in heads.values() if is_free and id_ not in self._in_hand]
        if not startable or room <= 0:
            return 0
        rows = await self._services.db.write(
            lambda s: [
                row for id_ in startable[:room] if (row := activities.claim_one(s, id_, now=now))
            ]
        )
        for row in rows:
            task = asyncio.create_task(self._turn(row))
            self._in_hand[row.id or 0] = task
            task.add_done_callback(partial(self._ended, row.id or 0))
        return len(rows)

    def _ended(self, row_id: int, task: asyncio.Task[None]) -> None:
        self._in_hand.pop(row_id, None)
        self._something.set()  # the lane's next activity may begin now
        if not task.cancelled() and (error := task.exception()):
            log.error("the turn of activity %d failed", row_id, exc_info=error)

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._something.wait()
        except TimeoutError:
            pass

    async def _turn(self, row: ActivityRow) -> None:
        add_log_fields(activity=row.id or 0)
        event = _event.validate_python(row.event)
        try:
            if row.attempts >= MOST_ATTEMPTS:
                raise TooManyAttempts(row.reason)
            async with asyncio.timeout(TURN_WITHIN_S):
                result, reason = await self._result(event), ""
        except CannotStore as error:
            log.warning("activity %s waits for the database: %s", row.id, error)
            await self._persist(
                lambda s: activities.retry(s, row.id, reason="the database could not take it")
            )
            return
        except Exception as error:  # a defect of ours must not stop the other conversations
            result, reason = _failed(event, error)
        await self._finish(row, event, result, reason)

    async def _result(self, event: TeamsEvent) -> TurnResult:
        if isinstance(event, MessageReceived) and event.is_edit:
            base_key = activity_key(replace(event, is_edit=False))
            base = await self._services.db.read(lambda s: activities.find(s, base_key))
            before = _event.validate_python(base.event) if base else None
            if base is not None and isinstance(before, MessageReceived):
                kept = answer_to_edit(event, before, base.reason)
                if kept is not None:
                    return kept
        return await handle(self._services, self._registry, event)

    async def _finish(
        self, row: ActivityRow, event: TeamsEvent, result: TurnResult, reason: str
    ) -> None:
        """Store replies and outcome together."""
        now = self._services.clock()

        def finish(session: Session) -> None:
            if reason:
                is_ours = activities.mark_failed(session, row.id, reason=reason, now=now)
            else:
                is_ours = activities.mark_done(session, row.id, now=now, outcome=result.outcome)
            if is_ours:
                self._store(session, row, event, result)

        await self._persist(finish)
        said = self._awaited.get(row.key)
        if said is not None and not said.done():
            said.set_result(result.messages[0].summary if result.messages else "Done.")

    async def _persist(self, write: Callable[[Session], None]) -> None:
        """Store what must not be lost nor run again: tried until the database takes it."""
        while True:
            try:
                return await self._services.db.write(write)
            except CannotStore as error:
                log.warning("the outcome of an activity waits for the database: %s", error)
                await self._services.sleep(RETRY_S)

    def _store(
        self, session: Session, row: ActivityRow, event: TeamsEvent, result: TurnResult
    ) -> None:
        now = self._services.clock()
        if result.record is not None:
            result.record(session)
        if isinstance(event, MessageReceived) and event.is_edit and result.outcome:
            first = replace(event, is_edit=False)
            activities.remember_outcome(
                session,
                key=activity_key(first),
                event=_event.dump_python(first, mode="json"),
                outcome=result.outcome,
                now=now,
            )
        for number, message in enumerate(result.messages):
            enqueue.message(
                session,
                key=f"answer:{row.key}:{number}",
                payload=as_payload(message),
                conversation_id=event.conversation.id,
                thread_id=thread_of(event),
                cause=event.activity_id,
                now=now,
            )


def _failed(event: TeamsEvent, error: Exception) -> tuple[TurnResult, str]:
    """What nobody foresaw: the log has it all, the person a reference to it."""
    reference = secrets.token_hex(4)
    log.error("a turn failed, reference %s", reference, exc_info=error)
    is_asked = isinstance(event, MessageReceived | CardActionPressed)
    messages = (failure_card(reference),) if is_asked else ()
    return TurnResult(messages), FAILED_REASON + reference
