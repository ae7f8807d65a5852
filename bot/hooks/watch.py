"""Watching the feed: what decays is found, mended where it can be, and told once.

A hook that Azure DevOps itself took out of service is switched on again, as often as it helps. What
a person did to a hook is undone once and said; when he does it again, it is left, and said.
"""

import logging
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime, timedelta

from sqlmodel import Session

from bot.hooks.examining import Examined, examine, existing
from bot.hooks.finding import hidden_hooks, mending, silent_repositories, troubles_of
from bot.hooks.missed import Missed, StoreHook, read_missed
from bot.hooks.model import ServiceHooks
from bot.hooks.telling import tell
from bot.hooks.troubles import note
from bot.hooks.writing import HookWriter, Place, facts_of, retire_unused
from bot.log_text import log_safe
from bot.ports import AzureDevOpsError, Forbidden, NotFound
from bot.services import Services
from storage.queries import connections
from storage.queries import hooks as stored
from storage.queries.hooks import Trouble
from storage.tables import Connection

log = logging.getLogger(__name__)

CatchUp = Callable[[Collection[str]], Awaitable[object]]

ACTOR = "pullcord"
MAY_NOT = "the account may not edit service hooks"
LOOK_EVERY = timedelta(minutes=10)
LOOK_FOR_SILENCE_EVERY = timedelta(hours=1)
SETTLED_AFTER_START = timedelta(minutes=10)


class FeedWatch:
    """One look at the hooks of every connection, for the clock.

    Args:
        services: what the bot works with.
        store: stores a missed event as the webhook's door does.
        catch_up: called with the connections whose hooks were mended, to read what they lost.
        public_url: where Azure DevOps reaches us; "": only hooks that are known by their id.
    """

    def __init__(
        self, services: Services, store: StoreHook, catch_up: CatchUp, *, public_url: str
    ) -> None:
        self._services = services
        self._store = store
        self._catch_up = catch_up
        self._public_url = public_url
        self._watched_since = services.clock() + SETTLED_AFTER_START
        self._silence_looked_at: dict[str, datetime] = {}

    async def run(self) -> None:
        """Look at every connection in use; one that cannot be asked is looked at next time."""
        rows = await self._services.db.read(connections.all_connections)
        for row in rows:
            if row.paused_reason:
                continue
            try:
                await self.look(row.name)
            except AzureDevOpsError as error:
                log.info("hooks of %s not looked at: %s", row.name, log_safe(str(error)))
            await self.look_for_silence(row)

    async def look(self, name: str) -> None:
        """Compare, mend, read what was missed, tell; raises AzureDevOpsError, CannotStore."""
        services = self._services
        connection = await existing(services.db, name)
        if connection is None or not await self._has_hooks(name):
            return
        azure = await services.azure_devops(name)
        found = await examine(azure, services.db, connection, public_url=self._public_url)
        if not found.is_installed:
            return
        missed = await self._read_missed(azure, found)
        mended, why_not = await self._mend(azure, found, missed)
        hidden = hidden_hooks(found) if why_not == MAY_NOT else []
        seen = hidden or troubles_of(found, missed, mended, why_not)
        await self._take_down(found, mended, seen)
        if mended:
            await self._catch_up([name])

    async def _has_hooks(self, name: str) -> bool:
        """Whether there can be any: without a public URL only those that are known."""
        rows = await self._services.db.read(lambda s: stored.of_connection(s, name))
        return bool(rows or self._public_url)

    async def _read_missed(self, azure: ServiceHooks, found: Examined) -> Missed:
        services, name = self._services, found.connection.name
        now = services.clock()
        feed = await services.db.read(lambda s: stored.feed(s, name))
        missed = await read_missed(
            azure,
            services.db,
            self._store,
            services.clock,
            connection=name,
            hook_ids=[hook.id for hook in found.own],
            read_to=feed.history_read_to,
        )
        await services.db.write(lambda s: stored.looked(s, name, now=now, history_read_to=now))
        if missed.taken:
            log.info("%s: %d events that were not delivered are taken", name, missed.taken)
        return missed

    async def _mend(
        self, azure: ServiceHooks, found: Examined, missed: Missed
    ) -> tuple[frozenset[str], str]:
        """Write the hooks that may be mended; the keys of those, and why not the others."""
        if not found.url:
            return frozenset(), "PULLCORD_PUBLIC_URL is not set"
        services = self._services
        plan = mending(found, missed, services.clock())
        writer = HookWriter(services.db, services.clock, services.sleep, actor=ACTOR)
        place = Place(found.connection.name, found.url, azure)
        try:
            await writer.carry_out(place, plan, is_repair=True)
        except (Forbidden, NotFound) as error:  # what may not be edited may be hidden, too
            log.warning("hooks of %s not mended: %s", place.connection, log_safe(str(error)))
            return frozenset(writer.written), MAY_NOT
        return frozenset(writer.written), ""

    async def _take_down(
        self, found: Examined, mended: frozenset[str], seen: Sequence[Trouble]
    ) -> None:
        services, name = self._services, found.connection.name
        now = services.clock()

        def take_down(session: Session) -> None:
            for hook in found.own:
                if hook.key not in mended:
                    stored.see(session, name, facts_of(hook), now=now)
            session.flush()
            retire_unused(session, name, now)
            turn = note(session, name, seen, now=now, about_silence=False)
            tell(session, name, turn, administrators=services.administrators, now=now)

        await services.db.write(take_down)

    async def look_for_silence(self, connection: Connection) -> None:
        """Once an hour, whether repositories that are followed are silent; raises CannotStore."""
        services, name = self._services, connection.name
        now = services.clock()
        last = self._silence_looked_at.get(name)
        if last is not None and now - last < LOOK_FOR_SILENCE_EVERY:
            return
        self._silence_looked_at[name] = now
        watched_since = self._watched_since

        def look(session: Session) -> None:
            seen = silent_repositories(session, name, watched_since=watched_since, now=now)
            turn = note(session, name, seen, now=now, about_silence=True)
            tell(session, name, turn, administrators=services.administrators, now=now)

        await services.db.write(look)
