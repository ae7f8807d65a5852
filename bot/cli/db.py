"""``pullcord db upgrade``."""

import click

from bot.cli import Failed
from bot.settings import SettingsError, load_settings
from storage import schema


@click.group()
def db() -> None:
    """Create or upgrade the database."""


@db.command()
def upgrade() -> None:
    """Bring the database of PULLCORD_DATABASE_URL to this version's schema."""
    try:
        url = load_settings().database_url.get_secret_value()
        schema.upgrade(url)
        click.echo(f"The database is at schema {schema.current(url)}.")
    except (SettingsError, schema.SchemaError) as error:
        raise Failed(str(error)) from None
