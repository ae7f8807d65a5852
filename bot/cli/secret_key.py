"""``pullcord secret-key``."""

import asyncio

import click

from bot.cli import Failed
from storage.secrets import SecretKeyError, new_key


@click.command("secret-key")
@click.option("--rotate", is_flag=True, help="encrypt everything stored with the first key")
def secret_key(rotate: bool) -> None:
    """Print a new key for PULLCORD_SECRET_KEY, which encrypts stored credentials.

    Keep it apart from the database. To change it, set PULLCORD_SECRET_KEY to NEW,OLD and run this
    with --rotate; then the old one can be taken out.
    """
    if not rotate:
        click.echo(new_key())
        return
    asyncio.run(_rotate())


async def _rotate() -> None:
    # Imported here, because making a key must not take the time to load the database.
    from bot.cli.connecting.trying import secret_box  # noqa: PLC0415
    from bot.cli.connections import settings_or_fail  # noqa: PLC0415
    from bot.cli.database import open_database  # noqa: PLC0415
    from storage.queries import connections  # noqa: PLC0415

    settings = settings_or_fail()
    box = secret_box(settings)
    async with open_database(settings) as db:
        try:
            count = await db.write(lambda s: connections.encrypt_again(s, box))
        except SecretKeyError as error:
            raise Failed(str(error)) from None
    click.echo(f"{count} stored secrets are encrypted with the first key of PULLCORD_SECRET_KEY.")
