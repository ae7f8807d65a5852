"""``pullcord doctor``: one screen that tells what is wrong and what to type."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import asdict

import aiohttp
import click

from adapters.entra import EntraError
from adapters.teams import connector_tokens
from bot.app import teams_config
from bot.cli.examining import reach
from bot.cli.examining.azure_devops import examine_connections
from bot.cli.examining.finding import Finding
from bot.cli.examining.stored import examine_stored
from bot.settings import Settings, SettingsError, load_settings
from storage import schema
from storage.engine import CannotStore, Database
from storage.secrets import SecretBox, SecretKeyError


@click.command()
@click.option("--json", "as_json", is_flag=True, help="for scripts")
def doctor(as_json: bool) -> None:
    """Tell what is wrong and what to type. Exit code 1 when something is."""
    findings = asyncio.run(_examine())
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        for finding in findings:
            click.echo(f"{finding.mark} {finding.what}: {finding.says}")
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
        findings += [_administrators(settings), await _teams(settings, http)]
        findings += await reach.public_url(settings, http)
        if settings.teams_app_id and settings.teams_unauthenticated != "loopback":
            findings.append(await reach.clock(settings, http))
        findings += [finding async for finding in _database(settings)]
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


def _administrators(settings: Settings) -> Finding:
    what = "administrators"
    if settings.administrators:
        return Finding(what, True, f"{len(settings.administrators)} are named")
    return Finding(
        what,
        False,
        "nobody is named, so nobody in Teams hears when something here decays",
        "Set PULLCORD_ADMINISTRATORS to their mails, with commas.",
    )


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


async def _database(settings: Settings) -> AsyncIterator[Finding]:
    url = settings.database_url.get_secret_value()
    try:
        await asyncio.to_thread(schema.check, url)
        async with Database.open(url) as db:
            yield Finding("database", True, "is there, with this version's schema")
            async for finding in examine_stored(db, settings.secret_keys):
                yield finding
            async for finding in examine_connections(settings, db):
                yield finding
    except schema.SchemaError as error:
        yield Finding("database", False, str(error))
    except (CannotStore, ValueError) as error:
        yield Finding("database", False, str(error), "Check PULLCORD_DATABASE_URL.")
