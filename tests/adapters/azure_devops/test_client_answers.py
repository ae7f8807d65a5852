"""What the client makes of answers: the documented ones, the awkward ones, and refusals."""

from datetime import UTC, datetime
from typing import Any

import pytest

from adapters.azure_devops.client import AzureDevOpsClient
from adapters.azure_devops.pull_requests import PAGE_SIZE
from adapters.azure_devops.work_items import BATCH_SIZE
from bot.model import Check, Identity, PullRequestStatus, Repository, SnapshotSource, TicketState
from bot.ports import (
    AuthenticationFailed,
    AzureDevOpsError,
    BadAnswer,
    Conflict,
    Forbidden,
    NotFound,
    Rejected,
)
from tests.adapters.azure_devops.conftest import NOW, Script, Time, as_json, as_text

MAYA = {"id": "M-1", "displayName": "Maya Sample", "uniqueName": "maya@example.com"}
REPOSITORY = {
    "id": "ABCD",
    "name": "web shop",
    "project": {"id": "P-1", "name": "My Shop"},
    "defaultBranch": "refs/heads/main",
    "webUrl": "https://evil.example/x",
}


def pull_request(number: int = 41, **more: Any) -> dict[str, Any]:
    return {
        "repository": REPOSITORY,
        "pullRequestId": number,
        "status": "active",
        "createdBy": MAYA,
        "creationDate": "2026-11-20T08:15:29.7654321Z",
        "title": "Add a basket",
        "sourceRefName": "refs/heads/feature/x",
        "targetRefName": "refs/heads/main",
        "url": "https://evil.example/x",
        **more,
    }


def listed(*items: object) -> dict[str, Any]:
    return {"count": len(items), "value": list(items)}


async def test_a_pull_request_is_as_of_the_moment_before_it_was_asked_for(
    script: Script, client: AzureDevOpsClient
) -> None:
    script.say(as_json(pull_request(description="all of it")))
    snapshot = await client.pull_request(41)
    assert (snapshot.connection, snapshot.source) == ("acme", SnapshotSource.REST)
    assert (snapshot.as_of, snapshot.is_summary) == (NOW, False)
    assert snapshot.created_at == datetime(2026, 11, 20, 8, 15, 29, 765432, tzinfo=UTC)
    assert snapshot.description == "all of it"


async def test_web_addresses_are_built_and_never_taken_from_an_answer_CHECKS_20(
    script: Script, client: AzureDevOpsClient
) -> None:
    script.say(as_json(pull_request()))
    snapshot = await client.pull_request(41)
    assert snapshot.web_url == f"{script.url}/My%20Shop/_git/web%20shop/pullrequest/41"
    assert snapshot.repository.web_url == f"{script.url}/My%20Shop/_git/web%20shop"


async def test_the_list_is_read_to_its_end_and_a_shifted_one_counted_once(
    script: Script, client: AzureDevOpsClient
) -> None:
    first = [pull_request(number) for number in range(200, 200 - PAGE_SIZE, -1)]
    second = [pull_request(101), pull_request(100)]
    script.say(as_json(listed(*first)), as_json(listed(*second)))
    found = await client.pull_requests(project="My Shop")
    assert [snapshot.number for snapshot in found] == list(range(200, 99, -1))
    assert all(snapshot.is_summary for snapshot in found)
    assert [request.query["$skip"] for request in script.seen] == ["0", "100"]


async def test_the_list_can_be_narrowed_and_cut(script: Script, client: AzureDevOpsClient) -> None:
    script.say(as_json(listed(pull_request(3), pull_request(2), pull_request(1))))
    found = await client.pull_requests(
        project="Shop",
        repository="abcd",
        status=None,
        source_ref="refs/heads/a",
        target_ref="refs/heads/b",
        top=2,
    )
    assert [snapshot.number for snapshot in found] == [3, 2]
    (request,) = script.seen
    assert request.path == "/Main/Shop/_apis/git/repositories/abcd/pullrequests"
    assert request.query == {
        "searchCriteria.status": "all",
        "searchCriteria.sourceRefName": "refs/heads/a",
        "searchCriteria.targetRefName": "refs/heads/b",
        "$top": "2",
        "$skip": "0",
        "api-version": "7.1",
    }


