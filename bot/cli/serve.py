"""``pullcord serve``."""

import asyncio
import logging
import signal

import click

from bot.app import CannotStart, Pullcord
from bot.cli import Failed, interpreter
from bot.logs import configure_logging
from bot.settings import SettingsError, load_settings

log = logging.getLogger(__name__)


@click.command()
def serve() -> None:
    """Run the bot until SIGTERM or Ctrl-C.

    Needs PULLCORD_TEAMS_APP_ID, a database that `pullcord db upgrade` made, and at least one
    connection (`pullcord connect`) to be of use.
    """
    try:
        settings = load_settings()
        configure_logging(settings.log_level, settings.log_format, secrets=settings.secrets())
        interpreter.set_up()
        interpreter.run(_serve(Pullcord(settings)))
    except (SettingsError, CannotStart) as error:
        raise Failed(str(error)) from None


async def _serve(pullcord: Pullcord) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    await pullcord.start()
    interpreter.settle()
    _say(pullcord, f"Pullcord listens on {pullcord.url}")
    failed = asyncio.create_task(pullcord.failed())
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({failed, stopping}, return_when=asyncio.FIRST_COMPLETED)
    has_failed = failed.done()  # later it is done too, because stopping ends every part
    await pullcord.stop()
    if has_failed:
        raise CannotStart(f"Pullcord stopped because a part of it failed: {failed.result()}")
    failed.cancel()


def _say(pullcord: Pullcord, text: str) -> None:
    """Tell whoever started it, in a shape that fits the log."""
    if pullcord.settings.log_format == "json":
        log.info(text)
    else:
        click.echo(text, err=True)
