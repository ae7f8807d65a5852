"""People on a stage: what a test reads like a conversation with."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
from sqlmodel import Session, col, select

from adapters.sandbox.azure_devops import SandboxPullRequest
from adapters.sandbox.teams import Conversation, Message, render_text
from bot.cli.demo.stage import CONNECTION, JONAS, MAYA, PRIYA, SamplePerson, Stage
from storage.tables import ActivityRow, AuditRow, InboxRow, OutboxRow
from tests.databases import migrated

T = TypeVar("T")

WELCOME = "Hello, I am Pullcord"
LOUD = "Shop/web created thread commits thread"
"""A subscription that also says in the thread what a quiet one only shows on the card."""


class Scene:
    """A stage with its people, and questions about what can be read where."""

    def __init__(self, stage: Stage, http: aiohttp.ClientSession) -> None:
        self.stage = stage
        self.http = http
        self.azure = stage.azure_devops
        self.teams = stage.teams
        self.channel = stage.channel
        self.maya = stage.people[MAYA]
        self.jonas = stage.people[JONAS]
        self.priya = stage.people[PRIYA]
        self._branches = 0

    # --- what people do -----------------------------------------------------------------------

    async def move_in(self, *, subscribe: str = LOUD) -> None:
        """The app is added to the team and to everybody's chat; the channel subscribes."""
        assert self.channel.team is not None
        await self.teams.install(self.channel.team, by=self.priya.teams)
        for person in (self.maya, self.jonas, self.priya):
            await self.teams.install(self.chat_of(person))
        if subscribe:
            await self.teams.say(self.priya.teams, self.channel, f"subscribe {subscribe}")
        await self.stage.settle()

    async def says(
        self, person: SamplePerson, text: str, where: Conversation | None = None
    ) -> list[str]:
        """Somebody writes to the bot (in the channel unless told where); what is answered."""
        place = where or self.channel
        before = {message.activity_id for message in place.all_messages()}
        await self.teams.say(person.teams, place, text)
        await self.stage.settle()
        return [
            render_text(message)
            for message in place.all_messages()
            if message.from_bot and message.activity_id not in before
        ]

    async def opens(
        self,
        person: SamplePerson,
        title: str,
        *,
        files: Mapping[str, str] | None = None,
        settle: bool = True,
        **values: Any,
    ) -> SandboxPullRequest:
        """Somebody pushes a branch and opens a pull request from it."""
        self._branches += 1
        branch = f"feature/part-{self._branches}"
        content = files or {f"part-{self._branches}.txt": f"{title}\n"}
        await self.azure.commit(
            self.stage.repository, branch, content, person.azure_devops, f"Work on {title}"
        )
        made = await self.azure.create_pull_request(
            self.stage.repository, person.azure_devops, branch, title=title, **values
        )
        if settle:
            await self.stage.settle()
        return made

    async def sweeps(self) -> None:
        """The sweep comes round."""
        await self.stage.bot.jobs.run_now("sweep")
        await self.stage.settle()

    async def sends_hook(
        self,
        body: bytes | Mapping[str, Any],
        *,
        secret: str | None = None,
        connection: str = CONNECTION,
        headers: Mapping[str, str] | None = None,
    ) -> int:
        """Somebody delivers a webhook body; the status answered."""
        password = self.stage.webhook_secret if secret is None else secret
        basic = {"Authorization": aiohttp.encode_basic_auth("pullcord", password)}
        sent: dict[str, Any] = {"data": body} if isinstance(body, bytes) else {"json": body}
        async with self.http.post(
            self.hook_url(connection), headers=basic | dict(headers or {}), **sent
        ) as answer:
            await answer.read()
            return answer.status

    def hook_url(self, connection: str = CONNECTION) -> str:
        return f"{self.stage.bot.url}/webhooks/ado/{connection}"

    # --- what can be read ---------------------------------------------------------------------

    def chat_of(self, person: SamplePerson) -> Conversation:
        return self.teams.personal_chat(person.teams)

    def cards(self, pull_request: SandboxPullRequest, where: Conversation) -> list[Message]:
        """The living cards of a pull request in a conversation."""
        mark = f"#{pull_request.id}"
        return [
            message
            for message in where.messages
            if message.from_bot
            and not message.deleted
            and (lines := render_text(message).split("\n"))
            and lines[0].endswith(mark)
            and " / " in lines[0]
        ]

    def card(self, pull_request: SandboxPullRequest, where: Conversation | None = None) -> Message:
        """The one living card; there must be exactly one."""
        cards = self.cards(pull_request, where or self.channel)
        assert len(cards) == 1, f"{len(cards)} cards of {pull_request.id}: {cards}"
        return cards[0]

    def card_text(self, pull_request: SandboxPullRequest, where: Conversation | None = None) -> str:
        return render_text(self.card(pull_request, where))

    def thread(self, pull_request: SandboxPullRequest) -> list[str]:
        """The replies below the channel's card."""
        return [render_text(reply) for reply in self.card(pull_request).replies if reply.from_bot]

    def alerts(
        self, pull_request: SandboxPullRequest, where: Conversation | None = None
    ) -> list[str]:
        """The alerts of its conflicts as they look now: below the card, or in a chat."""
        place = where or self.channel
        said = [render_text(m) for m in place.all_messages() if m.from_bot and not m.deleted]
        mark = f"#{pull_request.id} "
        return [text for text in said if text.startswith(mark) and "onflicts with " in text]

    def direct(self, person: SamplePerson) -> list[str]:
        """First lines of what the bot wrote in somebody's chat, without the welcome."""
        lines = [
            render_text(message).split("\n")[0]
            for message in self.chat_of(person).messages
            if message.from_bot
        ]
        return [line for line in lines if line != WELCOME]

    # --- what is stored -----------------------------------------------------------------------

    async def read(self, fn: Callable[[Session], T]) -> T:
        return await self.stage.bot.db.read(fn)

    async def audit(self, action: str = "") -> list[AuditRow]:
        """The audit, all or one kind of entry, oldest first."""
        entries = await self.read(
            lambda s: list(s.exec(select(AuditRow).order_by(col(AuditRow.id))).all())
        )
        return [entry for entry in entries if action in ("", entry.action)]

    async def outbox(self) -> list[OutboxRow]:
        return await self.read(
            lambda s: list(s.exec(select(OutboxRow).order_by(col(OutboxRow.id))).all())
        )

    async def inbox(self) -> list[InboxRow]:
        return await self.read(
            lambda s: list(s.exec(select(InboxRow).order_by(col(InboxRow.id))).all())
        )

    async def activities(self) -> list[ActivityRow]:
        return await self.read(
            lambda s: list(s.exec(select(ActivityRow).order_by(col(ActivityRow.id))).all())
        )

    async def metrics(self) -> dict[str, float]:
        """Every sample of ``/metrics`` by name and labels."""
        async with self.http.get(f"{self.stage.bot.url}/metrics") as answer:
            text = await answer.text()
        lines = [line for line in text.splitlines() if line and not line.startswith("#")]
        return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}

    def hook_bodies(self, event_type: str) -> list[dict[str, Any]]:
        """What the sandbox delivered for an event type, to be sent again or changed."""
        return [
            notification.body
            for subscription in self.azure.hooks.subscriptions.values()
            if subscription.event_type == event_type
            for notification in subscription.notifications
            if notification.body is not None
        ]


async def open_scene(folder: Path, http: aiohttp.ClientSession, **options: Any) -> Scene:
    """A scene where nobody has moved in yet."""
    if not options.get("database_url"):
        migrated(folder / "pullcord.db")
    return Scene(await Stage.build(folder, **options), http)
