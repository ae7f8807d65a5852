"""Service hooks: bodies, filters, retries, probation, and the knobs that make trouble."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from adapters.sandbox.azure_devops import (
    PROBATION_SCHEDULE_S,
    RETRY_SCHEDULE_S,
    AzureDevOpsSandbox,
    SandboxPullRequest,
    Subscription,
)
from adapters.sandbox.azure_devops.addresses import Style
from tests.adapters.sandbox.azure_devops.scene import Receiver, Shop, Sleeps, open_shop

CREATED, UPDATED, MERGED = (
    "git.pullrequest.created",
    "git.pullrequest.updated",
    "git.pullrequest.merged",
)
COMMENTED = "ms.vss-code.git-pullrequest-comment-event"


def listen(shop: Shop, receiver: Receiver, kind: str, **more: Any) -> Subscription:
    return shop.sandbox.add_hook(receiver.url, kind, project=shop.project, **more)


async def opened(shop: Shop, branch: str = "feature/a", **more: Any) -> SandboxPullRequest:
    await shop.sandbox.commit(shop.web, branch, {f"{branch}.txt": branch}, shop.maya, branch)
    return await shop.sandbox.create_pull_request(
        shop.web, shop.maya, branch, title=f"Add {branch}", **more
    )


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


async def test_a_transient_failure_is_retried_on_the_documented_schedule(
    shop: Shop, receiver: Receiver, sleeps: Sleeps
) -> None:
    """CHECKS 10: 8 retries, 183 s in all, under the same notification id."""
    hook = listen(shop, receiver, CREATED)
    receiver.script = [503, 502, 504, 408, 503, 503, 503, 503]
    await opened(shop)
    await shop.sandbox.hooks.idle()
    assert tuple(sleeps.asked) == RETRY_SCHEDULE_S
    assert sum(RETRY_SCHEDULE_S) == 183
    assert {one.body["notificationId"] for one in receiver.deliveries} == {1}
    assert len(receiver.deliveries) == 9
    assert hook.status == "enabled"
    assert hook.notifications[0].result == "succeeded"


async def test_when_retries_end_the_hook_is_on_probation_and_events_are_lost(
    shop: Shop, receiver: Receiver
) -> None:
    shop.sandbox.hooks.probation_schedule_s = ()
    hook = listen(shop, receiver, CREATED)
    receiver.script = [503] * 9
    await opened(shop)
    await shop.sandbox.hooks.idle()
    await opened(shop, "feature/b")
    await shop.sandbox.hooks.idle()
    assert hook.status != "enabled"
    assert len(receiver.deliveries) == 9
    assert len(hook.notifications) == 1


@pytest.mark.parametrize("status", [400, 401, 404, 500])
async def test_another_failure_is_not_retried_and_probation_ends_with_a_success(
    shop: Shop, receiver: Receiver, sleeps: Sleeps, status: int
) -> None:
    hook = listen(shop, receiver, CREATED)
    receiver.script = [status, status]
    await opened(shop)
    await shop.sandbox.hooks.idle()
    while hook.status == "onProbation":
        await sleeps(0)
    asked = [seconds for seconds in sleeps.asked if seconds]
    assert asked == list(PROBATION_SCHEDULE_S[:2])
    assert hook.status == "enabled"
    assert len(receiver.deliveries) == 3


async def test_seven_failed_probation_tries_disable_the_hook(
    shop: Shop, receiver: Receiver, sleeps: Sleeps
) -> None:
    hook = listen(shop, receiver, CREATED)
    receiver.script = [500] * 8
    await opened(shop)
    await shop.sandbox.hooks.idle()
    while hook.status == "onProbation":
        await sleeps(0)
    assert (hook.status, hook.probation_retries) == ("disabledBySystem", 7)


async def test_410_disables_the_hook_at_once(shop: Shop, receiver: Receiver) -> None:
    hook = listen(shop, receiver, CREATED)
    receiver.script = [410]
    await opened(shop)
    await opened(shop, "feature/b")
    await shop.sandbox.hooks.idle()
    assert hook.status == "disabledBySystem"
    assert len(receiver.deliveries) == 1


async def test_nobody_listening_puts_the_hook_on_probation(shop: Shop, receiver: Receiver) -> None:
    shop.sandbox.hooks.probation_schedule_s = ()
    hook = shop.sandbox.add_hook("http://127.0.0.1:9/hook", CREATED, project=shop.project)
    await opened(shop)
    await shop.sandbox.hooks.idle()
    assert hook.status != "enabled"
    assert hook.notifications[0].error is not None


async def test_deliveries_can_be_shuffled_doubled_and_lost(shop: Shop, receiver: Receiver) -> None:
    hooks = shop.sandbox.hooks
    listen(shop, receiver, "git.push")
    listen(shop, receiver, CREATED)
    hooks.drop(lambda event: event.event_type == CREATED)
    hooks.duplicate(2)
    hooks.pause()
    await opened(shop)
    for number in range(10):
        await shop.sandbox.commit(shop.web, "main", {f"{number}": "x"}, shop.maya, str(number))
    hooks.shuffle(7)
    with pytest.raises(RuntimeError, match="paused"):
        await hooks.idle()
    hooks.resume()
    await hooks.idle()
    numbers = [one.body["notificationId"] for one in receiver.deliveries]
    assert receiver.of(CREATED) == []
    assert numbers != sorted(numbers)
    assert sorted(numbers) == sorted([*range(1, 13), *range(1, 13)])


async def test_hooks_wait_while_stopped_and_go_out_after_the_restart(
    shop: Shop, receiver: Receiver
) -> None:
    listen(shop, receiver, CREATED)
    port = shop.sandbox.port
    await shop.sandbox.stop()
    with pytest.raises(aiohttp.ClientConnectorError):
        await shop.rest("GET", "_apis/projects")
    one = await opened(shop)
    assert receiver.deliveries == []
    await shop.sandbox.start(port=port)
    await shop.sandbox.hooks.idle()
    assert receiver.deliveries[0].resource["pullRequestId"] == one.id
    assert (await shop.rest("GET", f"_apis/git/pullrequests/{one.id}")).status == 200


async def test_hooks_go_on_while_only_rest_is_down(shop: Shop, receiver: Receiver) -> None:
    listen(shop, receiver, CREATED)
    await shop.sandbox.take_down()
    await opened(shop)
    await shop.sandbox.hooks.idle()
    with pytest.raises(aiohttp.ClientConnectorError):
        await shop.rest("GET", "_apis/projects")
    await shop.sandbox.bring_up()
    assert len(receiver.deliveries) == 1
    assert (await shop.rest("GET", "_apis/projects")).status == 200


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


def subscription_body(shop: Shop, url: str, **more: Any) -> dict[str, Any]:
    return {
        "publisherId": "tfs",
        "eventType": "git.push",
        "resourceVersion": "1.0",
        "consumerId": "webHooks",
        "consumerActionId": "httpRequest",
        "publisherInputs": {"projectId": shop.project.id, "repository": "", "branch": ""},
        "consumerInputs": {"url": url, "basicAuthUsername": "u", "basicAuthPassword": "p4ss"},
    } | more


async def test_a_subscription_is_made_read_changed_and_deleted_over_rest(
    shop: Shop, receiver: Receiver
) -> None:
    path = "_apis/hooks/subscriptions"
    made = await shop.rest("POST", path, subscription_body(shop, receiver.url))
    one = f"{path}/{made.json['id']}"
    assert made.json["consumerInputs"]["basicAuthPassword"] == "********"
    assert "p4ss" not in made.text

    changed = dict(made.json, status="disabledByUser")
    assert (await shop.rest("PUT", one, changed)).json["status"] == "disabledByUser"
    await shop.sandbox.commit(shop.web, "main", {"a": "a"}, shop.maya, "unheard")
    assert (await shop.rest("PUT", one, dict(changed, status="enabled"))).status == 200
    await shop.sandbox.commit(shop.web, "main", {"b": "b"}, shop.maya, "heard")
    await shop.sandbox.hooks.idle()
    (delivery,) = receiver.deliveries
    # The mask that came back has not become the password.
    assert base64.b64decode(delivery.headers["Authorization"].split()[1]) == b"u:p4ss"

    history = await shop.rest("GET", f"{one}/notifications")
    assert [note["result"] for note in history.json["value"]] == ["succeeded"]
    details = await shop.rest("GET", f"{one}/notifications/1")
    assert details.json["details"]["event"]["resource"]["commits"][0]["comment"] == "heard"
    assert (await shop.rest("DELETE", one)).status == 204
    assert (await shop.rest("GET", one)).status == 404


@pytest.mark.parametrize(
    "change",
    [
        {"publisherId": "azure-devops"},
        {"eventType": "git.moved"},
        {"consumerInputs": {"url": "ftp://x"}},
        {"consumerInputs": {"url": "http://x", "basicAuthPassword": "with space"}},
    ],
)
async def test_a_wrong_subscription_gets_400(shop: Shop, change: dict[str, Any]) -> None:
    body = subscription_body(shop, "http://127.0.0.1:9/hook") | change
    answer = await shop.rest("POST", "_apis/hooks/subscriptions", body)
    assert (answer.status, shop.sandbox.hooks.subscriptions) == (400, {})


async def test_the_test_button_sends_fabrikam(shop: Shop, receiver: Receiver) -> None:
    details = subscription_body(shop, receiver.url)
    answer = await shop.rest("POST", "_apis/hooks/testnotifications", {"details": details})
    (one,) = receiver.deliveries
    assert answer.json["result"] == "succeeded"
    assert one.resource["repository"]["id"] == "4bc14d40-c903-45e2-872e-0462c7748079"
    assert "Jamal Hartnett" in one.body["message"]["text"]


async def test_a_mistake_inside_a_delivery_is_raised_by_idle(
    shop: Shop, receiver: Receiver
) -> None:
    hook = listen(shop, receiver, CREATED)
    del hook.consumer_inputs["url"]
    await opened(shop)
    with pytest.raises(KeyError, match="url"):
        await shop.sandbox.hooks.idle()
    await shop.sandbox.hooks.idle()
