"""How ``pullcord serve`` keeps its limits: a hanging Azure DevOps, hostile and endless bodies.

The real process, with an Azure DevOps (the sandbox) and a Bot Connector around it.

Health (CHECKS 7): Azure DevOps is stopped (SIGSTOP), so that every call to it hangs, while webhooks
about pull requests come that make Pullcord read them; ``/healthz`` is asked every 20 ms for ten
seconds. It must answer within 100 ms.

Hostile bodies (CHECKS 15), and good ones that are dear to read: each is sent three times, one after
the other; the best time to its answer counts, because a busy machine proves nothing. A 400 must
come within 100 ms.

Memory (CHECKS 14): 50 MB in chunks without a length, and a body that unpacks to 100 MB, one after
the other, ten times; the resident memory, looked at every 20 ms, may grow by 10 MB. The same is
sent once before, because a process keeps what its first large body needed. Then eight senders do it
at once, and ``/healthz`` is asked meanwhile; what that keeps is printed without a goal.
"""

import asyncio
import gzip
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import aiohttp

from benchmarks import report
from benchmarks.bodies import delivery, pull_request_body
from benchmarks.load import run_load
from benchmarks.processes import Child, module, serve
from benchmarks.world import CONNECTION, opened

GOAL_MS, GOAL_MB = 100, 10
HANGS_S, ASK_EVERY_S = 10.0, 0.02
PULL_REQUESTS = 40
SENDERS, SENT_MB, CHUNK = 8, 50, 65_536
MB = 1024 * 1024

HOSTILE = {
    "100,000 deep": b'{"a":' * 100_000,
    "malformed UTF-8": b'{"a":"\xff\xfe"}' + b" " * 100_000,
    "NaN": b'{"a":NaN}',
    "5,000 digits": b'{"a":' + b"1" * 5_000 + b"}",
    "a key twice": b'{"a":1,"a":2}',
    "wrong types": b'{"id":5,"eventType":[]}',
    "null": b"null",
    "a list": b"[]",
    "empty": b"",
    "900,000 values": b'{"a":[' + b"1," * 900_000 + b"1]}",
    "2 MB of text, cut off": b'{"a":"' + b"x" * (2 * MB - 10),
    "2 MB of spaces": b" " * (2 * MB),
    "2 MB of digits": b'{"a":' + b"1" * (2 * MB - 10) + b"}",
    "2 MB of brackets": b"[" * (2 * MB),
}
DEAR = {
    "half characters": b'{"a":"' + rb"\ud800" * 79_000 + b'"}',
    "26,000 objects": b'{"a":[' + b'{"a":1},' * 26_000 + b"1]}",
    "79,000 reals": b'{"a":[' + b"1.5," * 79_000 + b"1]}",
    "79,000 keys": b"{" + b",".join(b'"k%d":1' % number for number in range(79_000)) + b"}",
    "2 MB of escapes": b'{"a":"' + rb"\\" * (MB - 10) + b'"}',
}
"""These are good JSON, and stored; printed without a goal."""


@dataclass(frozen=True, slots=True)
class Door:
    """Where webhooks go, and what lets them in."""

    pullcord: Child
    secret: str

    @property
    def url(self) -> str:
        """The address of the process."""
        return f"http://127.0.0.1:{self.pullcord.port}"

    async def post(
        self, http: aiohttp.ClientSession, body: object, **headers: str
    ) -> tuple[int, float]:
        """The status of the answer (0: cut off while sending) and the seconds until it came."""
        started = time.perf_counter()
        try:
            async with http.post(
                f"{self.url}/webhooks/ado/{CONNECTION}",
                data=body,
                headers={"X-ADO-Signature": self.secret, **headers},
            ) as answer:
                await answer.read()
                return answer.status, time.perf_counter() - started
        except aiohttp.ClientError:
            return 0, time.perf_counter() - started


async def health(door: Door, until: asyncio.Event) -> list[float]:
    """The seconds of each answer of ``/healthz`` until that is set."""
    seconds = []
    async with aiohttp.ClientSession() as http:
        while not until.is_set():
            started = time.perf_counter()
            async with http.get(f"{door.url}/healthz") as answer:
                if answer.status != 200:
                    raise RuntimeError(f"/healthz answers {answer.status}")
            seconds.append(time.perf_counter() - started)
            await asyncio.sleep(ASK_EVERY_S)
    return seconds


async def while_azure_devops_hangs(door: Door, requests: list[bytes]) -> list[float]:
    """Health meanwhile."""
    over = asyncio.Event()
    asked = asyncio.create_task(health(door, over))
    await run_load(door.pullcord.port, requests, 8)
    await asyncio.sleep(HANGS_S)
    over.set()
    return await asked


