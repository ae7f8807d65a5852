"""Commands that talk to Azure DevOps or run the whole product, as processes of their own."""

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from adapters.sandbox.azure_devops import AzureDevOpsSandbox
from storage.secrets import new_key

pytestmark = pytest.mark.slow


async def pullcord(folder: Path, *words: str, **environment: str) -> tuple[int, str]:
    """Exit code and everything printed."""
    kept = {name: v for name, v in os.environ.items() if not name.startswith("PULLCORD_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "from bot.cli import main; main()", *words,
        cwd=folder,
        env=kept | {"PYTHONPATH": str(Path(__file__).parents[3])} | environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode()


@pytest.fixture
async def azure(tmp_path: Path) -> AsyncIterator[AzureDevOpsSandbox]:
    sandbox = AzureDevOpsSandbox(tmp_path / "git")
    await sandbox.start()
    await sandbox.add_repository(sandbox.add_project("Shop"), "web", files={"a.txt": "a"})
    yield sandbox
    await sandbox.stop()


@pytest.mark.timeout(120)
async def test_connect_checks_stores_and_shows_the_webhook_secret_once(
    azure: AzureDevOpsSandbox, tmp_path: Path
) -> None:
    person = azure.add_person("Pullcord Service", "pullcord@example.com")
    secrets = {"PULLCORD_SECRET_KEY": new_key(), "MY_PAT": azure.issue_pat(person)}
    words = (
        "connect", "contoso", "--url", azure.base_url, "--project", "Shop", "--pat-env", "MY_PAT",
    )  # fmt: skip
    assert (await pullcord(tmp_path, "db", "upgrade"))[0] == 0
    code, said = await pullcord(tmp_path, *words, **secrets)
    assert code == 0, said
    assert "signed in as Pullcord Service" in said
    assert "project Shop: code (read): 1 repositories" in said
    shown = re.search(r"Webhook secret \(shown this once\): (\S+)", said)
    assert shown
    code, again = await pullcord(tmp_path, *words, **secrets)
    assert code == 0
    assert "Webhook secret" not in again

    azure.revoke_pat(secrets["MY_PAT"])
    code, refused = await pullcord(tmp_path, *words, **secrets)
    assert code == 1
    for text in (said, again, refused):
        assert secrets["MY_PAT"] not in text
        assert "Traceback" not in text
    stored = (tmp_path / "pullcord.db").read_bytes()
    assert secrets["MY_PAT"].encode() not in stored
    assert shown[1].encode() not in stored


@pytest.mark.timeout(120)
async def test_the_demo_plays_its_story_and_finds_every_point_true(tmp_path: Path) -> None:
    code, said = await pullcord(tmp_path, "demo", "--once")
    assert code == 0, said[-2000:]
    assert "✗" not in said
