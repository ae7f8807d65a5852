"""Pullcord at work for the team of the week: the parts of ``history_world`` and what tells people.

Real besides: what waits for people, reminders, digests, preferences, two channels and two
repositories. A restart is a kill: new parts over what the database holds.
"""

from dataclasses import dataclass, field, replace
from datetime import time, timedelta
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, ColumnElement, bindparam, exists, func, literal, or_
from sqlalchemy import select as sql_select
from sqlmodel import Session, col, select

from adapters.azure_devops.payloads import parse_hook
from adapters.sandbox.azure_devops import SandboxPullRequest
from adapters.sandbox.teams import render_text
from bot.cli.demo.stage import CONNECTION, HOOKS
from bot.conflicts.status_watch import StatusWatch
from bot.conflicts.watch import ConflictWatch
from bot.delivery import Delivery
from bot.fresh_read import FreshReads
from bot.held_messages import HeldMessages
from bot.notices.holding import HoldingRules
from bot.notices.kinds import EventKind, Place
from bot.people_preferences import change_preferences, dump_preferences
from bot.preferences import Delivery as Wanted
from bot.preferences import Preferences, WorkingHours
from bot.reminders.runner import Reminders
from bot.send_budget import SendBudget
from bot.services import Services
from bot.sweep import Sweep
from bot.teams_model import Conversation, OutgoingMessage, SendResult
from storage.engine import Database
from storage.tables import (
    ConflictEpisode,
    Connection,
    ConversationRow,
    DigestTime,
    HeldNotice,
    InboxRow,
    MergeStatusRow,
    OutboxRow,
    Person,
    PullRequestRow,
    Reminder,
    Subscription,
)
from tests.bot.conflicts.direct_azure_devops import DirectClient
from tests.bot.conflicts.history_world import (
    Clock,
    DrivenIntake,
    DrivenTargets,
    Notebook,
    Where,
    World,
)
from tests.bot.week.script import NEEDLE, TARGETS, PullRequest, Step, What
from tests.bot.week.team import BEGIN, MINUTE, TEAM, Member
from tests.sent_cards import card_of

WEB, PAYMENTS = "19:web", "19:payments"
PLAN_EVERY = 240  # minutes
HOME = "http://127.0.0.1:1/"  # nobody listens there


@dataclass(frozen=True, slots=True)
class Posted:
    """A message as it was when it came: at which minute, where, below what, and its words."""

    minute: int
    place: str
    thread_id: str
    summary: str
    words: str


@dataclass
class Diary(Notebook):
    """The notebook, which writes down when each message came and how it looked then."""

    clock: Clock = field(default_factory=Clock)
    posted: list[Posted] = field(default_factory=list)

    async def send(
        self, conversation: Conversation, message: OutgoingMessage, *, thread_id: str = ""
    ) -> SendResult:
        words = render_text(card_of(message)) or message.text
        minute = (self.clock.now - BEGIN) // MINUTE
        self.posted.append(Posted(minute, conversation.id, thread_id, message.summary, words))
        return await super().send(conversation, message, thread_id=thread_id)


