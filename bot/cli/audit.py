"""``pullcord audit verify``."""

import asyncio

import click

from bot.cli import Failed
from bot.cli.database import open_database
from bot.settings import Settings, SettingsError, load_settings
from storage import audit as stored


@click.group()
def audit() -> None:
    """Check the audit history."""


@audit.command()
def verify() -> None:
    """Check that no entry of the audit was changed or taken out."""
    try:
        settings = load_settings()
    except SettingsError as error:
        raise Failed(str(error)) from None
    asyncio.run(_verify(settings))


async def _verify(settings: Settings) -> None:
    async with open_database(settings) as db:
        bad = await db.read(stored.verify)
    if bad is not None:
        raise Failed(
            f"the audit is broken at entry {bad}: it, or one before it, was changed or taken out. "
            "Compare with a backup."
        )
    click.echo("The audit is whole.")
