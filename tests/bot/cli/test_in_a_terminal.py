"""``pullcord connect`` in a real terminal (a pty): it asks by itself, and echoes no secret."""

import asyncio
import os
import pty
import select
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from adapters.sandbox.azure_devops import AzureDevOpsSandbox
from storage.secrets import new_key
from tests.bot.cli.test_against_the_sandbox import azure

__all__ = ["azure"]

pytestmark = pytest.mark.slow

WITHIN_S = 60.0


def at_a_terminal(
    folder: Path, words: Sequence[str], answers: Sequence[tuple[str, str]], key: str
) -> tuple[int, str]:
    """Exit code and the screen; each answer is typed when its question stands there."""
    ours, theirs = pty.openpty()
    kept = {name: v for name, v in os.environ.items() if not name.startswith("PULLCORD_")}
    process = subprocess.Popen(
        [sys.executable, "-c", "from bot.cli import main; main()", *words],
        cwd=folder,
        env=kept | {"PYTHONPATH": str(Path(__file__).parents[3]), "PULLCORD_SECRET_KEY": key},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    screen, seen = b"", 0
    waiting = list(answers)
    try:
        while chunk := _read(ours):
            screen += chunk
            if waiting and waiting[0][0].encode() in screen[seen:]:
                seen = len(screen)
                os.write(ours, waiting.pop(0)[1].encode() + b"\n")
        assert waiting == [], screen.decode()
        return process.wait(), screen.decode()
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def _read(terminal: int) -> bytes:
    ready, _, _ = select.select([terminal], [], [], WITHIN_S)
    try:
        return os.read(terminal, 4096) if ready else b""
    except OSError:  # the other end is closed
        return b""


@pytest.mark.timeout(120)
async def test_connect_asks_by_itself_and_shows_no_secret(
    azure: AzureDevOpsSandbox, database: Path
) -> None:
    key = new_key()
    token = azure.issue_pat(azure.add_person("Pullcord Service", "pullcord@example.com"))
    answers = [
        ("short name", "contoso"),
        ("Address of", f"{azure.base_url}/Shop/_git/web"),
        ("gateway", "n"),
        ("How to sign in", "token"),
        ("name for this credential", "main"),
        ("Token: ", token),
        ("last day", "2027-03-31"),
        ("Which", "all"),
        ("Which", "Shop/web"),
        ("Services", "pull_requests,builds"),
        ("Names of branches", ""),
        ("Default repositories", "Shop/web"),
    ]
    code, screen = await asyncio.to_thread(
        at_a_terminal, database.parent, ["connect"], answers, key
    )
    assert code == 0, screen
    assert f"Taken from that address: {azure.base_url}" in screen
    assert "Repositories found: Shop/web" in screen
    assert "Webhook secret (shown this once): " in screen
    assert token not in screen