class WeekWorld(World):
    """Two repositories, twelve people and two channels."""

    def __init__(self, folder: Path, template: Path) -> None:
        super().__init__(folder, template)
        self.clock.now = BEGIN - timedelta(hours=1)
        self.azure.organization.draft_change_notification = "StatusUpdateNotification"
        self.teams: Diary = Diary(clock=self.clock)
        self.made: dict[int, SandboxPullRequest] = {}
        self._threads: dict[int, int] = {}
        self._pushes = 0
        self._planned_at = -PLAN_EVERY

    async def build(self) -> None:
        self.people = {
            each.key: self.azure.add_person(each.name, f"{each.key}@example.com") for each in TEAM
        }
        service = self.azure.add_person("Pullcord Service", "pullcord@example.com")
        project = self.azure.add_project("Shop")
        self.repositories = {
            name: await self.azure.add_repository(project, name, files={"README.md": "Shop\n"})
            for name in TARGETS
        }
        for name, targets in TARGETS.items():
            for target in targets[1:]:
                await self.azure.create_branch(self.repositories[name], target, self.people["maya"])
        for hook in HOOKS:
            self.azure.add_hook(HOME, project=project, **hook)
        self._client = DirectClient(
            CONNECTION, self.azure, service, clock=self.clock, sleep=self._sleep
        )
        self._start()
        await self.db.write(self._furnish)
        await self.sweep.run()
        await self.reminders.plan()

    def _start(self) -> None:
        self.db = Database.open(self._url)
        self.services = Services(
            db=self.db,
            azure_devops=self._azure_devops,
            teams=self.teams,
            parse_hook=parse_hook,
            clock=self.clock,
            sleep=self._sleep,
            holding=HoldingRules(review_window=timedelta(seconds=60)),
        )
        self.reads = FreshReads(self.services)
        self.targets = DrivenTargets(self.services)
        self.intake = DrivenIntake(self.services, self.reads, self.targets)
        self.sweep = Sweep(self.services, self.reads, self.targets)
        self.watch = ConflictWatch(self.services)
        self.statuses = StatusWatch(self.services)
        self.held = HeldMessages(self.services)
        self.reminders = Reminders(self.services)
        self.delivery = Delivery(
            self.services, SendBudget(per_second=30), monotonic=self.clock.monotonic
        )

    def _furnish(self, session: Session) -> None:
        before = BEGIN - timedelta(days=1)
        session.add(
            Connection(
                name=CONNECTION,
                base_url=self.azure.base_url,
                projects=["Shop"],
                settings={"post_status": "off"},
                created_at=before,
            )
        )
        places = dict.fromkeys((WEB, PAYMENTS), "channel")
        for key, kind in (places | {chat(each.key): "personal" for each in TEAM}).items():
            session.add(
                ConversationRow(
                    id=key,
                    kind=kind,
                    service_url="https://smba.example/teams",
                    tenant_id="t",
                    created_at=before,
                )
            )
        session.flush()
        loud = dict.fromkeys((EventKind.COMPLETED, EventKind.ABANDONED), Place.CHANNEL)
        quiet = dict.fromkeys((EventKind.VOTE, EventKind.COMMENT, EventKind.MENTION), Place.OFF)
        for place, repository, options in (
            (WEB, "web", {}),
            (PAYMENTS, "", {"filters": {"title": [NEEDLE]}, "places": loud | quiet}),
        ):
            session.add(
                Subscription(
                    conversation_id=place,
                    connection=CONNECTION,
                    project="Shop",
                    repository=repository,
                    options=options,
                    created_at=before,
                )
            )
        session.add_all(_person(each) for each in TEAM)

    # --- what people do -----------------------------------------------------------------------

    async def take(self, step: Step, made: PullRequest | None) -> None:
        """Somebody does something, and Pullcord has heard all of it."""
        await self.pass_until(step.minute)
        if made is None or step.what is What.MUTE:
            await self._choose(step)
        else:
            await self._act(step, made)
        await self.deliver(self.new_hooks())
        if step.killed is not None:
            await self._die(step.killed)
        await self.settle()

    async def _die(self, where: Where) -> None:
        if where is Where.SENDING:
            await self.record()
            while await self.held.work_off():
                pass
        await self.killed(where)

    async def _act(self, step: Step, made: PullRequest) -> None:
        who = self.people[step.who]
        if step.what is What.OPEN:
            await self._open(made)
            return
        there = self.made[made.number]
        match step.what:
            case What.PUBLISH:
                await self.azure.publish(there, who)
            case What.REVIEW:
                await self._review(step, there)
            case What.PUSH:
                self._pushes += 1
                files = {f"more-{self._pushes}.txt": "more\n"}
                await self.azure.commit(
                    there.repository, f"feature/{made.number}", files, who, "Mend it"
                )
            case What.COMPLETE:
                await self.azure.complete(there, who)
            case What.ABANDON:
                await self.azure.abandon(there, who)

    async def _open(self, made: PullRequest) -> None:
        repository, author = self.repositories[made.repository], self.people[made.author]
        branch = f"feature/{made.number}"
        await self.azure.create_branch(repository, branch, author, start_from=made.target)
        await self.azure.commit(
            repository, branch, {made.file: f"{made.title}\n"}, author, f"Work on {made.title}"
        )
        there = await self.azure.create_pull_request(
            repository,
            author,
            branch,
            title=made.title,
            target=made.target,
            draft=made.is_draft,
            reviewers=[self.people[key] for key in made.reviewers],
        )
        assert there.id == made.number
        self.made[made.number] = there

    async def _review(self, step: Step, there: SandboxPullRequest) -> None:
        who = self.people[step.who]
        for said in step.said:
            thread = self._threads.get(there.id) if said.is_reply else None
            mention = f"@<{self.people[said.to].id}> " if said.to else ""
            written_in = await self.azure.comment(there, who, mention + said.text, thread)
            self._threads[there.id] = written_in
        if step.vote is not None:
            await self.azure.vote(there, who, step.vote)

    async def _choose(self, step: Step) -> None:
        def chosen(preferences: Preferences) -> Preferences:
            match step.what:
                case What.AWAY:
                    assert step.away is not None
                    begin, back = step.away
                    return replace(preferences, away_from=begin, away_until=back)
                case What.SNOOZE:
                    return replace(preferences, snoozed_until=BEGIN + step.until * MINUTE)
            muted = preferences.muted_pull_requests | {f"{CONNECTION}/{step.number}"}
            return replace(preferences, muted_pull_requests=muted)

        def change(session: Session) -> None:
            row = session.exec(select(Person).where(Person.mail == f"{step.who}@example.com")).one()
            now = self.clock()
            change_preferences(
                session, row.id or 0, chosen, actor=row.mail, cause="a test", now=now
            )

        await self.db.write(change)
        await self.reminders.plan()

    # --- time ---------------------------------------------------------------------------------

    async def pass_until(self, minute: int) -> None:
        """Let time pass, from one moment at which something is due to the next."""
        until = BEGIN + minute * MINUTE
        while True:
            planned = BEGIN + (self._planned_at + PLAN_EVERY) * MINUTE
            dues = await self.db.read(lambda s: s.execute(_next_dues()).one())
            following = min(moment for moment in (*dues, planned) if moment is not None)
            if following > until:
                break
            self.clock.now = max(self.clock.now, following)
            if following == planned:
                self._planned_at += PLAN_EVERY
                await self.reminders.plan()
            await self.settle()
        self.clock.now = max(self.clock.now, until)

    async def settle(self) -> None:
        """Work until nothing is left to do now. Who has nothing to do is not asked: that costs."""
        while True:
            await self.targets.done()
            due = await self._due()
            if due.hooks or due.reads:
                await self.record()
            elif due.conflicts:
                await self.watch.work_off()
            elif due.statuses:
                await self.statuses.work_off()
            elif due.held:
                while await self.held.work_off():
                    pass
            elif due.reminders or due.digests:
                await self.reminders.tell()
            elif due.messages:
                await self.delivery.work_off()
            elif due.later:
                self.clock.now += timedelta(seconds=2)  # the send budget's window
            else:
                return

    async def _due(self) -> "Due":
        now = {"now": self.clock()}
        return Due(*await self.db.read(lambda s: s.execute(_open(), now).one()))


