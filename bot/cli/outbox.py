"""``pullcord outbox list`` and ``outbox retry``."""

import asyncio
import json

import click

from bot.cli import Failed
from bot.cli.database import open_database
from bot.ports import utc_now
from bot.settings import Settings, SettingsError, load_settings
from storage import outbox as stored


@click.group()
def outbox() -> None:
    """Look at messages that Teams did not take; retry them."""


@outbox.command("list")
@click.option("--json", "as_json", is_flag=True, help="for scripts")
def list_dead(as_json: bool) -> None:
    """List messages that could not be sent, the newest first, with the reason."""
    asyncio.run(_list(_settings(), as_json))


@outbox.command()
@click.argument("ids", type=int, nargs=-1)
def retry(ids: tuple[int, ...]) -> None:
    """Send them again: those with IDS, or all."""
    asyncio.run(_retry(_settings(), ids))


def _settings() -> Settings:
    try:
        return load_settings()
    except SettingsError as error:
        raise Failed(str(error)) from None


async def _list(settings: Settings, as_json: bool) -> None:
    async with open_database(settings) as db:
        rows = await db.read(stored.dead_letters)
    if as_json:
        shown = [
            {
                "id": row.id,
                "kind": row.kind,
                "conversation": row.conversation_id,
                "queued_at": row.created_at.isoformat(),
                "attempts": row.attempts,
                "reason": row.reason,
            }
            for row in rows
        ]
        click.echo(json.dumps(shown, indent=2))
        return
    if not rows:
        click.echo("Everything could be sent.")
    for row in rows:
        click.echo(f"{row.id}  {row.created_at:%Y-%m-%d %H:%M} UTC  {row.kind}  {row.reason}")


async def _retry(settings: Settings, ids: tuple[int, ...]) -> None:
    async with open_database(settings) as db:
        count = await db.write(
            lambda s: stored.retry_dead(s, now=utc_now(), row_ids=list(ids) or None)
        )
    if count < len(set(ids)):
        raise Failed(
            f"{count} of {len(set(ids))} put back; the rest is no message that could not be sent: "
            "see `pullcord outbox list`"
        )
    click.echo(f"{count} put back; a running `pullcord serve` sends them within a second or so.")
