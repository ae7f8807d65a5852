"""The hooks of a connection as they are now, beside those that it should have."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.connections.conventions import conventions_of
from bot.hooks.compare import Comparison, compare, own_hooks
from bot.hooks.model import HookSubscription, WantedHook
from bot.hooks.wanted import hook_url, wanted_hooks
from bot.ports import AzureDevOps, NotFound
from storage.engine import Database
from storage.queries import connections
from storage.queries import hooks as stored
from storage.tables import Connection, Hook


@dataclass(frozen=True, slots=True)
class Examined:
    """What was found. ``rows`` are the hooks that are stored, whether they are there or not."""

    connection: Connection
    url: str
    wanted: tuple[WantedHook, ...]
    own: tuple[HookSubscription, ...]
    comparison: Comparison
    rows: Sequence[Hook]

    @property
    def is_installed(self) -> bool:
        """Whether there are, or were, any hooks to watch over."""
        return bool(self.own or self.rows)


async def examine(
    azure: AzureDevOps, db: Database, connection: Connection, *, public_url: str
) -> Examined:
    """Ask Azure DevOps for projects and hooks, and compare.

    Raises:
        NotFound: a project of the connection is not there, or hidden.
        AzureDevOpsError: it could not be asked.
    """
    name = connection.name
    rows = await db.read(lambda s: stored.of_connection(s, name))
    wanted = await wanted_by(azure, connection)
    url = hook_url(public_url, name)
    own = own_hooks(await azure.hooks(), url=url, known={row.id for row in rows})
    return Examined(connection, url, wanted, own, compare(wanted, own, url=url), rows)


async def wanted_by(azure: AzureDevOps, connection: Connection) -> tuple[WantedHook, ...]:
    """The hooks that a connection should have; raises AzureDevOpsError, NotFound for a project."""
    there = {name.casefold(): (id_, name) for id_, name in await azure.projects()}
    there |= {id_: (id_, name) for id_, name in there.values()}
    projects = []
    for name in connection.projects:
        found = there.get(name.casefold())
        if found is None:
            raise NotFound(f"there is no project {name!r}, or the credential may not see it")
        projects.append(found)
    return wanted_hooks(projects, conventions_of(connection.settings))


async def existing(db: Database, name: str) -> Connection | None:
    """The connection of this name."""
    return await db.read(lambda s: connections.get(s, name))
