"""The stage: both sandboxes with people and code, a database, and the bot between them."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from adapters.sandbox.azure_devops import AzureDevOpsSandbox
from adapters.sandbox.azure_devops.people import SandboxIdentity
from adapters.sandbox.azure_devops.projects import SandboxProject, SandboxRepository
from adapters.sandbox.teams import Conversation, TeamsPerson, TeamsSandbox
from bot.app import Pullcord
from bot.ports import utc_now
from bot.settings import Settings
from storage import held, inbox, outbox, schema
from storage.engine import Database
from storage.queries import activities, connections
from storage.queries.connections import NewCredential
from storage.secrets import SecretBox, new_key, new_webhook_secret
from storage.tables import Connection

LOOK_EVERY_S = 0.01
CONNECTION = "contoso"
TENANT = "5a3c1d2e-0000-4000-8000-00000000d3b0"
APP_ID = "7e1f0a2b-0000-4000-8000-00000000b07a"
APP_PASSWORD = "sample-password-of-the-sandbox"  # noqa: S105  the sandbox's, good nowhere else
MAYA, JONAS, PRIYA = "maya", "jonas", "priya"
NAMES = {MAYA: "Maya Sample", JONAS: "Jonas Sample", PRIYA: "Priya Sample"}

CHECKOUT = """\
def total(prices):
    return sum(prices)


def shipping(weight_kg):
    return 4.90 if weight_kg < 5 else 9.90
"""
README = "# Web\n\nThe shop's web front end. A sample repository.\n"

HOOKS: tuple[dict[str, Any], ...] = (
    {"event_type": "git.push"},
    {"event_type": "git.pullrequest.created"},
    *(
        {"event_type": "git.pullrequest.updated", "notification_type": f"{kind}Notification"}
        for kind in ("Push", "ReviewersUpdate", "StatusUpdate", "ReviewerVote")
    ),
    {"event_type": "git.pullrequest.merged"},
    {"event_type": "ms.vss-code.git-pullrequest-comment-event"},
    {"event_type": "workitem.created"},
    {"event_type": "workitem.updated"},
    {"event_type": "workitem.commented"},
    {"event_type": "build.complete"},
    {"event_type": "git.repo.renamed"},
    {"event_type": "git.repo.deleted"},
)


class SandboxSettings(Settings):
    """Settings of a stage: nothing is read from the environment or ``pullcord.toml``."""

    model_config = SettingsConfigDict(toml_file=None)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what is given."""
        return (init_settings,)


@dataclass(frozen=True, slots=True)
class SamplePerson:
    """One sample person on both sides."""

    name: str
    azure_devops: SandboxIdentity
    teams: TeamsPerson


