"""The client's requests are ones that Microsoft's specifications know.

Method, path, query parameters and body of every call are held against the operation. The folder
of the specifications is named by PULLCORD_SPECS, or lies beside the checkout; without it these
tests are skipped.
"""

from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web

from adapters.azure_devops.client import AzureDevOpsClient
from adapters.azure_devops.credentials import PatCredential
from bot.hooks.model import NewHook, WantedHook
from tests.contract.specifications import SPECS, all_properties, complaints, resolve, spec

pytestmark = pytest.mark.skipif(
    not SPECS.is_dir(), reason="Microsoft's specifications are not here (set PULLCORD_SPECS)"
)

GIT, WORK, CORE = "git_7.1_git.json", "wit_7.1_workItemTracking.json", "core_7.1_core.json"
SERVER_GIT = "git_azure-devops-server-7.0_git-onprem.json"
IDENTITIES = "ims_7.2_identities.json"
POLICY, BUILDS = "policy_7.1_policy.json", "build_7.1_build.json"
PROJECT = "22222222-bbbb-4000-8000-000000000002"
HOOKS = "hooks_7.1_serviceHooks.json"
REPOSITORY = "44444444-dddd-4000-8000-00000000000a"
PERSON = "11111111-aaaa-4000-8000-000000000001"
ORGANIZATION = "acme"

DOCUMENTED_ELSEWHERE = {
    # "Items - Get" (one file) has the path of "Items - List", and the specification keeps one.
    ("get", "/items"): {"path", "includeContent"},
}

PERSON_JSON = {"id": PERSON, "displayName": "Maya Sample", "uniqueName": "maya@example.com"}
PULL_REQUEST = {
    "repository": {"id": REPOSITORY, "name": "web", "project": {"id": "p", "name": "Shop"}},
    "pullRequestId": 41,
    "status": "active",
    "createdBy": PERSON_JSON,
    "creationDate": "2026-11-20T08:15:29Z",
    "title": "t",
    "sourceRefName": "refs/heads/a",
    "targetRefName": "refs/heads/b",
}
WORK_ITEM = {
    "id": 123,
    "rev": 4,
    "fields": {
        "System.TeamProject": "Shop",
        "System.WorkItemType": "Bug",
        "System.Title": "t",
        "System.State": "New",
    },
    "relations": [{"rel": "ArtifactLink", "url": "vstfs:///Git/Ref/old", "attributes": {}}],
}
BUILD = {
    "id": 7,
    "definition": {"id": 3, "name": "ci"},
    "project": {"id": PROJECT, "name": "Shop"},
    "finishTime": "2026-11-20T08:15:29Z",
}
HOOK_ID = "77777777-eeee-4000-8000-000000000001"
HOOK_JSON = {"id": HOOK_ID, "eventType": "git.push", "status": "enabled"}
NEW_HOOK = NewHook(
    WantedHook("git.push", "1.0", PERSON, "Shop", "Code pushed"), "https://bot.example.com/x", "s"
)
BEGIN = datetime(2026, 11, 20, tzinfo=UTC)
EMPTY = {"count": 0, "value": []}
MERGE = {"mergeOperationId": 7, "status": "queued"}
DISTANCE = {
    "baseCommit": "a" * 40,
    "commonCommit": "a" * 40,
    "aheadCount": 2,
    "behindCount": 0,
}
DIFFS = {"changes": [], "allChangesIncluded": True}
REF = {"value": [{"name": "refs/heads/x", "success": True}]}
PUSH = {"refUpdates": [{"name": "refs/heads/x", "newObjectId": "b" * 40}]}

Call = Callable[[AzureDevOpsClient], Awaitable[object]]


async def _push(client: AzureDevOpsClient) -> object:
    return await client.push_file(REPOSITORY, "x", "a" * 40, "a.md", "text", "message")


async def _open(client: AzureDevOpsClient) -> object:
    return await client.create_pull_request(
        REPOSITORY,
        source_ref="refs/heads/a",
        target_ref="refs/heads/b",
        title="t",
        description="d",
        is_draft=True,
        reviewer_ids=[PERSON],
        ticket_numbers=[123],
    )


