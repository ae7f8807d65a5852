"""A connection whose service hooks a command works with."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import click

from adapters.azure_devops.connections import AzureDevOpsClients
from bot.cli import Failed
from bot.cli.connecting.trying import secret_box
from bot.cli.connections import require_connection
from bot.cli.database import open_database
from bot.hooks.examining import Examined, examine
from bot.hooks.wanted import hook_url
from bot.hooks.writing import HookWriter
from bot.ports import AzureDevOps, AzureDevOpsError, Forbidden, utc_now
from bot.settings import Settings
from storage.engine import Database
from storage.tables import Connection

ACTOR = "operator"


@dataclass(frozen=True, slots=True)
class Open:
    """A connection that can be worked with."""

    db: Database
    row: Connection
    azure: AzureDevOps

    async def examined(self, settings: Settings) -> Examined:
        """Its hooks beside what they should be; raises AzureDevOpsError."""
        return await examine(self.azure, self.db, self.row, public_url=settings.public_url)

    def writer(self) -> HookWriter:
        """Writes hooks, a line for each."""
        return HookWriter(
            self.db, utc_now, asyncio.sleep, actor=ACTOR, told=lambda line: click.echo(f"  {line}")
        )


@asynccontextmanager
async def opened(settings: Settings, name: str) -> AsyncIterator[Open]:
    """A connection with its client; what Azure DevOps refuses becomes Failed."""
    async with open_database(settings) as db:
        row = await require_connection(db, name)
        clients = AzureDevOpsClients(
            db,
            secret_box(settings),
            login_url=settings.teams_login_url,
            clock=utc_now,
            sleep=asyncio.sleep,
        )
        try:
            yield Open(db, row, await clients(name))
        except Forbidden as error:
            raise Failed(no_right(name, error)) from None
        except AzureDevOpsError as error:
            raise Failed(str(error)) from None
        finally:
            await clients.close()


def no_right(name: str, error: Forbidden) -> str:
    """What to do when the account may not edit service hooks."""
    said = str(error).rstrip(".")
    return (
        f"the account may not edit service hooks ({said}). Make it a project administrator, give "
        f'it "Edit Subscriptions", or run `pullcord hooks install {name} --print` for values that '
        "somebody who may can enter by hand"
    )


def url_or_fail(settings: Settings, name: str) -> str:
    """Where the hooks deliver to."""
    url = hook_url(settings.public_url, name)
    if not url:
        raise Failed(
            "PULLCORD_PUBLIC_URL is empty: set it to the https address at which Azure DevOps "
            "reaches Pullcord"
        )
    return url
