"""Commands that talk to Azure DevOps or run the whole product, as processes of their own."""

import asyncio
import contextlib
import json
import os
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from adapters.sandbox.azure_devops import AzureDevOpsSandbox
from bot.cli import cli
from bot.ownership import own_account
from storage.engine import Database
from storage.secrets import new_key

pytestmark = pytest.mark.slow


async def pullcord(folder: Path, *words: str, **environment: str) -> tuple[int, str]:
    """Exit code and everything printed. In this process, which is started already."""

    def run() -> Result:
        with contextlib.chdir(folder):
            return CliRunner().invoke(cli, words, env=environment)

    done = await asyncio.to_thread(run)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.output


async def process_of_pullcord(folder: Path, *words: str, **environment: str) -> tuple[int, str]:
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
    assert "project Shop: code (read): 1 repository" in said
    shown = re.search(r"Webhook secret \(shown this once\): (\S+)", said)
    assert shown
    code, again = await pullcord(tmp_path, *words, **secrets)
    assert code == 0
    assert "Webhook secret" not in again

    azure.revoke_pat(secrets["MY_PAT"])
    code, refused = await pullcord(tmp_path, *words, **secrets)
    assert code == 1
    assert "invalid_credentials" in refused
    assert "The connection stays as it was, because of invalid_credentials." in refused
    for text in (said, again, refused):
        assert secrets["MY_PAT"] not in text
        assert "Traceback" not in text
    stored = (tmp_path / "pullcord.db").read_bytes()
    assert secrets["MY_PAT"].encode() not in stored
    assert shown[1].encode() not in stored


@pytest.mark.timeout(120)
async def test_connect_stores_nothing_that_does_not_work(
    azure: AzureDevOpsSandbox, tmp_path: Path
) -> None:
    person = azure.add_person("Pullcord Service", "pullcord@example.com")
    secrets = {"PULLCORD_SECRET_KEY": new_key(), "MY_PAT": azure.issue_pat(person)}
    url, pat = ("--url", azure.base_url), ("--pat-env", "MY_PAT")
    await pullcord(tmp_path, "db", "upgrade")
    for words, environment, trouble in (
        ((*url, "--project", "Shop"), {"MY_PAT": "wrong"}, "invalid_credentials"),
        ((*url, "--project", "Shop", "--project", "Nope"), {}, "no_resources"),
        (("--url", "http://127.0.0.1:9/x", "--project", "Shop"), {}, "unreachable"),
    ):
        code, said = await pullcord(
            tmp_path, "connect", "contoso", *words, *pat, **(secrets | environment)
        )
        assert code == 1
        assert f"Nothing was stored, because of {trouble}." in said
        assert "Webhook secret" not in said
    _, listed = await pullcord(tmp_path, "connections", "--json", **secrets)
    assert json.loads(listed) == []

    code, said = await pullcord(
        tmp_path, "connect", "contoso", *url, "--project", "Shop", *pat, **secrets
    )
    assert code == 0, said
    async with Database.open(f"sqlite:///{tmp_path / 'pullcord.db'}") as db:
        account = await db.read(lambda s: own_account(s, "contoso"))
    assert account == person.id


@pytest.mark.timeout(120)
async def test_the_secret_key_is_changed_as_the_manual_says(
    azure: AzureDevOpsSandbox, tmp_path: Path
) -> None:
    """docs/operations.md, "Secret key"."""
    pat = azure.issue_pat(azure.add_person("Pullcord Service", "pullcord@example.com"))
    old, new = new_key(), new_key()
    connect = (
        "connect", "contoso", "--url", azure.base_url, "--project", "Shop", "--pat-env", "MY_PAT",
    )  # fmt: skip

    async def doctor(key: str) -> str:
        _, said = await pullcord(tmp_path, "doctor", PULLCORD_SECRET_KEY=key)
        lines = [line for line in said.splitlines() if "contoso" in line]
        return "\n".join(lines)

    await pullcord(tmp_path, "db", "upgrade")
    await pullcord(tmp_path, *connect, MY_PAT=pat, PULLCORD_SECRET_KEY=old)
    assert "cannot be decrypted" in await doctor(new)
    assert "signed in as Pullcord Service" in await doctor(f"{new},{old}")
    both = {"PULLCORD_SECRET_KEY": f"{new},{old}"}
    code, said = await pullcord(tmp_path, "secret-key", "--rotate", **both)
    assert code == 0, said
    assert "signed in as Pullcord Service" in await doctor(new)


@pytest.mark.timeout(120)
async def test_the_demo_plays_its_story_and_finds_every_point_true(tmp_path: Path) -> None:
    code, said = await process_of_pullcord(tmp_path, "demo", "--once")
    assert code == 0, said[-2000:]
    assert "✗" not in said
