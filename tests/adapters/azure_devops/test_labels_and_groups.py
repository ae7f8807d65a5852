"""What filters ask for beside the pull request: labels, and groups by name with their members."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from adapters.azure_devops.client import AzureDevOpsClient
from adapters.azure_devops.credentials import PatCredential
from adapters.sandbox.azure_devops import AzureDevOpsSandbox, SandboxIdentity, SandboxRepository
from tests.adapters.azure_devops.conftest import Script, as_json


@dataclass
class Place:
    """A sandbox with one repository, and the client."""

    sandbox: AzureDevOpsSandbox
    client: AzureDevOpsClient
    maya: SandboxIdentity
    web: SandboxRepository


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    sandbox = AzureDevOpsSandbox(tmp_path / "git")
    await sandbox.start()
    maya = sandbox.add_person("Maya Sample", "maya@example.com")
    web = await sandbox.add_repository(sandbox.add_project("Shop"), "web", files={"a.txt": "a\n"})
    pat = PatCredential("pat", sandbox.issue_pat(maya))
    client = AzureDevOpsClient("acme", sandbox.base_url, [pat])
    yield Place(sandbox, client, maya, web)
    await client.close()
    await sandbox.stop()


async def test_labels_are_read_by_name(place: Place) -> None:
    await place.sandbox.commit(place.web, "feature/x", {"b.txt": "b\n"}, place.maya, "b")
    opened = await place.sandbox.create_pull_request(
        place.web, place.maya, "feature/x", title="Add b", labels=["urgent", "needs design"]
    )
    found = await place.client.pull_request_labels(place.web.id, opened.id)
    assert list(found) == ["urgent", "needs design"]


async def test_labels_that_were_taken_away_are_left_out(
    script: Script, client: AzureDevOpsClient
) -> None:
    script.say(
        as_json({"value": [{"name": "old", "active": False}, {"name": "new", "active": True}]})
    )
    assert await client.pull_request_labels("repo", 12) == ["new"]


async def test_a_group_is_found_by_its_name_with_or_without_the_project(place: Place) -> None:
    group = place.sandbox.add_person("[Shop]\\Web Team", "", is_group=True, members=(place.maya,))
    for name in ("Web Team", "web team", "[Shop]\\Web Team"):
        found = await place.client.find_group(name)
        assert found is not None
        assert (found.id, found.is_group) == (group.id, True)
    assert [each.id for each in await place.client.group_members(group.id)] == [place.maya.id]


async def test_no_group_is_guessed(place: Place) -> None:
    place.sandbox.add_person("[Shop]\\Web Team", "", is_group=True)
    place.sandbox.add_person("[Other]\\Web Team", "", is_group=True)
    assert await place.client.find_group("Web Team") is None  # several
    assert await place.client.find_group("Web") is None  # only a part
    assert await place.client.find_group("Maya Sample") is None  # a person
    assert await place.client.find_group(" ") is None
