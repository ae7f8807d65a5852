"""Messages a second from the outbox to a Bot Connector, and how long a webhook takes to get there.

Messages: two processes send the same 3 KB card to the same connector, in turns. One has the real
database, ``Delivery`` and ``TeamsClient`` over CHANNELS conversations (each row is claimed,
prepared, posted and marked as sent, durably); its send budget is lifted, because the limits in it
are Teams' and not ours. The other is a bare aiohttp client that posts 20 at once.

Webhook to Teams: the real ``pullcord serve`` gets ``git.pullrequest.created`` at 20 a second,
each of another pull request of the Azure DevOps sandbox. Pullcord stores the body, reads the pull
request, its tickets and checks over REST, records it, draws its card and posts it. The time is
from the first byte of the webhook to the card's arrival at the connector. The send budget is the
usual one.
"""

import asyncio
import json
import re
import statistics
import sys
import tempfile
import time
from pathlib import Path

from aiohttp import web

from benchmarks import report
from benchmarks.bodies import Target, delivery, pull_request_body
from benchmarks.connector import Connector
from benchmarks.load import run_load
from benchmarks.processes import Child, module, serve
from benchmarks.world import CONNECTION, opened

ROUNDS = 5
MESSAGES = 2000
CHANNELS = 200
GOAL = 0.25
EVENTS_PER_S = 20
EVENTS = 300
REPOSITORIES = 30
P50_GOAL_S = 0.05
LAST_CARD_WITHIN_S = 20
TITLE = re.compile(rb"Event (\d+) of the benchmark")


def throughput() -> float:
    """Measure both senders, print the table, and give the ratio."""
    bares, ours = [], []
    with tempfile.TemporaryDirectory() as folder, module("connector") as connector:
        url = f"http://127.0.0.1:{connector.port}"
        with (
            module("senders", "bare", folder, url, str(CHANNELS)) as bare,
            module("senders", "outbox", folder, url, str(CHANNELS)) as outbox,
        ):
            _round(bare, 200)
            _round(outbox, 200)
            for _ in range(ROUNDS):
                bares.append(_round(bare, MESSAGES))
                ours.append(_round(outbox, MESSAGES))
            size = bare.said["bytes"]
    print(f"{ROUNDS} rounds of {MESSAGES} cards of {size} bytes; {report.machine()}")
    report.table(
        ("", "messages/s"),
        [
            ("bare aiohttp client, 20 at once", f"{statistics.median(bares):,.0f}"),
            (f"outbox, {CHANNELS} conversations", f"{statistics.median(ours):,.0f}"),
        ],
    )
    ratios = [our / bare for bare, our in zip(bares, ours, strict=True)]
    print(f"ratio by round: {', '.join(f'{ratio:.2f}' for ratio in ratios)}")
    return statistics.median(ratios)


def _round(sender: Child, count: int) -> float:
    return count / float(sender.ask(count)["seconds"])


async def webhook_to_teams(folder: Path) -> list[float]:
    """Seconds from webhook to card, for each event."""
    arrived: dict[int, float] = {}

    def received(body: bytes) -> None:
        found = TITLE.search(body)
        if found:
            arrived.setdefault(int(found[1]), time.perf_counter())

    runner = web.AppRunner(Connector(received).app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    with module("world", str(folder), url, str(REPOSITORIES)) as world:
        # Nothing is swept meanwhile: it would tell of pull requests before their webhooks do.
        settings = {**world.said["settings"], "PULLCORD_SWEEP_MINUTES": "600"}
        with serve(settings) as pullcord:
            pullcord.wait_until_idle()
            targets = opened(world, EVENTS)
            sent = await _post_all(pullcord.port, world.said["secret"], targets)
            deadline = time.monotonic() + LAST_CARD_WITHIN_S
            while len(arrived) < EVENTS and time.monotonic() < deadline:
                await asyncio.sleep(0.05)
    await runner.cleanup()
    if len(arrived) < EVENTS:
        sys.exit(f"failed: {EVENTS - len(arrived)} cards never came")
    return [arrived[number] - sent[number] for number in range(EVENTS)]


async def _post_all(port: int, secret: str, targets: list[Target]) -> list[float]:
    """Post one webhook per pull request at EVENTS_PER_S, on time whatever the answers take."""
    sent = []
    posts = []
    started = time.perf_counter()
    for number, target in enumerate(targets):
        await asyncio.sleep(started + number / EVENTS_PER_S - time.perf_counter())
        request = delivery(CONNECTION, secret, pull_request_body(target, number + 1, "created"))
        sent.append(time.perf_counter())
        posts.append(asyncio.create_task(run_load(port, [request], 1)))
    for measured in await asyncio.gather(*posts):
        if measured.statuses != {202: 1}:
            sys.exit(f"failed: a webhook was answered {json.dumps(measured.statuses)}")
    return sent


def main() -> None:
    ratio = throughput()
    with tempfile.TemporaryDirectory() as folder:
        seconds = sorted(asyncio.run(webhook_to_teams(Path(folder))))
    p50, p99 = seconds[len(seconds) // 2], seconds[len(seconds) * 99 // 100]
    print(f"{EVENTS} webhooks at {EVENTS_PER_S}/s, to the card in Teams; {report.machine()}")
    report.table(
        ("", "p50 ms", "p99 ms", "worst ms"),
        [
            (
                "webhook to Teams",
                f"{p50 * 1000:.0f}",
                f"{p99 * 1000:.0f}",
                f"{seconds[-1] * 1000:.0f}",
            )
        ],
    )
    failures = []
    if p50 >= P50_GOAL_S:
        failures.append(
            f"webhook to Teams p50 is {p50 * 1000:.0f} ms, goal {P50_GOAL_S * 1000:.0f}"
        )
    report.finish(ratio, GOAL, failures)


if __name__ == "__main__":
    main()
