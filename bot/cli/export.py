"""``pullcord export links|audit|resolved``."""

import asyncio
import json
from pathlib import Path
from typing import IO

import click

from bot.cli import Failed
from bot.cli.database import open_database
from bot.export import EXPORTS, Export, cells, csv_line, export_rows, month_span
from bot.settings import Settings, SettingsError, load_settings
from storage.engine import CannotStore, Database
from storage.queries.exports import Span


@click.command()
@click.argument("what", type=click.Choice(list(EXPORTS)))
@click.option("--month", default="", help="only this month (UTC), like 2026-11; without it all")
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="a file; else standard output"
)
@click.option("--json", "as_json", is_flag=True, help="one JSON object per line instead of CSV")
def export(what: str, month: str, out: Path | None, as_json: bool) -> None:
    """Write links, the audit, or what was resolved as CSV.

    links: what ties tickets, branches and pull requests, made or removed in the month.
    audit: who did what. resolved: pull requests completed in the month and their tickets.
    """
    try:
        settings = load_settings()
        span = month_span(month)
    except SettingsError as error:
        raise Failed(str(error)) from None
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--month") from None
    try:
        with click.open_file(str(out) if out else "-", "wb") as file:
            count = asyncio.run(_export(settings, EXPORTS[what], span, file, as_json))
    except OSError as error:
        raise Failed(f"{out or 'standard output'} cannot be written: {error.strerror}") from None
    if out is not None:
        click.echo(f"Wrote {count} rows to {out}.")


async def _export(
    settings: Settings, wanted: Export, span: Span, file: IO[bytes], as_json: bool
) -> int:
    async with open_database(settings) as db:
        try:
            return await _write(db, wanted, span, file, as_json)
        except CannotStore as error:
            raise Failed(str(error)) from None


async def _write(db: Database, wanted: Export, span: Span, file: IO[bytes], as_json: bool) -> int:
    if not as_json:
        file.write(csv_line(wanted.columns).encode())
    count = 0
    async for rows in export_rows(db, wanted, span):
        for row in rows:
            text = (
                json.dumps(row, ensure_ascii=False) + "\n"
                if as_json
                else csv_line(cells(wanted, row))
            )
            file.write(text.encode("utf-8", "replace"))
        count += len(rows)
    return count
