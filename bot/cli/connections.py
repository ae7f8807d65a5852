"""``pullcord connections``: what is connected, and whether it works."""

import asyncio
import json
from typing import Any

import click

from bot.cli import Failed
from bot.cli.connecting.trying import as_json as checks_as_json
from bot.cli.connecting.trying import secret_box, show, tests_of
from bot.cli.database import open_database
from bot.conflicts.statuses import mode_of
from bot.connections.conventions import conventions_of, switched_on
from bot.connections.telling import label_of
from bot.settings import Settings, SettingsError, load_settings
from bot.usual_repository import defaults_of
from storage.engine import Database
from storage.queries import connections as stored
from storage.tables import Connection, Credential


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="for scripts")
@click.pass_context
def connections(context: click.Context, as_json: bool) -> None:
    """List the connections; `connections test` tries them."""
    if context.invoked_subcommand is None:
        asyncio.run(_list(settings_or_fail(), as_json))


@connections.command()
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="for scripts")
def test(name: str | None, as_json: bool) -> None:
    """Try each thing that is needed, of NAME or of all. Exit code 1 when something fails."""
    asyncio.run(_test(settings_or_fail(), name, as_json))


def settings_or_fail() -> Settings:
    """The settings. Raises Failed."""
    try:
        return load_settings()
    except SettingsError as error:
        raise Failed(str(error)) from None


async def require_connection(db: Database, name: str) -> Connection:
    """The connection of this name. Raises Failed."""
    row = await db.read(lambda s: stored.get(s, name))
    if row is None:
        raise Failed(f"there is no connection {name!r}: see `pullcord connections`")
    return row


def credential_line(credential: Credential) -> str:
    """A credential on one line, without its secret."""
    parts = [label_of(credential), credential.kind.replace("_", " ")]
    if credential.expires_at is not None:
        parts.append(f"expires {credential.expires_at:%Y-%m-%d}")
    if credential.failed_at is not None:
        since = f"{credential.failed_at:%Y-%m-%d %H:%M} UTC"
        parts.append(f"refused since {since}: {credential.failure}")
    return "  ".join(parts)


def credential_facts(credential: Credential) -> dict[str, Any]:
    """A credential for a script, without its secret."""
    return {
        "id": credential.id,
        "label": label_of(credential),
        "kind": credential.kind,
        "expires_at": credential.expires_at.isoformat() if credential.expires_at else None,
        "failed_at": credential.failed_at.isoformat() if credential.failed_at else None,
        "failure": credential.failure,
    }


async def _list(settings: Settings, as_json: bool) -> None:
    async with open_database(settings) as db:
        rows = await db.read(
            lambda s: [(row, stored.credentials(s, row.name)) for row in stored.all_connections(s)]
        )
    if as_json:
        shown = [
            {
                "name": row.name,
                "base_url": row.base_url,
                "api_version": row.api_version,
                "projects": row.projects,
                "branch_template": row.branch_template,
                "merge_status": mode_of(row.settings).value,
                "default_repositories": defaults_of(row.settings),
                "conventions": row.settings.get("conventions") or {},
                "paused_reason": row.paused_reason,
                "unreachable_reason": row.unreachable_reason,
                "credentials": [credential_facts(each) for each in held],
            }
            for row, held in rows
        ]
        click.echo(json.dumps(shown, indent=2))
        return
    if not rows:
        click.echo("No connections yet: run `pullcord connect`.")
    for row, held in rows:
        paused = f"  paused: {row.paused_reason}" if row.paused_reason else ""
        if row.unreachable_since and not paused:
            paused = f"  not reached since {row.unreachable_since:%Y-%m-%d %H:%M} UTC"
        projects = ", ".join(row.projects) or "all projects"
        on = ", ".join(switched_on(conventions_of(row.settings))) or "nothing"
        click.echo(f"{row.name}  {row.base_url}  {projects}  ({on}){paused}")
        for each in held:
            click.echo(f"    {credential_line(each)}")


async def _test(settings: Settings, name: str | None, as_json: bool) -> None:
    box = secret_box(settings)
    async with open_database(settings) as db:
        names = [row.name for row in await db.read(stored.all_connections)]
        if name is not None:
            names = [(await require_connection(db, name)).name]
        if not names:
            raise Failed("there is no connection yet: run `pullcord connect`")
        tests = tests_of(settings, box)
        found = {each: await tests.stored(db, each) for each in names}
    if as_json:
        by_name = {each: json.loads(checks_as_json(tried.checks)) for each, tried in found.items()}
        click.echo(json.dumps(by_name, indent=2))
    else:
        for each, tried in found.items():
            click.echo(each)
            show(tried.checks)
    if not all(tried.is_well for tried in found.values()):
        raise SystemExit(1)
