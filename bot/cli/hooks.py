"""``pullcord hooks``: the service hooks that feed a connection."""

import asyncio
import json

import click

from bot.cli.connections import settings_or_fail
from bot.cli.hook_access import opened, url_or_fail
from bot.cli.hook_report import check_lines, facts, values_by_hand
from bot.cli.rotate_secret import rotate_secret
from bot.hooks.examining import wanted_by
from bot.hooks.writing import Place, to_install
from bot.ports import utc_now
from bot.settings import Settings
from storage.queries import connections as stored
from storage.queries import hooks as stored_hooks
from storage.secrets import new_webhook_secret


@click.group()
def hooks() -> None:
    """Make, check and remove the service hooks that feed Pullcord from Azure DevOps."""


@hooks.command()
@click.argument("connection")
@click.option("--dry-run", is_flag=True, help="only say what would be done")
@click.option("--print", "by_hand", is_flag=True, help="values to enter by hand, without the right")
def install(connection: str, dry_run: bool, by_hand: bool) -> None:
    """Make every service hook of CONNECTION, or mend those that are not as they should be.

    Each one that is made or changed gets a fresh secret, which nobody needs to know. Running it
    again changes nothing that is right. Needs the permission "Edit Subscriptions", which project
    administrators have.
    """
    work = _print_values if by_hand else _install
    asyncio.run(work(settings_or_fail(), connection, dry_run))


@hooks.command()
@click.argument("connection")
@click.option("--json", "as_json", is_flag=True, help="for scripts")
def check(connection: str, as_json: bool) -> None:
    """Compare the service hooks of CONNECTION with what they should be. Exit code 1: they differ.

    Changes nothing.
    """
    if not asyncio.run(_check(settings_or_fail(), connection, as_json)):
        raise SystemExit(1)


@hooks.command()
@click.argument("connection")
@click.option("--dry-run", is_flag=True, help="only say what would be done")
def remove(connection: str, dry_run: bool) -> None:
    """Remove the service hooks of CONNECTION from Azure DevOps: ours, and nobody else's."""
    asyncio.run(_remove(settings_or_fail(), connection, dry_run))


hooks.add_command(rotate_secret)


async def _install(settings: Settings, name: str, dry_run: bool) -> None:
    url = url_or_fail(settings, name)
    async with opened(settings, name) as at:
        found = await at.examined(settings)
        plan = to_install(found.comparison)
        if plan.is_empty:
            click.echo(f"All {len(found.wanted)} service hooks are as they should be.")
            return
        if dry_run:
            click.echo(f"At {at.row.base_url}, delivering to {url}, this:")
            for line in plan.lines():
                click.echo(f"  {line}")
            return
        _warn_of_http(url)
        done = await at.writer().carry_out(Place(name, url, at.azure), plan)
    left = len(found.wanted) - len(plan.writes)
    click.echo(f"{done} service hooks written or removed, {left} left as they are.")
    click.echo(f"See `pullcord hooks check {name}`.")


def _warn_of_http(url: str) -> None:
    if url.startswith("http://"):
        click.echo(
            "The address is http, so the secret goes as a header, which whoever may view service "
            "hooks can read. With https it is a password that nobody can read."
        )


async def _print_values(settings: Settings, name: str, dry_run: bool) -> None:
    url = url_or_fail(settings, name)
    async with opened(settings, name) as at:
        wanted = await wanted_by(at.azure, at.row)
        had_one = bool(at.row.secret_hash)
        secret = ""
        if not dry_run:
            secret = new_webhook_secret()
            await at.db.write(lambda s: stored.set_webhook_secret(s, name, secret))
    for line in values_by_hand(wanted, url, secret):
        click.echo(line)
    if secret and had_one:
        click.echo(
            "Former secrets stay valid. When every hook has the new one, run "
            f"`pullcord rotate-secret {name} --end`."
        )


async def _check(settings: Settings, name: str, as_json: bool) -> bool:
    async with opened(settings, name) as at:
        found = await at.examined(settings)
        troubles = await at.db.read(lambda s: stored_hooks.open_troubles(s, name))
    if as_json:
        click.echo(json.dumps(facts(found, troubles), indent=2))
    else:
        for line in check_lines(found, troubles):
            click.echo(line)
    return found.comparison.is_right


async def _remove(settings: Settings, name: str, dry_run: bool) -> None:
    async with opened(settings, name) as at:
        found = await at.examined(settings)
        if dry_run:
            for hook in found.own:
                click.echo(f"  would remove: {hook.event_type} ({hook.id})")
            return
        writer, place = at.writer(), Place(name, found.url, at.azure)
        for hook in found.own:
            await writer.remove(place, hook)
        await at.db.write(lambda s: stored_hooks.forget_feed(s, name, now=utc_now()))
    click.echo(f"{len(found.own)} service hooks removed. Nothing else was touched.")
