"""Checking an app package, and which addresses it is to have previews for."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

import click

from bot.cli import Failed
from bot.settings import Settings
from bot.teams_app_check import problems
from bot.teams_app_package import command_lists, read_command_lists
from storage import schema
from storage.engine import CannotStore, Database
from storage.queries import connections

SERVICES = "dev.azure.com"


def check_package(file: Path, settings: Settings) -> None:
    """Say that the package is good, or what is wrong with it.

    Raises:
        Failed: something is wrong; all of it is printed before.
    """
    package = file.read_bytes()
    found = problems(package, app_id=settings.teams_app_id)
    for problem in found:
        click.echo(f"!!  {problem}")
    if found:
        raise Failed(f"{file} is not as Teams wants it; `pullcord manifest build` makes a new one.")
    click.echo(f"{file} is a package that Teams takes.")
    if read_command_lists(package) != command_lists():
        click.echo(
            "Its command lists are of another version of Pullcord; `pullcord manifest build` makes "
            "a new one."
        )


async def link_domains(settings: Settings) -> Sequence[str]:
    """Hosts of the stored connections; none when there is no database yet."""
    url = settings.database_url.get_secret_value()
    try:
        await asyncio.to_thread(schema.check, url)
        async with Database.open(url) as db:
            rows = await db.read(connections.all_connections)
    except (schema.SchemaError, CannotStore, ValueError):
        return ()
    domains: list[str] = []
    for row in rows:
        parts = urlsplit(row.base_url)
        domains.append(parts.hostname or "")
        if parts.hostname == SERVICES:
            domains.append(f"{parts.path.strip('/').split('/')[0]}.visualstudio.com")
    return [domain for domain in dict.fromkeys(domains) if domain]
