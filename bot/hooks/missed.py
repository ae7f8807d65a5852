"""Events that Azure DevOps could not deliver, read from its history and taken like any webhook.

Azure DevOps keeps deliveries for seven days and has no call to repeat one ("Troubleshoot service
hooks"). What is read here goes through the inbox under the key that the delivery itself would
have, so it is told once, whichever way it comes first; its age marks it late.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.hooks.model import DeliveryDetails, FailedDelivery, ServiceHooks
from bot.log_text import log_safe
from bot.ports import AzureDevOpsError, Clock, NotFound
from storage.engine import Database, NewHook
from storage.queries import hooks as stored

log = logging.getLogger(__name__)

KEPT_FOR = timedelta(days=7)
GIVEN_UP_WITHIN = timedelta(minutes=30)
"""A delivery may be given up some time after it was made: so far back each round looks again."""
AT_ONCE = 4

StoreHook = Callable[[NewHook], Awaitable[bool]]


@dataclass(slots=True)
class Missed:
    """What one round found.

    ``taken``: events that had not come in. ``failures``: when the deliveries of each hook failed,
    oldest first. ``answers``: what each hook last got for one that was taken.
    """

    taken: int = 0
    failures: dict[str, list[datetime]] = field(default_factory=dict)
    answers: dict[str, DeliveryDetails] = field(default_factory=dict)


async def read_missed(
    hooks: ServiceHooks,
    db: Database,
    store: StoreHook,
    clock: Clock,
    *,
    connection: str,
    hook_ids: Sequence[str],
    read_to: datetime | None,
) -> Missed:
    """Take every failed delivery that has not come in; raises AzureDevOpsError, CannotStore.

    Args:
        hooks: asked for the history.
        db: tells what came in.
        store: stores a body as the webhook's door does.
        clock: the time.
        connection: whose hooks they are.
        hook_ids: of this connection.
        read_to: up to when the history was read; None: it never was.
    """
    now = clock()
    oldest = now - KEPT_FOR
    since = max(oldest, read_to - GIVEN_UP_WITHIN) if read_to else oldest
    failed = await hooks.failed_deliveries(hook_ids, since=since, until=now)
    found = Missed()
    for one in failed:
        found.failures.setdefault(one.subscription_id, []).append(one.at)
    places = asyncio.Semaphore(AT_ONCE)

    async def take(one: FailedDelivery) -> None:
        async with places:
            await _take(one, hooks, db, store, clock, connection, found)

    for batch in range(0, len(failed), AT_ONCE):  # in their order, as far as side by side can be
        await asyncio.gather(*(take(one) for one in failed[batch : batch + AT_ONCE]))
    return found


async def _take(
    one: FailedDelivery,
    hooks: ServiceHooks,
    db: Database,
    store: StoreHook,
    clock: Clock,
    connection: str,
    found: Missed,
) -> None:
    key = f"n:{one.subscription_id}:{one.number}"
    if await db.read(lambda s: stored.is_delivered(s, connection, key)):
        return
    try:
        details = await hooks.delivery(one.subscription_id, one.number)
    except NotFound:
        return
    except AzureDevOpsError as error:
        log.info("delivery %s not read: %s", log_safe(key), log_safe(str(error)))
        raise
    found.answers[one.subscription_id] = details
    if not details.event:
        log.info("delivery %s has no event in the history", log_safe(key))
        return
    body = {
        **details.event,
        "subscriptionId": one.subscription_id,
        "notificationId": one.number,
    }
    event_type = details.event.get("eventType")
    new = NewHook(
        connection,
        key,
        json.dumps(body).encode(),
        clock(),
        event_type if isinstance(event_type, str) else "",
    )
    is_new = await store(new)
    found.taken += is_new