async def test_an_active_list_says_so(script: Script, client: AzureDevOpsClient) -> None:
    script.say(as_json(listed()))
    await client.pull_requests(project="Shop", status=PullRequestStatus.COMPLETED)
    await client.pull_requests(project="Shop")
    statuses = [request.query["searchCriteria.status"] for request in script.seen]
    assert statuses == ["completed", "active"]


async def test_only_the_latest_status_of_a_context_counts(
    script: Script, client: AzureDevOpsClient
) -> None:
    def status(number: int, state: str, name: str, **more: str) -> dict[str, Any]:
        context = {"name": name, "genre": more.pop("genre", None)}
        return {"id": number, "state": state, "context": context, **more}

    own = f"{script.url}/Shop/_build/results?buildId=1"
    script.say(
        as_json(
            listed(
                status(3, "succeeded", "build", genre="ci", description="fine", targetUrl=own),
                status(1, "pending", "build", genre="ci"),
                status(2, "failed", "lint", targetUrl="https://evil.example/phish"),
            )
        )
    )
    assert await client.pull_request_checks("Shop", "abcd", 41) == [
        Check("ci/build", "succeeded", "fine", own, run="status/3"),
        Check("lint", "failed", "", "", run="status/2"),
    ]


async def test_linked_work_items_are_numbers(script: Script, client: AzureDevOpsClient) -> None:
    script.say(as_json(listed({"id": "123"}, {"id": "7"})))
    assert await client.pull_request_tickets("abcd", 41) == [123, 7]
    script.say(as_json(listed({"id": "١"})))
    with pytest.raises(BadAnswer, match="not a work item's number"):
        await client.pull_request_tickets("abcd", 41)


async def test_a_second_pull_request_of_the_same_branches_is_a_conflict(
    script: Script, client: AzureDevOpsClient
) -> None:
    refusal = {
        "message": "TF401179: An active pull request for these branches already exists.",
        "typeKey": "GitPullRequestExistsException",
    }
    script.say(as_json(refusal, 409))
    with pytest.raises(Conflict) as caught:
        await client.create_pull_request(
            "abcd",
            source_ref="refs/heads/a",
            target_ref="refs/heads/b",
            title="t",
            description="d",
            is_draft=True,
        )
    assert caught.value.code == "TF401179"


async def test_a_branch_is_found_by_its_whole_name_on_any_page(
    script: Script, client: AzureDevOpsClient
) -> None:
    def ref(name: str) -> dict[str, str]:
        return {"name": f"refs/heads/{name}", "objectId": "A" * 40}

    script.say(
        as_json(listed(ref("dev-2"), ref("dev/x")), x_ms_continuationtoken="next"),
        as_json(listed(ref("dev"))),
    )
    assert await client.branch_tip("abcd", "dev") == "a" * 40
    assert script.seen[0].query["filter"] == "heads/dev"
    script.say(as_json(listed(ref("dev-2"), ref("Dev"))))
    assert await client.branch_tip("abcd", "dev") is None


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("staleOldObjectId", Conflict),
        ("refNameConflict", Conflict),
        ("createBranchPermissionRequired", Forbidden),
        ("writePermissionRequired", Forbidden),
        ("locked", Forbidden),
        ("rejectedByPolicy", Forbidden),
        ("invalidRefName", Rejected),
        ("unresolvableToCommit", Rejected),
        ("somethingNew", Rejected),
    ],
)
async def test_a_refused_ref_is_an_error_although_the_answer_is_200(
    script: Script, client: AzureDevOpsClient, status: str, kind: type[AzureDevOpsError]
) -> None:
    result = {"name": "refs/heads/x", "success": False, "updateStatus": status}
    script.say(as_json(listed(result)))
    with pytest.raises(kind, match="branch x: ") as caught:
        await client.create_branch("abcd", "x", "a" * 40)
    assert caught.value.code == status


async def test_a_ref_answer_without_a_result_is_no_success(
    script: Script, client: AzureDevOpsClient
) -> None:
    script.say(as_json(listed()))
    with pytest.raises(BadAnswer):
        await client.create_branch("abcd", "x", "a" * 40)


