"""What could not be handled: one shape of ``list`` and ``retry`` for the inbox and the outbox."""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import click
from sqlmodel import Session

from bot.cli import Failed
from bot.cli.connections import settings_or_fail
from bot.cli.database import open_database
from bot.log_text import log_safe
from bot.ports import utc_now
from bot.settings import Settings

Retry = Callable[..., int]


@dataclass(frozen=True, slots=True)
class Letter:
    """One of them: when it came, in a few words what it is, and everything for scripts."""

    id: int
    at: datetime
    what: str
    reason: str
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Box:
    """Where dead letters lie, and how it speaks of them.

    ``newest`` gives the last fifty, ``count`` how many there are. ``retry`` takes ``now`` and
    ``row_ids`` (None: all), and ``connection`` where ``by_connection``; it says how many it put
    back.
    """

    name: str
    help: str
    list_help: str
    none: str
    not_one: str
    taken: str
    count: Callable[[Session], int]
    newest: Callable[[Session], Sequence[Letter]]
    retry: Retry
    by_connection: bool = False


def commands_of(box: Box) -> click.Group:
    """``pullcord NAME list`` and ``pullcord NAME retry``."""
    group = click.Group(box.name, help=box.help)

    @group.command("list", help=box.list_help)
    @click.option("--json", "as_json", is_flag=True, help="for scripts")
    def list_dead(as_json: bool) -> None:
        asyncio.run(_list(settings_or_fail(), box, as_json))

    def retry(ids: tuple[int, ...], **only: str) -> None:
        asyncio.run(_retry(settings_or_fail(), box, ids, only))

    if box.by_connection:
        retry = click.option("--connection", default="", help="only those of this one")(retry)
    retry = click.argument("ids", type=int, nargs=-1)(retry)
    group.command("retry", help="Run them again: those with IDS, or all.")(retry)
    return group


async def _list(settings: Settings, box: Box, as_json: bool) -> None:
    async with open_database(settings) as db:
        letters, count = await db.read(lambda s: (box.newest(s), box.count(s)))
    if as_json:
        shown = [{"id": each.id, **each.facts, "reason": each.reason} for each in letters]
        click.echo(json.dumps(shown, indent=2))
        return
    if not letters:
        click.echo(box.none)
    for each in letters:
        click.echo(
            f"{each.id}  {each.at:%Y-%m-%d %H:%M} UTC  {log_safe(each.what)}  "
            f"{log_safe(each.reason)}"
        )
    if count > len(letters):
        click.echo(f"and {count - len(letters)} older")


async def _retry(
    settings: Settings, box: Box, ids: tuple[int, ...], only: Mapping[str, str]
) -> None:
    async with open_database(settings) as db:
        count = await db.write(
            lambda s: box.retry(s, now=utc_now(), row_ids=list(ids) or None, **only)
        )
    if count < len(set(ids)):
        raise Failed(
            f"{count} of {len(set(ids))} put back; the rest is {box.not_one}: "
            f"see `pullcord {box.name} list`"
        )
    if not count:
        click.echo("Nothing to put back.")
        return
    click.echo(f"{count} put back; a running `pullcord serve` {box.taken} within a second or so.")
