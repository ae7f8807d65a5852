"""A team that talks with the bot: both sandboxes over HTTP, real SQLite, turns and delivery.

A test reads like a conversation: somebody says something, the bot's new messages are the answer.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import aiohttp
from aiohttp import web
from sqlmodel import Session, col, select

from adapters.azure_devops.client import AzureDevOpsClient
from adapters.azure_devops.credentials import PatCredential
from adapters.azure_devops.payloads import parse_hook
from adapters.sandbox.azure_devops import AzureDevOpsSandbox, SandboxIdentity
from adapters.sandbox.teams import BotAnswer, Message, TeamsPerson, TeamsSandbox, render_text
from adapters.sandbox.teams import Conversation as Place
from adapters.teams import TeamsClient, TeamsConfig, TeamsInbound, connector_tokens
from bot.delivery import Delivery
from bot.link_previews import LinkPreviews
from bot.ports import AzureDevOps, NotFound
from bot.recording import record_snapshot
from bot.roles import RoleRules
from bot.send_budget import SendBudget
from bot.services import Services
from bot.teams_model import ActionAnswer, LinkPasted, OutgoingMessage, TeamsEvent
from bot.turns import Turns
from storage.engine import CannotStore, Database
from storage.tables import ActivityRow, AuditRow, Connection, OutboxRow, RepositoryRow

T = TypeVar("T")

APP_ID = "7c0f2c1a-63a5-4c92-8c0d-0f3f0a2b7d44"
APP_PASSWORD = "sample-password-of-the-bot"
TENANT_ID = "a4b7d1c2-0f6e-4a52-9c3b-5e8d7f6a1b20"
ADMINISTRATOR = "admin@example.com"
CONNECTION = "contoso"
NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


class Clock:
    """Stands still until it is moved; every look is one millisecond later."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        self.now += timedelta(milliseconds=1)
        return self.now

    def monotonic(self) -> float:
        return self.now.timestamp()

    async def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Talk:
    """The team "Web" with the channel General, its people, and the repositories shop and api."""

    def __init__(
        self,
        db: Database,
        azure: AzureDevOpsSandbox,
        teams: TeamsSandbox,
        session: aiohttp.ClientSession,
        clock: Clock,
    ) -> None:
        self.db, self.azure, self.teams, self.clock = db, azure, teams, clock
        self.session = session
        self.config = TeamsConfig(
            app_id=APP_ID,
            app_password=APP_PASSWORD,
            tenant_id=TENANT_ID,
            service_hosts=("127.0.0.1",),
            openid_metadata_url=teams.openid_metadata_url,
            token_issuer=teams.token_issuer,
            login_url=teams.login_url,
        )
        self.services = Services(
            db=db,
            azure_devops=self._client,
            teams=TeamsClient(
                session, self.config, connector_tokens(session, self.config, clock=clock)
            ),
            parse_hook=parse_hook,
            clock=clock,
            sleep=clock.sleep,
            administrators=frozenset({ADMINISTRATOR}),
        )
        self.restart()
        self._seen: set[str] = set()

    async def _preview(self, pasted: LinkPasted) -> OutgoingMessage | None:
        return await LinkPreviews(self.services)(pasted)

    async def _hear(self, event: TeamsEvent) -> ActionAnswer | None:
        return await self.turns(event)

    def rules(self, **rules: Any) -> None:
        """Other roles in the settings (bot.roles.RoleRules), as after a restart."""
        self.services = replace(self.services, role_rules=RoleRules(**rules))
        self.restart()

    def restart(self) -> None:
        """New loops over the same database, as after a crash."""
        self.turns = Turns(self.services)
        self.delivery = Delivery(
            self.services, SendBudget(per_second=30), monotonic=self.clock.monotonic
        )

    async def build(self) -> web.AppRunner:
        inbound = TeamsInbound(
            self.config,
            self._hear,
            self.session,
            unavailable=(CannotStore,),
            clock=self.clock,
            preview=self._preview,
        )
        application = web.Application()
        application.router.add_post("/api/messages", inbound.post)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.2)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        await self.teams.connect(f"http://127.0.0.1:{runner.addresses[0][1]}/api/messages")
        await self._build_azure_devops()
        self.maya = self.teams.add_person("Maya Sample", "maya@example.com")
        self.jonas = self.teams.add_person("Jonas Sample", "Jonas@Example.com")
        self.admin = self.teams.add_person("Ada Sample", ADMINISTRATOR)
        self.guest = self.teams.add_person("Gus Sample", "gus@example.org", guest=True)
        self.team = self.teams.add_team("Web")
        self.channel = self.team.general
        return runner

    async def _build_azure_devops(self) -> None:
        box = self.azure
        self.maya_there = box.add_person("Maya Sample", "maya@example.com")
        self.jonas_there = box.add_person("Jonas Sample", "jonas@example.com")
        self.bot_there = box.add_person("Pullcord Service", "pullcord@example.com")
        self.project = box.add_project("Shop")
        self.shop = await box.add_repository(
            self.project, "shop", files={"README.md": "shop\n"}, author=self.maya_there
        )
        self.api = await box.add_repository(
            self.project, "api", files={"README.md": "api\n"}, author=self.maya_there
        )
        self.client = AzureDevOpsClient(
            CONNECTION,
            box.base_url,
            [PatCredential("test", box.issue_pat(self.bot_there))],
            clock=self.clock,
            sleep=self.clock.sleep,
        )
        await self.db.write(self._store)

    def _store(self, session: Session) -> None:
        session.add(
            Connection(
                name=CONNECTION,
                base_url=self.azure.base_url,
                projects=["Shop"],
                created_at=NOW - timedelta(days=30),
            )
        )
        session.flush()
        for repository in (self.shop, self.api):
            session.add(
                RepositoryRow(
                    connection=CONNECTION,
                    id=repository.id,
                    name=repository.name,
                    project_id=self.project.id,
                    project_name="Shop",
                    default_branch="refs/heads/main",
                )
            )

    async def _client(self, connection: str) -> AzureDevOps:
        if connection != CONNECTION:
            raise NotFound(f"there is no connection {connection}")
        return self.client

    def chat(self, person: TeamsPerson) -> Place:
        return self.teams.personal_chat(person)

    async def move_in(self) -> None:
        """The app in the team and in everybody's personal chat; greetings are not looked at."""
        await self.teams.install(self.team, by=self.maya)
        for person in (self.maya, self.jonas, self.admin, self.guest):
            await self.teams.install(person)
        await self.settle()
        self.heard()

    async def settle(self) -> None:
        """Let everything that was said be handled and sent."""
        await self.turns.work_off()
        await self.delivery.work_off()

    def heard(self) -> list[Message]:
        """The bot's messages that are new since the last look."""
        new = [
            message
            for place in self.teams.world.conversations.values()
            for message in place.all_messages()
            if message.from_bot and message.activity_id not in self._seen
        ]
        self._seen |= {message.activity_id for message in new}
        return sorted(new, key=lambda message: message.activity_id)

    async def say(
        self, text: str, *, by: TeamsPerson | None = None, to: Place | None = None
    ) -> str:
        """What the bot answers to one message, in the personal chat unless ``to`` says where."""
        person = by or self.maya
        await self.teams.say(person, to or self.chat(person), text)
        await self.settle()
        return self.text()

    async def say_and_see(self, text: str, *, by: TeamsPerson | None = None) -> Message:
        """The one message that the bot answers with."""
        person = by or self.maya
        await self.teams.say(person, self.chat(person), text)
        await self.settle()
        (message,) = self.heard()
        return message

    async def press(
        self,
        person: TeamsPerson,
        message: Message,
        button: str,
        inputs: dict[str, str] | None = None,
    ) -> BotAnswer:
        """Press a button while the loop works; what follows is sent before this returns."""
        loop = asyncio.create_task(self.turns.run())
        try:
            answer = await self.teams.press(person, message, button, inputs)
        finally:
            await self.turns.drain()
            await loop
            self.restart()
        await self.settle()
        return answer

    def text(self) -> str:
        return "\n".join(render_text(message) for message in self.heard())

    async def pull_request(
        self, title: str, author: SandboxIdentity, *, record: bool = True, **values: object
    ) -> int:
        """A pull request into shop's main, recorded as a webhook would."""
        branch = title.lower().replace(" ", "-")
        await self.azure.commit(self.shop, branch, {f"{branch}.txt": title}, author, title)
        made = await self.azure.create_pull_request(
            self.shop,
            author,
            branch,
            title=title,
            **values,  # type: ignore[arg-type]  # the sandbox's own keywords
        )
        if record:
            await self.record(made.id)
        return made.id

    async def record(self, number: int) -> None:
        snapshot = await self.client.pull_request(number)
        await self.db.write(lambda s: record_snapshot(s, snapshot, cause="test", now=self.clock()))
        await self.settle()
        self.heard()

    def ticket(self, title: str = "Pay later", **fields: Any) -> int:
        return self.azure.add_work_item(self.project, "User Story", title, **fields)

    async def read(self, fn: Callable[[Session], T]) -> T:
        return await self.db.read(fn)

    async def audit(self, action: str) -> list[AuditRow]:
        statement = select(AuditRow).where(AuditRow.action == action).order_by(col(AuditRow.id))
        return list(await self.read(lambda s: s.exec(statement).all()))

    async def activities(self) -> list[ActivityRow]:
        return list(
            await self.read(
                lambda s: s.exec(select(ActivityRow).order_by(col(ActivityRow.id))).all()
            )
        )

    async def outbox(self) -> list[OutboxRow]:
        return list(
            await self.read(lambda s: s.exec(select(OutboxRow).order_by(col(OutboxRow.id))).all())
        )


__all__ = ["ADMINISTRATOR", "CONNECTION", "NOW", "BotAnswer", "Clock", "Talk"]
