"""Two ways to get the same messages to a Bot Connector, each in a process of its own.

``python -m benchmarks.senders outbox|bare FOLDER SERVICE_URL CHANNELS``. For each line of input,
a number of messages, it sends so many and prints how long that took: ``{"seconds": …}``. The
outbox is filled before the time starts.
"""

import asyncio
import json
import sys
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import NoReturn

import aiohttp
from sqlmodel import Session
from yarl import URL

from adapters.azure_devops.payloads import parse_hook
from adapters.teams import TeamsClient, TeamsConfig, connector_tokens
from adapters.teams.outgoing import message_body
from benchmarks.world import APP_ID, TENANT, channel
from bot.cards.answers import command_button, table_card
from bot.cli import interpreter
from bot.delivery import Delivery
from bot.metrics import SENDS
from bot.outgoing import as_payload
from bot.ports import utc_now
from bot.send_budget import SendBudget
from bot.services import Services
from storage import enqueue, outbox, schema, topics
from storage.engine import Database
from storage.queries import conversations

AT_ONCE = 20
LOOK_EVERY_S = 0.01
UNLIMITED = 1_000_000
Send = Callable[[int], Awaitable[float]]

MESSAGE = table_card(
    "Open pull requests in Shop",
    ("Pull request", "Author", "Age"),
    [(f"!{number} Round the total to whole cents", "Maya Sample", "3 d") for number in range(6)],
    [command_button("Sync", "sync pr", "12"), command_button("Mine", "prs", "mine")],
)


@asynccontextmanager
async def through_the_outbox(folder: Path, service_url: str, channels: int) -> AsyncIterator[Send]:
    """Database, Delivery and TeamsClient as ``bot.app`` wires them, in a process set up as served.

    The budget's windows are as good as unlimited: those limits are Teams', and would be all that
    is measured.
    """
    interpreter.set_up()
    url = f"sqlite:///{folder / 'outbox.db'}"
    schema.upgrade(url)
    config = TeamsConfig(
        app_id=APP_ID,
        app_password="sample",
        tenant_id=TENANT,
        service_hosts=("127.0.0.1",),
        login_url=service_url,
    )
    async with (
        Database.open(url) as db,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=100)) as http,
    ):
        for number in range(channels):
            place = channel(number, service_url)
            await db.write(partial(conversations.upsert, told=place, now=utc_now()))
        services = Services(
            db=db,
            azure_devops=_no_azure_devops,
            teams=TeamsClient(http, config, connector_tokens(http, config)),
            parse_hook=parse_hook,
            clock=utc_now,
            sleep=asyncio.sleep,
        )
        budget = SendBudget(per_second=UNLIMITED, windows=((UNLIMITED, 1.0),))
        delivery = Delivery(services, budget, monotonic=time.monotonic)
        db.on_write(topics.OUTBOX, delivery.wake)
        interpreter.settle()

        async def send(count: int) -> float:
            await db.write(lambda s: _fill(s, count, channels))
            before = _sent()
            started = time.perf_counter()
            loop = asyncio.create_task(delivery.run())
            while _sent() - before < count:
                await asyncio.sleep(LOOK_EVERY_S)
            seconds = time.perf_counter() - started
            loop.cancel()
            await asyncio.wait([loop])
            states = await db.read(outbox.counts)
            if set(states) != {"sent"}:
                sys.exit(f"failed: the outbox has {states}")
            return seconds

        yield send


@asynccontextmanager
async def bare(folder: Path, service_url: str, channels: int) -> AsyncIterator[Send]:
    """One aiohttp session that posts the same bodies to the same addresses, 20 at once."""
    async with aiohttp.ClientSession() as http:

        async def send(count: int) -> float:
            places = [channel(number, service_url) for number in range(channels)]
            urls = [
                URL(f"{service_url}/v3/conversations/{place.id}/activities") for place in places
            ]
            body = message_body(places[0], MESSAGE)
            numbers = iter(range(count))

            async def post() -> None:
                for number in numbers:
                    async with http.post(
                        urls[number % channels],
                        data=body,
                        headers={
                            "Authorization": "Bearer sample",
                            "Content-Type": "application/json; charset=utf-8",
                        },
                    ) as answer:
                        json.loads(await answer.read())["id"]

            started = time.perf_counter()
            await asyncio.gather(*(post() for _ in range(AT_ONCE)))
            return time.perf_counter() - started

        yield send


def _sent() -> float:
    """How many messages this process has sent and marked so."""
    [metric] = SENDS.collect()
    name, labels = "pullcord_sends_total", {"outcome": "sent"}
    found = (each.value for each in metric.samples if (each.name, each.labels) == (name, labels))
    return next(found, 0.0)


def _fill(session: Session, count: int, channels: int) -> None:
    payload, now = as_payload(MESSAGE), utc_now()
    for number in range(count):
        enqueue.message(
            session,
            key=f"benchmark:{uuid.uuid4()}",
            payload=payload,
            conversation_id=channel(number % channels, "").id,
            now=now,
        )


async def _no_azure_devops(connection: str) -> NoReturn:
    raise LookupError(f"there is no Azure DevOps here: {connection}")


async def run(sender: Callable[[Path, str, int], AbstractAsyncContextManager[Send]]) -> None:
    """Send as often as a line comes in."""
    async with sender(Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])) as send:
        print(
            json.dumps({"bytes": len(message_body(channel(0, sys.argv[3]), MESSAGE))}), flush=True
        )
        while line := await asyncio.to_thread(sys.stdin.readline):
            print(json.dumps({"seconds": await send(int(line))}), flush=True)


if __name__ == "__main__":
    asyncio.run(run({"outbox": through_the_outbox, "bare": bare}[sys.argv[1]]))