async def hostile(door: Door) -> dict[str, tuple[int, float]]:
    """The answer to each body, and its best time."""
    found = {}
    async with aiohttp.ClientSession() as http:
        for name, body in (HOSTILE | DEAR).items():
            tried = [await door.post(http, body) for _ in range(3)]
            found[name] = (tried[0][0], min(seconds for _, seconds in tried))
    return found


async def chunks() -> AsyncIterator[bytes]:
    """A body without a length."""
    for _ in range(SENT_MB * MB // CHUNK):
        yield b"x" * CHUNK


BOMB = gzip.compress(b"\0" * (100 * MB))


async def too_much(door: Door, times: int) -> tuple[set[int], float]:
    """The answers to what is too much, one after the other, and the most resident bytes."""
    over, statuses = asyncio.Event(), set[int]()

    async def watch() -> float:
        most = 0
        while not over.is_set():
            most = max(most, door.pullcord.resident_bytes)
            await asyncio.sleep(ASK_EVERY_S)
        return most

    watching = asyncio.create_task(watch())
    async with aiohttp.ClientSession() as http:
        for _ in range(times):
            statuses.add((await door.post(http, chunks()))[0])
            statuses.add((await door.post(http, BOMB, **{"Content-Encoding": "gzip"}))[0])
    over.set()
    return statuses, await watching


async def crowd(door: Door) -> tuple[set[int], list[float]]:
    """The answers to many who send too much at once, and health meanwhile."""
    over = asyncio.Event()
    asked = asyncio.create_task(health(door, over))
    async with aiohttp.ClientSession() as http:
        answers = await asyncio.gather(*(door.post(http, chunks()) for _ in range(SENDERS)))
    over.set()
    return {status for status, _ in answers}, await asked


def main() -> None:
    with tempfile.TemporaryDirectory() as name, module("connector") as connector:
        url = f"http://127.0.0.1:{connector.port}"
        with (
            module("world", name, url, "4") as world,
            serve({**world.said["settings"], "PULLCORD_LOG_LEVEL": "ERROR"}) as pullcord,
        ):
            door = Door(pullcord, world.said["secret"])
            targets = opened(world, PULL_REQUESTS)
            pullcord.wait_until_idle()
            requests = [
                delivery(CONNECTION, door.secret, pull_request_body(target, number))
                for number, target in enumerate(targets, start=1)
            ]
            with world.held():
                hanging = asyncio.run(while_azure_devops_hangs(door, requests))
            refused = asyncio.run(hostile(door))
            asyncio.run(too_much(door, 1))
            before = pullcord.resident_bytes
            answers, most = asyncio.run(too_much(door, 10))
            grown = (most - before) / MB
            more, crowded = asyncio.run(crowd(door))
            kept = (pullcord.resident_bytes - before) / MB
    _report(Found(hanging, refused, answers | more, crowded, grown, kept))


@dataclass(frozen=True, slots=True)
class Found:
    """Seconds of ``/healthz`` while Azure DevOps hangs and in a crowd, answers, and MB."""

    hanging: Sequence[float]
    refused: dict[str, tuple[int, float]]
    answers: set[int]
    crowded: Sequence[float]
    grown: float
    kept: float


def _report(found: Found) -> None:
    def row(what: str, seconds: Sequence[float], goal: object = GOAL_MS) -> tuple[object, ...]:
        ordered = sorted(seconds)
        median, worst = ordered[len(ordered) // 2], ordered[-1]
        return (what, f"{median * 1000:.1f}", f"{worst * 1000:.1f}", goal)

    hostile_s = [found.refused[name][1] for name in HOSTILE]
    dear_s = [found.refused[name][1] for name in DEAR]
    print(report.machine())
    report.table(
        ("", "median ms", "worst ms", "goal ms"),
        [
            row(f"/healthz while Azure DevOps hangs ({len(found.hanging)} times)", found.hanging),
            row(f"/healthz while {SENDERS} send without end", found.crowded),
            row(f"400 to a hostile body ({len(HOSTILE)} kinds)", hostile_s),
            row("202 to a body that is dear to read", dear_s, ""),
        ],
    )
    print(
        f"memory grown by what is too much: {found.grown:.1f} MB, goal {GOAL_MB} MB; after "
        f"{SENDERS} at once: {found.kept:.1f} MB"
    )
    failures = [
        f"{name} is answered {status}"
        for name, (status, _) in found.refused.items()
        if status != (202 if name in DEAR else 400)
    ]
    if not found.answers <= {413, 0}:
        failures.append(f"what is too much is answered {sorted(found.answers)}")
    worst_ms = 1000 * max(*found.hanging, *found.crowded, *hostile_s)
    report.finish(min(GOAL_MS / worst_ms, GOAL_MB / max(found.grown, 0.1)), 1.0, failures)


if __name__ == "__main__":
    main()
