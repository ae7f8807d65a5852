"""Service hooks: what fires when, and what the bodies look like."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from adapters.sandbox.azure_devops import (
    AzureDevOpsSandbox,
    SandboxPullRequest,
)
from adapters.sandbox.azure_devops.addresses import Style
from tests.adapters.sandbox.azure_devops.scene import (
    Receiver,
    Shop,
    listen,
    open_shop,
    opened,
)

CREATED, UPDATED, MERGED = (
    "git.pullrequest.created",
    "git.pullrequest.updated",
    "git.pullrequest.merged",
)
COMMENTED = "ms.vss-code.git-pullrequest-comment-event"


async def conflicted(shop: Shop) -> SandboxPullRequest:
    await shop.sandbox.create_branch(shop.web, "feature/c", shop.maya)
    await shop.sandbox.commit(shop.web, "feature/c", {"README.md": "mine"}, shop.maya, "m")
    await shop.sandbox.commit(shop.web, "main", {"README.md": "theirs"}, shop.jonas, "t")
    return await shop.sandbox.create_pull_request(
        shop.web, shop.maya, "feature/c", title="Conflicting", description="A text"
    )


async def test_a_delivery_has_the_envelope_of_real_ones(shop: Shop, receiver: Receiver) -> None:
    hook = listen(shop, receiver, CREATED, secret="s3cret", messages="none")
    await opened(shop)
    await opened(shop, "feature/b")
    await shop.sandbox.hooks.idle()
    first, second = receiver.deliveries
    base = f"{shop.sandbox.base_url}/"
    assert first.body["subscriptionId"] == second.body["subscriptionId"] == hook.id
    assert [one.body["notificationId"] for one in (first, second)] == [1, 2]
    assert (first.body["eventType"], first.body["publisherId"]) == (CREATED, "tfs")
    assert first.body["message"] is None
    assert first.body["detailedMessage"] is None
    assert first.body["createdDate"] == "2026-11-21T09:30:00.1234560Z"
    assert first.body["resourceVersion"] == "1.0"
    assert first.body["resourceContainers"]["project"] == {"id": shop.project.id, "baseUrl": base}
    assert set(first.body["resourceContainers"]) == {"collection", "account", "project"}
    expected = base64.b64encode(b"pullcord:s3cret").decode()
    assert first.headers["Authorization"] == f"Basic {expected}"
    assert first.headers["X-VSS-SubscriptionId"] == hook.id


async def test_a_secret_can_go_in_a_header_instead(shop: Shop, receiver: Receiver) -> None:
    listen(shop, receiver, CREATED, header_secret="s3cret")
    await opened(shop)
    await shop.sandbox.hooks.idle()
    (one,) = receiver.deliveries
    assert one.headers["X-ADO-Signature"] == "s3cret"
    assert "Authorization" not in one.headers
    assert set(one.body["message"]) == {"text", "html", "markdown"}


async def test_the_life_of_a_pull_request_fires_each_kind(shop: Shop, receiver: Receiver) -> None:
    for kind in (CREATED, UPDATED, MERGED, COMMENTED, "git.push"):
        listen(shop, receiver, kind)
    one = await opened(shop)
    await shop.sandbox.hooks.idle()
    assert receiver.kinds == ["git.push", "git.push", CREATED, MERGED]
    receiver.deliveries.clear()

    await shop.sandbox.vote(one, shop.jonas, 10)
    await shop.sandbox.comment(one, shop.jonas, "Good")
    await shop.sandbox.edit_pull_request(one, shop.maya, {"title": "No event for this"})
    await shop.sandbox.commit(shop.web, "feature/a", {"b.txt": "b"}, shop.maya, "b")
    await shop.sandbox.hooks.idle()
    # A first vote makes a reviewer: one event for the list, one for the vote.
    assert receiver.kinds == [UPDATED, UPDATED, COMMENTED, "git.push", UPDATED, MERGED]
    receiver.deliveries.clear()

    await shop.sandbox.complete(one, shop.maya)
    await shop.sandbox.hooks.idle()
    assert sorted(receiver.kinds) == sorted([MERGED, "git.push", UPDATED, MERGED])
    assert receiver.of(MERGED)[-1].resource["status"] == "completed"
    assert "closedBy" not in receiver.of(MERGED)[-1].resource


async def test_updated_fires_only_for_the_wished_notification_type(
    shop: Shop, receiver: Receiver
) -> None:
    listen(shop, receiver, UPDATED, notification_type="ReviewerVoteNotification")
    one = await opened(shop)
    await shop.sandbox.add_reviewer(one, shop.jonas)
    await shop.sandbox.commit(shop.web, "feature/a", {"b.txt": "b"}, shop.maya, "b")
    await shop.sandbox.vote(one, shop.jonas, -5)
    await shop.sandbox.abandon(one, shop.maya)
    await shop.sandbox.hooks.idle()
    (vote,) = receiver.deliveries
    assert vote.resource["reviewers"][0]["vote"] == -5


@pytest.mark.parametrize("kind", [None, "StatusUpdateNotification"])
async def test_publishing_a_draft_fires_only_what_the_sandbox_is_told(
    shop: Shop, receiver: Receiver, kind: str | None
) -> None:
    shop.sandbox.organization.draft_change_notification = kind
    listen(shop, receiver, UPDATED)
    one = await opened(shop, draft=True)
    await shop.sandbox.publish(one, shop.maya)
    await shop.sandbox.hooks.idle()
    assert len(receiver.deliveries) == (0 if kind is None else 1)


async def test_a_conflict_body_lacks_the_merge_commit_description_and_closed_date(
    shop: Shop, receiver: Receiver
) -> None:
    listen(shop, receiver, MERGED, merge_result="Conflicts")
    await opened(shop, description="A text")
    await conflicted(shop)
    await shop.sandbox.hooks.idle()
    (only,) = receiver.deliveries
    assert only.resource["mergeStatus"] == "conflicts"
    assert only.resource["status"] == "active"
    assert {"lastMergeCommit", "description", "closedDate"} & set(only.resource) == set()
    assert len(only.resource["lastMergeTargetCommit"]["commitId"]) == 40


async def test_the_resource_is_drawn_at_delivery(shop: Shop, receiver: Receiver) -> None:
    listen(shop, receiver, CREATED)
    shop.sandbox.hooks.pause()
    one = await opened(shop)
    await shop.sandbox.edit_pull_request(one, shop.maya, {"title": "Later title"})
    shop.sandbox.hooks.resume()
    await shop.sandbox.hooks.idle()
    assert receiver.deliveries[0].resource["title"] == "Later title"


async def test_pushes_of_new_and_deleted_branches_and_tags_have_no_commits(
    shop: Shop, receiver: Receiver
) -> None:
    listen(shop, receiver, "git.push")
    sandbox = shop.sandbox
    await sandbox.create_branch(shop.web, "x", shop.maya)
    await sandbox.create_branch(shop.web, "refs/tags/v1", shop.maya)
    await sandbox.commit(shop.web, "x", {"x.txt": "1"}, shop.maya, "first")
    tip = await sandbox.force_push(shop.web, "x", {"x.txt": "2"}, shop.maya, "second")
    await sandbox.delete_branch(shop.web, "x", shop.maya)
    await sandbox.hooks.idle()
    told = [
        (one.resource["refUpdates"][0]["name"], [c["comment"] for c in one.resource["commits"]])
        if "commits" in one.resource
        else (one.resource["refUpdates"][0]["name"], None)
        for one in receiver.deliveries
    ]
    assert told == [
        ("refs/heads/x", None),
        ("refs/tags/v1", None),
        ("refs/heads/x", ["first"]),
        ("refs/heads/x", ["second"]),
        ("refs/heads/x", None),
    ]
    gone = receiver.deliveries[-1].resource["refUpdates"][0]
    assert (gone["oldObjectId"], gone["newObjectId"]) == (tip, "0" * 40)


async def test_branch_and_repository_filter(shop: Shop, receiver: Receiver) -> None:
    other = await shop.sandbox.add_repository(shop.project, "api", files={"a": "a"})
    listen(shop, receiver, "git.push", repository=shop.web, branch="main")
    await shop.sandbox.commit(other, "main", {"b": "b"}, shop.maya, "elsewhere")
    await shop.sandbox.commit(shop.web, "topic", {"b": "b"}, shop.maya, "another branch")
    await shop.sandbox.commit(shop.web, "main", {"b": "b"}, shop.maya, "this")
    await shop.sandbox.hooks.idle()
    (one,) = receiver.deliveries
    assert one.resource["commits"][0]["comment"] == "this"


@pytest.mark.parametrize(("version", "wrapped"), [("2.0", True), ("1.0", False)])
async def test_a_comment_is_wrapped_with_its_pull_request_only_at_2_0(
    shop: Shop, receiver: Receiver, version: str, wrapped: bool
) -> None:
    listen(shop, receiver, COMMENTED, resource_version=version)
    one = await opened(shop)
    await shop.sandbox.comment(one, shop.jonas, "Why?")
    await shop.sandbox.hooks.idle()
    resource = receiver.deliveries[0].resource
    assert ("pullRequest" in resource) is wrapped
    assert (resource["comment"] if wrapped else resource)["content"] == "Why?"


async def test_version_2_0_of_a_git_event_gives_null(shop: Shop, receiver: Receiver) -> None:
    listen(shop, receiver, "git.push", resource_version="2.0")
    await shop.sandbox.commit(shop.web, "main", {"b": "b"}, shop.maya, "b")
    await shop.sandbox.hooks.idle()
    body = receiver.deliveries[0].body
    assert (body["resource"], body["resourceVersion"]) == (None, None)


@pytest.mark.parametrize(
    ("version", "shape"), [("1.0", "str"), ("3.1-preview.3", "dict"), ("5.1-preview.3", "dict")]
)
async def test_work_item_identities_differ_by_resource_version(
    shop: Shop, receiver: Receiver, version: str, shape: str
) -> None:
    for kind in ("workitem.created", "workitem.updated", "workitem.commented"):
        listen(shop, receiver, kind, resource_version=version)
    number = shop.sandbox.add_work_item(shop.project, "Bug", "Broken")
    await shop.sandbox.update_work_item(number, shop.maya, state="Active", assigned_to=shop.jonas)
    await shop.sandbox.comment_work_item(number, shop.maya, "On it")
    await shop.sandbox.hooks.idle()
    # A comment fires both events.
    assert receiver.kinds == [
        "workitem.created",
        "workitem.updated",
        "workitem.commented",
        "workitem.updated",
    ]
    changed = receiver.deliveries[1].resource
    assert changed["fields"]["System.State"] == {"oldValue": "New", "newValue": "Active"}
    assert set(changed["fields"]["System.AssignedTo"]) == {"newValue"}
    assert changed["workItemId"] == number
    assignee: Any = changed["revision"]["fields"]["System.AssignedTo"]
    assert type(assignee).__name__ == shape
    assert ("id" in assignee) is (version == "5.1-preview.3")
    if version == "1.0":
        assert assignee == "Jonas Sample <jonas@example.com>"
    assert receiver.deliveries[2].resource["fields"]["System.History"] == "On it"


async def test_builds_and_repositories_tell_of_themselves(shop: Shop, receiver: Receiver) -> None:
    for kind in ("build.complete", "git.repo.renamed", "git.repo.deleted"):
        listen(shop, receiver, kind)
    await shop.sandbox.complete_build(shop.web, shop.maya, definition="ci", result="failed")
    await shop.sandbox.rename_repository(shop.web, "site", shop.maya)
    await shop.sandbox.delete_repository(shop.web, shop.maya)
    await shop.sandbox.hooks.idle()
    build, renamed, deleted = (one.resource for one in receiver.deliveries)
    assert build["status"] == "failed"
    assert (renamed["oldName"], renamed["newName"]) == ("web", "site")
    assert deleted["repositoryId"] == shop.web.id


@pytest.mark.parametrize(
    ("style", "outer", "path"),
    [
        ("services", "account", "/contoso/"),
        ("visualstudio", "account", "/"),
        ("server", "server", "/tfs/contoso/"),
    ],
)
async def test_urls_and_containers_follow_the_style(
    tmp_path: Path, receiver: Receiver, style: Style, outer: str, path: str
) -> None:
    sandbox = AzureDevOpsSandbox(tmp_path, style=style)
    async with aiohttp.ClientSession() as session:
        shop = await open_shop(sandbox, session)
        listen(shop, receiver, CREATED)
        await opened(shop)
        await sandbox.hooks.idle()
        read = await shop.rest("GET", "_apis/git/pullrequests/1")
        await sandbox.stop()
    containers = receiver.deliveries[0].body["resourceContainers"]
    origin = f"http://127.0.0.1:{sandbox.port}"
    assert set(containers) == {"collection", outer, "project"}
    assert containers["project"]["baseUrl"] == origin + path
    assert read.json["url"].startswith(f"{origin}{path}{shop.project.id}/_apis/git/")
