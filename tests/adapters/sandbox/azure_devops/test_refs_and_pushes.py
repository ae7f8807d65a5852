"""Branches and pushes, with the answers that surprise."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from adapters.sandbox.azure_devops import ZERO_SHA
from tests.adapters.sandbox.azure_devops.scene import Shop


def ref_update(name: str, old: str, new: str) -> dict[str, str]:
    return {"name": name, "oldObjectId": old, "newObjectId": new}


def push_body(ref: str, old: str, kind: str, path: str, content: str = "x") -> dict[str, Any]:
    change: dict[str, Any] = {"changeType": kind, "item": {"path": path}}
    if kind != "delete":
        change["newContent"] = {"content": content, "contentType": "rawtext"}
    return {
        "refUpdates": [{"name": ref, "oldObjectId": old}],
        "commits": [{"comment": "change", "changes": [change]}],
    }


async def tip(shop: Shop, branch: str = "main") -> str:
    found = await shop.sandbox.tip(shop.web, branch)
    assert found is not None
    return found


async def test_updating_refs_answers_200_and_says_in_the_item_what_failed(shop: Shop) -> None:
    main = await tip(shop)
    await shop.sandbox.create_branch(shop.web, "taken", shop.maya)
    answer = await shop.rest(
        "POST",
        f"{shop.git}/refs",
        [
            ref_update("refs/heads/new", ZERO_SHA, main),
            ref_update("refs/heads/taken", ZERO_SHA, main),
            ref_update("refs/heads/bad..name", ZERO_SHA, main),
            ref_update("refs/heads/none", ZERO_SHA, "1" * 40),
            ref_update("refs/heads/taken/below", ZERO_SHA, main),
            ref_update("refs/heads/absent", ZERO_SHA, ZERO_SHA),
        ],
    )
    assert answer.status == 200
    assert [(one["success"], one["updateStatus"]) for one in answer.json["value"]] == [
        (True, "succeeded"),
        (False, "staleOldObjectId"),
        (False, "invalidRefName"),
        (False, "unresolvableToCommit"),
        (False, "refNameConflict"),
        (True, "succeededNonExistentRef"),
    ]


async def test_permissions_show_in_the_update_status(shop: Shop) -> None:
    access, his, main = shop.sandbox.access, shop.as_(shop.jonas), await tip(shop)
    await shop.sandbox.commit(shop.web, "topic", {"t.txt": "t"}, shop.maya, "t")
    access.deny(shop.jonas, "createBranch", shop.web)
    access.deny(shop.jonas, "forcePush", shop.web)
    body = [
        ref_update("refs/heads/new", ZERO_SHA, main),
        ref_update("refs/heads/topic", await tip(shop, "topic"), main),
    ]
    answer = await his("POST", f"{shop.git}/refs", body)
    statuses = [one["updateStatus"] for one in answer.json["value"]]
    assert statuses == ["createBranchPermissionRequired", "forcePushRequired"]


async def test_refs_are_filtered_and_paged_by_a_header(shop: Shop) -> None:
    for name in ("feature/a", "feature/b", "feature/c"):
        await shop.sandbox.create_branch(shop.web, name, shop.maya)
    query = {"filter": "heads/feature", "$top": "2"}
    first = await shop.rest("GET", f"{shop.git}/refs", **query)
    token = first.headers["x-ms-continuationtoken"]
    second = await shop.rest("GET", f"{shop.git}/refs", continuationToken=token, **query)
    names = [one["name"] for one in first.json["value"] + second.json["value"]]
    assert names == [f"refs/heads/feature/{letter}" for letter in "abc"]
    assert "x-ms-continuationtoken" not in second.headers
    part = await shop.rest("GET", f"{shop.git}/refs", filterContains="ure/b")
    assert [one["name"] for one in part.json["value"]] == ["refs/heads/feature/b"]


async def test_editing_a_file_while_creating_the_branch_with_zeros_fails(shop: Shop) -> None:
    ref = "refs/heads/new"
    body = push_body(ref, ZERO_SHA, "edit", "/README.md")
    failed = await shop.rest("POST", f"{shop.git}/pushes", body)
    assert failed.status == 400
    assert f"does not exist at commit {ZERO_SHA}" in failed.json["message"]

    main = await tip(shop)
    await shop.rest("POST", f"{shop.git}/refs", [ref_update(ref, ZERO_SHA, main)])
    made = await shop.rest("POST", f"{shop.git}/pushes", push_body(ref, main, "edit", "/README.md"))
    assert made.status == 201
    assert await shop.sandbox.read_file(shop.web, "README.md", "new") == b"x"


async def test_the_first_push_into_an_empty_repository_with_zeros_works(shop: Shop) -> None:
    empty = await shop.sandbox.add_repository(shop.project, "empty")
    url = f"Shop/_apis/git/repositories/{empty.id}"
    before = await shop.rest("GET", url)
    pushed = await shop.rest(
        "POST", f"{url}/pushes", push_body("refs/heads/trunk", ZERO_SHA, "add", "/a.txt")
    )
    after = await shop.rest("GET", url)
    assert "defaultBranch" not in before.json
    assert pushed.status == 201
    assert after.json["defaultBranch"] == "refs/heads/trunk"


async def test_adding_an_existing_path_or_pushing_on_a_stale_tip_fails(shop: Shop) -> None:
    main = await tip(shop)
    exists = await shop.rest(
        "POST", f"{shop.git}/pushes", push_body("refs/heads/main", main, "add", "/README.md")
    )
    stale = await shop.rest(
        "POST", f"{shop.git}/pushes", push_body("refs/heads/main", "1" * 40, "add", "/n.txt")
    )
    assert (exists.status, "already exists" in exists.json["message"]) == (400, True)
    assert (stale.status, stale.json["typeKey"]) == (409, "GitReferenceStaleException")
    assert await tip(shop) == main


async def test_a_push_without_permission_gets_403(shop: Shop) -> None:
    shop.sandbox.access.deny(shop.jonas, "contribute", shop.web)
    body = push_body("refs/heads/main", await tip(shop), "add", "/n.txt")
    answer = await shop.as_(shop.jonas)("POST", f"{shop.git}/pushes", body)
    assert (answer.status, answer.json["typeKey"]) == (403, "GitNeedsPermissionException")


async def test_base64_content_rename_and_delete_are_pushed(shop: Shop) -> None:
    main = await tip(shop)
    data = bytes(range(256))
    changes = [
        {
            "changeType": "add",
            "item": {"path": "/logo.bin"},
            "newContent": {
                "content": base64.b64encode(data).decode(),
                "contentType": "base64encoded",
            },
        },
        {"changeType": "rename", "item": {"path": "/s.txt"}, "sourceServerItem": "/story.txt"},
        {"changeType": "delete", "item": {"path": "/old.txt"}},
    ]
    body = {
        "refUpdates": [{"name": "refs/heads/main", "oldObjectId": main}],
        "commits": [{"comment": "three", "changes": changes}],
    }
    story = await shop.sandbox.read_file(shop.web, "story.txt")
    assert (await shop.rest("POST", f"{shop.git}/pushes", body)).status == 201
    assert await shop.sandbox.read_file(shop.web, "logo.bin") == data
    assert await shop.sandbox.read_file(shop.web, "s.txt") == story
    assert await shop.sandbox.read_file(shop.web, "story.txt") is None
    assert await shop.sandbox.read_file(shop.web, "old.txt") is None


async def test_a_file_is_read_as_json_with_its_content_or_404(shop: Shop) -> None:
    found = await shop.rest("GET", f"{shop.git}/items", path="/README.md", includeContent="true")
    absent = await shop.rest("GET", f"{shop.git}/items", path="/none.md")
    branch = {"versionDescriptor.version": "none"}
    nowhere = await shop.rest("GET", f"{shop.git}/items", path="/README.md", **branch)
    assert found.json["content"] == "# Shop\n"
    assert (absent.status, absent.json["typeKey"]) == (404, "GitItemNotFoundException")
    assert nowhere.json["message"].startswith("TF401175")


async def test_commits_of_one_branch_that_another_lacks_are_listed(shop: Shop) -> None:
    one = await shop.sandbox.commit(shop.web, "topic", {"t.txt": "1"}, shop.maya, "one")
    two = await shop.sandbox.commit(shop.web, "topic", {"u.txt": "2"}, shop.maya, "two")
    await shop.sandbox.commit(shop.web, "main", {"m.txt": "m"}, shop.maya, "on main")
    versions = {
        "searchCriteria.itemVersion.version": "main",
        "searchCriteria.compareVersion.version": "topic",
    }
    listed = await shop.rest("GET", f"{shop.git}/commits", **versions)
    touching = await shop.rest(
        "GET", f"{shop.git}/commits", **versions, **{"searchCriteria.itemPath": "/t.txt"}
    )
    assert [commit["commitId"] for commit in listed.json["value"]] == [two, one]
    assert [commit["commitId"] for commit in touching.json["value"]] == [one]


async def test_two_branches_are_compared(shop: Shop) -> None:
    await shop.sandbox.commit(shop.web, "topic", {"t.txt": "1", "old.txt": None}, shop.maya, "t")
    await shop.sandbox.commit(shop.web, "main", {"m.txt": "m"}, shop.maya, "m")
    query = {"baseVersion": "main", "targetVersion": "topic", "diffCommonCommit": "true"}
    compared = await shop.rest("GET", f"{shop.git}/diffs/commits", **query)
    changes = {one["item"]["path"]: one["changeType"] for one in compared.json["changes"]}
    assert changes == {"/t.txt": "add", "/old.txt": "delete"}
    assert (compared.json["aheadCount"], compared.json["behindCount"]) == (1, 1)


@pytest.mark.parametrize("body", [{}, [], {"refUpdates": [], "commits": []}, "text", None])
async def test_a_malformed_push_gets_400(shop: Shop, body: Any) -> None:
    answer = await shop.rest("POST", f"{shop.git}/pushes", body)
    assert (answer.status, "message" in answer.json) == (400, True)
