"""Work items over REST: read, changed by JSON Patch, linked, found."""

from __future__ import annotations

from typing import Any

import pytest

from tests.adapters.sandbox.azure_devops.scene import Shop


def item_url(number: int) -> str:
    return f"Shop/_apis/wit/workitems/{number}"


def set_field(name: str, value: Any) -> dict[str, Any]:
    return {"op": "add", "path": f"/fields/{name}", "value": value}


def add_link(url: str, name: str = "Branch") -> dict[str, Any]:
    value = {"rel": "ArtifactLink", "url": url, "attributes": {"name": name}}
    return {"op": "add", "path": "/relations/-", "value": value}


@pytest.fixture
def ticket(shop: Shop) -> int:
    return shop.sandbox.add_work_item(
        shop.project,
        "User Story",
        "Pay by invoice",
        number=123,
        description="<div>As a <b>buyer</b></div>",
        acceptance_criteria="<ul><li>works</li></ul>",
        assigned_to=shop.jonas,
    )


async def test_a_ticket_is_read_with_its_texts_and_people(shop: Shop, ticket: int) -> None:
    answer = await shop.rest("GET", item_url(ticket))
    fields = answer.json["fields"]
    assert (answer.json["id"], answer.json["rev"]) == (123, 1)
    assert fields["System.State"] == "New"
    assert fields["System.AssignedTo"]["uniqueName"] == "jonas@example.com"
    assert fields["Microsoft.VSTS.Common.AcceptanceCriteria"] == "<ul><li>works</li></ul>"
    assert "relations" not in answer.json


async def test_a_stale_revision_gets_412_and_changes_nothing(shop: Shop, ticket: int) -> None:
    test = {"op": "test", "path": "/rev", "value": 1}
    change = set_field("System.State", "Active")
    first = await shop.rest.patch_item(item_url(ticket), [test, change])
    second = await shop.rest.patch_item(
        item_url(ticket), [test, set_field("System.State", "Closed")]
    )
    assert (first.status, first.json["rev"]) == (200, 2)
    assert second.status == 412
    assert second.json["message"].startswith("VS403351")
    assert shop.sandbox.work_item(ticket).fields["System.State"] == "Active"


async def test_a_rule_error_names_the_field(shop: Shop, ticket: int) -> None:
    answer = await shop.rest.patch_item(item_url(ticket), [set_field("System.State", "Sleeping")])
    (error,) = answer.json["customProperties"]["RuleValidationErrors"]
    assert (answer.status, error["fieldReferenceName"]) == (400, "System.State")


@pytest.mark.parametrize(
    ("value", "status"),
    [
        ("maya@example.com", 200),
        ("Maya Sample <maya@example.com>", 200),
        ("MAYA@EXAMPLE.COM", 200),
        ("nobody@example.com", 400),
        ("GUID", 400),
    ],
)
async def test_assigning_takes_a_unique_name_and_refuses_a_bare_guid(
    shop: Shop, ticket: int, value: str, status: int
) -> None:
    name = shop.maya.id if value == "GUID" else value
    answer = await shop.rest.patch_item(item_url(ticket), [set_field("System.AssignedTo", name)])
    assert answer.status == status
    if status == 200:
        assert answer.json["fields"]["System.AssignedTo"]["id"] == shop.maya.id


async def test_a_link_does_not_raise_the_revision_and_a_second_one_is_refused(
    shop: Shop, ticket: int
) -> None:
    url = f"vstfs:///Git/Ref/{shop.project.id}%2F{shop.web.id}%2FGBfeature%2Fa"
    linked = await shop.rest.patch_item(item_url(ticket), [add_link(url)])
    again = await shop.rest.patch_item(item_url(ticket), [add_link(url.replace("%2F", "%2f"))])
    read = await shop.rest("GET", item_url(ticket), **{"$expand": "relations"})
    assert (linked.status, linked.json["rev"]) == (200, 1)
    assert (again.status, "Relation already exists" in again.json["message"]) == (400, True)
    assert [one["url"] for one in read.json["relations"]] == [url]


async def test_a_link_to_a_work_item_is_rewritten_with_the_project_guid(
    shop: Shop, ticket: int
) -> None:
    other = shop.sandbox.add_work_item(shop.project, "Bug", "Other")
    url = f"{shop.sandbox.base_url}/_apis/wit/workItems/{other}"
    value = {"rel": "System.LinkTypes.Related", "url": url}
    operation = {"op": "add", "path": "/relations/-", "value": value}
    answer = await shop.rest.patch_item(item_url(ticket), [operation])
    (relation,) = answer.json["relations"]
    assert relation["url"].endswith(f"/{shop.project.id}/_apis/wit/workItems/{other}")


async def test_a_relation_is_removed_by_its_index(shop: Shop, ticket: int) -> None:
    await shop.rest.patch_item(item_url(ticket), [add_link("vstfs:///Git/Ref/a")])
    gone = await shop.rest.patch_item(item_url(ticket), [{"op": "remove", "path": "/relations/0"}])
    none = await shop.rest.patch_item(item_url(ticket), [{"op": "remove", "path": "/relations/0"}])
    assert (gone.status, none.status) == (200, 400)


async def test_validate_only_changes_nothing(shop: Shop, ticket: int) -> None:
    operations = [set_field("System.State", "Active")]
    answer = await shop.rest.patch_item(item_url(ticket), operations, validateOnly="true")
    assert answer.status == 200
    assert shop.sandbox.work_item(ticket).rev == 1