@dataclass
class Stage:
    """Everything that runs. Make it with ``Stage.build``; end it with ``close``."""

    folder: Path
    azure_devops: AzureDevOpsSandbox
    teams: TeamsSandbox
    project: SandboxProject
    repository: SandboxRepository
    people: dict[str, SamplePerson]
    channel: Conversation
    settings: Settings
    webhook_secret: str
    bot: Pullcord
    make_bot: Callable[[], Pullcord] = field(repr=False)

    @classmethod
    async def build(
        cls,
        folder: Path,
        *,
        clock: Callable[[], datetime] = utc_now,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        monotonic: Callable[[], float] = time.monotonic,
        database_url: str = "",
        merge_delay: float = 0.0,
        remerge_on_target_push: bool = False,
        enforce_limits: bool = False,
        **settings: Any,
    ) -> "Stage":
        """Start the sandboxes and the bot on free loopback ports.

        Args:
            folder: for git repositories and the SQLite file.
            clock: the time, for the bot and both sandboxes.
            sleep: waits, for the bot and both sandboxes.
            monotonic: for the bot's send budget.
            database_url: by default a SQLite file in ``folder``.
            merge_delay: seconds that a trial merge stays queued.
            remerge_on_target_push: whether Azure DevOps merges anew when the target moves.
            enforce_limits: whether the sandbox Teams answers 429 beyond its limits.
            settings: fields of Settings to set otherwise.
        """
        azure_devops = AzureDevOpsSandbox(
            folder / "git",
            organization=CONNECTION,
            clock=clock,
            sleep=sleep,
            merge_delay=merge_delay,
            remerge_on_target_push=remerge_on_target_push,
        )
        await azure_devops.start()
        teams = TeamsSandbox(
            app_id=APP_ID,
            app_password=APP_PASSWORD,
            tenant_id=TENANT,
            clock=clock,
            sleep=sleep,
            enforce_limits=enforce_limits,
        )
        await teams.start()
        people = {
            key: SamplePerson(
                name,
                azure_devops.add_person(name, f"{key}@example.com"),
                teams.add_person(name, f"{key}@example.com"),
            )
            for key, name in NAMES.items()
        }
        project = azure_devops.add_project("Shop")
        repository = await azure_devops.add_repository(
            project, "web", files={"checkout.py": CHECKOUT, "README.md": README}
        )
        team = teams.add_team("Shop", [person.teams for person in people.values()])
        made = SandboxSettings.model_validate(
            {
                "database_url": database_url or f"sqlite:///{folder / 'pullcord.db'}",
                "host": "127.0.0.1",
                "port": 0,
                "secret_key": new_key(),
                "administrators": ("priya@example.com",),
                "teams_app_id": APP_ID,
                "teams_app_password": APP_PASSWORD,
                "teams_tenant_id": TENANT,
                "teams_service_hosts": ("127.0.0.1",),
                "teams_openid_metadata_url": teams.openid_metadata_url,
                "teams_token_issuer": teams.token_issuer,
                "teams_login_url": teams.login_url,
                "review_window_seconds": 0,
                "quiet_hours": False,
                **settings,
            }
        )
        secret = new_webhook_secret()
        await connect(made, azure_devops, secret, clock)

        def make_bot() -> Pullcord:
            return Pullcord(made, clock=clock, sleep=sleep, monotonic=monotonic)

        stage = cls(
            folder=folder,
            azure_devops=azure_devops,
            teams=teams,
            project=project,
            repository=repository,
            people=people,
            channel=teams.add_channel(team, "Web"),
            settings=made,
            webhook_secret=secret,
            bot=make_bot(),
            make_bot=make_bot,
        )
        await stage.start_bot()
        stage.add_hooks()
        return stage

    async def start_bot(self) -> None:
        """Start the bot and tell Teams where it is."""
        await self.bot.start()
        # The same port after a restart, because the service hooks point there.
        self.settings.port = self.bot.web.port
        await self.teams.connect(f"{self.bot.url}/api/messages")

    async def restart_bot(self) -> None:
        """Stop the bot and start a new one on the same database and port."""
        await self.bot.stop()
        self.bot = self.make_bot()
        await self.start_bot()

    def add_hooks(self) -> None:
        """The service hooks that an administrator makes, one per kind."""
        add_hooks(self.azure_devops, self.bot.url, self.project, self.webhook_secret)

    async def settle(self) -> None:
        """Wait until nothing is under way: hooks, inbox, commands, conflicts, outbox."""
        while True:
            await self.azure_devops.settled()
            await self.azure_devops.hooks.idle()
            if await self._is_quiet():
                return
            await asyncio.sleep(LOOK_EVERY_S)

    async def _is_quiet(self) -> bool:
        # In the order in which one makes work for the next.
        for counts in (inbox.counts, activities.counts):
            if not _is_done(await self.bot.db.read(counts)):
                return False
        if not self.bot.targets.is_idle:
            return False
        if not (await self.bot.watch.is_idle() and await self.bot.statuses.is_idle()):
            return False
        now = self.bot.services.clock()
        if await self.bot.db.read(lambda s: held.due_addressees(s, now=now)):
            return False
        return _is_done(await self.bot.db.read(outbox.counts))

    async def close(self) -> None:
        """Stop everything."""
        await self.bot.stop()
        await self.azure_devops.stop()
        await self.teams.stop()


def _is_done(states: Mapping[str, int]) -> bool:
    return not states.get("pending") and not states.get("sending")


def add_hooks(
    azure_devops: AzureDevOpsSandbox, bot_url: str, project: SandboxProject, secret: str
) -> None:
    """Make one service hook per kind that point to the bot."""
    url = f"{bot_url}/webhooks/ado/{CONNECTION}"
    for hook in HOOKS:
        azure_devops.add_hook(url, project=project, secret=secret, **hook)


async def connect(
    settings: Settings,
    azure_devops: AzureDevOpsSandbox,
    webhook_secret: str,
    clock: Callable[[], datetime],
) -> None:
    """What ``pullcord db upgrade`` and ``pullcord connect`` do."""
    url = settings.database_url.get_secret_value()
    await asyncio.to_thread(schema.upgrade, url)
    service = azure_devops.add_person("Pullcord Service", "pullcord@example.com")
    token = azure_devops.issue_pat(service)
    async with Database.open(url) as db:
        connection = Connection(
            name=CONNECTION,
            base_url=azure_devops.base_url,
            projects=["Shop"],
            created_at=clock(),
        )
        box = SecretBox(settings.secret_keys)
        await db.write(lambda s: connections.save(s, connection))
        await db.write(lambda s: connections.set_webhook_secret(s, CONNECTION, webhook_secret))
        await db.write(
            lambda s: connections.add_credential(
                s, CONNECTION, NewCredential("pat", token), box, now=clock()
            )
        )
