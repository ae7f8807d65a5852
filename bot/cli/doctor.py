"""``pullcord doctor``: one screen that tells what is wrong and what to type."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass

import aiohttp
import click

from adapters.azure_devops.connections import AzureDevOpsClients
from adapters.entra import EntraError
from adapters.teams import connector_tokens
from bot.app import teams_config
from bot.log_text import log_safe
from bot.ports import AzureDevOpsError, utc_now
from bot.settings import Settings, SettingsError, load_settings
from storage import inbox, outbox, schema
from storage.engine import CannotStore, Database
from storage.queries import connections
from storage.secrets import SecretBox, SecretKeyError

SHOWN_LETTERS = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. ``advice`` is empty when it is well."""

    what: str
    is_well: bool
    says: str
    advice: str = ""


@click.command()
@click.option("--json", "as_json", is_flag=True, help="for scripts")
def doctor(as_json: bool) -> None:
    """Tell what is wrong and what to type. Exit code 1 when something is."""
    findings = asyncio.run(_examine())
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        for finding in findings:
            click.echo(f"{'ok ' if finding.is_well else '!! '} {finding.what}: {finding.says}")
            if finding.advice:
                click.echo(f"      {finding.advice}")
    if not all(finding.is_well for finding in findings):
        raise SystemExit(1)


async def _examine() -> list[Finding]:
    try:
        settings = load_settings()
    except SettingsError as error:
        return [Finding("settings", False, str(error), "Correct them and run this again.")]
    findings = [Finding("settings", True, "can be read"), _secret_key(settings)]
    async with aiohttp.ClientSession(trust_env=True) as http:
        findings.append(await _teams(settings, http))
        findings += [finding async for finding in _database(settings, http)]
    return findings


def _secret_key(settings: Settings) -> Finding:
    what = "secret key"
    if not settings.secret_keys:
        return Finding(
            what,
            False,
            "PULLCORD_SECRET_KEY is not set, so credentials cannot be stored or read",
            "Run `pullcord secret-key` and set PULLCORD_SECRET_KEY to what it prints.",
        )
    try:
        SecretBox(settings.secret_keys)
    except SecretKeyError as error:
        return Finding(what, False, str(error), "Run `pullcord secret-key` for a good one.")
    return Finding(what, True, "is set")


async def _teams(settings: Settings, http: aiohttp.ClientSession) -> Finding:
    what = "Teams"
    if not settings.teams_app_id:
        return Finding(
            what,
            False,
            "PULLCORD_TEAMS_APP_ID is empty; `pullcord serve` will not start",
            "Register a bot in Azure and set its application id, password and tenant.",
        )
    if settings.teams_unauthenticated == "loopback":
        return Finding(
            what, True, "PULLCORD_TEAMS_UNAUTHENTICATED is on: a local client only, without tokens"
        )
    try:
        await connector_tokens(http, teams_config(settings)).token()
    except EntraError as error:
        return Finding(
            what,
            False,
            f"no token: {error}",
            "Check PULLCORD_TEAMS_APP_ID, _APP_PASSWORD and _TENANT_ID.",
        )
    return Finding(what, True, "the bot's credentials give a token")


async def _database(settings: Settings, http: aiohttp.ClientSession) -> AsyncIterator[Finding]:
    url = settings.database_url.get_secret_value()
    try:
        await asyncio.to_thread(schema.check, url)
        async with Database.open(url) as db:
            yield Finding("database", True, "is there, with this version's schema")
            yield await _inbox(db)
            yield await _outbox(db)
            async for finding in _connections(settings, db, http):
                yield finding
    except schema.SchemaError as error:
        yield Finding("database", False, str(error))
    except (CannotStore, ValueError) as error:
        yield Finding("database", False, str(error), "Check PULLCORD_DATABASE_URL.")


async def _inbox(db: Database) -> Finding:
    counts = await db.read(inbox.counts)
    letters = await db.read(lambda s: inbox.dead_letters(s, limit=SHOWN_LETTERS))
    waiting = counts.get("pending", 0)
    if not letters:
        return Finding("inbox", True, f"{waiting} waiting, no dead letters")
    reasons = "; ".join(f"{letter.id}: {log_safe(letter.reason)}" for letter in letters)
    return Finding(
        "inbox",
        False,
        f"{waiting} waiting, {counts.get('dead', 0)} dead letters ({reasons})",
        "See `pullcord inbox list`; after an upgrade run `pullcord inbox retry`.",
    )


async def _outbox(db: Database) -> Finding:
    counts = await db.read(outbox.counts)
    dead = counts.get("dead", 0)
    says = f"{counts.get('pending', 0)} waiting, {dead} could not be sent"
    if not dead:
        return Finding("outbox", True, says)
    letters = await db.read(lambda s: outbox.dead_letters(s, limit=SHOWN_LETTERS))
    reasons = "; ".join(f"{letter.id}: {log_safe(letter.reason)}" for letter in letters)
    return Finding(
        "outbox",
        False,
        f"{says} ({reasons})",
        "After mending the cause run `pullcord outbox retry`.",
    )


async def _connections(
    settings: Settings, db: Database, http: aiohttp.ClientSession
) -> AsyncIterator[Finding]:
    rows = await db.read(connections.all_connections)
    if not rows:
        yield Finding(
            "connections",
            False,
            "there are none",
            "Run `pullcord connect NAME --url … --project …`.",
        )
        return
    try:
        box = SecretBox(settings.secret_keys) if settings.secret_keys else None
    except SecretKeyError:
        box = None
    clients = AzureDevOpsClients(
        db, box, http, login_url=settings.teams_login_url, clock=utc_now, sleep=asyncio.sleep
    )
    try:
        for row in rows:
            yield await _connection(clients, row.name)
    finally:
        await clients.close()


async def _connection(clients: AzureDevOpsClients, name: str) -> Finding:
    what = f"connection {name}"
    try:
        client = await clients(name)
        who = await client.who_am_i()
    except AzureDevOpsError as error:
        return Finding(what, False, str(error), f"Run `pullcord connect {name} …` with a new one.")
    return Finding(what, True, f"signed in as {who.display_name} at {client.base_url}")