async def test_a_branch_is_deleted_only_where_it_was_seen(
    script: Script, client: AzureDevOpsClient
) -> None:
    script.say(as_json(listed({"name": "refs/heads/x", "success": True})))
    await client.delete_branch("abcd", "x", "a" * 40)
    assert script.seen[0].body == [
        {"name": "refs/heads/x", "oldObjectId": "a" * 40, "newObjectId": "0" * 40}
    ]


async def test_a_file_that_is_not_there_is_none_and_an_empty_one_empty(
    script: Script, client: AzureDevOpsClient
) -> None:
    script.say(as_json({"path": "/a.md", "content": "text"}))
    assert await client.file_text("abcd", "main", "/a.md") == "text"
    script.say(as_json({"path": "/a.md"}))
    assert await client.file_text("abcd", "main", "/a.md") == ""
    script.say(as_json({"message": "TF401174: no such item"}, 404))
    assert await client.file_text("abcd", "main", "/a.md") is None


async def test_no_one_is_signed_in_on_an_organisation_with_public_projects(
    script: Script, client: AzureDevOpsClient
) -> None:
    nobody = {"id": "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa", "providerDisplayName": "Anonymous"}
    script.say(as_json({"authenticatedUser": nobody}))
    with pytest.raises(AuthenticationFailed, match="as nobody"):
        await client.who_am_i()


async def test_connection_data_tells_whose_the_credential_is(
    script: Script, client: AzureDevOpsClient
) -> None:
    account = {"Account": {"$type": "System.String", "$value": "bot@example.com"}}
    user = {"id": "B-1", "providerDisplayName": "Bot", "properties": account}
    script.say(as_json({"authenticatedUser": user}))
    assert await client.who_am_i() == Identity("b-1", "Bot", "bot@example.com")
    assert script.seen[0].query == {"api-version": "7.1-preview.1"}


async def test_a_disabled_repository_is_marked(script: Script, client: AzureDevOpsClient) -> None:
    script.say(as_json(listed({**REPOSITORY, "isDisabled": True})))
    (found,) = await client.repositories("My Shop")
    assert found == Repository(
        id="abcd",
        name="web shop",
        project_id="p-1",
        project_name="My Shop",
        default_branch="refs/heads/main",
        web_url=f"{script.url}/My%20Shop/_git/web%20shop",
        is_disabled=True,
    )


def person(number: int, mail: str, account: str = "", **more: Any) -> dict[str, Any]:
    properties = {"Mail": {"$value": mail}, "Account": {"$value": account or mail}}
    if "domain" in more:
        properties["Domain"] = {"$value": more.pop("domain")}
    return {
        "id": f"I-{number}",
        "providerDisplayName": f"Sample {number}",
        "isActive": True,
        "properties": properties,
        **more,
    }


@pytest.mark.parametrize(
    ("asked", "people", "found"),
    [
        ("Maya@Example.com", [person(1, "maya@example.com")], "i-1"),
        ("maya@example.com", [person(1, "maya@example.com.evil.example")], None),
        ("maya@example.com", [person(1, "maya@example.com"), person(2, "MAYA@example.com")], None),
        ("maya@example.com", [person(1, "maya@example.com"), person(2, "m@example.com")], "i-1"),
        ("maya@example.com", [person(1, "maya@example.com", isActive=False)], None),
        ("maya@example.com", [person(1, "maya@example.com", isContainer=True)], None),
        ("Sample 1", [person(1, "maya@example.com")], None),
        ("EXAMPLE\\maya", [person(1, "", "maya", domain="EXAMPLE")], "i-1"),
    ],
)
async def test_an_identity_is_found_by_exactly_its_mail_or_account(
    script: Script,
    client: AzureDevOpsClient,
    asked: str,
    people: list[dict[str, Any]],
    found: str | None,
) -> None:
    script.say(as_json(listed(*people)))
    identity = await client.find_identity(asked)
    assert (identity.id if identity else None) == found


async def test_identities_are_searched_by_mail_when_the_general_search_finds_none(
    script: Script, client: AzureDevOpsClient
) -> None:
    script.say(as_json(listed()), as_json(listed(person(1, "maya@example.com", "maya"))))
    identity = await client.find_identity("maya@example.com")
    assert identity == Identity("i-1", "Sample 1", "maya")
    searches = [request.query["searchFilter"] for request in script.seen]
    assert searches == ["General", "MailAddress"]
    assert await client.find_identity("  ") is None
    assert len(script.seen) == 2


