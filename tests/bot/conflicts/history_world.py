"""Pullcord between Azure DevOps and Teams in one process, driven by hand, with time that is moved.

Real: git, the sandbox and its hook bodies, the client, intake, sweep, trial merges, the watch,
delivery and SQLite. Not there: sockets, and Teams, of which a notebook keeps what it was sent.
"""

import asyncio
import json
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from sqlmodel import Session, select

from adapters.azure_devops.envelope import envelope
from adapters.azure_devops.payloads import parse_hook
from adapters.sandbox.azure_devops import AzureDevOpsSandbox, SandboxIdentity, SandboxPullRequest
from adapters.sandbox.azure_devops.hooks.bodies import delivery_body
from adapters.sandbox.azure_devops.hooks.subscriptions import Notification
from adapters.sandbox.teams import render_text
from adapters.web.webhooks import dedup_key
from bot.cli.demo.stage import CONNECTION
from bot.conflicts.status_watch import StatusWatch
from bot.conflicts.target_moved import TargetMoved
from bot.conflicts.watch import ConflictWatch
from bot.delivery import Delivery
from bot.fresh_read import FreshReads
from bot.held_messages import HeldMessages
from bot.intake import Intake
from bot.ports import AzureDevOps
from bot.send_budget import SendBudget
from bot.services import Services
from bot.sweep import Sweep
from bot.teams_model import Conversation, OutgoingMessage, SendResult, TeamsTeam, TeamsUser
from storage import inbox, outbox
from storage.engine import Database, NewHook
from storage.queries import conflicts, merge_statuses
from storage.tables import ConflictEpisode, Connection, ConversationRow, Person, Subscription
from tests.bot.conflicts.direct_azure_devops import DirectClient
from tests.bot.conflicts.refilled import Refilled
from tests.sent_cards import card_of

BEGIN = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
BEFORE = BEGIN - timedelta(days=1)
CHANNEL = "19:web"
AUTHORS = ("maya", "jonas")
ROUNDS = 60
FILES = {"a.txt": "first\n", "b.txt": "first\n", "c.txt": "first\n"}
TARGETS = ("main", "release")
HOOKS = ("git.push", "git.pullrequest.merged", "git.pullrequest.updated")
ALERTS = ("has conflicts with ", "merges cleanly again", "was completed", "was abandoned")


class Where(StrEnum):
    """How far the work has come when the process is killed."""

    STORED = "webhooks are stored"
    RECORDED = "what they say is recorded"
    TAKEN = "episodes are in hand"
    TOLD = "alerts are queued, the authors' still held"
    SENDING = "messages are claimed to be sent"


class Clock:
    """Stands still until it is moved; every look is a millisecond later."""

    def __init__(self) -> None:
        self.now = BEGIN

    def __call__(self) -> datetime:
        self.now += timedelta(milliseconds=1)
        return self.now

    def monotonic(self) -> float:
        return self.now.timestamp()


@dataclass
class Sent:
    """A message: where it stands, how it was announced first, and how it looks now."""

    conversation_id: str
    thread_id: str
    first_summary: str
    message: OutgoingMessage

    @property
    def looks(self) -> str:
        return json.dumps(card_of(self.message), ensure_ascii=False) + self.message.text


@dataclass
class Notebook:
    """Teams, as far as the bot can tell: it takes everything and keeps it."""

    sent: list[Sent] = field(default_factory=list)

    async def send(
        self, conversation: Conversation, message: OutgoingMessage, *, thread_id: str = ""
    ) -> SendResult:
        self.sent.append(Sent(conversation.id, thread_id, message.summary, message))
        return SendResult(str(len(self.sent)))

    async def update(
        self, conversation: Conversation, activity_id: str, message: OutgoingMessage
    ) -> None:
        there = self.sent[int(activity_id) - 1]
        assert there.conversation_id == conversation.id
        there.message = message

    async def typing(self, conversation: Conversation, *, thread_id: str = "") -> None:
        raise AssertionError("nobody asked anything")

    async def open_personal_chat(
        self, *, user: TeamsUser, service_url: str, tenant_id: str
    ) -> Conversation:
        raise AssertionError("everybody has a chat")

    async def members(self, conversation: Conversation) -> Sequence[TeamsUser]:
        return []

    async def member(self, conversation: Conversation, user_id: str) -> TeamsUser | None:
        return None

    async def team(self, conversation: Conversation) -> TeamsTeam:
        raise AssertionError("nobody asked for names")


class DrivenIntake(Intake):
    """Works when it is told to, instead of in its loop."""

    async def work_off(self) -> int:
        """Handle what is due, to the end; how many webhooks that were."""
        started = await self._start_due()
        while self._in_hand:
            await asyncio.wait(self._in_hand)
        return started


