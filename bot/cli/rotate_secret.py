"""``pullcord rotate-secret``, also as ``pullcord hooks rotate-secret``."""

import asyncio

import click

from bot.cli import Failed
from bot.cli.connecting.storing import show_secret
from bot.cli.connections import require_connection, settings_or_fail
from bot.cli.database import open_database
from bot.cli.hook_access import opened, url_or_fail
from bot.hooks.writing import Place, to_install
from bot.settings import Settings
from storage.queries import connections as stored
from storage.queries import hooks as stored_hooks
from storage.secrets import new_webhook_secret


@click.command("rotate-secret")
@click.argument("name")
@click.option("--by-hand", is_flag=True, help="print the new secret, for hooks changed by hand")
@click.option("--end", is_flag=True, help="refuse every former secret from now on")
def rotate_secret(name: str, by_hand: bool, end: bool) -> None:
    """Make a new webhook secret for the connection NAME and give it to every hook.

    The former one stays valid until all hooks are changed, and ten minutes longer for deliveries
    that are repeated; a running `pullcord serve` refuses it then. Where Pullcord did not make the
    hooks itself it prints the new secret; change the hooks, then run this with --end.
    """
    asyncio.run(_rotate(settings_or_fail(), name, by_hand=by_hand, end=end))


async def _rotate(settings: Settings, name: str, *, by_hand: bool, end: bool) -> None:
    async with open_database(settings) as db:
        row = await require_connection(db, name)
        if end:
            await db.write(lambda s: stored.end_rotation(s, name))
            click.echo("The former webhook secret is refused from now on.")
            return
        known = await db.read(lambda s: stored_hooks.of_connection(s, name))
        is_by_hand = by_hand or not any(hook.secret_tag for hook in known)
        if is_by_hand and row.old_secret_hash:
            raise Failed(
                "a rotation is on already: change the hooks, then run "
                f"`pullcord rotate-secret {name} --end`"
            )
        if is_by_hand:
            secret = new_webhook_secret()
            await db.write(lambda s: stored.set_webhook_secret(s, name, secret))
            show_secret(settings, name, secret)
            click.echo(f"Then run `pullcord rotate-secret {name} --end`.")
            return
    await _rotate_all(settings, name)


async def _rotate_all(settings: Settings, name: str) -> None:
    """Every hook anew. What was changed before a failure keeps the new secret; both are valid."""
    url = url_or_fail(settings, name)
    async with opened(settings, name) as at:
        found = await at.examined(settings)
        plan = to_install(found.comparison, everything=True)
        done = await at.writer().carry_out(Place(name, url, at.azure), plan)
    click.echo(
        f"{done} service hooks have a new secret. The former one stays valid for ten minutes, "
        "until a running `pullcord serve` refuses it."
    )
