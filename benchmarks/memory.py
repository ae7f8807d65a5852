"""Resident memory of ``pullcord serve``: idle, and after 100,000 events.

The real process, with an Azure DevOps (the sandbox) and a Bot Connector around it, gets 100,000
webhooks of 2 KB over 32 connections in portions, and works each portion off before the next: of 100
events 90 are of kinds that Pullcord keeps and does not use, 5 are pushes, 4 changed tickets, and 1
is about one of 200 pull requests, which is read from Azure DevOps and whose card goes to Teams.
Measured when the last is worked off. What it was after each portion is printed too, because what
keeps growing is a leak whatever the last figure is. All are MB of 1,048,576 bytes.

The process measured is started a second time: the first start keeps the bytecode of modules that
changed, as an installation does once.

The processor time that it uses while it has nothing to do is printed and must be under 2 %.
"""

import asyncio
import itertools
import sqlite3
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import report
from benchmarks.bodies import Target, delivery, pull_request_body, push_body, ticket_body
from benchmarks.load import run_load
from benchmarks.processes import Child, module, serve
from benchmarks.world import CONNECTION, opened

EVENTS = 100_000
PORTION = 5_000
CONNECTIONS = 32
REPOSITORIES, PULL_REQUESTS = 20, 200
"""20 channels: Teams takes 2 cards a second in each, so with fewer the run would wait for that."""
IDLE_GOAL_MB, AFTER_GOAL_MB = 130, 200
IDLE_S = 20
IDLE_CPU_GOAL = 0.02
MB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Measured:
    """``cpu`` is a part of one processor; ``idle`` and ``sizes`` (after each portion) are MB."""

    cpu: float
    idle: float
    sizes: Sequence[float]
    seconds: float


def body(number: int, targets: list[Target]) -> bytes:
    """The event of that number."""
    place, target = number % 100, targets[number // 100 % len(targets)]
    if place == 0:
        return pull_request_body(target, number)
    if place <= 4:
        return ticket_body(number % 1000, number)
    if place <= 9:
        return push_body(target.repository_id, target.project_id, number)
    return unused_body(number)


def unused_body(number: int) -> bytes:
    """A kind that Pullcord has no use for."""
    return ticket_body(1, number).replace(b"workitem.updated", b"workitem.deleted")


def wait_until_worked_off(folder: Path) -> None:
    """Wait until no body waits in the inbox and no message in the outbox."""
    with sqlite3.connect(folder / "pullcord.db") as db:
        while True:
            waiting = [
                db.execute(f"SELECT count(*) FROM {table} WHERE state = 'pending'").fetchone()[0]
                for table in ("inbox", "outbox")
            ]
            if not any(waiting):
                return
            time.sleep(0.2)


def pour(pullcord: Child, folder: Path, secret: str, targets: list[Target]) -> list[float]:
    """Send all events; the resident MB after each portion was worked off."""
    sizes = []
    numbers = itertools.count(1)
    for _ in range(EVENTS // PORTION):
        requests = [
            delivery(CONNECTION, secret, body(number, targets))
            for number in itertools.islice(numbers, PORTION)
        ]
        measured = asyncio.run(run_load(pullcord.port, requests, CONNECTIONS))
        if set(measured.statuses) != {202}:
            sys.exit(f"failed: answers {measured.statuses}")
        wait_until_worked_off(folder)
        sizes.append(pullcord.resident_bytes / MB)
    return sizes


def idle_cpu(pullcord: Child) -> float:
    """The part of one processor that it uses with nothing to do."""
    pullcord.wait_until_idle()
    before = pullcord.cpu_s
    time.sleep(IDLE_S)
    return (pullcord.cpu_s - before) / IDLE_S


def measured(world: Child, folder: Path) -> Measured:
    """One life of ``pullcord serve``."""
    with serve(world.said["settings"]) as pullcord:
        cpu = idle_cpu(pullcord)
        idle = pullcord.resident_bytes / MB
        started = time.perf_counter()
        targets = opened(world, PULL_REQUESTS)
        sizes = pour(pullcord, folder, world.said["secret"], targets)
        return Measured(cpu, idle, sizes, time.perf_counter() - started)


def main() -> None:
    with tempfile.TemporaryDirectory() as name, module("connector") as connector:
        folder, url = Path(name), f"http://127.0.0.1:{connector.port}"
        with module("world", name, url, str(REPOSITORIES)) as world:
            with serve(world.said["settings"]) as first:
                first.wait_until_idle()
            found = measured(world, folder)
    after = found.sizes[-1]
    print(f"{EVENTS:,} events stored and worked off in {found.seconds:.0f} s; {report.machine()}")
    report.table(
        ("", "MB", "goal"),
        [
            ("idle", f"{found.idle:.1f}", IDLE_GOAL_MB),
            (f"after {EVENTS:,} events", f"{after:.1f}", AFTER_GOAL_MB),
        ],
    )
    print(f"after each {PORTION:,}: {' '.join(f'{size:.0f}' for size in found.sizes)}")
    print(f"processor while idle: {found.cpu * 100:.2f} %, goal under {IDLE_CPU_GOAL * 100:.0f} %")
    failures = []
    if found.cpu >= IDLE_CPU_GOAL:
        failures.append(f"{found.cpu * 100:.1f} % of a processor while idle")
    ratio = min(IDLE_GOAL_MB / found.idle, AFTER_GOAL_MB / after)
    report.finish(ratio, 1.0, failures)


if __name__ == "__main__":
    main()