def chat(key: str) -> str:
    """The id of somebody's personal chat."""
    return f"a:{key}"


def _person(member: Member) -> Person:
    preferences = Preferences(
        kinds={EventKind(kind): Wanted.OFF for kind in member.never}
        | {EventKind(kind): Wanted.DIGEST for kind in member.later},
        hours=WorkingHours(
            timezone="" if member.tells_zone else member.zone,
            start=time(member.begins),
            end=time(member.ends),
            days=member.days,
            holidays=member.country,
        ),
        is_quiet_outside_hours=False if member.is_loud else None,
        urgent=frozenset(EventKind(kind) for kind in member.urgent),
        digest_at=member.digest,
        reminders={"review": member.remind} if member.remind else {},
    )
    return Person(
        teams_user_id=f"29:{member.key}",
        name=member.name,
        mail=f"{member.key}@example.com",
        personal_conversation_id=chat(member.key),
        preferences=dump_preferences(preferences),
        timezone=member.zone if member.tells_zone else "",
    )


class Due(NamedTuple):
    """Who has something to do now; ``later``: something is to be done after a while."""

    hooks: bool
    reads: bool
    conflicts: bool
    statuses: bool
    held: bool
    reminders: bool
    digests: bool
    messages: bool
    later: bool


@cache
def _open() -> Any:
    """As ``Due``, in one statement."""
    now: BindParameter[Any] = bindparam("now")
    in_hand = (col(OutboxRow.state).in_(("pending", "sending")), col(InboxRow.state) == "pending")
    conditions: tuple[ColumnElement[bool], ...] = (
        (col(InboxRow.state) == "pending") & (col(InboxRow.due_at) <= now),
        col(PullRequestRow.needs_read).is_(True),
        col(ConflictEpisode.due_at) <= now,
        col(MergeStatusRow.due_at) <= now,
        col(HeldNotice.released_at).is_(None) & (col(HeldNotice.due_at) <= now),
        (col(Reminder.state) == "waiting") & (col(Reminder.due_at) <= now),
        col(DigestTime.due_at) <= now,
        (col(OutboxRow.state) == "pending") & (col(OutboxRow.due_at) <= now),
    )
    later = [*map(_is_there, in_hand), _is_there(col(ConflictEpisode.due_at).is_not(None))]
    return sql_select(*map(_is_there, conditions), or_(*later))


def _is_there(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists(sql_select(literal(1)).where(condition))


@cache
def _next_dues() -> Any:
    """When the next of each kind is due, None where none is."""
    minima = (
        sql_select(func.min(col(HeldNotice.due_at))).where(col(HeldNotice.released_at).is_(None)),
        sql_select(func.min(col(DigestTime.due_at))),
        sql_select(func.min(col(Reminder.due_at))).where(col(Reminder.state) == "waiting"),
        sql_select(func.min(col(OutboxRow.due_at))).where(col(OutboxRow.state) == "pending"),
    )
    return sql_select(*(each.scalar_subquery() for each in minima))
