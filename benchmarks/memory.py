"""Resident memory of ``pullcord serve``: idle, and after 100,000 events.

The real process, with an Azure DevOps (the sandbox) and a Bot Connector around it, gets 100,000
webhooks of 2 KB over 32 connections in portions, and works each portion off before the next: of 100
events 90 are of kinds that Pullcord keeps and does not use, 5 are pushes, 4 changed tickets, and 1
is about one of 200 pull requests, which is read from Azure DevOps and whose card goes to Teams.
Measured when the last is worked off. The greatest figure on the way is printed too.

The processor time that it uses while it has nothing to do is printed and must be under 2 %.
"""

import asyncio
import itertools
import sqlite3
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import report
from benchmarks.bodies import Target, delivery, pull_request_body, push_body, ticket_body
from benchmarks.load import run_load
from benchmarks.processes import Child, module, serve
from benchmarks.world import CONNECTION, opened

EVENTS = 100_000
PORTION = 5_000
CONNECTIONS = 32
REPOSITORIES, PULL_REQUESTS = 4, 200
IDLE_GOAL_MB, AFTER_GOAL_MB = 130, 200
IDLE_S = 20
IDLE_CPU_GOAL = 0.02
MB = 1024 * 1024


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


def pour(pullcord: Child, folder: Path, secret: str, targets: list[Target]) -> int:
    """Send all events; the greatest resident size seen after a portion, in bytes."""
    greatest = 0
    numbers = itertools.count(1)
    for _ in range(EVENTS // PORTION):
        requests = [
            delivery(CONNECTION, secret, body(number, targets))
            for number in itertools.islice(numbers, PORTION)
        ]
        measured = asyncio.run(run_load(pullcord.port, requests, CONNECTIONS))
        if set(measured.statuses) != {202}:
            sys.exit(f"failed: answers {measured.statuses}")
        greatest = max(greatest, pullcord.resident_bytes)
        wait_until_worked_off(folder)
        greatest = max(greatest, pullcord.resident_bytes)
    return greatest


def idle_cpu(pullcord: Child) -> float:
    """The part of one processor that it uses with nothing to do."""
    pullcord.wait_until_idle()
    before = pullcord.cpu_s
    time.sleep(IDLE_S)
    return (pullcord.cpu_s - before) / IDLE_S


def main() -> None:
    with tempfile.TemporaryDirectory() as name, module("connector") as connector:
        folder, url = Path(name), f"http://127.0.0.1:{connector.port}"
        with (
            module("world", name, url, str(REPOSITORIES)) as world,
            serve(world.said["settings"]) as pullcord,
        ):
            cpu = idle_cpu(pullcord)
            idle = pullcord.resident_bytes / MB
            started = time.perf_counter()
            targets = opened(world, PULL_REQUESTS)
            greatest = pour(pullcord, folder, world.said["secret"], targets) / MB
            after = pullcord.resident_bytes / MB
            seconds = time.perf_counter() - started
    print(f"{EVENTS:,} events stored and worked off in {seconds:.0f} s; {report.machine()}")
    report.table(
        ("", "MB", "goal"),
        [
            ("idle", f"{idle:.0f}", IDLE_GOAL_MB),
            (f"after {EVENTS:,} events", f"{after:.0f}", AFTER_GOAL_MB),
            ("greatest on the way", f"{greatest:.0f}", ""),
        ],
    )
    print(f"processor while idle: {cpu * 100:.2f} %, goal under {IDLE_CPU_GOAL * 100:.0f} %")
    failures = []
    if cpu >= IDLE_CPU_GOAL:
        failures.append(f"{cpu * 100:.1f} % of a processor while idle")
    report.finish(min(IDLE_GOAL_MB / idle, AFTER_GOAL_MB / after), 1.0, failures)


if __name__ == "__main__":
    main()