def work_item(number: int = 123, rev: int = 4, **more: Any) -> dict[str, Any]:
    fields = {
        "System.TeamProject": "My Shop",
        "System.WorkItemType": "Bug",
        "System.Title": "Basket",
        "System.State": "New",
        **more.pop("fields", {}),
    }
    return {"id": number, "rev": rev, "fields": fields, **more}


def relation(url: str) -> dict[str, Any]:
    return {"rel": "ArtifactLink", "url": url, "attributes": {"name": "Pull Request"}}


LINK = "vstfs:///Git/PullRequestId/p%2Fr%2F41"
OTHER = "vstfs:///Git/Ref/p%2Fr%2FGBmain"


async def test_a_ticket_has_its_texts_relations_and_formats(
    script: Script, client: AzureDevOpsClient
) -> None:
    script.say(
        as_json(
            work_item(
                fields={
                    "System.Description": "<b>x</b>",
                    "Microsoft.VSTS.Common.AcceptanceCriteria": "- y",
                    "System.AssignedTo": MAYA,
                },
                relations=[relation(LINK)],
                multilineFieldsFormat={"Microsoft.VSTS.Common.AcceptanceCriteria": "markdown"},
            )
        )
    )
    ticket = await client.ticket(123)
    assert script.seen[0].query == {"$expand": "relations", "api-version": "7.1"}
    assert (ticket.description, ticket.acceptance_criteria) == ("<b>x</b>", "- y")
    assert ticket.assigned_to == Identity("m-1", "Maya Sample", "maya@example.com")
    assert ticket.relations == (LINK,)
    assert ticket.markdown_fields == {"Microsoft.VSTS.Common.AcceptanceCriteria"}
    assert ticket.web_url == f"{script.url}/My%20Shop/_workitems/edit/123"


async def test_an_old_servers_assignee_is_a_text(script: Script, client: AzureDevOpsClient) -> None:
    script.say(as_json(work_item(fields={"System.AssignedTo": "Maya Sample <EXAMPLE\\maya>"})))
    ticket = await client.ticket(123)
    assert ticket.assigned_to == Identity("", "Maya Sample", "EXAMPLE\\maya")


async def test_tickets_come_in_batches_and_missing_ones_are_left_out(
    script: Script, client: AzureDevOpsClient
) -> None:
    script.say(as_json(listed(work_item(1), None)), as_json(listed(work_item(201))))
    found = await client.tickets([*range(1, BATCH_SIZE + 2), 1])
    assert [ticket.number for ticket in found] == [1, 201]
    assert [len(request.body["ids"]) for request in script.seen] == [BATCH_SIZE, 1]
    assert {request.body["errorPolicy"] for request in script.seen} == {"omit"}


async def test_the_states_of_a_type_have_categories(
    script: Script, client: AzureDevOpsClient
) -> None:
    script.say(as_json(listed({"name": "Doing", "category": "InProgress", "color": "0"})))
    states = await client.ticket_states("Shop", "User Story")
    assert states == [TicketState("Doing", "InProgress")]
    assert script.seen[0].path == "/Main/Shop/_apis/wit/workitemtypes/User%20Story/states"


async def test_an_update_tests_the_revision_first(
    script: Script, client: AzureDevOpsClient
) -> None:
    script.say(as_json(work_item(rev=5)))
    await client.update_ticket(
        123, rev=4, fields={"System.State": "Active"}, add_relations=[(LINK, "Pull Request")]
    )
    (request,) = script.seen
    assert request.headers["content-type"] == "application/json-patch+json"
    assert request.body == [
        {"op": "test", "path": "/rev", "value": 4},
        {"op": "add", "path": "/fields/System.State", "value": "Active"},
        {"op": "add", "path": "/relations/-", "value": relation(LINK)},
    ]


async def test_an_update_of_nothing_is_a_read(script: Script, client: AzureDevOpsClient) -> None:
    script.say(as_json(work_item()))
    await client.update_ticket(123)
    assert [request.method for request in script.seen] == ["GET"]


