"""``pullcord disconnect``: end a connection."""

import asyncio

import click
from sqlmodel import Session

from adapters.azure_devops.connections import AzureDevOpsClients
from bot.cli import Failed
from bot.cli.connecting.storing import ACTOR, known_facts
from bot.cli.connecting.trying import secret_box
from bot.cli.connections import require_connection, settings_or_fail
from bot.cli.database import open_database
from bot.hooks.compare import own_hooks
from bot.hooks.wanted import hook_url
from bot.ports import AzureDevOpsError, utc_now
from bot.settings import Settings
from storage import audit
from storage.engine import Database
from storage.queries import connections as stored
from storage.queries.connections import Stake
from storage.tables import Connection


@click.command()
@click.argument("name")
@click.option("--confirm", help="the name once more, instead of being asked")
@click.option("--leave-hooks", is_flag=True, help="do not touch the service hooks in Azure DevOps")
def disconnect(name: str, confirm: str | None, leave_hooks: bool) -> None:
    """End the connection NAME, after saying what is lost.

    Its credentials, subscriptions and service hooks go. Links between tickets, branches and pull
    requests stay, and so does the audit; connecting under the same name takes them up again.
    """
    asyncio.run(_disconnect(settings_or_fail(), name, confirm, leave_hooks))


async def _disconnect(
    settings: Settings, name: str, confirm: str | None, leave_hooks: bool
) -> None:
    async with open_database(settings) as db:
        row = await require_connection(db, name)
        stake = await db.read(lambda s: stored.at_stake(s, name))
        _say_what_is_lost(row, stake, leave_hooks)
        typed = confirm if confirm is not None else click.prompt(f"Type {name} to confirm")
        if typed.strip() != name:
            raise Failed("nothing was changed: that is not the connection's name")
        removed = 0 if leave_hooks else await _remove_hooks(settings, db, name)
        await db.write(lambda s: _forget(s, row, stake, removed))
    click.echo(f"Disconnected {name}. Links and audit are kept.")
    if leave_hooks:
        click.echo("Its service hooks are still in Azure DevOps; their deliveries get 404.")


def _say_what_is_lost(row: Connection, stake: Stake, leave_hooks: bool) -> None:
    click.echo(f"{row.name} is {row.base_url}. This ends:")
    watched = _counted(stake.repositories, "repository", "repositories")
    click.echo(
        f"  {_counted(stake.subscriptions, 'subscription')} in "
        f"{_counted(stake.conversations, 'conversation')}; "
        f"{_counted(stake.credentials, 'credential')}; "
        f"{watched} {'is' if stake.repositories == 1 else 'are'} no longer watched"
    )
    if not leave_hooks:
        click.echo("  the service hooks of Pullcord in Azure DevOps")
    click.echo("Kept: links between tickets, branches and pull requests, and the audit.")


def _counted(count: int, one: str, many: str = "") -> str:
    return f"{count} {one if count == 1 else many or f'{one}s'}"


async def _remove_hooks(settings: Settings, db: Database, name: str) -> int:
    """Delete ours from Azure DevOps, and only ours; how many. Raises Failed."""
    clients = AzureDevOpsClients(
        db,
        secret_box(settings),
        login_url=settings.teams_login_url,
        clock=utc_now,
        sleep=asyncio.sleep,
    )
    known = await db.read(lambda s: stored.hook_ids(s, name))
    try:
        azure = await clients(name)
        url = hook_url(settings.public_url, name)
        ours = own_hooks(await azure.hooks(), url=url, known=known)
        for hook in ours:
            await azure.remove_hook(hook.id)
    except AzureDevOpsError as error:
        raise Failed(
            f"nothing was changed: its service hooks cannot be removed ({error}). "
            "Mend that, or add --leave-hooks"
        ) from None
    finally:
        await clients.close()
    click.echo(f"Removed {len(ours)} service hooks from Azure DevOps.")
    return len(ours)


def _forget(session: Session, row: Connection, stake: Stake, removed: int) -> None:
    now = utc_now()
    stored.disconnect(session, row.name, now=now)
    audit.append(
        session,
        at=now,
        actor=ACTOR,
        action="connection.ended",
        connection=row.name,
        subject=f"connection/{row.name}",
        before={**known_facts(row), "subscriptions": stake.subscriptions},
        after={"hooks_removed": removed},
    )
