"""Calls and time of a push to a target branch with 10, 100 and 500 open pull requests.

The sandbox is Azure DevOps over HTTP with real git, and does not merge again by itself. The list is
asked for, then once what the branch gained, and each pull request whose files were touched is
merged on trial by the real ``bot.conflicts.target_moved``. One in ten conflicts with what was
pushed. Printed are the HTTP requests by kind: a trial merge is one POST, and one GET for each look
at how it went. Each size has two pushes: one while it is not known which files the pull requests
change, so that each is asked for them once, and one when it is, as the radar sees to.

It fails when a conflict is missed or invented, when a pull request is merged on trial that the push
does not touch, or when a push costs more than two calls and one for each open pull request while
their files are known.
"""

import asyncio
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from sqlmodel import Session

from adapters.azure_devops.client import AzureDevOpsClient
from adapters.azure_devops.credentials import PatCredential
from adapters.azure_devops.http import TimeOuts
from adapters.azure_devops.payloads import parse_hook
from adapters.sandbox.azure_devops import AzureDevOpsSandbox, SandboxIdentity, SandboxRepository
from benchmarks import report
from bot.conflicts.episodes import FLAP
from bot.conflicts.target_moved import Target, TargetMoved
from bot.ports import AzureDevOps, utc_now
from bot.recording import record_snapshot
from bot.services import Services
from storage import schema
from storage.engine import Database
from storage.queries import conflicts
from storage.tables import Connection, RepositoryRow

SIZES = (10, 100, 500)
ONE_IN = 10
CONNECTION = "bench"
BRANCH = "main"
WITHIN_S = 180.0
"""The longest that 500 may take ("minutes")."""
KNOWN = "known"


class Place:
    """A sandbox with one repository, and the bot's parts that look at a moved target."""

    def __init__(self, box: AzureDevOpsSandbox, db: Database, client: AzureDevOpsClient) -> None:
        self.box, self.db, self.client = box, db, client
        self.services = Services(
            db=db,
            azure_devops=self._client,
            teams=None,  # type: ignore[arg-type]  # nothing is sent here
            parse_hook=parse_hook,
            clock=utc_now,
            sleep=asyncio.sleep,
        )

    async def _client(self, _name: str) -> AzureDevOps:
        return self.client


async def measure(size: int, folder: Path) -> tuple[list[list[object]], list[str]]:
    """Two rows of the table, and what was wrong."""
    box = AzureDevOpsSandbox(folder / f"git-{size}")
    await box.start()
    author = box.add_person("Maya Sample", "maya@example.com")
    shop = await box.add_repository(box.add_project("Shop"), "shop", files={"README.md": "x\n"})
    client = AzureDevOpsClient(
        CONNECTION,
        box.base_url,
        [PatCredential("pat", box.issue_pat(author))],
        timeouts=TimeOuts(connect_s=30.0, total_s=120.0),
    )
    url = f"sqlite:///{folder / f'{size}.db'}"
    await asyncio.to_thread(schema.upgrade, url)
    async with Database.open(url) as db:
        place = Place(box, db, client)
        await _fill(place, shop, author, size)
        first = await _push(place, shop, author, size, known=False)
        second = await _push(place, shop, author, size, known=True)
    await client.close()
    await box.stop()
    return [first[0], second[0]], first[1] + second[1]


async def _fill(place: Place, shop: SandboxRepository, author: SandboxIdentity, size: int) -> None:
    def store(session: Session) -> None:
        session.add(
            Connection(
                name=CONNECTION,
                base_url=place.box.base_url,
                created_at=datetime(2026, 1, 1, tzinfo=UTC),
            )
        )
        session.flush()
        session.add(
            RepositoryRow(
                connection=CONNECTION,
                id=shop.id,
                name="shop",
                project_id=shop.project.id,
                project_name="Shop",
            )
        )

    await place.db.write(store)
    for number in range(size):
        file = "README.md" if number % ONE_IN == 0 else f"file-{number}.txt"
        branch = f"b{number}"
        await place.box.commit(shop, branch, {file: f"{number}\n"}, author, branch)
        await place.box.create_pull_request(shop, author, branch, title=branch)
    listed = await place.client.pull_requests(project="Shop", repository=shop.id)
    for snapshot in listed:
        now = utc_now()
        await place.db.write(
            partial(record_snapshot, snapshot=snapshot, cause="bench", now=now, flap=FLAP)
        )


async def _push(
    place: Place, shop: SandboxRepository, author: SandboxIdentity, size: int, *, known: bool
) -> tuple[list[object], list[str]]:
    text = f"pushed, files {'known' if known else 'unknown'}\n"
    await place.box.commit(shop, BRANCH, {"README.md": text}, author, "Direct")
    moved = TargetMoved(place.services)
    place.box.calls.clear()
    began = time.perf_counter()
    target: Target = (CONNECTION, shop.project.id, shop.id, f"refs/heads/{BRANCH}")
    await moved.pushed(target, cause="bench")
    while not moved.is_idle:
        await asyncio.sleep(0.01)
    took = time.perf_counter() - began
    calls = Counter(_kind(call.method, call.path) for call in place.box.calls)
    found = await place.db.read(lambda s: len(conflicts.open_episodes(s, CONNECTION)))
    wanted = -(-size // ONE_IN)
    wrong = []
    if found != wanted:
        wrong.append(f"{size}: {found} conflicts found, {wanted} are there")
    if calls["trial merges"] > wanted:
        wrong.append(f"{size}: {calls['trial merges']} trial merges, {wanted} are touched")
    if calls["comparisons"] > 1 + (0 if known else size):
        wrong.append(f"{size}: too many comparisons: {dict(calls)}")
    if known and sum(calls.values()) > 2 + size:
        wrong.append(f"{size}: {sum(calls.values())} calls")
    if calls["others"]:
        wrong.append(f"{size}: {calls['others']} calls of no known kind")
    if took > WITHIN_S:
        wrong.append(f"{size}: took {took:.0f} s")
    kinds = [calls[kind] for kind in ("lists", "comparisons", "trial merges", "looks")]
    files = KNOWN if known else "asked for"
    return [size, files, *kinds, sum(calls.values()), 2 + size, found, f"{took:.2f}"], wrong


def _kind(method: str, path: str) -> str:
    if "/merges" in path:
        return "trial merges" if method == "POST" else "looks"
    if path.endswith("/diffs/commits"):
        return "comparisons"
    return "lists" if path.lower().endswith("/pullrequests") else "others"


async def main() -> tuple[float, list[str]]:
    """How many times the calls fit into 2 + n where the files are known, and what was wrong."""
    rows, failures = [], []
    with tempfile.TemporaryDirectory() as folder:
        for size in SIZES:
            measured, wrong = await measure(size, Path(folder))
            rows += measured
            failures += wrong
    print(report.machine())
    header = (
        *("open", "files", "lists", "comparisons", "trial merges", "looks"),
        *("calls", "2 + n", "conflicts", "seconds"),
    )
    report.table(header, rows)
    known = [row for row in rows if row[1] == KNOWN]
    return min(int(str(row[7])) / int(str(row[6])) for row in known), failures


if __name__ == "__main__":
    ratio, problems = asyncio.run(main())
    report.finish(ratio, 1.0, problems)
