"""``pullcord inbox list`` and ``inbox retry``."""

import asyncio
import json

import click

from bot.cli import Failed
from bot.cli.database import open_database
from bot.ports import utc_now
from bot.settings import Settings, SettingsError, load_settings
from storage import inbox as stored


@click.group()
def inbox() -> None:
    """Look at webhooks that could not be understood; retry them."""


@inbox.command("list")
@click.option("--json", "as_json", is_flag=True, help="for scripts")
def list_dead(as_json: bool) -> None:
    """List dead letters, the newest first, with the reason."""
    asyncio.run(_list(_settings(), as_json))


@inbox.command()
@click.argument("ids", type=int, nargs=-1)
@click.option("--connection", default="", help="only those of this connection")
def retry(ids: tuple[int, ...], connection: str) -> None:
    """Run dead letters again: those with IDS, or all."""
    asyncio.run(_retry(_settings(), ids, connection))


def _settings() -> Settings:
    try:
        return load_settings()
    except SettingsError as error:
        raise Failed(str(error)) from None


async def _list(settings: Settings, as_json: bool) -> None:
    async with open_database(settings) as db:
        letters = await db.read(stored.dead_letters)
    if as_json:
        shown = [
            {
                "id": letter.id,
                "connection": letter.connection,
                "event_type": letter.event_type,
                "received_at": letter.received_at.isoformat(),
                "attempts": letter.attempts,
                "reason": letter.reason,
                "bytes": letter.size,
            }
            for letter in letters
        ]
        click.echo(json.dumps(shown, indent=2))
        return
    if not letters:
        click.echo("No dead letters.")
    for letter in letters:
        click.echo(
            f"{letter.id}  {letter.received_at:%Y-%m-%d %H:%M} UTC  {letter.connection}  "
            f"{letter.event_type}  {letter.reason}"
        )


async def _retry(settings: Settings, ids: tuple[int, ...], connection: str) -> None:
    async with open_database(settings) as db:
        count = await db.write(
            lambda s: stored.retry_dead(
                s, now=utc_now(), row_ids=list(ids) or None, connection=connection
            )
        )
    if count < len(set(ids)):
        raise Failed(
            f"{count} of {len(set(ids))} put back; the rest is no dead letter: "
            "see `pullcord inbox list`"
        )
    click.echo(f"{count} put back; a running `pullcord serve` takes them within a second or so.")
