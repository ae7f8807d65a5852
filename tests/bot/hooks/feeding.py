"""A connection whose hooks Pullcord made in the sandbox, and the watch over them."""

from dataclasses import replace

from sqlmodel import select

from adapters.sandbox.azure_devops import Subscription
from bot.hooks.compare import Comparison
from bot.hooks.examining import examine
from bot.hooks.watch import FeedWatch
from bot.hooks.writing import HookWriter, Place, to_install
from bot.services import Services
from storage.engine import NewHook
from storage.queries import connections
from storage.tables import Connection, FeedTrouble, Hook, InboxRow, OutboxRow
from tests.bot.workflows.conftest import CONNECTION, World

PUBLIC_URL = "https://pullcord.example.com"
URL = f"{PUBLIC_URL}/webhooks/ado/{CONNECTION}"
ALL = 14


class Feeding:
    """The world with a feed. ``caught_up`` are the connections that the watch asked to sweep."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.sandbox = world.sandbox
        self.services: Services = replace(
            world.services, administrators=frozenset({"maya@example.com"})
        )
        self.caught_up: list[str] = []
        self.watch = self.new_watch()

    def new_watch(self) -> FeedWatch:
        """As after a restart."""
        return FeedWatch(self.services, self._store, self._catch_up, public_url=PUBLIC_URL)

    async def _store(self, new: NewHook) -> bool:
        return await self.world.db.store_hook(new)

    async def _catch_up(self, names: object) -> None:
        assert isinstance(names, list)
        self.caught_up += names

    def writer(self) -> HookWriter:
        return HookWriter(self.world.db, self.world.clock, self.services.sleep, actor="operator")

    @property
    def place(self) -> Place:
        return Place(CONNECTION, URL, self.world.client)

    async def compared(self) -> Comparison:
        connection = await self.connection()
        azure = self.world.client
        found = await examine(azure, self.world.db, connection, public_url=PUBLIC_URL)
        return found.comparison

    async def install(self, *, everything: bool = False) -> int:
        plan = to_install(await self.compared(), everything=everything)
        return await self.writer().carry_out(self.place, plan)

    async def look(self) -> None:
        self.world.clock.advance(minutes=10)
        await self.watch.look(CONNECTION)

    def hook(self, event_type: str, kind: str = "") -> Subscription:
        """The one subscription of this kind in Azure DevOps."""
        (found,) = (
            one
            for one in self.sandbox.hooks.subscriptions.values()
            if one.event_type == event_type
            and one.publisher_inputs.get("notificationType", "") == kind
        )
        return found

    async def connection(self) -> Connection:
        found = await self.world.read(lambda s: connections.get(s, CONNECTION))
        assert found is not None
        return found

    async def rows(self) -> list[Hook]:
        return list(await self.world.read(lambda s: s.exec(select(Hook)).all()))

    async def troubles(self) -> list[FeedTrouble]:
        return list(await self.world.read(lambda s: s.exec(select(FeedTrouble)).all()))

    async def inbox(self) -> list[InboxRow]:
        return list(await self.world.read(lambda s: s.exec(select(InboxRow)).all()))

    async def told(self) -> list[tuple[str, str]]:
        """(to whom or where, the title) of everything that was said of the feed."""
        rows = [row for row in await self.world.outbox() if row.key.startswith("feed:")]
        return [(row.conversation_id or "administrator", _summary(row)) for row in rows]


def _summary(row: OutboxRow) -> str:
    return str((row.payload or {}).get("summary", ""))
