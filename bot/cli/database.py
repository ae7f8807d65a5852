"""Opening the database for a command."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.cli import Failed
from bot.settings import Settings
from storage import schema
from storage.engine import CannotStore, Database


@asynccontextmanager
async def open_database(settings: Settings) -> AsyncIterator[Database]:
    """The database of the settings, its schema checked.

    Raises:
        Failed: it is missing, old, or cannot be reached; the message has the command to run.
    """
    url = settings.database_url.get_secret_value()
    try:
        await asyncio.to_thread(schema.check, url)
        async with Database.open(url) as db:
            yield db
    except (schema.SchemaError, CannotStore, ValueError) as error:
        raise Failed(str(error)) from None
