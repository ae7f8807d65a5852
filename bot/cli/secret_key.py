"""``pullcord secret-key``."""

import click

from storage.secrets import new_key


@click.command("secret-key")
def secret_key() -> None:
    """Print a new key for PULLCORD_SECRET_KEY, which encrypts stored credentials.

    Keep it apart from the database. To change it, set PULLCORD_SECRET_KEY to NEW,OLD.
    """
    click.echo(new_key())
