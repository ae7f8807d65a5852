"""What a new connection holds, learnt at once: `subscribe` and its buttons need not wait for it."""

import asyncio

import click

from adapters.azure_devops.connections import AzureDevOpsClients
from bot.ports import AzureDevOpsError, utc_now
from bot.repository_discovery import store_repositories
from bot.settings import Settings
from storage.engine import Database
from storage.queries import connections as stored
from storage.secrets import SecretBox


async def learn_repositories(settings: Settings, db: Database, box: SecretBox, name: str) -> None:
    """Store which repositories there are. What cannot be asked now, a running bot finds later."""
    row = await db.read(lambda s: stored.get(s, name))
    if row is None:
        return
    clients = AzureDevOpsClients(
        db, box, login_url=settings.teams_login_url, clock=utc_now, sleep=asyncio.sleep
    )
    try:
        count = await store_repositories(await clients(name), db, row, now=utc_now())
    except AzureDevOpsError as error:
        click.echo(f"Its repositories are looked for by `pullcord serve`: {error}", err=True)
    else:
        click.echo(f"{count} {'repository' if count == 1 else 'repositories'} can be followed.")
    finally:
        await clients.close()
