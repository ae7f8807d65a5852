"""The one place where everything is wired."""

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Coroutine, Sequence
from datetime import timedelta
from functools import partial
from typing import Any
from urllib.request import getproxies

import aiohttp

from adapters.azure_devops.connection_tests import ConnectionTests
from adapters.azure_devops.connections import AzureDevOpsClients
from adapters.azure_devops.payloads import parse_hook
from adapters.azure_devops.stored_credentials import CredentialReader
from adapters.teams import TeamsClient, TeamsConfig, TeamsInbound, connector_tokens
from adapters.web.door import ConnectionDoor
from adapters.web.health import Health
from adapters.web.server import CannotListen, WebServer
from adapters.web.webhooks import Webhooks
from bot import channel_names, checks_watch
from bot.conflicts.radar_runner import Radar
from bot.conflicts.status_watch import StatusWatch
from bot.conflicts.target_moved import TargetMoved
from bot.conflicts.watch import ConflictWatch
from bot.connections.checks import Check
from bot.connections.watch import EVERY, ConnectionWatch
from bot.delivery import Delivery
from bot.fresh_read import FreshReads
from bot.gauges import Gauges
from bot.held_messages import HeldMessages
from bot.hooks.watch import LOOK_EVERY, FeedWatch
from bot.intake import Intake
from bot.jobs import CONNECTIONS, HOOKS, SWEEP, Job, Jobs
from bot.link_previews import LinkPreviews
from bot.notices.holding import GroupReviewers, HoldingRules
from bot.ports import Clock, Sleep, utc_now
from bot.reminders.runner import Reminders
from bot.roles import Role, RoleRules
from bot.send_budget import SendBudget
from bot.services import Services
from bot.settings import Settings
from bot.sweep import Sweep
from bot.turns import Turns
from storage import inbox, leases, outbox, schema, topics
from storage.engine import CannotStore, Database, NewHook
from storage.housekeeping import Retention
from storage.queries import conflicts, connections, merge_statuses
from storage.secrets import SecretBox

log = logging.getLogger(__name__)

STOP_WITHIN_S = 6.5  # longer than Turns.drain takes; then the web server and the database close
CONNECTIONS_AT_ONCE = 100


class CannotStart(Exception):
    """The bot cannot run; ``str()`` names the setting or command that helps."""


