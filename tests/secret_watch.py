"""Listens to all that is logged while tests run, at DEBUG, for anything that is a secret.

What counts is the text before the last net (``bot.redaction``): the code itself must not log one.
The shapes are written here anew, so that a gap in the net is not a gap in the watch.
"""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager

from bot.cli.demo.stage import APP_PASSWORD
from bot.logs import QUIET

SECRET = re.compile(
    "|".join(
        (
            re.escape(APP_PASSWORD),
            r"[A-Za-z0-9]{76}AZDO[A-Za-z0-9]{4}",  # a PAT, as the sandbox issues them
            r"eyJ[\w-]+\.[\w-]+\.[\w-]+",  # a token of Teams or Entra
            r"Basic [A-Za-z0-9+/]{8,}",
            r"Bearer [\w.-]{8,}",
            r"gAAAAA[\w-]{20,}",  # a stored credential
        )
    )
)
OURS = ("bot", "adapters", "storage", "pullcord")


class _Watch(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.found: list[str] = []
        self.setFormatter(logging.Formatter("%(name)s: %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        text = self.format(record)
        if SECRET.search(text):
            self.found.append(text)


@contextmanager
def watching() -> Iterator[list[str]]:
    """What was logged meanwhile and holds a secret."""
    watch, root = _Watch(), logging.getLogger()
    for name in OURS:
        logging.getLogger(name).setLevel(logging.DEBUG)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    root.addHandler(watch)
    try:
        yield watch.found
    finally:
        root.removeHandler(watch)
        for name in OURS:
            logging.getLogger(name).setLevel(logging.NOTSET)
