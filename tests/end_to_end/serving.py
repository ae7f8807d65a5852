"""``pullcord serve`` as a process of its own, that can be killed."""

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import aiohttp
from pydantic import SecretStr

from bot.cli.demo.stage import Stage
from bot.settings import Settings
from tests.end_to_end.waiting import eventually

STARTED_WITHIN_S = 20.0
ROOT = Path(__file__).parents[2]


class Forks:
    """The process that starts the others."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.end_to_end.forking"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._is_ready = False

    def ask(self, **request: Any) -> int:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def wait_ready(self) -> None:
        if not self._is_ready:
            assert self._process.stdout
            assert self._process.stdout.readline() == "ready\n"
            self._is_ready = True

    def close(self) -> None:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


class Served:
    """The bot of a stage, in a process of its own: same settings, database and port.

    The stage's own bot must be stopped.
    """

    def __init__(self, stage: Stage, forks: Forks, http: aiohttp.ClientSession) -> None:
        self._stage = stage
        self._forks = forks
        self._http = http
        self._pid = 0
        self.url = f"http://127.0.0.1:{stage.settings.port}"
        self.log = stage.folder / "serve.log"
        self.database = stage.folder / "pullcord.db"

    async def start(self) -> None:
        """Start it; returns when it answers."""
        environment = environment_of(self._stage.settings)
        self._pid = await asyncio.to_thread(
            self._forks.ask, environment=environment, log=str(self.log)
        )
        await eventually(
            self._answers,
            within_s=STARTED_WITHIN_S,
            why_not=lambda: self.log.read_text()[-3000:],
        )

    async def _answers(self) -> bool:
        try:
            async with self._http.get(f"{self.url}/healthz") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False

    async def kill(self) -> None:
        """SIGKILL: nothing is tidied up."""
        assert await self.end(signal.SIGKILL) == -signal.SIGKILL

    async def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and wait for the end; the exit code."""
        pid, self._pid = self._pid, 0
        os.kill(pid, how)
        return await asyncio.to_thread(self._forks.ask, wait=pid)

    async def close(self) -> None:
        """Make sure that nothing is left running."""
        if self._pid:
            await self.end(signal.SIGKILL)

    # --- its database, read from outside ------------------------------------------------------

    def query(self, sql: str) -> list[Any]:
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as connection:
            return connection.execute(sql).fetchall()

    def open_rows(self) -> int:
        """What is not finished: webhooks, activities, messages."""
        return sum(
            self.query(f"SELECT count(*) FROM {table} WHERE state IN ('pending', 'sending')")[0][0]
            for table in ("inbox", "activities", "outbox")
        )

    async def quiet(self, within_s: float = 40.0) -> None:
        """Wait until everything is worked off."""
        await eventually(
            lambda: not self.open_rows(),
            within_s=within_s,
            why_not=lambda: self.query(
                "SELECT * FROM outbox WHERE state IN ('pending', 'sending')"
            ),
        )

    def is_sound(self) -> bool:
        """What SQLite itself says of the file."""
        return bool(self.query("PRAGMA integrity_check") == [("ok",)])


def environment_of(settings: Settings) -> dict[str, str]:
    """The settings as environment variables."""
    return {f"PULLCORD_{name.upper()}": _written(value) for name, value in settings}


def _written(value: object) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return ",".join(value) if isinstance(value, tuple) else str(value)
