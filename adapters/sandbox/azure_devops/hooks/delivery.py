"""Delivers service hooks over HTTP, with the retries and the probation of the service.

Response classes and schedules: "Troubleshoot service hooks" on learn.microsoft.com.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine
from enum import Enum
from typing import TYPE_CHECKING, Any

import aiohttp

from adapters.sandbox.azure_devops import errors
from adapters.sandbox.azure_devops.hooks.bodies import delivery_body, delivery_headers
from adapters.sandbox.azure_devops.hooks.events import HookEvent
from adapters.sandbox.azure_devops.hooks.subscriptions import Notification, Subscription
from adapters.sandbox.azure_devops.people import SandboxIdentity

if TYPE_CHECKING:
    from adapters.sandbox.azure_devops.organization import Organization

Sleep = Callable[[float], Awaitable[object]]

RETRY_SCHEDULE_S = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0)
PROBATION_SCHEDULE_S = (1200.0, 2400.0, 4800.0, 9600.0, 19200.0, 38400.0, 54000.0)
_TRANSIENT_STATUSES = frozenset({408, 502, 503, 504})
_GONE = 410
_KEPT_RESPONSE_CHARACTERS = 2000


class _Outcome(Enum):
    SUCCESS = "success"
    GONE = "gone"
    TRANSIENT = "transient"
    ENDURING = "enduring"


class Hooks:
    """All subscriptions of an organisation and the queue of deliveries.

    Deliveries start in the order of their events, ``parallel`` at a time; a retry does not hold up
    the ones behind it. The knobs (``pause``, ``shuffle``, ``duplicate``, ``drop``) make what the
    service does not promise to avoid: late, reordered, doubled and lost deliveries.

    Args:
        organization: whose events are told.
        sleep: awaited with the seconds before a retry.
        parallel: how many deliveries run side by side.
        timeout_s: how long one delivery may take; the service's own figure is not documented.
    """

    def __init__(
        self,
        organization: Organization,
        sleep: Sleep,
        *,
        parallel: int = 1,
        timeout_s: float = 30.0,
    ) -> None:
        self._org = organization
        self._sleep = sleep
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self.parallel = parallel
        self.retry_schedule_s: tuple[float, ...] = RETRY_SCHEDULE_S
        self.probation_schedule_s: tuple[float, ...] = PROBATION_SCHEDULE_S
        self.basic_auth_needs_https = False
        """Whether REST refuses a password for an http address, as the service does."""
        self.subscriptions: dict[str, Subscription] = {}
        self._waiting: list[Notification] = []
        self._in_flight = 0
        self._paused = False
        self._copies = 1
        self._dropped: Callable[[HookEvent], bool] | None = None
        self._failures: list[BaseException] = []
        self._changed = asyncio.Event()
        self._session: aiohttp.ClientSession | None = None
        self._workers: list[asyncio.Task[None]] = []
        self._retries: set[asyncio.Task[None]] = set()
        self._probations: set[asyncio.Task[None]] = set()

    def find(self, subscription_id: str) -> Subscription:
        """Return a subscription by its GUID.

        Raises:
            AzureDevOpsError: 404, there is none.
        """
        subscription = self.subscriptions.get(subscription_id.lower())
        if subscription is None:
            raise errors.subscription_not_found(subscription_id)
        return subscription

    def publish(self, event: HookEvent) -> None:
        """Queue an event for every subscription that hears it.

        A subscription on probation or disabled loses the event: nothing is kept for later.
        """
        if self._dropped is not None and self._dropped(event):
            return
        for subscription in self.subscriptions.values():
            if subscription.status == "enabled" and self._tells(subscription, event):
                notification = subscription.notify(event, self._org.clock())
                self._waiting += [notification] * self._copies
        self._signal()

    def _tells(self, subscription: Subscription, event: HookEvent) -> bool:
        """A subscription fires only for what the one who created it may see."""
        reader, sees = subscription.created_by, self._org.access.sees
        named = event.inputs.get("repository", frozenset())
        repositories = [one for one in self._org.repositories.values() if one.id in named]
        sees_all = all(sees(reader, repository) for repository in repositories)
        return subscription.hears(event) and sees(reader, event.project) and sees_all

    def deactivate(self, person: SandboxIdentity) -> None:
        """The account left: what it created is disabled."""
        for subscription in self.subscriptions.values():
            if subscription.created_by is person:
                subscription.status = "disabledByInactiveIdentity"

    def pause(self) -> None:
        """Hold deliveries back; events go on being queued."""
        self._paused = True

    def resume(self) -> None:
        """Deliver what was held back, and go on."""
        self._paused = False
        self._signal()

    def shuffle(self, seed: int) -> None:
        """Put what is waiting into another order; the same seed gives the same order."""
        random.Random(seed).shuffle(self._waiting)  # noqa: S311 - a test order, no secret

    def duplicate(self, copies: int) -> None:
        """Deliver every later event this many times, under the same notification id."""
        if copies < 1:
            raise ValueError("an event is delivered at least once; use drop() to lose events")
        self._copies = copies

    def drop(self, predicate: Callable[[HookEvent], bool] | None) -> None:
        """Lose every later event for which the predicate is true; None loses none any more."""
        self._dropped = predicate

    async def idle(self) -> None:
        """Wait until everything is delivered, retries included (probation tries are not).

        What went wrong inside the sandbox while it delivered is raised here.

        Raises:
            RuntimeError: deliveries wait, but are paused or the sandbox is not started.
        """
        while self._waiting or self._in_flight or self._retries:
            if self._waiting and (self._paused or not self._workers):
                raise RuntimeError("hook deliveries are paused or stopped, so they never finish")
            await self._changed_once()
        if self._failures:
            raise self._failures.pop(0)

    async def start(self) -> None:
        """Open the HTTP client and start delivering."""
        self._session = aiohttp.ClientSession(timeout=self._timeout)
        self._workers = [asyncio.create_task(self._work()) for _ in range(self.parallel)]

    async def stop(self) -> None:
        """Stop delivering; what waits, and what was being retried, waits for the next start."""
        tasks = [*self._workers, *self._retries, *self._probations]
        self._workers = []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def send_alone(self, notification: Notification, body: dict[str, Any]) -> None:
        """Make one attempt with a given body and no consequences, as the Test button does."""
        notification.body = body
        outcome = await self._attempt(notification)
        self._finish(notification, succeeded=outcome is _Outcome.SUCCESS)

    async def _work(self) -> None:
        while True:
            while self._paused or not self._waiting:
                await self._changed_once()
            notification = self._waiting.pop(0)
            self._in_flight += 1
            try:
                await self._deliver(notification)
            except asyncio.CancelledError:
                self._waiting.insert(0, notification)
                raise
            except Exception as error:  # noqa: BLE001, RUF100 - told by idle(); others go on
                self._failures.append(error)
            finally:
                self._in_flight -= 1
                self._signal()

    async def _deliver(self, notification: Notification) -> None:
        subscription = notification.subscription
        if subscription.status != "enabled":
            notification.error = f"The subscription is {subscription.status}; the event is lost."
            self._finish(notification, succeeded=False)
            return
        outcome = await self._attempt(notification)
        if outcome is _Outcome.TRANSIENT:
            self._spawn(self._retries, self._retry(notification))
        else:
            self._conclude(notification, outcome)

    async def _retry(self, notification: Notification) -> None:
        """Try the same event again; what still fails at the end counts as enduring."""
        try:
            for delay in self.retry_schedule_s:
                await self._sleep(delay)
                outcome = await self._attempt(notification)
                if outcome is not _Outcome.TRANSIENT:
                    self._conclude(notification, outcome)
                    return
        except asyncio.CancelledError:
            self._waiting.insert(0, notification)
            raise
        self._conclude(notification, _Outcome.ENDURING)

    def _conclude(self, notification: Notification, outcome: _Outcome) -> None:
        subscription = notification.subscription
        self._finish(notification, succeeded=outcome is _Outcome.SUCCESS)
        if outcome is _Outcome.SUCCESS:
            if subscription.status == "onProbation":
                subscription.enable()
        elif outcome is _Outcome.GONE:
            subscription.status = "disabledBySystem"
        elif subscription.status == "enabled":
            subscription.status = "onProbation"
            self._spawn(self._probations, self._probation(notification))

    async def _probation(self, notification: Notification) -> None:
        """Try the failed event again at long intervals; then disable the subscription."""
        subscription = notification.subscription
        for delay in self.probation_schedule_s:
            await self._sleep(delay)
            if subscription.status != "onProbation":
                return
            subscription.probation_retries += 1
            subscription.last_probation_retry = self._org.clock()
            outcome = await self._attempt(notification)
            if outcome in (_Outcome.SUCCESS, _Outcome.GONE):
                self._conclude(notification, outcome)
                return
        subscription.status = "disabledBySystem"

    async def _attempt(self, notification: Notification) -> _Outcome:
        if self._session is None:
            raise RuntimeError("service hooks are delivered only between start() and stop()")
        notification.attempts += 1
        begun = notification.dequeued = self._org.clock()
        notification.status = "requestInProgress"
        if notification.body is None:
            notification.body = delivery_body(
                self._org.addresses,
                notification,
                self._org.collection_id,
                self._org.instance_id,
            )
        subscription = notification.subscription
        try:
            async with self._session.post(
                subscription.consumer_inputs["url"],
                json=notification.body,
                headers=delivery_headers(subscription),
                allow_redirects=False,
            ) as answer:
                text = await answer.text(errors="replace")
        except TimeoutError:
            # Not documented; the class of 408 Request Timeout is the closest that is.
            notification.error = "The request timed out."
            return _Outcome.TRANSIENT
        except (aiohttp.ClientError, ValueError) as error:
            notification.error = f"The request could not be sent: {type(error).__name__}."
            return _Outcome.ENDURING
        notification.response = f"{answer.status}\r\n{text[:_KEPT_RESPONSE_CHARACTERS]}"
        outcome = _classify(answer.status)
        if outcome is _Outcome.SUCCESS:
            notification.error = None
            subscription.last_success = self._org.clock()
        else:
            notification.error = f"{answer.reason} ({answer.status})"
        notification.duration_s = (self._org.clock() - begun).total_seconds()
        return outcome

    def _finish(self, notification: Notification, *, succeeded: bool) -> None:
        notification.status = "completed"
        notification.result = "succeeded" if succeeded else "failed"
        notification.finished = self._org.clock()

    def _spawn(self, tasks: set[asyncio.Task[None]], work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        tasks.add(task)

        def done(finished: asyncio.Task[None]) -> None:
            tasks.discard(finished)
            failure = None if finished.cancelled() else finished.exception()
            if failure is not None:
                self._failures.append(failure)
            self._signal()

        task.add_done_callback(done)

    def _signal(self) -> None:
        """Wake everybody who waits for a change."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def _changed_once(self) -> None:
        await self._changed.wait()


def _classify(status: int) -> _Outcome:
    if 200 <= status < 300:
        return _Outcome.SUCCESS
    if status == _GONE:
        return _Outcome.GONE
    return _Outcome.TRANSIENT if status in _TRANSIENT_STATUSES else _Outcome.ENDURING
