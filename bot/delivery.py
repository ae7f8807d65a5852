"""The outbox, one message after the other per conversation, goes to Teams.

Cards are drawn when they are sent, so any number of changes become one update with the latest
state. What Teams cannot take now waits and is tried again; what it refuses for good is a dead
letter.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Sequence
from datetime import datetime

from sqlmodel import Session

from bot.delivery_outcomes import STORE_AGAIN_S, DeliveryOutcomes
from bot.log_fields import add_log_fields
from bot.ports import ConversationGone, MessageGone, TeamsError, TeamsRefused, TeamsRetry
from bot.prepared import (
    Prepared,
    prepare,
    prepare_all,
    prepare_card,
    remember_card,
)
from bot.send_budget import SendBudget
from bot.services import Services
from bot.teams_model import TeamsUser
from storage import outbox
from storage.engine import CannotStore
from storage.outbox import Claimed
from storage.queries import people
from storage.queues import LEASE

log = logging.getLogger(__name__)

AT_ONCE = 100
GATHER_S = 0.01
POLL_S = 1.0
SHORT_WAIT_S = 1.0  # a longer wait for the budget is spent in the outbox, not in memory
LOOK_AFTER_EVERY = LEASE / 5


class Unreachable(Exception):
    """The person cannot be written to at present: it is known, so Teams is not asked."""


class Delivery:
    """The loop that works off the outbox. ``wake`` is called when something was queued."""

    def __init__(
        self,
        services: Services,
        budget: SendBudget,
        *,
        monotonic: Callable[[], float],
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._services = services
        self._budget = budget
        self._monotonic = monotonic
        self._outcomes = DeliveryOutcomes(services, jitter=jitter)
        self._something = asyncio.Event()
        self._in_hand: dict[asyncio.Task[None], int] = {}
        self._looked_after_at: datetime | None = None
        self._ready: dict[int, Prepared | None] = {}
        self._is_more_due = False
        self._others_wait = False
        self._stopping = False

    def wake(self) -> None:
        """Something was queued: look at once instead of at the next poll."""
        self._something.set()

    async def stop(self) -> None:
        """Claim nothing more and wait for what is in hand."""
        self._stopping = True
        self._outcomes.stop()
        self._something.set()
        while self._in_hand:
            await asyncio.wait(self._in_hand)

    async def park(self) -> None:
        """Let go of what is in hand. It is sent again, and the audit says so.

        Raises:
            CannotStore: it could not be put back; that is done at the next start, or when its lease
                is over.
        """
        left = dict(self._in_hand)
        if not left:
            return
        for task in left:
            task.cancel()
        await asyncio.wait(left)
        now = self._services.clock()
        await self._services.db.write(lambda s: outbox.requeue(s, [*left.values()], now=now))

    async def run(self) -> None:
        """Work off the outbox until ``stop``."""
        while not self._stopping:
            self._something.clear()
            try:
                started = await self.start_due()
            except CannotStore:
                log.warning("the outbox cannot be read now; trying again")
                started = 0
            if not started or not self._is_more_due:
                await self._pause()
        await self.stop()  # what was claimed while the stop came

    async def work_off(self) -> int:
        """Send all that is due now, to the end; how many rows that were. For tests and the demo."""
        total = 0
        while started := await self.start_due():
            total += started
            if self._in_hand:
                await asyncio.wait(self._in_hand)
        return total

    async def start_due(self) -> int:
        """Claim what is due and start sending it; how many rows."""
        if self._stopping:
            return 0
        if len(self._in_hand) > AT_ONCE // 2:  # a claim of many costs little more than one of a few
            await asyncio.wait(self._in_hand, timeout=GATHER_S)
        room = AT_ONCE - len(self._in_hand)
        if room <= 0:
            await asyncio.wait(self._in_hand, return_when=asyncio.FIRST_COMPLETED)
            return 1
        now = self._services.clock()
        await self._look_after(now)
        rows, self._others_wait = await self._services.db.write(
            lambda s: (outbox.claim(s, now=now, limit=room), outbox.is_any_waiting(s))
        )
        self._is_more_due = len(rows) == room
        await self._prepare(rows)
        for row in rows:
            task = asyncio.create_task(self._deliver(row))
            self._in_hand[task] = row.id
            task.add_done_callback(self._done)
        return len(rows)

    async def _look_after(self, now: datetime) -> None:
        """Now and then: keep what is in hand, take up what a killed replica had in hand."""
        last = self._looked_after_at
        if last is not None and abs(now - last) < LOOK_AFTER_EVERY:
            return
        in_hand = list(self._in_hand.values())

        def look(session: Session) -> int:
            outbox.renew(session, in_hand, until=now + LEASE)
            return outbox.requeue_lapsed(session, now=now, but=in_hand)

        taken_up = await self._services.db.write(look)
        self._looked_after_at = now
        if taken_up:
            log.warning("%d messages of a replica that is gone are sent again", taken_up)

    async def _prepare(self, rows: Sequence[Claimed]) -> None:
        """Read all at once what these rows need. What fails is read again, one by one."""
        now = self._services.clock()
        addressed = [row for row in rows if row.conversation_id]
        if not addressed:
            return
        try:
            prepared = await self._services.db.read(lambda s: prepare_all(s, addressed, now))
        except Exception as error:  # each row finds out for itself whether it is its own
            log.debug("rows could not be prepared together: %s", error)
            return
        self._ready.update(prepared)

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._in_hand.pop(task, None)
        if self._others_wait:  # the conversation's next message may go now
            self._something.set()
        if not task.cancelled() and (error := task.exception()):
            log.error("delivery task failed", exc_info=error)

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(POLL_S):
                await self._something.wait()
        except TimeoutError:
            pass

    async def _deliver(self, row: Claimed) -> None:
        add_log_fields(outbox=row.id, cause=row.cause)
        try:
            await self._try(row)
        except CannotStore:  # only while stopping: the next start finds it and says so
            log.warning("outbox row %s: its outcome cannot be stored now", row.id)
        finally:
            self._ready.pop(row.id, None)

    async def _try(self, row: Claimed) -> None:
        try:
            await self._send(row)
        except TeamsRetry as error:
            await self._outcomes.later(row, error)
        except Unreachable as error:
            await self._outcomes.drop(row, str(error))
        except ConversationGone as error:
            await self._outcomes.gone(row, str(error))
        except (TeamsRefused, TeamsError) as error:
            await self._outcomes.dead(row, str(error))
        except CannotStore as error:  # before anything was sent
            log.warning("outbox row %s waits for the database: %s", row.id, error)
            await self._outcomes.put_back(row, STORE_AGAIN_S)
        except Exception as error:  # a defect of ours must not stop the others
            log.exception("outbox row %s failed", row.id)
            await self._outcomes.later(row, TeamsRetry(f"{type(error).__name__}: {error}"))

    async def _send(self, row: Claimed) -> None:
        if not row.conversation_id:
            row = await self._open_chat(row)
        if row.id in self._ready:
            prepared = self._ready.pop(row.id)
        else:
            now = self._services.clock()
            prepared = await self._services.db.read(lambda s: prepare(s, row, now))
        if prepared is None or prepared.nothing_new:
            shown_as = prepared.update_of if prepared else ""
            await self._outcomes.sent(row, prepared, activity_id=shown_as)
            return
        if not await self._take_place(row):
            return
        if prepared.needs_card:
            await self._post_card_again(row)
            return
        try:
            activity_id = await self._hand_over(prepared)
        except MessageGone as error:
            if not prepared.hangs_on_card:
                raise
            if row.kind == "alert" and prepared.update_of:
                await self._outcomes.forget_alert(row, str(error))
                return
            await self._outcomes.forget_card(row, str(error))
            return
        await self._outcomes.sent(row, prepared, activity_id=activity_id)

    async def _hand_over(self, prepared: Prepared) -> str:
        """Post it, or change the message that is there; the message's id."""
        teams = self._services.teams
        if prepared.update_of:
            await teams.update(prepared.conversation, prepared.update_of, prepared.message)
            return prepared.update_of
        result = await teams.send(
            prepared.conversation, prepared.message, thread_id=prepared.thread_id
        )
        return result.activity_id

    async def _post_card_again(self, row: Claimed) -> None:
        """Post the card that a reply stands below; the reply itself is next."""
        now = self._services.clock()
        card = await self._services.db.read(lambda s: prepare_card(s, row, now))
        assert card is not None  # the reply was prepared for it just before
        activity_id = await self._hand_over(card)

        def remember(session: Session) -> None:
            remember_card(session, row, card.content_hash, activity_id, now)
            outbox.put_back(session, row.id, due_at=now)

        await self._outcomes.persist(remember)

    async def _take_place(self, row: Claimed) -> bool:
        """Wait for the budget; False when the wait is long and the row went back to the outbox."""
        while (wait := self._budget.wait_s(row.conversation_id, self._monotonic())) > 0:
            if wait > SHORT_WAIT_S:
                await self._outcomes.put_back(row, wait)
                return False
            await self._services.sleep(wait)
        self._budget.take(row.conversation_id, self._monotonic())
        return True

    async def _open_chat(self, row: Claimed) -> Claimed:
        """The personal chat of the row's person, opened with Teams when there is none yet."""
        person = await self._services.db.read(lambda s: people.get(s, row.person_id or 0))
        if person is None or person.removed_at is not None:
            raise TeamsRefused("the person is not known any more")
        conversation_id = person.personal_conversation_id
        until = person.unreachable_until
        if not conversation_id and until is not None and until > self._services.clock():
            raise Unreachable("Teams refused a personal chat with this person a while ago")
        if not conversation_id:
            user = TeamsUser(
                id=person.teams_user_id,
                name=person.name,
                aad_object_id=person.aad_object_id,
                mail=person.mail,
                tenant_id=person.tenant_id,
            )
            chat = await self._services.teams.open_personal_chat(
                user=user, service_url=person.service_url, tenant_id=person.tenant_id
            )
            conversation_id = chat.id
            now = self._services.clock()
            await self._services.db.write(
                lambda s: people.set_personal_chat(s, person.id or 0, chat, now=now)
            )
        await self._services.db.write(
            lambda s: outbox.address(s, row.id, conversation_id=conversation_id)
        )
        row.conversation_id = conversation_id
        return row
