"""``pullcord serve``."""

import asyncio
import ctypes
import gc
import logging
import signal
import sys

import click

from bot.app import CannotStart, Pullcord
from bot.cli import Failed
from bot.logs import configure_logging
from bot.settings import SettingsError, load_settings

log = logging.getLogger(__name__)

THREAD_TURN_S = 0.0005  # the event loop need not wait long for the database's writer thread
M_TRIM_THRESHOLD, M_TOP_PAD = -1, -2
COLLECT_EVERY = 2_000  # new objects; Python's 700 come with every few webhooks


@click.command()
def serve() -> None:
    """Run the bot until SIGTERM or Ctrl-C.

    Needs PULLCORD_TEAMS_APP_ID, a database that `pullcord db upgrade` made, and at least one
    connection (`pullcord connect`) to be of use.
    """
    try:
        settings = load_settings()
        configure_logging(settings.log_level, settings.log_format, secrets=settings.secrets())
        sys.setswitchinterval(THREAD_TURN_S)
        _give_memory_back()
        asyncio.run(_serve(Pullcord(settings)))
    except (SettingsError, CannotStart) as error:
        raise Failed(str(error)) from None


def _give_memory_back() -> None:
    """Let the C library return what was freed, where it is glibc.

    Left to itself it raises the size from which it does so, and keeps a megabyte for good
    (mallopt(3)).
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # another C library, or Windows
        return
    mallopt(M_TRIM_THRESHOLD, 128 * 1024)
    mallopt(M_TOP_PAD, 16 * 1024)


async def _serve(pullcord: Pullcord) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    await pullcord.start()
    gc.collect()
    gc.freeze()  # what stays for good is not looked through again and again
    gc.set_threshold(COLLECT_EVERY, 20, 50)
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
