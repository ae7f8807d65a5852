"""What became of a message on its way to Teams, stored until the database takes it."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from bot.log_text import log_safe
from bot.metrics import SEND_LAG_S, SENDS
from bot.ports import TeamsRetry
from bot.prepared import Prepared, forget_alert, forget_card, remember_alert, remember_card
from bot.services import Services
from bot.together import Together
from storage import audit, outbox
from storage.engine import CannotStore
from storage.outbox import Claimed
from storage.queries import conversations, people

log = logging.getLogger(__name__)

RETRY_SCHEDULE_S = (1, 2, 4, 8, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600, 3600, 3600, 3600)
JITTER = 0.25
ASK_AGAIN_AFTER = timedelta(days=1)  # when Teams refused to open a personal chat
STORE_AGAIN_S = 1.0


@dataclass(frozen=True, slots=True)
class _Taken:
    """A row whose message Teams has; ``card_hash`` is of the card or alert that it shows now."""

    row: Claimed
    activity_id: str
    card_hash: str


class DeliveryOutcomes:
    """Stores how deliveries ended, those that end at the same time together.

    Every method raises CannotStore, but only once ``stop`` was called.
    """

    def __init__(self, services: Services, *, jitter: Callable[[], float]) -> None:
        self._services = services
        self._jitter = jitter
        self._marks = Together(self.persist, self._mark_sent)
        self._stopping = False

    def stop(self) -> None:
        """From now on a database that cannot store is not waited for."""
        self._stopping = True

    async def sent(self, row: Claimed, prepared: Prepared | None, *, activity_id: str) -> None:
        """Teams has it as ``activity_id``; or there was nothing to send."""
        now = self._services.clock()
        nothing = prepared is None or prepared.nothing_new
        shows_card = prepared is not None and not nothing and row.kind in ("card", "alert")
        card_hash = prepared.content_hash if prepared is not None and shows_card else ""
        await self._marks.add(_Taken(row, activity_id, card_hash))
        SENDS.labels(outcome="unchanged" if nothing else "sent").inc()
        SEND_LAG_S.observe(max((now - row.created_at).total_seconds(), 0))

    def _mark_sent(self, session: Session, batch: Sequence["_Taken"]) -> None:
        now = self._services.clock()
        activity_ids: dict[int | None, str] = {taken.row.id: taken.activity_id for taken in batch}
        outbox.mark_sent(session, activity_ids, now=now)
        for taken in batch:
            if taken.card_hash:
                remember = remember_alert if taken.row.kind == "alert" else remember_card
                remember(session, taken.row, taken.card_hash, taken.activity_id, now)

    async def later(self, row: Claimed, error: TeamsRetry) -> None:
        """Try again when Teams says, which is no failure, else by the schedule until its end."""
        is_throttled = error.retry_after_s is not None
        if not is_throttled and row.attempts >= len(RETRY_SCHEDULE_S):
            await self.dead(row, f"given up after {row.attempts + 1} attempts: {error}")
            return
        if error.retry_after_s is not None:
            pause = max(error.retry_after_s, 0.0)
        else:
            pause = float(RETRY_SCHEDULE_S[row.attempts])
        pause *= 1 + JITTER * self._jitter()
        now = self._services.clock()
        SENDS.labels(outcome="retried").inc()
        log.info("outbox row %s waits %.1f s: %s", row.id, pause, log_safe(str(error)))

        def put_off(session: Session) -> None:
            due = now + timedelta(seconds=pause)
            if is_throttled:
                outbox.put_back(session, row.id, due_at=due)
            else:
                outbox.retry_later(session, row.id, due_at=due, reason=str(error))
            if error.uncertain:
                _audit(session, row, "delivery_uncertain", str(error), now)

        await self.persist(put_off)

    async def gone(self, row: Claimed, reason: str) -> None:
        """The bot is not there any more: stop sending, and say so where it can be found."""
        now = self._services.clock()
        SENDS.labels(outcome="gone").inc()

        def close(session: Session) -> None:
            if row.conversation_id:
                conversations.mark_gone(session, row.conversation_id, reason=reason)
                outbox.drop_conversation(session, row.conversation_id, reason=reason, now=now)
            if row.person_id is not None:
                people.forget_personal_chat(session, row.person_id, until=now + ASK_AGAIN_AFTER)
                outbox.drop_person(session, row.person_id, reason=reason, now=now)
            _audit(session, row, "conversation_gone", reason, now)

        await self.persist(close)

    async def drop(self, row: Claimed, reason: str) -> None:
        """It need not be sent any more."""
        now = self._services.clock()
        SENDS.labels(outcome="dropped").inc()
        await self.persist(lambda s: outbox.drop(s, row.id, reason=reason, now=now))

    async def dead(self, row: Claimed, reason: str) -> None:
        """It cannot be sent: it stays with its reason, and the audit and the log say so."""
        now = self._services.clock()
        SENDS.labels(outcome="dead").inc()
        log.error("outbox row %s is a dead letter: %s", row.id, log_safe(reason))

        def bury(session: Session) -> None:
            outbox.mark_dead(session, row.id, reason=reason, now=now)
            _audit(session, row, "delivery_failed", reason, now)

        await self.persist(bury)

    async def put_back(self, row: Claimed, wait_s: float) -> None:
        """It was not sent yet, and is not to be for so many seconds."""
        due = self._services.clock() + timedelta(seconds=wait_s)
        await self.persist(lambda s: outbox.put_back(s, row.id, due_at=due))
        SENDS.labels(outcome="waited").inc()

    async def forget_card(self, row: Claimed, reason: str) -> None:
        """Somebody deleted the card: the pull request gets a new one, and the row goes on there."""
        if row.attempts >= len(RETRY_SCHEDULE_S):
            await self.dead(row, f"given up after {row.attempts + 1} attempts: {reason}")
            return
        now = self._services.clock()

        def forget(session: Session) -> None:
            forget_card(session, row)
            outbox.retry_later(session, row.id, due_at=now, reason=reason)

        await self.persist(forget)

    async def forget_alert(self, row: Claimed, reason: str) -> None:
        """Somebody deleted the alert: there is nothing to update any more."""
        now = self._services.clock()

        def forget(session: Session) -> None:
            forget_alert(session, row)
            outbox.drop(session, row.id, reason=reason, now=now)

        await self.persist(forget)

    async def persist(self, write: Callable[[Session], None]) -> None:
        """Store what became of a row: tried until the database takes it.

        A row whose outcome is lost would hold up its conversation, or be told twice.

        Raises:
            CannotStore: Pullcord stops, and the database still does not take it.
        """
        while True:
            try:
                return await self._services.db.write(write)
            except CannotStore as error:
                if self._stopping:
                    raise
                log.warning("the outcome of a delivery waits for the database: %s", error)
                await self._services.sleep(STORE_AGAIN_S)


def _audit(session: Session, row: Claimed, action: str, reason: str, now: datetime) -> None:
    audit.append(
        session,
        at=now,
        actor="pullcord",
        action=action,
        subject=f"conversation/{row.conversation_id}" if row.conversation_id else "",
        after={"outbox": row.id, "kind": row.kind, "reason": reason},
        cause=row.cause,
    )
