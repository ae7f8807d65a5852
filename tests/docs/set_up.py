"""The README's set-up, installed anew and typed into a real shell, with the seconds that it takes.

    uv run python -m tests.docs.set_up

Installs Pullcord as docs/operations.md says, into a new environment with an empty cache of
packages, so from the registry; then follows the README on the sandbox up to the first card.
"""

import asyncio
import shutil
import socket
import sys
import tempfile
import time
from pathlib import Path

import click

from tests.docs.documents import code_lines_between
from tests.docs.generated import ROOT
from tests.docs.newcomer import Done, Newcomer, Shell, report

INSTALL = ("## Install", "## Health")
LEFT_AT_HOME = shutil.ignore_patterns(".git", ".venv", "*.db*", "__pycache__", ".*_cache")


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


async def install(folder: Path) -> list[Done]:
    """What docs/operations.md says, in a copy of this checkout."""
    await asyncio.to_thread(shutil.copytree, ROOT, folder / "pullcord", ignore=LEFT_AT_HOME)
    shell = Shell(
        folder / "pullcord",
        Path(sys.executable).parent,
        {"UV_CACHE_DIR": str(folder / "cache"), "VIRTUAL_ENV": ""},
    )
    done = []
    for line in code_lines_between(ROOT / "docs" / "operations.md", *INSTALL):
        begin = time.perf_counter()
        code, output = await shell.type(line)
        done.append(Done(line, code, output, time.perf_counter() - begin))
        if code:
            break
    await shell.close()
    return done


async def run() -> int:
    """Install, follow the README, wait for the first card; 1 when a line fails."""
    with tempfile.TemporaryDirectory(prefix="pullcord-set-up-") as name:
        folder = Path(name)
        (desk := folder / "desk").mkdir()
        done = await install(folder)
        report(done)
        if done[-1].code:
            return 1
        newcomer = Newcomer(folder, free_port())
        await newcomer.start()
        shell = Shell(desk, folder / "pullcord" / ".venv" / "bin", newcomer.surroundings)
        try:
            typed = await newcomer.follow_the_readme(shell)
            report(typed)
            if typed[-1].code:
                return 1
            begin = time.perf_counter()
            await newcomer.first_card()
            seconds = time.perf_counter() - begin
            click.echo(f"{seconds:7.1f} s  subscribe Shop, and the first pull request's card")
        finally:
            await shell.close()
            await newcomer.stop()
    total = sum(each.seconds for each in (*done, *typed)) + seconds
    click.echo(f"{total:7.1f} s  in all")
    return 0


if __name__ == "__main__":
    raise SystemExit(asyncio.run(run()))
