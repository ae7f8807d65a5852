"""Each connection's test, and each hook's state."""

import asyncio
import shlex
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

from adapters.azure_devops.connections import AzureDevOpsClients
from bot.cli.connecting.trying import tests_of
from bot.cli.examining.finding import Finding
from bot.commands.pull_request_lists import ago
from bot.connections.telling import label_of
from bot.connections.watch import WARN_DAYS
from bot.hooks.examining import examine
from bot.hooks.troubles import SILENCES, Kind
from bot.ports import AzureDevOpsError, Forbidden, utc_now
from bot.settings import Settings
from storage.engine import Database
from storage.queries import connections, health, hooks
from storage.secrets import SecretBox, SecretKeyError
from storage.tables import Connection, Credential

MOST_HOOKS = 20
ENDS_SOON = timedelta(days=max(WARN_DAYS))
HEARD_WITHIN = timedelta(days=7)
"""Longer than any weekend: where nothing came for so long, hooks that nobody sees prove nothing."""


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
    if not row.secret_hash:
        yield Finding(
            what,
            False,
            "has no webhook secret, so every webhook is refused",
            f"Run `pullcord rotate-secret {row.name}`: it makes one and gives it to the hooks.",
        )
    if row.paused_reason:
        yield Finding(
            what,
            False,
            f"is paused: {row.paused_reason}",
            f"Store one that works: `pullcord credentials rotate {row.name}`.",
        )
    for credential in await db.read(lambda s: connections.credentials(s, row.name)):
        if finding := _ending(what, credential):
            yield finding
    try:
        tried = await tests_of(settings, box).stored(db, row.name)
    except AzureDevOpsError as error:
        yield Finding(what, False, str(error), "Run `pullcord connections test`.")
        return
    for check in tried.checks:
        yield Finding(
            f"{what}, {check.what}", check.is_well, check.says, check.advice, check.trouble.value
        )


def _ending(what: str, credential: Credential) -> Finding | None:
    """A credential whose last day comes soon, as far as that was given at set-up."""
    label, ends = label_of(credential), credential.expires_at
    if ends is None or ends - utc_now() > ENDS_SOON:
        return None
    return Finding(
        f"{what}, {label}",
        False,
        f"expires on {ends:%Y-%m-%d}",
        f"Make a new one, then `pullcord credentials rotate {credential.connection} "
        f"{shlex.quote(label)}`.",
    )


async def _hooks(
    settings: Settings, clients: AzureDevOpsClients, db: Database, row: Connection
) -> AsyncIterator[Finding]:
    what = f"hooks of {row.name}"
    troubles, heard_at = await db.read(
        lambda s: (hooks.open_troubles(s, row.name), health.last_webhook_at(s, row.name))
    )
    is_wrong = any(trouble.kind != Kind.HIDDEN for trouble in troubles)
    is_heard = heard_at is not None and utc_now() - heard_at < HEARD_WITHIN and not is_wrong
    try:
        client = await clients(row.name)
        found = await examine(client, db, row, public_url=settings.public_url)
    except Forbidden as error:
        yield _not_seen(row.name, f"cannot be looked at ({error})", heard_at, is_heard=is_heard)
        return
    except AzureDevOpsError as error:
        advice = "`pullcord hooks check` tells more once it answers."
        yield Finding(what, False, f"cannot be looked at: {error}", advice)
        return
    for trouble in troubles:
        if trouble.kind in SILENCES:
            yield Finding(what, False, trouble.says, f"Run `pullcord hooks check {row.name}`.")
    advice = f"Run `pullcord hooks install {row.name}`."
    wrong = found.comparison.differences
    if not found.own and wrong:
        # Whoever may not view hooks gets an empty list: perhaps somebody made them by hand.
        has_been = heard_at or found.rows
        says = "this account sees none" if has_been else "there are none yet"
        yield _not_seen(row.name, says, heard_at, is_heard=is_heard)
        return
    for each in wrong[:MOST_HOOKS]:
        yield Finding(what, False, f"{each.wanted}: {each.says}", advice)
    if len(wrong) > MOST_HOOKS:
        yield Finding(what, False, f"and {len(wrong) - MOST_HOOKS} more", advice)
    for hook in found.comparison.surplus[:MOST_HOOKS]:
        yield Finding(what, False, f"{hook.event_type} is there twice or unneeded", advice)
    if not wrong and not found.comparison.surplus:
        yield Finding(what, True, f"all {len(found.wanted)} are there and deliver")


def _not_seen(name: str, says: str, heard_at: datetime | None, *, is_heard: bool) -> Finding:
    """Hooks that cannot be looked at: what comes in tells whether they are there all the same."""
    what = f"hooks of {name}"
    last = f"the last webhook came {ago(heard_at, utc_now())}" if heard_at else "no webhook came"
    if is_heard:
        advice = (
            "So they are there, made by hand perhaps. Whether all kinds are is seen by project "
            f"administrators only: `pullcord hooks install {name} --print` lists them."
        )
        return Finding(what, True, f"{says}; {last}", advice, is_note=True)
    advice = (
        f"Run `pullcord hooks install {name}`. Only project administrators may make and see hooks; "
        "with --print it says what one of them enters by hand."
    )
    return Finding(what, False, f"{says}; {last}" if heard_at else says, advice)
