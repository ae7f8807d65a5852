"""One database for many worlds."""

import sqlite3
from contextlib import closing
from pathlib import Path

from storage.engine import Database


class Refilled:
    """A database that worlds use one after the other, each from the template's rows on.

    It stays open, so that statements are compiled once and not for every world.
    """

    def __init__(self, template: Path, folder: Path) -> None:
        self._template, self._path = template, folder / "pullcord.db"
        self.db = Database.open(f"sqlite:///{self._path}")

    def refill(self) -> None:
        """Everything is as in the template again."""
        with (
            closing(sqlite3.connect(self._template)) as full,
            closing(sqlite3.connect(self._path)) as used,
        ):
            full.backup(used)