class DrivenTargets(TargetMoved):
    """Trial merges that can be waited for."""

    async def done(self) -> None:
        """Wait until none is under way."""
        while self._running:
            await asyncio.wait(self._running.values())


class World:
    """One repository with two targets, two authors, one channel that follows."""

    def __init__(self, folder: Path, template: Path, refilled: Refilled | None = None) -> None:
        """``refilled`` is used instead of a copy of the template."""
        self.clock = Clock()
        self.teams = Notebook()
        self._refilled = refilled
        self._url = f"sqlite:///{folder / 'pullcord.db'}"
        if refilled is None:
            shutil.copy(template, folder / "pullcord.db")
        else:
            refilled.refill()
        self.azure = AzureDevOpsSandbox(
            folder / "git", organization=CONNECTION, clock=self.clock, sleep=self._sleep
        )
        self.azure.organization.addresses.origin = "http://127.0.0.1:1"  # nobody listens there
        self._told: dict[str, int] = {}

    async def build(self) -> None:
        self.authors: dict[str, SandboxIdentity] = {
            name: self.azure.add_person(f"{name.title()} Sample", f"{name}@example.com")
            for name in AUTHORS
        }
        self.other = self.azure.add_person("Priya Sample", "priya@example.com")
        service = self.azure.add_person("Pullcord Service", "pullcord@example.com")
        project = self.azure.add_project("Shop")
        self.repository = await self.azure.add_repository(project, "web", files=FILES)
        for target in TARGETS[1:]:
            await self.azure.create_branch(self.repository, target, self.other)
        for event_type in HOOKS:
            self.azure.add_hook("http://127.0.0.1:1/", event_type, project=project)
        self._client = DirectClient(
            CONNECTION, self.azure, service, clock=self.clock, sleep=self._sleep
        )
        self._start()
        await self.db.write(self._furnish)
        await self.sweep.run()

    async def close(self) -> None:
        await self.targets.stop()
        await self._close_db()
        await self._client.close()

    async def _close_db(self) -> None:
        if self._refilled is None:
            await self.db.close()

    def _start(self) -> None:
        self.db = self._refilled.db if self._refilled else Database.open(self._url)
        self.services = Services(
            db=self.db,
            azure_devops=self._azure_devops,
            teams=self.teams,
            parse_hook=parse_hook,
            clock=self.clock,
            sleep=self._sleep,
        )
        self.reads = FreshReads(self.services)
        self.targets = DrivenTargets(self.services)
        self.intake = DrivenIntake(self.services, self.reads, self.targets)
        self.sweep = Sweep(self.services, self.reads, self.targets)
        self.watch = ConflictWatch(self.services)
        self.statuses = StatusWatch(self.services)
        self.held = HeldMessages(self.services)
        self.delivery = Delivery(
            self.services, SendBudget(per_second=30), monotonic=self.clock.monotonic
        )

    async def _azure_devops(self, connection: str) -> AzureDevOps:
        assert connection == CONNECTION
        return self._client

    async def _sleep(self, seconds: float) -> None:
        """Time passes, and Azure DevOps does meanwhile what it has to do."""
        self.clock.now += timedelta(seconds=seconds)
        await self.azure.organization.merges.settled()

    def _furnish(self, session: Session) -> None:
        session.add(
            Connection(
                name=CONNECTION,
                base_url=self.azure.base_url,
                projects=["Shop"],
                created_at=BEFORE,
            )
        )
        places = {CHANNEL: "channel"} | {f"a:{name}": "personal" for name in (*AUTHORS, "priya")}
        for key, kind in places.items():
            session.add(
                ConversationRow(
                    id=key,
                    kind=kind,
                    service_url="https://smba.example/teams",
                    tenant_id="t",
                    created_at=BEFORE,
                )
            )
        session.flush()
        session.add(
            Subscription(
                conversation_id=CHANNEL, connection=CONNECTION, project="Shop", created_at=BEFORE
            )
        )
        for name in (*AUTHORS, "priya"):
            session.add(
                Person(
                    teams_user_id=f"29:{name}",
                    name=f"{name.title()} Sample",
                    mail=f"{name}@example.com",
                    personal_conversation_id=f"a:{name}",
                )
            )

    # --- what comes in, and what is done about it ---------------------------------------------

    def new_hooks(self) -> list[Notification]:
        """What Azure DevOps has to deliver since the last call."""
        found: list[Notification] = []
        for key, subscription in self.azure.hooks.subscriptions.items():
            known = self._told.get(key, 0)
            found += subscription.notifications[known:]
            self._told[key] = len(subscription.notifications)
        return sorted(found, key=lambda each: each.event.created)

    async def deliver(self, hooks: Iterable[Notification], *, other_ids: bool = False) -> None:
        """Store bodies as the web server does; ``other_ids``: as another subscription's."""
        for hook in hooks:
            body = self.body(hook)
            if other_ids:
                body["notificationId"] += 100_000
            what = envelope(body)
            await self.db.store_hook(
                NewHook(
                    connection=CONNECTION,
                    dedup_key=dedup_key(what),
                    event_type=what.event_type,
                    body=json.dumps(body).encode(),
                    received_at=self.clock(),
                )
            )

    def body(self, hook: Notification) -> dict[str, Any]:
        """What is delivered, drawn now."""
        org = self.azure.organization
        return delivery_body(org.addresses, hook, org.collection_id, org.instance_id)

    async def happened(self) -> None:
        """Azure DevOps tells what happened, and everything follows from it."""
        await self.azure.settled()
        await self.deliver(self.new_hooks())
        await self.settle()

    async def settle(self) -> None:
        """Work until nothing is left to do."""
        for _ in range(ROUNDS):
            await self.record()
            for part in (self.watch, self.statuses, self.held, self.delivery):
                while await part.work_off():
                    pass
            if not await self.db.read(_open_work):
                return
            due = await self.db.read(outbox.next_due)  # later when the send budget is used up
            self.clock.now = max(due or self.clock.now, self.clock.now + timedelta(seconds=1))
        raise AssertionError("there is always something left to do")

    async def record(self) -> None:
        """Work off the webhooks and what they ask for; nothing is examined or sent."""
        while await self.intake.work_off():
            await self.targets.done()
        await self.sweep.read_waiting()

    async def killed(self, where: Where) -> None:
        """The process dies at a point of its work, and new parts start on what it stored."""
        if where is Where.TAKEN:
            await self.db.write(lambda s: len(conflicts.claim_due(s, now=self.clock(), limit=99)))
        if where in (Where.TOLD, Where.SENDING):
            while await self.watch.work_off():
                pass
        if where is Where.SENDING:
            while await self.held.work_off():
                pass
            await self.db.write(lambda s: len(outbox.claim(s, now=self.clock())))
        await self.targets.stop()
        await self._close_db()
        self._start()
        await self.db.write(lambda s: outbox.requeue_interrupted(s, now=self.clock()))
        await self.db.write(lambda s: inbox.requeue_interrupted(s, now=self.clock()))
        await self.db.write(lambda s: conflicts.resume(s, now=self.clock()))
        await self.db.write(lambda s: merge_statuses.resume(s, now=self.clock()))
        await self.sweep.run()

    # --- what can be seen ---------------------------------------------------------------------

    @property
    def calls(self) -> list[str]:
        """Method and path of every call to Azure DevOps so far."""
        return self._client.direct.calls

    def azure_devops_is_down(self, is_down: bool) -> None:
        """Whether calls fail; its webhooks come all the same."""
        self._client.direct.is_down = is_down

    def alerts(self, made: SandboxPullRequest, place: str) -> list[str]:
        """What the alerts of a pull request in a conversation say now, oldest first."""
        name = f"#{made.id} {made.title} "
        return [each.message.summary.removeprefix(name) for each in self._alerts(made, place)]

    def alert_texts(self, made: SandboxPullRequest, place: str) -> list[str]:
        """The same, whole and as text."""
        return [render_text(card_of(each.message)) for each in self._alerts(made, place)]

    def _alerts(self, made: SandboxPullRequest, place: str) -> list[Sent]:
        name = f"#{made.id} {made.title} "
        return [
            each
            for each in self.teams.sent
            if each.conversation_id == place
            and any(each.first_summary.startswith(f"{name}{said}") for said in ALERTS)
        ]

    def cards(self, made: SandboxPullRequest) -> list[Sent]:
        """The cards at the root of the channel."""
        name = f"#{made.id} {made.title}"
        return [
            each
            for each in self.teams.sent
            if (each.conversation_id, each.thread_id) == (CHANNEL, "")
            and each.first_summary.startswith(name)
        ]

    def replies(self, made: SandboxPullRequest, begins: str) -> list[str]:
        """What was said below its card that begins so."""
        cards = self.cards(made)
        roots = {str(number) for number, each in enumerate(self.teams.sent, 1) if each in cards}
        return [
            each.first_summary
            for each in self.teams.sent
            if each.thread_id in roots and each.first_summary.startswith(begins)
        ]

    async def episodes(self, made: SandboxPullRequest) -> list[ConflictEpisode]:
        statement = (
            select(ConflictEpisode)
            .where(ConflictEpisode.number == made.id)
            .order_by(ConflictEpisode.id)  # type: ignore[arg-type]  # a column
        )
        return await self.db.read(lambda s: list(s.exec(statement).all()))


def _open_work(session: Session) -> bool:
    waiting = {**inbox.counts(session), **outbox.counts(session)}
    return bool(waiting.get("sending") or waiting.get("pending")) or bool(
        conflicts.counts(session)["pending"] or inbox.counts(session).get("pending")
    )