async def test_a_patch_wants_its_own_content_type(shop: Shop, ticket: int) -> None:
    answer = await shop.rest("PATCH", item_url(ticket), [set_field("System.State", "Active")])
    assert answer.status == 415


async def test_batches_take_200_ids_and_omit_or_fail_on_missing_ones(
    shop: Shop, ticket: int
) -> None:
    path = "Shop/_apis/wit/workitemsbatch"
    too_many = await shop.rest("POST", path, {"ids": list(range(1, 202))})
    failing = await shop.rest("POST", path, {"ids": [ticket, 999]})
    omitting = await shop.rest("POST", path, {"ids": [ticket, 999], "errorPolicy": "omit"})
    by_query = await shop.rest("GET", "_apis/wit/workitems", ids=str(ticket), fields="System.Title")
    assert (too_many.status, failing.status) == (400, 404)
    assert failing.json["message"].startswith("TF401232")
    assert [one and one["id"] for one in omitting.json["value"]] == [ticket, None]
    assert by_query.json["value"][0]["fields"] == {"System.Title": "Pay by invoice"}


@pytest.mark.parametrize(
    ("process", "kind", "in_progress"),
    [
        ("Agile", "User Story", "Active"),
        ("Scrum", "Product Backlog Item", "Committed"),
        ("Basic", "Issue", "Doing"),
    ],
)
async def test_the_in_progress_state_of_a_type_is_found_by_category(
    shop: Shop, process: str, kind: str, in_progress: str
) -> None:
    shop.sandbox.add_project(process, process=process)
    path = f"{process}/_apis/wit/workitemtypes/{kind}/states"
    states = await shop.rest("GET", path)
    found = [one["name"] for one in states.json["value"] if one["category"] == "InProgress"]
    assert found == [in_progress]
    absent = await shop.rest("GET", f"{process}/_apis/wit/workitemtypes/Wish/states")
    assert absent.status == 404


async def test_a_work_item_is_created_by_type_in_the_path(shop: Shop) -> None:
    path = "Shop/_apis/wit/workitems/$User Story"
    made = await shop.rest.document("POST", path, [set_field("System.Title", "New one")])
    nameless = await shop.rest.document("POST", "Shop/_apis/wit/workitems/$Bug", [])
    assert (made.status, made.json["fields"]["System.WorkItemType"]) == (200, "User Story")
    assert nameless.status == 400


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("[System.AssignedTo] = @me", ["Mine"]),
        ("[System.State] IN ('Active', 'Closed')", ["Theirs"]),
        ("[System.State] <> 'Active' AND [System.WorkItemType] = 'Bug'", ["Mine"]),
        ("[System.TeamProject] = @project AND [System.Title] CONTAINS 'HEIR'", ["Theirs"]),
        ("[System.AssignedTo] = ''", ["Theirs"]),
    ],
)
async def test_wiql_finds_ids(shop: Shop, where: str, expected: list[str]) -> None:
    shop.sandbox.add_work_item(shop.project, "Bug", "Mine", assigned_to=shop.maya)
    shop.sandbox.add_work_item(shop.project, "Task", "Theirs", state="Active")
    query = f"SELECT [System.Id], [System.Title] FROM workitems WHERE {where} ORDER BY [System.Id]"
    answer = await shop.rest("POST", "Shop/_apis/wit/wiql", {"query": query})
    numbers = [one["id"] for one in answer.json["workItems"]]
    titles = [shop.sandbox.work_item(number).fields["System.Title"] for number in numbers]
    assert titles == expected


@pytest.mark.parametrize(
    "query",
    [
        "DELETE everything",
        "SELECT [System.Id] FROM workitems WHERE [System.State] = 'a' OR [System.State] = 'b'",
        "SELECT [System.Id] FROM workitems WHERE [System.ChangedDate] > @today",
    ],
)
async def test_wiql_that_is_not_understood_is_refused(shop: Shop, query: str) -> None:
    answer = await shop.rest("POST", "Shop/_apis/wit/wiql", {"query": query})
    assert answer.status == 400


async def test_comments_are_a_preview_and_newest_first(shop: Shop, ticket: int) -> None:
    path = f"Shop/_apis/wit/workItems/{ticket}/comments"
    released = await shop.rest("GET", path)
    for text in ("first", "second"):
        assert (
            await shop.rest("POST", path, {"text": text}, version="7.1-preview.4")
        ).status == 200
    listed = await shop.rest("GET", path, version="7.1-preview.4", **{"$top": "1"})
    newest = await shop.rest("POST", path, {"text": "x"}, version="7.2-preview.4")
    assert released.status == 400
    assert [said["text"] for said in listed.json["comments"]] == ["second"]
    assert (listed.json["totalCount"], listed.json["continuationToken"]) == (2, "1")
    assert newest.status == 400  # 7.2 demands ?format=


async def test_people_are_found_by_mail_and_name(shop: Shop) -> None:
    path = "_apis/identities"
    by_mail = await shop.rest("GET", path, searchFilter="General", filterValue="Maya@Example.com")
    by_start = await shop.rest("GET", path, searchFilter="General", filterValue="jonas")
    by_id = await shop.rest("GET", path, identityIds=shop.maya.id)
    assert [one["id"] for one in by_mail.json["value"]] == [shop.maya.id]
    assert [one["providerDisplayName"] for one in by_start.json["value"]] == ["Jonas Sample"]
    assert by_id.json["value"][0]["properties"]["Mail"]["$value"] == "maya@example.com"
