"""``pullcord hooks`` against the sandbox, as processes of their own."""

import json
import re
from pathlib import Path

import pytest

from adapters.sandbox.azure_devops import AzureDevOpsSandbox
from storage.secrets import new_key
from tests.bot.cli.test_against_the_sandbox import azure, pullcord

__all__ = ["azure"]

pytestmark = pytest.mark.slow

KINDS = 14


@pytest.mark.timeout(240)
async def test_hooks_are_made_checked_rotated_and_removed(
    azure: AzureDevOpsSandbox, tmp_path: Path
) -> None:
    person = azure.add_person("Pullcord Service", "pullcord@example.com")
    (project,) = azure.organization.projects.values()
    environment = {
        "PULLCORD_SECRET_KEY": new_key(),
        "MY_PAT": azure.issue_pat(person),
        "PULLCORD_PUBLIC_URL": "https://pullcord.example.com",
    }

    async def typed(*words: str) -> tuple[int, str]:
        code, said = await pullcord(tmp_path, *words, **environment)
        assert "Traceback" not in said
        assert environment["MY_PAT"] not in said
        return code, said

    await typed("db", "upgrade")
    connect = ("connect", "contoso", "--url", azure.base_url, "--project", "Shop")
    code, said = await typed(*connect, "--pat-env", "MY_PAT")
    assert code == 0, said

    code, said = await typed("hooks", "install", "contoso", "--dry-run")
    assert (code, said.count("would make")) == (0, KINDS)
    assert azure.hooks.subscriptions == {}

    azure.access.deny_hooks(person, project)
    code, said = await typed("hooks", "install", "contoso")
    assert code == 1
    assert "pullcord hooks install contoso --print" in said
    code, said = await typed("hooks", "install", "contoso", "--print")
    assert code == 0
    assert "https://pullcord.example.com/webhooks/ado/contoso" in said
    printed = re.search(r"password\s+(\S+)", said)
    assert printed
    azure.access.allow_hooks(person, project)

    code, said = await typed("hooks", "install", "contoso")
    assert (code, said.count("made: ")) == (0, KINDS)
    sent = {one.consumer_inputs["basicAuthPassword"] for one in azure.hooks.subscriptions.values()}
    assert len(sent) == 1
    assert not any(secret in said for secret in sent)
    stored = (tmp_path / "pullcord.db").read_bytes()
    assert not any(secret.encode() in stored for secret in (*sent, printed[1]))

    assert (await typed("hooks", "check", "contoso"))[0] == 0
    next(iter(azure.hooks.subscriptions.values())).status = "disabledByUser"
    code, said = await typed("hooks", "check", "contoso", "--json")
    assert code == 1
    found = json.loads(said)
    assert [each["fault"] for each in found["hooks"] if each["fault"]] == ["switched off"]

    code, said = await typed("hooks", "rotate-secret", "contoso")
    assert (code, said.count("changed: ")) == (0, KINDS)
    after = {one.consumer_inputs["basicAuthPassword"] for one in azure.hooks.subscriptions.values()}
    assert len(after) == 1
    assert after.isdisjoint(sent)

    azure.add_hook("https://ci.example.com/hook", "git.push", project=project)
    code, said = await typed("hooks", "remove", "contoso")
    assert (code, said.count("removed: ")) == (0, KINDS)
    assert len(azure.hooks.subscriptions) == 1


@pytest.mark.timeout(60)
async def test_without_a_public_url_it_says_what_to_set(
    azure: AzureDevOpsSandbox, tmp_path: Path
) -> None:
    person = azure.add_person("Pullcord Service", "pullcord@example.com")
    environment = {"PULLCORD_SECRET_KEY": new_key(), "MY_PAT": azure.issue_pat(person)}
    await pullcord(tmp_path, "db", "upgrade")
    connect = ("connect", "contoso", "--url", azure.base_url, "--project", "Shop")
    await pullcord(tmp_path, *connect, "--pat-env", "MY_PAT", **environment)
    code, said = await pullcord(tmp_path, "hooks", "install", "contoso", **environment)
    assert code == 1
    assert "PULLCORD_PUBLIC_URL is empty" in said
