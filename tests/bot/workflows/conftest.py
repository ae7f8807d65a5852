"""A team with an Azure DevOps of its own: the sandbox over HTTP, the real client, real SQLite."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlmodel import Session, select

from adapters.azure_devops.client import AzureDevOpsClient
from adapters.azure_devops.credentials import PatCredential
from adapters.azure_devops.payloads import parse_hook
from adapters.sandbox.azure_devops import (
    AzureDevOpsSandbox,
    Fault,
    SandboxIdentity,
    SandboxRepository,
)
from bot.fresh_read import FreshReads
from bot.ports import AzureDevOps, NotFound
from bot.services import Services
from bot.sweep import Sweep
from bot.workflows.start_ticket_types import StartTicketRequest
from storage.engine import Database
from storage.queries import pull_requests
from storage.tables import (
    Connection,
    ConversationRow,
    Link,
    OutboxRow,
    Person,
    PullRequestRow,
    RepositoryRow,
    Subscription,
    WorkflowRun,
)
from tests.databases import migrated

T = TypeVar("T")

CONNECTION = "contoso"
CHANNEL = "19:shop@thread.tacv2"
NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
DESCRIPTION = "<div>People want to <b>pay later</b>.</div>"
CRITERIA = "<ul><li>An invoice is sent</li><li>A reminder after 14 days</li></ul>"


class Clock:
    """Stands still until it is moved; every look is one millisecond later."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        self.now += timedelta(milliseconds=1)
        return self.now

    def advance(self, **by: float) -> None:
        self.now += timedelta(**by)


class World:
    """The team, its repository ``shop``, and what the bot works with."""

    def __init__(self, sandbox: AzureDevOpsSandbox, db: Database, clock: Clock) -> None:
        self.sandbox = sandbox
        self.db = db
        self.clock = clock
        self.slept: list[float] = []
        self.clients: list[AzureDevOpsClient] = []
        self.wrap: Callable[[AzureDevOps], AzureDevOps] = lambda client: client
        self.services = Services(
            db=db,
            azure_devops=self._client,
            teams=None,  # type: ignore[arg-type]  # no workflow talks to Teams
            parse_hook=parse_hook,
            clock=clock,
            sleep=self._sleep,
        )
        self.reads = FreshReads(self.services)
        self.sweep = Sweep(self.services, self.reads)
        self._causes = 0

    async def build(self) -> None:
        box = self.sandbox
        self.maya_there = box.add_person("Maya Sample", "maya@example.com")
        self.jonas_there = box.add_person("Jonas Sample", "jonas@example.com")
        self.priya_there = box.add_person("Priya Sample", "priya@example.com")
        self.bot_there = box.add_person("Pullcord Service", "pullcord@example.com")
        self.pat = box.issue_pat(self.bot_there)
        self.project = box.add_project("Shop")
        self.shop = await box.add_repository(
            self.project, "shop", files={"README.md": "shop\n"}, author=self.maya_there
        )
        self.client = AzureDevOpsClient(
            CONNECTION,
            box.base_url,
            [PatCredential("test", self.pat)],
            clock=self.clock,
            sleep=self._sleep,
        )
        await self.db.write(self._store)

    def _store(self, session: Session) -> None:
        session.add(
            Connection(
                name=CONNECTION,
                base_url=self.sandbox.base_url,
                projects=["Shop"],
                created_at=NOW - timedelta(days=30),
                settings={"own_identity": self.bot_there.id},
            )
        )
        session.add(
            ConversationRow(
                id=CHANNEL,
                kind="channel",
                service_url="https://smba.example.com",
                tenant_id="tenant",
                created_at=NOW,
            )
        )
        session.flush()
        session.add(self.row_of(self.shop))
        self.maya = Person(teams_user_id="29:maya", name="Maya Sample", mail="maya@example.com")
        self.jonas = Person(teams_user_id="29:jonas", name="Jonas Sample", mail="jonas@example.com")
        session.add(self.maya)
        session.add(self.jonas)
        session.flush()

    def row_of(self, repository: SandboxRepository, **values: Any) -> RepositoryRow:
        return RepositoryRow(
            connection=CONNECTION,
            id=repository.id,
            name=repository.name,
            project_id=repository.project.id,
            project_name=repository.project.name,
            default_branch=repository.default_branch,
            **values,
        )

    async def _client(self, connection: str) -> AzureDevOps:
        if connection != CONNECTION:
            raise NotFound(f"there is no connection {connection}")
        return self.wrap(self.client)

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.clock.advance(seconds=seconds)
        await self.sandbox.settled()  # git needs real time, of which a sleep here gives none

    def ticket(self, title: str = "Pay later", **fields: Any) -> int:
        values = {"description": DESCRIPTION, "acceptance_criteria": CRITERIA, **fields}
        return self.sandbox.add_work_item(self.project, "User Story", title, **values)

    def order(self, ticket: int, **values: Any) -> StartTicketRequest:
        """Maya's order in the channel; every order has a cause of its own."""
        self._causes += 1
        request = StartTicketRequest(
            ticket=ticket,
            asker=self.maya,
            conversation_id=CHANNEL,
            cause=f"activity/{self._causes}",
        )
        return replace(request, **values)

    async def read(self, fn: Callable[[Session], T]) -> T:
        return await self.db.read(fn)

    async def links(self) -> list[Link]:
        return list(await self.read(lambda s: s.exec(select(Link).order_by(Link.id)).all()))  # type: ignore[arg-type]

    async def outbox(self) -> list[OutboxRow]:
        return list(
            await self.read(lambda s: s.exec(select(OutboxRow).order_by(OutboxRow.id)).all())  # type: ignore[arg-type]
        )

    async def run(self) -> WorkflowRun:
        return await self.read(lambda s: s.exec(select(WorkflowRun)).one())

    async def stored(self, number: int) -> PullRequestRow:
        return await self.read(
            lambda s: s.exec(select(PullRequestRow).where(PullRequestRow.number == number)).one()
        )

    async def ask_for_read(self, pull_request_id: int) -> None:
        await self.db.write(lambda s: pull_requests.ask_for_read(s, pull_request_id))

    async def subscribe(self, **values: Any) -> None:
        row = Subscription(
            conversation_id=CHANNEL,
            connection=CONNECTION,
            project="Shop",
            repository="shop",
            created_at=NOW - timedelta(days=20),
            **values,
        )
        await self.db.write(lambda s: s.add(row))

    async def pull_request(
        self, branch: str, author: SandboxIdentity, text: str | None = None, **values: Any
    ) -> int:
        """A branch with one change, and a pull request from it."""
        content = {f"{branch}.txt": text or f"{branch}\n"}
        await self.sandbox.commit(self.shop, branch, content, author, f"Add {branch}")
        values.setdefault("title", f"About {branch}")
        made = await self.sandbox.create_pull_request(self.shop, author, branch, **values)
        return made.id

    async def reached(self, fault: Fault, hits: int = 1) -> None:
        """Wait until requests have come to where a fault holds them."""
        while fault.hits < hits:
            await asyncio.sleep(0)

    def calls(self) -> list[str]:
        return [f"{call.method} {call.path}" for call in self.sandbox.calls]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    clock = Clock()
    sandbox = AzureDevOpsSandbox(tmp_path / "git", clock=clock)
    await sandbox.start()
    url = migrated(tmp_path / "pullcord.db")
    async with Database.open(url) as db:
        made = World(sandbox, db, clock)
        try:
            await made.build()
            yield made
        finally:
            await made.client.close()
            await sandbox.stop()