class Pullcord:
    """The whole bot. ``start`` returns when it listens; ``stop`` loses nothing.

    ``clock``, ``sleep`` and ``monotonic`` are for tests.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock = utc_now,
        sleep: Sleep = asyncio.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.settings = settings
        self._clock = clock
        self._sleep = sleep
        self._monotonic = monotonic
        self._loops: list[asyncio.Task[None]] = []

    @property
    def url(self) -> str:
        """Where it listens."""
        host = self.settings.host
        return f"http://{f'[{host}]' if ':' in host else host}:{self.web.port}"

    async def start(self) -> None:
        """Open the database, start the loops, listen.

        Raises:
            CannotStart: a setting is missing, the schema is old, or the port is taken.
        """
        settings = self.settings
        if not settings.teams_app_id:
            raise CannotStart(
                "PULLCORD_TEAMS_APP_ID is empty: set it to the bot's application id. Without it "
                "nobody could be told apart from Teams. Try `pullcord demo` to see the bot at work."
            )
        url = settings.database_url.get_secret_value()
        try:
            await asyncio.to_thread(schema.check, url)
        except schema.SchemaError as error:
            raise CannotStart(str(error)) from None
        self._wire(Database.open(url))
        await self._refuse_open_doors()
        await self._resume()
        try:
            await self.web.start()
        except CannotListen as error:
            await self._close()
            raise CannotStart(
                f"cannot listen on {settings.host}:{error.port}: {error}. "
                f"Set {error.setting} to a free port."
            ) from None
        for name, loop in self._parts():
            self._loops.append(asyncio.create_task(loop, name=name))
        self.jobs.start()

    def _wire(self, db: Database) -> None:
        settings = self.settings
        self.db = db
        self.http = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=CONNECTIONS_AT_ONCE),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=bool(getproxies()),  # looking for a proxy costs time on every request
        )
        config = teams_config(settings)
        tokens = connector_tokens(self.http, config, clock=self._clock)
        box = SecretBox(settings.secret_keys) if settings.secret_keys else None
        self.azure_devops = AzureDevOpsClients(
            db,
            box,
            login_url=settings.teams_login_url,
            clock=self._clock,
            sleep=self._sleep,
            administrators=settings.administrators,
        )
        tests = ConnectionTests(
            CredentialReader(box, login_url=settings.teams_login_url),
            clock=self._clock,
            sleep=self._sleep,
        )
        self.services = Services(
            db=db,
            azure_devops=self.azure_devops,
            teams=TeamsClient(self.http, config, tokens, clock=self._clock),
            parse_hook=parse_hook,
            clock=self._clock,
            sleep=self._sleep,
            administrators=frozenset(settings.administrators),
            allowed_tenants=config.tenants,
            conflict_flap=timedelta(seconds=settings.conflict_flap_seconds),
            channel_subscribers=settings.channel_subscribers,
            holding=HoldingRules(
                review_window=timedelta(seconds=settings.review_window_seconds),
                is_quiet=settings.quiet_hours,
                group_reviewers=GroupReviewers(settings.group_reviewers),
            ),
            role_rules=role_rules(settings),
            retention=retention(settings),
            test_connection=partial(_test, tests, db),
        )
        self.reads = FreshReads(self.services)
        self.targets = TargetMoved(self.services)
        self.intake = Intake(self.services, self.reads, self.targets)
        self.turns = Turns(self.services)
        self.delivery = Delivery(
            self.services,
            SendBudget(per_second=settings.teams_sends_per_second),
            monotonic=self._monotonic,
        )
        self.watch = ConflictWatch(self.services)
        self.statuses = StatusWatch(self.services)
        self.held = HeldMessages(self.services)
        self.sweep = Sweep(self.services, self.reads, self.targets)
        self.checks = checks_watch.ChecksWatch(self.services, self.reads)
        self.reminders = Reminders(self.services)
        self.radar = Radar(self.services, calls_per_hour=settings.radar_calls_per_hour)
        self.connections = ConnectionWatch(self.services, partial(tests.probe, db), self._catch_up)
        self.feed = FeedWatch(
            self.services, self._store_hook, self._catch_up, public_url=settings.public_url
        )
        self.jobs = Jobs(
            self.services,
            self.sweep,
            self.radar,
            sweep_minutes=settings.sweep_minutes,
            radar_minutes=settings.radar_minutes,
            others=(
                Job(checks_watch.JOB, checks_watch.EVERY, self.checks.run, checks_watch.JOB),
                *self.reminders.jobs(),
                Job(CONNECTIONS, EVERY, self.connections.run, CONNECTIONS, at_start=True),
                Job(HOOKS, LOOK_EVERY, self.feed.run, HOOKS, at_start=True),
                Job(
                    channel_names.JOB,
                    channel_names.EVERY,
                    self._read_channel_names,
                    channel_names.JOB,
                    at_start=True,
                ),
            ),
        )
        self.inbound = TeamsInbound(
            config,
            self.turns,
            self.http,
            unavailable=(CannotStore,),
            clock=self._clock,
            preview=LinkPreviews(self.services),
        )
        self.webhooks = Webhooks(ConnectionDoor(db), self._store_hook, self._clock)
        health = Health(
            {"database": self._database_trouble, "stopping": self._stopping},
            Gauges(db, self.azure_devops.rate_limits, self._clock).refresh,
        )
        self.web = WebServer(
            host=settings.host,
            port=settings.port,
            health_port=settings.health_port,
            webhooks=self.webhooks,
            messages=self.inbound.post,
            health=health,
        )
        db.on_write(topics.OUTBOX, self.delivery.wake)
        db.on_write(topics.CONFLICTS, self.watch.wake)
        db.on_write(topics.MERGE_STATUSES, self.statuses.wake)
        db.on_write(topics.HELD, self.held.wake)

    async def _refuse_open_doors(self) -> None:
        """A connection without a webhook secret would refuse its whole feed, and nobody notice."""
        bare = await self.db.read(connections.without_secret)
        if not bare:
            return
        await self._close()
        raise CannotStart(
            f"the connection {bare[0]!r} has no webhook secret: run `pullcord rotate-secret "
            f"{bare[0]}`, which makes one and gives it to the hooks"
        )

    async def _read_channel_names(self) -> None:
        await channel_names.read_all(self.services)

    async def _catch_up(self, names: Collection[str]) -> None:
        """Read what these connections have, as after an outage."""
        self.sweep.forget_pauses(names)
        await self.jobs.run_now(SWEEP)

    async def _store_hook(self, new: NewHook) -> bool:
        with self.intake.storm:
            is_new = await self.db.store_hook(new)
        if is_new:
            self.intake.wake()
        return is_new

    async def _resume(self) -> None:
        """What a killed process had in hand is due again."""
        now = self._clock()
        await self.db.write(lambda s: outbox.requeue_interrupted(s, now=now))
        await self.db.write(lambda s: inbox.requeue_interrupted(s, now=now))
        await self.db.write(leases.forget_interrupted)
        await self.db.write(lambda s: conflicts.resume(s, now=now))
        await self.db.write(lambda s: merge_statuses.resume(s, now=now))

    def _parts(self) -> list[tuple[str, Coroutine[Any, Any, None]]]:
        return [
            ("intake", self.intake.run()),
            ("delivery", self.delivery.run()),
            ("turns", self.turns.run()),
            ("conflicts", self.watch.run()),
            ("statuses", self.statuses.run()),
            ("held messages", self.held.run()),
        ]

    async def failed(self) -> str:
        """Wait until a part ends by a defect; which one. A crashed loop is never ignored."""
        done, _ = await asyncio.wait(self._loops, return_when=asyncio.FIRST_COMPLETED)
        task = next(iter(done))
        if not task.cancelled() and (error := task.exception()):
            log.critical("%s failed", task.get_name(), exc_info=error)
        return task.get_name()

    async def stop(self) -> None:
        """Refuse new work with 503, finish or park what is in hand, close. Within ten seconds."""
        self.webhooks.is_closing = True
        self.inbound.is_closing = True
        self.intake.stop()
        self.watch.stop()
        self.statuses.stop()
        self.held.stop()
        try:
            async with asyncio.timeout(STOP_WITHIN_S):
                await asyncio.gather(
                    self.jobs.stop(),
                    self.targets.stop(),
                    self.turns.drain(),
                    self.delivery.stop(),
                    asyncio.wait(self._loops),
                )
        except TimeoutError:
            log.warning("some work was still in hand; it goes on at the next start")
            for task in self._loops:
                task.cancel()
            await asyncio.wait(self._loops)
            await self._park()
        await self.web.stop()
        await self._close()

    async def _park(self) -> None:
        """Let another replica, or the next start, go on at once instead of after the lease."""
        for park in (self.delivery.park, self.intake.release):
            try:
                await park()
            except CannotStore:
                log.warning("what was in hand could not be put back now")

    async def _close(self) -> None:
        await self.azure_devops.close()
        await self.http.close()
        await self.db.close()

    async def _database_trouble(self) -> str:
        return self.db.trouble

    async def _stopping(self) -> str:
        return "Pullcord is stopping" if self.webhooks.is_closing else ""


async def _test(tests: ConnectionTests, db: Database, name: str) -> Sequence[Check]:
    return (await tests.stored(db, name)).checks


def role_rules(settings: Settings) -> RoleRules:
    """What the settings say of roles."""
    return RoleRules(
        maintainers=frozenset(settings.maintainers),
        readers=frozenset(settings.readers),
        everybody=Role[settings.everybody_role.upper()],
        guest=Role[settings.guest_role.upper()],
        from_projects=settings.project_roles,
    )


def retention(settings: Settings) -> Retention:
    """How long the settings want things to be kept."""
    return Retention(
        webhooks=timedelta(days=settings.keep_webhooks_days),
        messages=timedelta(days=settings.keep_messages_days),
        sent=timedelta(days=settings.keep_sent_days),
        audit=timedelta(days=settings.keep_audit_days) if settings.keep_audit_days else None,
    )


def teams_config(settings: Settings) -> TeamsConfig:
    """The Teams side of the settings."""
    own_tenant = (settings.teams_tenant_id,) if settings.teams_tenant_id else ()
    config = TeamsConfig(
        app_id=settings.teams_app_id,
        app_password=settings.teams_app_password.get_secret_value(),
        app_type=settings.teams_app_type,
        tenant_id=settings.teams_tenant_id,
        allowed_tenants=settings.teams_allowed_tenants or own_tenant,
        openid_metadata_url=settings.teams_openid_metadata_url,
        token_issuer=settings.teams_token_issuer,
        login_url=settings.teams_login_url,
        unauthenticated=settings.teams_unauthenticated == "loopback",
        **({"service_hosts": settings.teams_service_hosts} if settings.teams_service_hosts else {}),
    )
    return config
