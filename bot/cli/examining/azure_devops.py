"""Each connection's test, and each hook's state."""

import asyncio
from collections.abc import AsyncIterator

from adapters.azure_devops.connections import AzureDevOpsClients
from bot.cli.connecting.trying import tests_of
from bot.cli.examining.finding import Finding
from bot.hooks.examining import examine
from bot.ports import AzureDevOpsError, utc_now
from bot.settings import Settings
from storage.engine import Database
from storage.queries import connections
from storage.secrets import SecretBox, SecretKeyError
from storage.tables import Connection

MOST_HOOKS = 20


async def examine_connections(settings: Settings, db: Database) -> AsyncIterator[Finding]:
    """A line for each thing that is needed of each connection."""
    rows = await db.read(connections.all_connections)
    if not rows:
        yield Finding(
            "connections", False, "there are none", "Run `pullcord connect`: it asks step by step."
        )
        return
    box = _box(settings)
    clients = AzureDevOpsClients(
        db, box, login_url=settings.teams_login_url, clock=utc_now, sleep=asyncio.sleep
    )
    try:
        for row in rows:
            async for finding in _connection(settings, box, db, row):
                yield finding
            async for finding in _hooks(settings, clients, db, row):
                yield finding
    finally:
        await clients.close()


def _box(settings: Settings) -> SecretBox | None:
    try:
        return SecretBox(settings.secret_keys) if settings.secret_keys else None
    except SecretKeyError:
        return None  # said already


async def _connection(
    settings: Settings, box: SecretBox | None, db: Database, row: Connection
) -> AsyncIterator[Finding]:
    what = f"connection {row.name}"
    if row.paused_reason:
        yield Finding(
            what,
            False,
            f"is paused: {row.paused_reason}",
            f"Store one that works: `pullcord credentials rotate {row.name}`.",
        )
    try:
        tried = await tests_of(settings, box).stored(db, row.name)
    except AzureDevOpsError as error:
        yield Finding(what, False, str(error), "Run `pullcord connections test`.")
        return
    for check in tried.checks:
        yield Finding(
            f"{what}, {check.what}", check.is_well, check.says, check.advice, check.trouble.value
        )


async def _hooks(
    settings: Settings, clients: AzureDevOpsClients, db: Database, row: Connection
) -> AsyncIterator[Finding]:
    what = f"hooks of {row.name}"
    try:
        client = await clients(row.name)
        found = await examine(client, db, row, public_url=settings.public_url)
    except AzureDevOpsError as error:
        yield Finding(
            what,
            False,
            f"cannot be looked at: {error}",
            f"Only project administrators may see hooks: `pullcord hooks install {row.name} "
            "--print` says what to enter by hand.",
        )
        return
    advice = f"Run `pullcord hooks install {row.name}`."
    wrong = found.comparison.differences
    if not found.is_installed and wrong:
        yield Finding(what, False, "there are none yet", advice)
        return
    for each in wrong[:MOST_HOOKS]:
        yield Finding(what, False, f"{each.wanted}: {each.says}", advice)
    if len(wrong) > MOST_HOOKS:
        yield Finding(what, False, f"and {len(wrong) - MOST_HOOKS} more", advice)
    for hook in found.comparison.surplus[:MOST_HOOKS]:
        yield Finding(what, False, f"{hook.event_type} is there twice or unneeded", advice)
    if not wrong and not found.comparison.surplus:
        yield Finding(what, True, f"all {len(found.wanted)} are there and deliver")
