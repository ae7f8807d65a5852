"""Policies' verdicts and builds: as the sandbox answers, and what else may come."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from adapters.azure_devops.client import AzureDevOpsClient
from adapters.azure_devops.credentials import PatCredential
from adapters.azure_devops.policies import BUILD_TYPE, STATUS_TYPE
from adapters.sandbox.azure_devops import AzureDevOpsSandbox, SandboxIdentity, SandboxRepository
from adapters.sandbox.azure_devops.pull_requests.model import STATUS_POLICY
from bot.model import Check, CheckKind
from bot.ports import BadAnswer, NotFound
from tests.adapters.azure_devops.conftest import Script, as_json

OTHER_TYPE = "fa4e907d-c16b-4a4c-9dfa-4906e5d171dd"


@dataclass
class Place:
    """A sandbox with an open pull request, and the client."""

    sandbox: AzureDevOpsSandbox
    client: AzureDevOpsClient
    maya: SandboxIdentity
    web: SandboxRepository
    number: int


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    sandbox = AzureDevOpsSandbox(tmp_path / "git")
    await sandbox.start()
    maya = sandbox.add_person("Maya Sample", "maya@example.com")
    project = sandbox.add_project("My Shop")
    web = await sandbox.add_repository(project, "web", files={"a.txt": "a\n"})
    await sandbox.commit(web, "feature/x", {"b.txt": "b\n"}, maya, "b")
    opened = await sandbox.create_pull_request(web, maya, "feature/x", title="Add b")
    pat = PatCredential("pat", sandbox.issue_pat(maya))
    client = AzureDevOpsClient("acme", sandbox.base_url, [pat])
    yield Place(sandbox, client, maya, web, opened.id)
    await client.close()
    await sandbox.stop()


async def test_policies_are_checks_with_their_names_states_and_links(place: Place) -> None:
    sandbox, client, project = place.sandbox, place.client, place.web.project
    await sandbox.set_policy(place.number, "Two reviewers", "running", blocking=False)
    settings = {"statusName": "lint", "statusGenre": "ci"}
    await sandbox.set_policy(
        place.number, "Lint", "rejected", type_=STATUS_POLICY, settings=settings
    )
    await sandbox.set_policy(place.number, "Elsewhere", "notApplicable")
    build = await sandbox.complete_build(
        place.web, place.maya, definition="web-ci", pull_request=place.number
    )
    reviewers, lint, ci = await client.pull_request_policies(project.id, place.number)
    assert (reviewers.name, reviewers.kind) == ("Minimum number of reviewers", CheckKind.POLICY)
    assert (reviewers.state, reviewers.is_blocking) == ("pending", False)
    assert (lint.name, lint.kind, lint.state) == ("ci/lint", CheckKind.STATUS, "failed")
    page = f"{sandbox.base_url}/{project.id}/_build/results?buildId={build.id}"
    assert ci == Check(
        "web-ci", "succeeded", "", page, CheckKind.BUILD, is_blocking=True, run=f"build/{build.id}"
    )


async def test_all_pages_of_policies_are_read(place: Place) -> None:
    for count in range(101):
        await place.sandbox.set_policy(place.number, f"Policy {count}", "approved")
    found = await place.client.pull_request_policies(place.web.project.id, place.number)
    assert len(found) == 101


async def test_new_commits_queue_build_validation_again(place: Place) -> None:
    sandbox, client, project = place.sandbox, place.client, place.web.project
    await sandbox.complete_build(
        place.web, place.maya, definition="ci", result="failed", pull_request=place.number
    )
    assert (await client.pull_request_policies(project.id, place.number))[0].state == "failed"
    await sandbox.commit(place.web, "feature/x", {"b.txt": "c\n"}, place.maya, "c")
    assert (await client.pull_request_policies(project.id, place.number))[0].state == "pending"


async def test_builds_are_read_alone_and_by_branch(place: Place) -> None:
    sandbox, client = place.sandbox, place.client
    for result in ("succeeded", "failed", "canceled"):
        await sandbox.complete_build(place.web, place.maya, definition="ci", result=result)
    await sandbox.complete_build(place.web, place.maya, definition="ci", branch="feature/x")
    one = await client.build("My Shop", 2)
    assert (one.id, one.result, one.definition, one.source_ref) == (
        2,
        "failed",
        "ci",
        "refs/heads/main",
    )
    assert (one.repository_id, one.repository_name) == (place.web.id, "web")
    assert one.requested_for is not None
    assert one.requested_for.display_name == "Maya Sample"
    assert one.web_url.endswith("/_build/results?buildId=2")
    listed = await client.builds("My Shop", one.definition_id, "refs/heads/main", top=2)
    assert [each.id for each in listed] == [3, 2]
    with pytest.raises(NotFound):
        await client.build("My Shop", 99)


def evaluation(status: str, type_id: str = OTHER_TYPE, **more: Any) -> dict[str, Any]:
    configuration = {
        "isEnabled": True,
        "isBlocking": True,
        "isDeleted": False,
        "type": {"id": type_id, "displayName": "Its type"},
        **more.pop("configuration", {}),
    }
    return {
        "evaluationId": str(len(str(more))),
        "status": status,
        "configuration": configuration,
    } | more


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (evaluation("queued"), ("Its type", "pending", CheckKind.POLICY)),
        (evaluation("broken"), ("Its type", "error", CheckKind.POLICY)),
        (evaluation("of a later version"), ("Its type", "notSet", CheckKind.POLICY)),
        (
            evaluation("approved", BUILD_TYPE, configuration={"settings": {"displayName": "CI"}}),
            ("CI", "succeeded", CheckKind.BUILD),
        ),
        (
            evaluation("approved", BUILD_TYPE, context={"buildDefinitionName": "web-ci"}),
            ("web-ci", "succeeded", CheckKind.BUILD),
        ),
        (
            evaluation("approved", BUILD_TYPE.upper(), context={"buildId": "7"}),
            ("Its type", "succeeded", CheckKind.BUILD),
        ),
        (
            evaluation("rejected", STATUS_TYPE, configuration={"settings": {"statusName": "x"}}),
            ("x", "failed", CheckKind.STATUS),
        ),
    ],
)
async def test_what_an_evaluation_says(
    script: Script,
    client: AzureDevOpsClient,
    record: dict[str, Any],
    expected: tuple[str, str, CheckKind],
) -> None:
    script.say(as_json({"count": 1, "value": [record]}))
    (found,) = await client.pull_request_policies("p", 41)
    assert (found.name, found.state, found.kind) == expected


@pytest.mark.parametrize(
    "record",
    [
        evaluation("notApplicable"),
        evaluation("rejected", configuration={"isEnabled": False}),
        evaluation("rejected", configuration={"isDeleted": True}),
    ],
)
async def test_policies_that_do_not_apply_are_left_out(
    script: Script, client: AzureDevOpsClient, record: dict[str, Any]
) -> None:
    script.say(as_json({"count": 1, "value": [record]}))
    assert await client.pull_request_policies("p", 41) == []


async def test_a_build_of_another_kind_of_repository_has_none(
    script: Script, client: AzureDevOpsClient
) -> None:
    body = {
        "id": 7,
        "definition": {"id": 3, "name": "ci"},
        "project": {"id": "P", "name": "Shop"},
        "finishTime": "2026-11-20T08:15:29.1234567Z",
        "repository": {"id": "acme/web", "type": "GitHub"},
    }
    script.say(as_json(body))
    assert (await client.build("Shop", 7)).repository_id == ""
    script.say(as_json(body | {"finishTime": None}))
    with pytest.raises(BadAnswer, match="finishTime"):
        await client.build("Shop", 7)
