"""The same work on an empty database and on one with years behind it, in turns.

Grown: 1,000,000 audit entries, 100,000 pull requests and 10,000 subscriptions, see
``benchmarks.growth_data``. Each figure is the median of many turns, one on the empty database
and one on the grown one, with the product's own functions and both databases open in this
process: storing webhooks' bodies 32 at once, recording a changed pull request with its notices
and audit, claiming and marking what is due for Teams, drawing a card, and commands from the
message to the reply's card. Nothing goes over HTTP, because that is the same for both and would
hide what grows.

The ratio is empty/grown of the figure that grew most; at most 1.2 times slower means 0.83.
"""

import asyncio
import itertools
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import NoReturn

import aiohttp
from sqlmodel import Session

from adapters.azure_devops.payloads import parse_hook
from adapters.teams import TeamsClient, TeamsConfig, connector_tokens
from benchmarks import growth_data, report
from benchmarks.bodies import ticket_body
from benchmarks.growth_data import AGES_AGO, CHANNEL, CHAT, CONNECTION, MAYA, OPEN_ONES, snapshot
from bot.cards.pull_request import draw_pull_request
from bot.cards.view import load_view
from bot.commands.catalogue import REGISTRY
from bot.ports import Unreachable, utc_now
from bot.recording import record_snapshot
from bot.services import Services
from bot.teams_model import Conversation, MessageReceived
from bot.turn_handling import handle
from storage import outbox, schema
from storage.engine import Database, NewHook
from storage.outbox import Claimed
from storage.queries import pull_requests

WARM_UP = 5
TURNS = 150
GOAL = 0.83
AT_ONCE = 32


@dataclass
class Bench:
    """One of the databases with all that the figures need."""

    db: Database
    services: Services
    times: dict[str, list[float]] = field(default_factory=dict)
    numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    async def store(self) -> None:
        """32 webhooks at once."""
        now = utc_now()
        await asyncio.gather(
            *(
                self.db.store_hook(NewHook(CONNECTION, f"n:s:{number}", body, now, "x"))
                for number in itertools.islice(self.numbers, AT_ONCE)
                for body in (ticket_body(number, number),)
            )
        )

    async def record(self) -> None:
        """A new commit in a pull request whose card is in the channel."""
        number = next(self.numbers)
        seen = snapshot(1 + number % OPEN_ONES, 0, AGES_AGO + timedelta(hours=number))
        now = utc_now()
        await self.db.write(lambda s: record_snapshot(s, seen, cause="benchmark", now=now))

    async def send(self) -> None:
        """Claim what is due, as often as something is, and mark it as sent."""
        now = utc_now() + timedelta(seconds=1)
        while rows := await self.db.write(lambda s: outbox.claim(s, now=now)):
            await self.db.write(partial(_mark, rows=rows))

    async def draw(self) -> None:
        """A card."""
        await self.db.read(partial(_draw, number=1 + next(self.numbers) % OPEN_ONES))

    async def say(self, text: str, place: Conversation = CHANNEL) -> None:
        """A command of Maya."""
        event = MessageReceived(f"activity{next(self.numbers)}", place, MAYA, text)
        result = await handle(self.services, REGISTRY, event)
        if not result.messages or result.messages[0].card is None:
            raise RuntimeError(f"{text!r} was not answered")


def _mark(session: Session, rows: Sequence[Claimed]) -> None:
    outbox.mark_sent(session, {row.id: "1" for row in rows}, now=utc_now())


def _draw(session: Session, number: int) -> None:
    row = pull_requests.by_number(session, CONNECTION, number)
    assert row is not None
    assert row.id is not None
    draw_pull_request(load_view(session, row.id, CHANNEL.id, utc_now()))


FIGURES: dict[str, Callable[[Bench], Awaitable[None]]] = {
    "store 32 webhooks": Bench.store,
    "record a pull request": Bench.record,
    "claim and mark for Teams": Bench.send,
    "draw a card": Bench.draw,
    "help": lambda bench: bench.say("help"),
    "status": lambda bench: bench.say("status"),
    "prs": lambda bench: bench.say("prs"),
    "prs mine": lambda bench: bench.say("prs mine", CHAT),
    "reviews": lambda bench: bench.say("reviews", CHAT),
    "subscriptions": lambda bench: bench.say("subscriptions"),
}


@asynccontextmanager
async def opened(path: Path, *, is_grown: bool) -> AsyncIterator[Bench]:
    """Build one of the databases and open it."""
    url = f"sqlite:///{path}"
    schema.upgrade(url)
    config = TeamsConfig(app_id="sample", tenant_id=growth_data.TENANT)
    async with Database.open(url) as db, aiohttp.ClientSession() as http:
        await db.write(growth_data.fill_what_both_have)
        if is_grown:
            await asyncio.to_thread(growth_data.grow, str(path))
        services = Services(
            db=db,
            azure_devops=_no_azure_devops,
            teams=TeamsClient(http, config, connector_tokens(http, config)),
            parse_hook=parse_hook,
            clock=utc_now,
            sleep=asyncio.sleep,
        )
        yield Bench(db, services)


async def _no_azure_devops(connection: str) -> NoReturn:
    raise Unreachable("nothing here needs Azure DevOps")


async def measure(folder: Path) -> dict[str, tuple[float, float]]:
    """Median seconds of each figure: (empty, grown)."""
    started = time.perf_counter()
    async with (
        opened(folder / "empty.db", is_grown=False) as empty,
        opened(folder / "grown.db", is_grown=True) as grown,
    ):
        size = (folder / "grown.db").stat().st_size / 1e6
        seconds = time.perf_counter() - started
        print(f"grown database built in {seconds:.0f} s, {size:,.0f} MB", flush=True)
        for turn in range(TURNS + WARM_UP):
            for name, work in FIGURES.items():
                both = (empty, grown) if turn % 2 else (grown, empty)
                for bench in both:
                    began = time.perf_counter()
                    await work(bench)
                    if turn >= WARM_UP:
                        bench.times.setdefault(name, []).append(time.perf_counter() - began)
    return {
        name: (statistics.median(empty.times[name]), statistics.median(grown.times[name]))
        for name in FIGURES
    }


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(measure(Path(folder)))
    print(f"median of {TURNS} turns each; {report.machine()}")
    report.table(
        ("", "empty ms", "grown ms", "ratio"),
        [
            (name, f"{empty * 1000:.2f}", f"{grown * 1000:.2f}", f"{empty / grown:.2f}")
            for name, (empty, grown) in found.items()
        ],
    )
    report.finish(min(empty / grown for empty, grown in found.values()), GOAL)


if __name__ == "__main__":
    main()
