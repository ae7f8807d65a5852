"""``pullcord backup`` and ``pullcord restore``."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from bot.cli import Failed
from bot.ports import utc_now
from bot.settings import Settings, SettingsError, load_settings
from storage import backup as stored
from storage.errors import CannotStore
from storage.schema import SchemaError

WITH_KEY = "Stored credentials in it are encrypted: keep PULLCORD_SECRET_KEY too, in another place."


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="write over a file that is there")
def backup(file: Path, force: bool) -> None:
    """Copy the whole database into FILE while Pullcord runs.

    FILE is a SQLite database, whatever PULLCORD_DATABASE_URL is; only its owner may read it.
    """
    with _plain_failures() as settings:
        held = stored.backup(settings.database_url.get_secret_value(), file, replace=force)
    click.echo(
        f"Wrote {file}: schema {held.revision}, {sum(held.rows.values())} rows, "
        f"{held.rows.get('audit', 0)} of them audit (whole), {held.size:,} bytes."
    )
    click.echo(WITH_KEY)


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--replace", is_flag=True, help="put it in the place of the database that is there")
def restore(file: Path, replace: bool) -> None:
    """Make the database of PULLCORD_DATABASE_URL from FILE. Stop Pullcord before."""
    with _plain_failures() as settings:
        held, kept = stored.restore(
            file, settings.database_url.get_secret_value(), replace=replace, now=utc_now()
        )
    click.echo(
        f"Restored {file}: schema {held.revision}, {sum(held.rows.values())} rows, "
        f"{held.rows.get('audit', 0)} of them audit (whole)."
    )
    if kept is not None:
        click.echo(f"The database that was there is kept as {kept}.")
    click.echo("Start `pullcord serve`: the sweep tells what happened since the backup.")


@contextmanager
def _plain_failures() -> Iterator[Settings]:
    try:
        yield load_settings()
    except (SettingsError, stored.BackupError, SchemaError, CannotStore, ValueError) as error:
        raise Failed(str(error)) from None