async def _update(client: AzureDevOpsClient) -> object:
    return await client.update_ticket(
        123,
        rev=4,
        fields={"System.State": "Active"},
        add_relations=[("vstfs:///Git/Ref/x", "Branch")],
        remove_relation_urls=["vstfs:///Git/Ref/old"],
    )


async def _status(client: AzureDevOpsClient) -> None:
    await client.set_pull_request_status(
        REPOSITORY, 41, state="failed", description="d", target_url="https://acme.example.com/x"
    )


async def _commits(client: AzureDevOpsClient) -> object:
    return await client.commits_on_path(REPOSITORY, "/a.md", since="a" * 40, until="b" * 40, top=5)


async def _pushed(client: AzureDevOpsClient) -> object:
    return await client.pushed_commits(
        REPOSITORY, old="a" * 40, new="b" * 40, target_branch="feature/x"
    )


async def _branch_changes(client: AzureDevOpsClient) -> object:
    return await client.branch_changes(REPOSITORY, since="a" * 40, branch="feature/x")


async def _list(client: AzureDevOpsClient) -> object:
    return await client.pull_requests(
        project="Shop", source_ref="refs/heads/a", target_ref="refs/heads/b", top=5
    )


CALLS: dict[str, tuple[str, object, Call]] = {
    "projects": (CORE, EMPTY, lambda c: c.projects()),
    "repositories": (GIT, EMPTY, lambda c: c.repositories("Shop")),
    "pull_request": (GIT, PULL_REQUEST, lambda c: c.pull_request(41)),
    "pull_requests": (GIT, EMPTY, _list),
    "pull_requests of one repository": (
        GIT,
        EMPTY,
        lambda c: c.pull_requests(project="Shop", repository=REPOSITORY, status=None),
    ),
    "pull_request_tickets": (GIT, EMPTY, lambda c: c.pull_request_tickets(REPOSITORY, 41)),
    "pull_request_checks": (GIT, EMPTY, lambda c: c.pull_request_checks("Shop", REPOSITORY, 41)),
    "pull_request_policies": (POLICY, EMPTY, lambda c: c.pull_request_policies(PROJECT, 41)),
    "build": (BUILDS, BUILD, lambda c: c.build("Shop", 7)),
    "builds": (BUILDS, EMPTY, lambda c: c.builds("Shop", 3, "refs/heads/main", top=5)),
    "set_pull_request_status": (GIT, {}, _status),
    "trial_merge": (GIT, MERGE, lambda c: c.trial_merge("Shop", REPOSITORY, "a" * 40, "b" * 40)),
    "changed_files": (GIT, DIFFS, lambda c: c.changed_files(REPOSITORY, "a" * 40, "b" * 40)),
    "branch_changes": (
        GIT,
        DIFFS | {"targetCommit": "b" * 40},
        lambda c: c.branch_changes(REPOSITORY, since="a" * 40, branch="main"),
    ),
    "who_moved": (
        GIT,
        EMPTY,
        lambda c: c.who_moved(REPOSITORY, "refs/heads/main", "a" * 40),
    ),
    "latest_iteration": (GIT, EMPTY, lambda c: c.latest_iteration(REPOSITORY, 41)),
    "set_pull_request_status of an iteration": (
        GIT,
        {},
        lambda c: c.set_pull_request_status(
            REPOSITORY, 41, state="succeeded", description="d", target_url="", iteration=2
        ),
    ),
    "commits_on_path": (GIT, EMPTY, _commits),
    "pushed_commits": (GIT, DISTANCE, _pushed),
    "pull_request_labels": (GIT, EMPTY, lambda c: c.pull_request_labels(REPOSITORY, 41)),
    "create_pull_request": (GIT, PULL_REQUEST, _open),
    "add_reviewer": (GIT, {}, lambda c: c.add_reviewer(REPOSITORY, 41, PERSON, required=True)),
    "branch_tip": (GIT, EMPTY, lambda c: c.branch_tip(REPOSITORY, "feature/x")),
    "create_branch": (GIT, REF, lambda c: c.create_branch(REPOSITORY, "x", "a" * 40)),
    "delete_branch": (GIT, REF, lambda c: c.delete_branch(REPOSITORY, "x", "a" * 40)),
    "file_text": (GIT, {"content": ""}, lambda c: c.file_text(REPOSITORY, "x", "/a.md")),
    "push_file": (GIT, PUSH, _push),
    "ticket": (WORK, WORK_ITEM, lambda c: c.ticket(123)),
    "tickets": (WORK, EMPTY, lambda c: c.tickets([123, 124])),
    "ticket_states": (WORK, EMPTY, lambda c: c.ticket_states("Shop", "User Story")),
    "update_ticket": (WORK, WORK_ITEM, _update),
    "hooks": (HOOKS, EMPTY, lambda c: c.hooks()),
    "create_hook": (HOOKS, HOOK_JSON, lambda c: c.create_hook(NEW_HOOK)),
    "replace_hook": (HOOKS, HOOK_JSON, lambda c: c.replace_hook(HOOK_ID, NEW_HOOK)),
    "remove_hook": (HOOKS, {}, lambda c: c.remove_hook(HOOK_ID)),
    "failed_deliveries": (
        HOOKS,
        {"results": []},
        lambda c: c.failed_deliveries([HOOK_ID], since=BEGIN, until=BEGIN),
    ),
    "delivery": (HOOKS, {}, lambda c: c.delivery(HOOK_ID, 7)),
    "find_identity": (IDENTITIES, EMPTY, lambda c: c.find_identity("maya@example.com")),
    "find_group": (IDENTITIES, EMPTY, lambda c: c.find_group("Web Team")),
    "group_members": (
        IDENTITIES,
        {"value": [{"id": PERSON, "isActive": True, "memberIds": [PERSON]}]},
        lambda c: c.group_members(PERSON),
    ),
    "identities": (IDENTITIES, EMPTY, lambda c: c.identities([PERSON])),
    "groups_of": (IDENTITIES, EMPTY, lambda c: c.groups_of([PERSON])),
}
NOT_SPECIFIED = {
    "who_am_i": "connectionData is in no specification",
    "close": "sends nothing",
    "conflicts": "its models are in the specification, its path is not",
}