async def test_a_moved_revision_is_a_conflict(script: Script, client: AzureDevOpsClient) -> None:
    script.say(as_json({"message": "VS403351: Test Operation for path /rev failed."}, 412))
    with pytest.raises(Conflict) as caught:
        await client.update_ticket(123, rev=4, fields={"System.State": "Active"})
    assert caught.value.code == "VS403351"


EXISTS = as_json({"message": "Relation already exists."}, 400)


async def test_a_link_that_is_there_already_is_left_out_and_the_rest_done(
    script: Script, client: AzureDevOpsClient
) -> None:
    script.say(
        EXISTS,
        as_json(work_item(relations=[relation(LINK.lower())])),
        as_json(work_item(rev=5)),
    )
    links = [(LINK, "Pull Request"), (OTHER, "Branch")]
    ticket = await client.update_ticket(
        123, rev=4, fields={"System.State": "Active"}, add_relations=links
    )
    assert ticket.rev == 5
    assert [request.method for request in script.seen] == ["PATCH", "GET", "PATCH"]
    patched = script.seen[2].body
    assert patched[0] == {"op": "test", "path": "/rev", "value": 4}
    assert [patch["path"] for patch in patched] == ["/rev", "/fields/System.State", "/relations/-"]
    assert patched[2]["value"]["url"] == OTHER


async def test_nothing_is_written_when_the_only_link_is_there(
    script: Script, client: AzureDevOpsClient
) -> None:
    there = as_json(work_item(relations=[relation(LINK)]))
    script.say(EXISTS, there, there)
    ticket = await client.update_ticket(123, add_relations=[(LINK, "Pull Request")])
    assert ticket.relations == (LINK,)
    assert [request.method for request in script.seen] == ["PATCH", "GET", "GET"]


async def test_a_link_written_in_an_unknown_way_still_is_no_error(
    script: Script, client: AzureDevOpsClient
) -> None:
    rewritten = as_json(work_item(relations=[relation("vstfs:///Git/PullRequestId/name%2Fr%2F41")]))
    script.say(EXISTS, rewritten, as_json(work_item(rev=5)), EXISTS, as_json(work_item(rev=6)))
    ticket = await client.update_ticket(
        123,
        fields={"System.State": "Active"},
        add_relations=[(LINK, "Pull Request"), (OTHER, "Branch")],
    )
    assert ticket.rev == 6
    assert [len(r.body) for r in script.seen if r.method == "PATCH"] == [3, 1, 1, 1]


async def test_links_are_removed_from_behind_and_only_if_nothing_moved(
    script: Script, client: AzureDevOpsClient
) -> None:
    there = [relation(LINK), relation("vstfs:///Git/Commit/p%2Fr%2Fc"), relation(OTHER.lower())]
    script.say(as_json(work_item(rev=4, relations=there)), as_json(work_item(rev=5)))
    await client.update_ticket(123, remove_relation_urls=[LINK, OTHER])
    assert script.seen[1].body == [
        {"op": "test", "path": "/rev", "value": 4},
        {"op": "remove", "path": "/relations/2"},
        {"op": "remove", "path": "/relations/0"},
    ]


async def test_removing_a_link_that_is_gone_changes_nothing(
    script: Script, client: AzureDevOpsClient
) -> None:
    script.say(as_json(work_item()))
    await client.update_ticket(123, remove_relation_urls=[LINK])
    assert {request.method for request in script.seen} == {"GET"}


async def test_a_web_address_is_linked_as_a_hyperlink(
    script: Script, client: AzureDevOpsClient
) -> None:
    script.say(as_json(work_item()))
    await client.update_ticket(123, add_relations=[("https://example.com/x", "Notes")])
    value = script.seen[0].body[0]["value"]
    assert value == {
        "rel": "Hyperlink",
        "url": "https://example.com/x",
        "attributes": {"comment": "Notes"},
    }


async def test_a_hidden_thing_is_not_found(
    script: Script, client: AzureDevOpsClient, time: Time
) -> None:
    script.say(as_text("<html>no</html>", 404))
    with pytest.raises(NotFound):
        await client.ticket(9)
    assert time.slept == []
