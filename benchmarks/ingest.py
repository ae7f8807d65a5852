"""Durable webhooks a second, beside a handler that only authenticates, parses and answers 202.

Both servers run in processes of their own and get the same 2 KB ``git.pullrequest.updated``
bodies over 32 connections, in turns, so that a noisy machine is noisy for both; while the bare
one has its turn the other is held still, because it would still be working. The one is the real
``pullcord serve`` with everything on: intake, delivery, sweep, an Azure DevOps (the sandbox) to
read from and a Bot Connector to send to. The other is ``benchmarks.bare_door``.

What it does not measure is how fast the stored bodies are worked off: while bodies pour in the
intake stands back (``bot.intake``), so that the storm is stored first and understood afterwards.
How many were worked off during the rounds is printed. At the end every body that was answered 202
must be in the database, else the benchmark fails.
"""

import asyncio
import itertools
import sqlite3
import statistics
import sys
import tempfile
from pathlib import Path

from benchmarks import report
from benchmarks.bodies import Target, delivery, pull_request_body
from benchmarks.load import Measured, run_load
from benchmarks.processes import module, serve
from benchmarks.world import CONNECTION, opened

ROUNDS = 7
REQUESTS = 5000
CONNECTIONS = 32
WARM_UP = 200
REPOSITORIES, PULL_REQUESTS = 4, 40
GOAL = 0.7
P99_GOAL_S = 0.05
ACCEPTED = 202


class Run:
    """The rounds of both servers."""

    def __init__(self, secret: str, targets: list[Target]) -> None:
        self._secret = secret
        self._targets = targets
        self._notifications = itertools.count(1)

    def requests(self, count: int) -> list[bytes]:
        """So many deliveries, none of which was sent before."""
        made = []
        for number in itertools.islice(self._notifications, count):
            target = self._targets[number % len(self._targets)]
            made.append(delivery(CONNECTION, self._secret, pull_request_body(target, number)))
        return made

    def round(self, port: int, requests: list[bytes]) -> Measured:
        """One round; every answer must be 202."""
        measured = asyncio.run(run_load(port, requests, CONNECTIONS))
        if set(measured.statuses) != {ACCEPTED}:
            sys.exit(f"failed: answers {measured.statuses}")
        return measured


def stored(folder: Path) -> dict[str, int]:
    """How many bodies there are in the database, by state."""
    with sqlite3.connect(folder / "pullcord.db") as db:
        return dict(db.execute("SELECT state, count(*) FROM inbox GROUP BY state").fetchall())


def main() -> None:
    with tempfile.TemporaryDirectory() as name, module("connector") as connector:
        folder = Path(name)
        service_url = f"http://127.0.0.1:{connector.port}"
        with (
            module("world", name, service_url, str(REPOSITORIES)) as world,
            serve(world.said["settings"]) as pullcord,
            module("bare_door", world.said["secret"]) as bare,
        ):
            run = Run(world.said["secret"], opened(world, PULL_REQUESTS))
            for child in (bare, pullcord):
                run.round(child.port, run.requests(WARM_UP))
            pullcord.wait_until_idle()
            accepted = WARM_UP
            bares, ours = [], []
            for _ in range(ROUNDS):
                with pullcord.held():
                    bares.append(run.round(bare.port, run.requests(REQUESTS)))
                    requests = run.requests(REQUESTS)
                ours.append(run.round(pullcord.port, requests))
                accepted += REQUESTS
            states = stored(folder)
    lost = accepted - sum(states.values())
    _report(bares, ours, states, lost)


def _report(bares: list[Measured], ours: list[Measured], states: dict[str, int], lost: int) -> None:
    def row(name: str, rounds: list[Measured]) -> tuple[str, ...]:
        return (
            name,
            f"{statistics.median(each.per_second for each in rounds):,.0f}",
            f"{statistics.median(each.percentile(50) for each in rounds) * 1000:.1f}",
            f"{statistics.median(each.percentile(99) for each in rounds) * 1000:.1f}",
            f"{max(max(each.latencies) for each in rounds) * 1000:.0f}",
        )

    print(f"{ROUNDS} rounds of {REQUESTS} bodies each, {CONNECTIONS} connections; ", end="")
    print(report.machine())
    report.table(
        ("", "webhooks/s", "p50 ms", "p99 ms", "worst ms"),
        [row("bare aiohttp, nothing stored", bares), row("pullcord serve, durable", ours)],
    )
    ratios = [ours_.per_second / bare.per_second for bare, ours_ in zip(bares, ours, strict=True)]
    print(f"ratio by round: {', '.join(f'{ratio:.2f}' for ratio in ratios)}")
    total = sum(states.values())
    print(f"in the database: {total} bodies, {states.get('done', 0)} worked off meanwhile")
    p99 = statistics.median(each.percentile(99) for each in ours)
    failures = []
    if lost:
        failures.append(f"{lost} bodies that were answered 202 are not in the database")
    if p99 >= P99_GOAL_S:
        failures.append(f"p99 is {p99 * 1000:.1f} ms, goal {P99_GOAL_S * 1000:.0f} ms")
    report.finish(statistics.median(ratios), GOAL, failures)


if __name__ == "__main__":
    main()