def test_every_call_of_the_client_is_tried() -> None:
    public = {
        name
        for name in dir(AzureDevOpsClient)
        if not name.startswith("_") and callable(getattr(AzureDevOpsClient, name))
    }
    tried = {name.split(" ", maxsplit=1)[0] for name in CALLS}
    assert public == tried | NOT_SPECIFIED.keys()


@pytest.mark.parametrize("name", CALLS)
async def test_a_request_is_in_the_specification(name: str) -> None:
    document, answer, call = CALLS[name]
    found = await complaints_of(document, answer, call)
    assert not found, "\n".join(found)


@pytest.mark.parametrize("name", [name for name in CALLS if CALLS[name][0] == GIT])
async def test_a_git_request_is_in_the_specification_of_server_2022(name: str) -> None:
    _, answer, call = CALLS[name]
    found = await complaints_of(SERVER_GIT, answer, call)
    assert not found, "\n".join(found)


async def test_a_request_that_is_not_would_be_seen() -> None:
    async def wrong(client: AzureDevOpsClient) -> object:
        await client._http.get("_apis/git/pullrequests/forty-one", {"fast": "yes"})
        return await client._http.post(
            f"_apis/git/repositories/{REPOSITORY}/pullrequests", {"isDraft": "no", "x": 1}
        )

    found = await complaints_of(GIT, {}, wrong)
    assert any("pullRequestId" in line for line in found)
    assert any("fast" in line for line in found)
    assert any("isDraft" in line for line in found)
    assert any("unknown field x" in line for line in found)


async def at_once(_seconds: float) -> None:
    """Sleep not at all: what is waited for here never changes."""


async def complaints_of(document: str, answer: object, call: Call) -> list[str]:
    """Make the call; what in its requests does not follow the specification."""
    requests: list[tuple[web.Request, Any]] = []

    async def handle(request: web.Request) -> web.Response:
        requests.append((request, await request.json() if request.can_read_body else None))
        return web.json_response(answer)

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    base = f"http://127.0.0.1:{runner.addresses[0][1]}/{ORGANIZATION}"
    client = AzureDevOpsClient("acme", base, [PatCredential("pat", "token")], sleep=at_once)
    try:
        await call(client)
    finally:
        await client.close()
        await runner.cleanup()
    assert requests
    return [line for request, body in requests for line in _complaints(document, request, body)]


