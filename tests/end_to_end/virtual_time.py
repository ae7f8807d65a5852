"""Time that stands still until a test moves it: minutes of retries pass in no time."""

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial

from sqlmodel import Session, col, func, select

from storage import held, outbox
from storage.tables import InboxRow, OutboxRow
from tests.end_to_end.scene import Scene

BEGIN = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
TICK_S = 1e-5  # no two looks at the clock are at the same time
LOOKS = 3


class VirtualTime:
    """The clock, the monotonic clock and the sleep of a whole stage."""

    def __init__(self) -> None:
        self.now = 0.0
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def clock(self) -> datetime:
        self.now += TICK_S
        return BEGIN + timedelta(seconds=self.now)

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        until: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append((self.now + seconds, until))
        await until

    @property
    def options(self) -> dict[str, object]:
        """For ``Stage.build``."""
        return {"clock": self.clock, "sleep": self.sleep, "monotonic": self.monotonic}

    def next_wake(self) -> float | None:
        self._sleepers = [(due, one) for due, one in self._sleepers if not one.done()]
        return min((due for due, _ in self._sleepers), default=None)

    @property
    def sleepers(self) -> int:
        return sum(not one.done() for _, one in self._sleepers)

    def move_to(self, moment: float) -> None:
        self.now = max(self.now, moment)
        for due, sleeper in self._sleepers:
            if due <= self.now and not sleeper.done():
                sleeper.set_result(None)


async def still(scene: Scene, time: VirtualTime) -> None:
    """Wait until nothing moves any more unless time does."""
    last, looks = None, 0
    while looks < LOOKS:
        scene.stage.bot.delivery.wake()
        scene.stage.bot.intake.wake()
        await scene.stage.bot.db.write(lambda _: None)  # behind whatever is being written
        seen = await scene.read(_state)
        now = (
            seen,
            len(scene.teams.requests),
            sum(request.status is not None for request in scene.teams.requests[-50:]),
            len(scene.azure.calls),
            time.next_wake(),
        )
        looks, last = (looks + 1, last) if now == last else (0, now)
        await asyncio.sleep(0)


async def play_out(
    scene: Scene, time: VirtualTime, *, until: float = float("inf"), step_s: float = 0.0
) -> None:
    """Let time pass until everything is done, or until a moment, in steps of so much or more."""
    while True:
        await still(scene, time)
        sending = (await scene.read(outbox.counts)).get("sending", 0)
        if sending > time.sleepers:  # on its way to Teams, however long that takes
            continue
        now = BEGIN + timedelta(seconds=time.now)
        if await scene.read(partial(held.due_addressees, now=now, limit=1)):
            continue  # about to be told
        due = await scene.read(_next_due)
        wakes = [moment for moment in (time.next_wake(), seconds(due)) if moment is not None]
        following = min(wakes, default=None)
        if following is None or following > until:
            time.move_to(until if until != float("inf") else time.now)
            return
        time.move_to(max(following, min(time.now + step_s, until)))


def seconds(moment: datetime | None) -> float | None:
    return (moment - BEGIN).total_seconds() if moment else None


def _state(session: Session) -> tuple[object, ...]:
    waiting = select(func.count()).where(InboxRow.state == "pending")
    return (sorted(outbox.counts(session).items()), session.exec(waiting).one())


def _next_due(session: Session) -> datetime | None:
    waiting = select(func.min(InboxRow.due_at)).where(InboxRow.state == "pending")
    is_open = col(OutboxRow.state).in_(("pending", "sending"))
    heads = select(func.min(OutboxRow.id)).where(is_open).group_by(col(OutboxRow.lane))
    sending = select(func.min(OutboxRow.due_at)).where(
        OutboxRow.state == "pending", col(OutboxRow.id).in_(heads)
    )
    dues = [due for due in (session.exec(sending).one(), session.exec(waiting).one()) if due]
    return min(dues, default=None)
