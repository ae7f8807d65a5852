"""Pull requests over REST: opened, changed, completed, with the answers that surprise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aiohttp
import pytest

from adapters.sandbox.azure_devops import AzureDevOpsSandbox, SandboxPullRequest
from tests.adapters.sandbox.azure_devops.scene import HeldSleep, Shop, open_shop
from tests.adapters.sandbox.azure_devops.scene import status as status_of


async def opened(shop: Shop, branch: str = "feature/a", **more: Any) -> SandboxPullRequest:
    """Open a pull request that adds a file named after its branch."""
    name = branch.replace("/", "-")
    await shop.sandbox.commit(shop.web, branch, {f"{name}.txt": branch}, shop.maya, branch)
    return await shop.sandbox.create_pull_request(
        shop.web, shop.maya, branch, title=f"Add {branch}", **more
    )


def url(shop: Shop, pull_request: SandboxPullRequest, rest: str = "") -> str:
    return f"{shop.git}/pullRequests/{pull_request.id}{rest}"


def body_for(branch: str, **more: Any) -> dict[str, Any]:
    return {
        "sourceRefName": f"refs/heads/{branch}",
        "targetRefName": "refs/heads/main",
        "title": "Title",
        **more,
    }


async def test_opening_answers_201_with_the_merge_still_queued(shop: Shop) -> None:
    ticket = shop.sandbox.add_work_item(shop.project, "User Story", "Story")
    await shop.sandbox.commit(shop.web, "feature/a", {"a.txt": "a"}, shop.maya, "a")
    body = body_for(
        "feature/a",
        isDraft=True,
        reviewers=[{"id": shop.jonas.id, "isRequired": True}],
        workItemRefs=[{"id": str(ticket)}],
        labels=[{"name": "ui"}],
    )
    answer = await shop.rest("POST", f"{shop.git}/pullrequests", body)
    assert (answer.status, answer.json["mergeStatus"]) == (201, "queued")
    assert answer.json["isDraft"] is True
    assert answer.json["reviewers"][0]["isRequired"] is True

    await shop.sandbox.settled()
    read = await shop.rest("GET", f"_apis/git/pullrequests/{answer.json['pullRequestId']}")
    tickets = await shop.rest("GET", f"{shop.git}/pullrequests/1/workitems")
    assert read.json["mergeStatus"] == "succeeded"
    assert [one["id"] for one in tickets.json["value"]] == [str(ticket)]


@pytest.mark.parametrize(
    ("change", "status", "fragment"),
    [
        ({"description": "x" * 4001}, 400, "4000 characters"),
        ({"title": " "}, 400, "title"),
        ({"targetRefName": "refs/heads/none"}, 404, "TF401398"),
        ({"sourceRefName": "feature/a"}, 400, "full branch name"),
        ({"targetRefName": "refs/heads/feature/a"}, 400, "same"),
        ({"reviewers": [{"id": "nobody"}]}, 400, "nobody"),
        ({"workItemRefs": [{"id": "999"}]}, 404, "TF401232"),
    ],
)
async def test_opening_with_something_wrong_is_refused(
    shop: Shop, change: dict[str, Any], status: int, fragment: str
) -> None:
    await shop.sandbox.commit(shop.web, "feature/a", {"a.txt": "a"}, shop.maya, "a")
    answer = await shop.rest("POST", f"{shop.git}/pullrequests", body_for("feature/a") | change)
    assert answer.status == status
    assert fragment in answer.json["message"]
    assert not shop.sandbox.organization.pull_requests


async def test_a_description_of_4000_characters_is_taken_and_cut_to_400_in_lists(
    shop: Shop,
) -> None:
    one = await opened(shop, description="d" * 4000)
    read = await shop.rest("GET", url(shop, one))
    listed = await shop.rest("GET", f"{shop.git}/pullrequests")
    assert len(read.json["description"]) == 4000
    assert len(listed.json["value"][0]["description"]) == 400


async def test_a_second_active_pull_request_of_the_same_branches_gets_409(shop: Shop) -> None:
    one = await opened(shop)
    again = await shop.rest("POST", f"{shop.git}/pullrequests", body_for("feature/a"))
    assert (again.status, again.json["typeKey"]) == (409, "GitPullRequestExistsException")
    assert again.json["message"].startswith("TF401179")
    await shop.sandbox.abandon(one, shop.maya)
    assert (
        await shop.rest("POST", f"{shop.git}/pullrequests", body_for("feature/a"))
    ).status == 201


async def test_lists_filter_by_status_branch_creator_and_reviewer_and_page(shop: Shop) -> None:
    first = await opened(shop, "feature/a", reviewers=[shop.jonas])
    second = await opened(shop, "feature/b")
    third = await opened(shop, "feature/c")
    await shop.sandbox.abandon(third, shop.maya)

    async def numbers(path: str = f"{shop.git}/pullrequests", **query: str) -> list[int]:
        criteria = {
            name if name.startswith("$") else f"searchCriteria.{name}": value
            for name, value in query.items()
        }
        answer = await shop.rest("GET", path, **criteria)
        return [one["pullRequestId"] for one in answer.json["value"]]

    assert await numbers() == [second.id, first.id]
    assert await numbers(status="all") == [third.id, second.id, first.id]
    assert await numbers(status="abandoned") == [third.id]
    assert await numbers(sourceRefName="refs/heads/feature/b") == [second.id]
    assert await numbers(targetRefName="refs/heads/other") == []
    assert await numbers(reviewerId=shop.jonas.id) == [first.id]
    assert await numbers(creatorId=shop.jonas.id) == []
    assert await numbers(**{"$top": "1", "$skip": "1"}) == [first.id]
    assert await numbers("Shop/_apis/git/pullrequests") == [second.id, first.id]
    assert await numbers("_apis/git/pullrequests") == [second.id, first.id]


async def test_completing_answers_200_still_queued_and_is_done_later(tmp_path: Path) -> None:
    held = HeldSleep()
    sandbox = AzureDevOpsSandbox(tmp_path, sleep=held, merge_delay=1.5)
    async with aiohttp.ClientSession() as session:
        shop = await open_shop(sandbox, session)
        await sandbox.commit(shop.web, "feature/a", {"a.txt": "a"}, shop.maya, "a")
        made = await shop.rest("POST", f"{shop.git}/pullrequests", body_for("feature/a"))
        source = made.json["lastMergeSourceCommit"]
        answer = await shop.rest(
            "PATCH",
            f"{shop.git}/pullrequests/1",
            {"status": "completed", "lastMergeSourceCommit": source},
        )
        assert answer.status == 200
        assert (answer.json["status"], answer.json["mergeStatus"]) == ("active", "queued")
        assert "completionQueueTime" in answer.json

        held.released.set()
        await sandbox.settled()
        done = await shop.rest("GET", f"{shop.git}/pullrequests/1")
        await sandbox.stop()
    assert (done.json["status"], done.json["mergeStatus"]) == ("completed", "succeeded")
    assert done.json["closedBy"]["id"] == shop.maya.id
    assert "completionQueueTime" not in done.json


async def test_completing_a_conflicted_one_goes_back_to_active_with_conflicts(shop: Shop) -> None:
    await shop.sandbox.create_branch(shop.web, "feature/a", shop.maya)
    await shop.sandbox.commit(shop.web, "feature/a", {"README.md": "mine"}, shop.maya, "m")
    one = await shop.sandbox.create_pull_request(shop.web, shop.maya, "feature/a", title="X")
    await shop.sandbox.commit(shop.web, "main", {"README.md": "theirs"}, shop.jonas, "t")
    assert one.merge_status == "succeeded"  # the target moved, nobody merged again

    await shop.sandbox.complete(one, shop.maya)

    read = await shop.rest("GET", url(shop, one))
    assert (read.json["status"], read.json["mergeStatus"]) == ("active", "conflicts")
    assert "completionQueueTime" not in read.json
    assert "lastMergeCommit" not in read.json


@pytest.mark.parametrize(
    ("commit", "status", "fragment"),
    [
        (None, 400, "LastMergeSourceCommit"),
        ("1" * 40, 409, "TF401192"),
        ("0" * 40, 200, ""),
    ],
)
async def test_completing_needs_the_commit_that_was_seen(
    shop: Shop, commit: str | None, status: int, fragment: str
) -> None:
    one = await opened(shop)
    body: dict[str, Any] = {"status": "completed"}
    if commit is not None:
        body["lastMergeSourceCommit"] = {"commitId": commit}
    answer = await shop.rest("PATCH", url(shop, one), body)
    await shop.sandbox.settled()
    assert answer.status == status
    assert fragment in answer.text
    assert status_of(one) == ("completed" if status == 200 else "active")


@pytest.mark.parametrize(
    ("strategy", "parents", "message"),
    [
        ("noFastForward", 2, "Merged PR 1"),
        ("squash", 1, "Merged PR 1"),
        ("rebase", 1, "two"),
        ("rebaseMerge", 2, "Merged PR 1"),
    ],
)
async def test_each_merge_strategy_leaves_its_own_history(
    shop: Shop, strategy: str, parents: int, message: str
) -> None:
    await shop.sandbox.commit(shop.web, "feature/a", {"a.txt": "a"}, shop.maya, "one")
    await shop.sandbox.commit(shop.web, "feature/a", {"b.txt": "b"}, shop.maya, "two")
    one = await shop.sandbox.create_pull_request(shop.web, shop.maya, "feature/a", title="X")
    moved = await shop.sandbox.commit(shop.web, "main", {"m.txt": "m"}, shop.jonas, "moved")

    await shop.sandbox.complete(one, shop.maya, strategy, delete_source_branch=True)

    commits = await shop.rest("GET", f"{shop.git}/commits")
    newest = commits.json["value"][0]
    ids = [commit["commitId"] for commit in commits.json["value"]]
    assert status_of(one) == "completed"
    assert (len(newest["parents"]), newest["comment"].startswith(message)) == (parents, True)
    assert moved in ids
    assert await shop.sandbox.read_file(shop.web, "b.txt") == b"b"
    assert await shop.sandbox.tip(shop.web, "feature/a") is None


async def test_completing_moves_the_linked_tickets_on_when_asked(shop: Shop) -> None:
    ticket = shop.sandbox.add_work_item(shop.project, "User Story", "Story")
    one = await opened(shop, work_items=[ticket])
    await shop.sandbox.complete(one, shop.maya, transition_work_items=True)
    assert shop.sandbox.work_item(ticket).fields["System.State"] == "Resolved"


async def test_a_completed_one_cannot_be_edited_nor_get_a_status(shop: Shop) -> None:
    one = await opened(shop)
    await shop.sandbox.complete(one, shop.maya)
    edited = await shop.rest("PATCH", url(shop, one), {"title": "Late"})
    status = {"state": "succeeded", "context": {"name": "x"}}
    posted = await shop.rest("POST", url(shop, one, "/statuses"), status)
    assert (edited.status, edited.json["typeKey"]) == (403, "GitPullRequestNotEditableException")
    assert (posted.status, posted.json["typeKey"]) == (
        403,
        "GitPullRequestStatusNotEditableException",
    )


async def test_a_draft_cannot_be_completed_until_it_is_published(shop: Shop) -> None:
    one = await opened(shop, draft=True)
    body = {"status": "completed", "lastMergeSourceCommit": {"commitId": one.last_source}}
    assert (await shop.rest("PATCH", url(shop, one), body)).status == 400
    published = await shop.rest("PATCH", url(shop, one), {"isDraft": False})
    assert published.json["isDraft"] is False
    assert (await shop.rest("PATCH", url(shop, one), body)).status == 200


async def test_one_votes_only_as_oneself_and_the_group_gets_the_vote(shop: Shop) -> None:
    team = shop.sandbox.add_person("Team", "t@example.com", is_group=True, members=[shop.jonas])
    one = await opened(shop, reviewers=[team])
    foreign = await shop.rest("PUT", url(shop, one, f"/reviewers/{shop.jonas.id}"), {"vote": 10})
    odd = await shop.rest("PUT", url(shop, one, f"/reviewers/{shop.maya.id}"), {"vote": 7})
    his = shop.as_(shop.jonas)
    mine = await his("PUT", url(shop, one, f"/reviewers/{shop.jonas.id}"), {"vote": -5})
    listed = await shop.rest("GET", url(shop, one, "/reviewers"))
    votes = {who["id"]: who["vote"] for who in listed.json["value"]}
    assert (foreign.status, odd.status, mine.status) == (403, 400, 200)
    assert votes == {team.id: -5, shop.jonas.id: -5}
    assert mine.json["votedFor"][0]["isContainer"] is True


async def test_auto_complete_waits_for_the_required_reviewer(shop: Shop) -> None:
    one = await opened(shop, required_reviewers=[shop.jonas])
    body = {"autoCompleteSetBy": {"id": shop.maya.id}, "completionOptions": {"squashMerge": True}}
    answer = await shop.rest("PATCH", url(shop, one), body)
    assert answer.json["autoCompleteSetBy"]["id"] == shop.maya.id
    foreign = await shop.rest("PATCH", url(shop, one), {"autoCompleteSetBy": {"id": shop.jonas.id}})
    assert foreign.status == 400
    assert status_of(one) == "active"
    await shop.sandbox.vote(one, shop.jonas, 10)
    assert status_of(one) == "completed"


async def test_retargeting_merges_again_with_the_other_branch(shop: Shop) -> None:
    await shop.sandbox.create_branch(shop.web, "release", shop.maya)
    tip = await shop.sandbox.commit(shop.web, "release", {"r.txt": "r"}, shop.maya, "r")
    one = await opened(shop)
    answer = await shop.rest("PATCH", url(shop, one), {"targetRefName": "refs/heads/release"})
    await shop.sandbox.settled()
    assert answer.json["mergeStatus"] == "queued"
    assert (one.last_target, one.iterations[-1].reason) == (tip, "retarget")


async def test_iterations_show_what_each_push_changed(shop: Shop) -> None:
    one = await opened(shop)
    await shop.sandbox.commit(shop.web, "feature/a", {"more.txt": "m"}, shop.maya, "more")
    everything = await shop.rest("GET", url(shop, one, "/iterations/2/changes"))
    since = await shop.rest("GET", url(shop, one, "/iterations/2/changes"), **{"$compareTo": "1"})
    paths = [
        [entry["item"]["path"] for entry in answer.json["changeEntries"]]
        for answer in (everything, since)
    ]
    assert paths == [["/feature-a.txt", "/more.txt"], ["/more.txt"]]


async def test_a_reply_in_a_resolved_thread_makes_it_active_again(shop: Shop) -> None:
    one = await opened(shop)
    thread = await shop.rest(
        "POST", url(shop, one, "/threads"), {"comments": [{"content": "Why?"}], "status": "active"}
    )
    address = url(shop, one, f"/threads/{thread.json['id']}")
    closed = await shop.rest("PATCH", address, {"status": "closed"})
    await shop.rest("POST", f"{address}/comments", {"content": "Still", "parentCommentId": 1})
    again = await shop.rest("GET", address)
    assert (closed.json["status"], again.json["status"]) == ("closed", "active")
    assert [said["content"] for said in again.json["comments"]] == ["Why?", "Still"]


async def test_policies_are_evaluated_under_the_code_review_artifact(shop: Shop) -> None:
    one = await opened(shop)
    await shop.sandbox.set_policy(one, "Build", "rejected")
    artifact = f"vstfs:///CodeReview/CodeReviewId/{shop.project.id}/{one.id}"
    path = "Shop/_apis/policy/evaluations"
    found = await shop.rest("GET", path, version="7.1-preview.1", artifactId=artifact)
    wrong = await shop.rest("GET", path, version="7.1-preview.1", artifactId="vstfs:///Git/x/1")
    body = {"status": "completed", "lastMergeSourceCommit": {"commitId": one.last_source}}
    refused = await shop.rest("PATCH", url(shop, one), body)
    assert [record["status"] for record in found.json["value"]] == ["rejected"]
    assert wrong.status == 400
    assert (refused.status, one.status) == (403, "active")


async def test_an_outcome_that_git_cannot_produce_can_be_acted(shop: Shop) -> None:
    one = await opened(shop)
    await shop.sandbox.set_merge_outcome(
        one, "failure", message="Too large", failure_type="objectTooLarge"
    )
    read = await shop.rest("GET", url(shop, one))
    assert (read.json["mergeStatus"], read.json["mergeFailureMessage"]) == ("failure", "Too large")


async def test_pull_requests_of_a_deleted_repository_are_gone(shop: Shop) -> None:
    one = await opened(shop)
    await shop.sandbox.rename_repository(shop.web, "site", shop.maya)
    assert (await shop.rest("GET", "Shop/_apis/git/repositories/site")).status == 200
    await shop.sandbox.delete_repository(shop.web, shop.maya)
    answer = await shop.rest("GET", f"_apis/git/pullrequests/{one.id}")
    assert (answer.status, answer.json["typeKey"]) == (404, "GitPullRequestNotFoundException")