def _complaints(name: str, request: web.Request, body: Any) -> Iterator[str]:
    document = spec(name)
    method, path = request.method.lower(), request.path
    found = _operation(document, method, path)
    if found is None:
        yield f"no operation {request.method} {path}"
        return
    operation, values = found
    parameters = [_parameter(document, parameter) for parameter in operation["parameters"]]
    by_query = {p["name"]: p for p in parameters if p["in"] == "query"}
    elsewhere = next(
        (names for (m, end), names in DOCUMENTED_ELSEWHERE.items() if (m, path[-6:]) == (m, end)),
        set[str](),
    )
    if (method, path[-8:]) == ("get", "/commits") and "searchCriteria.itemPath" in request.query:
        yield from _criteria(document, request)
        return
    for key, value in request.query.items():
        if key in by_query:
            yield from _value(by_query[key], value)
        elif key not in elsewhere:
            yield f"{path}: unknown query parameter {key}"
    for parameter in parameters:
        if parameter["in"] == "path":
            yield from _value(parameter, values[parameter["name"]])
        elif parameter["in"] == "query" and parameter.get("required"):
            if parameter["name"] not in request.query:
                yield f"{path}: query parameter {parameter['name']} is missing"
        elif parameter["in"] == "body":
            yield from _body(document, parameter, body, path)
    if body is not None and request.content_type not in operation["consumes"]:
        yield f"{path}: {request.content_type} is not consumed"


def _criteria(document: dict[str, Any], request: web.Request) -> Iterator[str]:
    """ "Commits - Get Commits" shares its path with that of a push, which the specification keeps.

    Its criteria are there as a model.
    """
    for key, value in request.query.items():
        if key == "api-version":
            continue
        begin, *names = key.split(".")
        schema: dict[str, Any] = {"$ref": "#/definitions/GitQueryCommitsCriteria"}
        for name in names:
            schema = all_properties(document, resolve(document, schema)).get(name, {})
        if begin != "searchCriteria" or not schema:
            yield f"{request.path}: unknown query parameter {key}"
        else:
            yield from _value({"name": key, **schema}, value)


def _operation(
    document: dict[str, Any], method: str, path: str
) -> tuple[dict[str, Any], dict[str, str]] | None:
    """The operation of a path, and its path parameters; whole words beat placeholders."""
    parts = path.strip("/").split("/")
    best: tuple[int, dict[str, Any], dict[str, str]] | None = None
    for template, methods in document["paths"].items():
        wanted = template.strip("/").split("/")
        if method not in methods or len(wanted) != len(parts):
            continue
        pairs = list(zip(wanted, parts, strict=True))
        names = {w[1:-1]: given for w, given in pairs if w.startswith("{")}
        words = [(w, given) for w, given in pairs if not w.startswith("{")]
        same = all(w.lower() == given.lower() for w, given in words)
        if same and (best is None or len(words) > best[0]):
            best = (len(words), methods[method], names)
    return (best[1], best[2]) if best else None


def _parameter(document: dict[str, Any], parameter: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in parameter:
        return parameter
    found: dict[str, Any] = document["parameters"][parameter["$ref"].rsplit("/", 1)[1]]
    return found


def _value(parameter: dict[str, Any], value: str) -> Iterator[str]:
    name = parameter["name"]
    if parameter.get("type") == "integer" and not value.isdecimal():
        yield f"{name}: {value!r} is not an integer"
    if parameter.get("type") == "boolean" and value not in ("true", "false"):
        yield f"{name}: {value!r} is not a boolean"
    if "enum" in parameter and value not in parameter["enum"]:
        yield f"{name}: {value!r} is not one of {parameter['enum']}"


def _body(
    document: dict[str, Any], parameter: dict[str, Any], body: Any, path: str
) -> Iterator[str]:
    schema = parameter["schema"]
    yield from complaints(document, schema, body, path.rsplit("/", 1)[-1])
    if resolve(document, schema).get("type") == "array" and path.endswith("/123"):
        # The specification says "objects" and means JSON Patch, which it defines beside.
        patch = {"$ref": "#/definitions/JsonPatchOperation"}
        for index, operation in enumerate(body):
            known = {name: v for name, v in operation.items() if name != "value"}
            yield from complaints(document, patch, known, f"patch[{index}]")
