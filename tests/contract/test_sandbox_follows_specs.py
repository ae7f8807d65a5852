"""The sandbox's REST answers have the fields, types and enumerations of Microsoft's specifications.

The specifications (vsts-rest-api-specs) are not part of the project: the folder is named by
PULLCORD_SPECS, or lies beside the checkout. Without it these tests are skipped.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from adapters.sandbox.azure_devops import AzureDevOpsSandbox
from adapters.sandbox.azure_devops.addresses import Style
from tests.adapters.sandbox.azure_devops.scene import Shop, open_shop
from tests.contract.specifications import SPECS, check, complaints, spec

pytestmark = pytest.mark.skipif(
    not SPECS.is_dir(), reason="Microsoft's specifications are not here (set PULLCORD_SPECS)"
)


@pytest.fixture
def style() -> Style:
    return "services"


@pytest.fixture
async def shop(tmp_path: Path, style: Style) -> AsyncIterator[Shop]:
    sandbox = AzureDevOpsSandbox(tmp_path / "git", style=style)
    async with aiohttp.ClientSession() as session:
        yield await open_shop(sandbox, session)
        await sandbox.stop()


async def with_pull_request(shop: Shop) -> str:
    """Open a pull request that has everything, and return its address."""
    sandbox = shop.sandbox
    team = sandbox.add_person("Web Team", "web@example.com", is_group=True, members=[shop.jonas])
    ticket = sandbox.add_work_item(shop.project, "User Story", "A story", description="<b>x</b>")
    await sandbox.commit(shop.web, "feature/a", {"README.md": "mine", "n.txt": "n"}, shop.maya, "m")
    opened = await sandbox.create_pull_request(
        shop.web,
        shop.maya,
        "feature/a",
        title="A change",
        description="Text",
        reviewers=[team],
        required_reviewers=[shop.jonas],
        work_items=[ticket],
        labels=["ui"],
    )
    await sandbox.vote(opened, shop.jonas, 5)
    await sandbox.comment(opened, shop.jonas, "Looks good")
    await sandbox.set_pull_request_status(opened, shop.maya, "succeeded", "build", genre="ci")
    await sandbox.set_policy(opened, "Minimum reviewers", "queued")
    await sandbox.set_auto_complete(opened, shop.maya)
    await sandbox.commit(shop.web, "feature/a", {"m.txt": "more"}, shop.maya, "more")
    return f"{shop.git}/pullRequests/{opened.id}"


GIT = "/{organization}/{project}/_apis/git/repositories/{repositoryId}"
PULL = GIT + "/pullRequests/{pullRequestId}"


async def test_repositories_refs_pushes_and_commits_follow_the_git_specification(
    shop: Shop,
) -> None:
    rest, git = shop.rest, shop.git
    tip = await shop.sandbox.commit(shop.web, "main", {"a.txt": "a"}, shop.maya, "a")
    check("git_7.1_git.json", "GET", GIT, await rest("GET", git))
    listed = await rest("GET", "Shop/_apis/git/repositories")
    check("git_7.1_git.json", "GET", GIT.rsplit("/", 1)[0], listed)
    check("git_7.1_git.json", "GET", f"{GIT}/refs", await rest("GET", f"{git}/refs"))
    created = await rest(
        "POST",
        f"{git}/refs",
        [{"name": "refs/heads/x", "oldObjectId": "0" * 40, "newObjectId": tip}],
    )
    check("git_7.1_git.json", "POST", f"{GIT}/refs", created)
    pushed = await rest(
        "POST",
        f"{git}/pushes",
        {
            "refUpdates": [{"name": "refs/heads/x", "oldObjectId": tip}],
            "commits": [
                {
                    "comment": "add",
                    "changes": [
                        {
                            "changeType": "add",
                            "item": {"path": "/b.txt"},
                            "newContent": {"content": "b", "contentType": "rawtext"},
                        }
                    ],
                }
            ],
        },
    )
    check("git_7.1_git.json", "POST", f"{GIT}/pushes", pushed)
    check("git_7.1_git.json", "GET", f"{GIT}/pushes", await rest("GET", f"{git}/pushes"))
    check("git_7.1_git.json", "GET", f"{GIT}/commits", await rest("GET", f"{git}/commits"))
    one = await rest("GET", f"{git}/commits/{tip}")
    check("git_7.1_git.json", "GET", f"{GIT}/commits/{{commitId}}", one)
    compared = await rest("GET", f"{git}/diffs/commits", baseVersion="main", targetVersion="x")
    check("git_7.1_git.json", "GET", f"{GIT}/diffs/commits", compared)
    items = await rest("GET", f"{git}/items", scopePath="/", recursionLevel="Full")
    check("git_7.1_git.json", "GET", f"{GIT}/items", items)
    merge = await rest("POST", f"{git}/merges", {"parents": [tip, tip], "comment": "try"})
    merges = GIT.replace("repositoryId", "repositoryNameOrId") + "/merges"
    check("git_7.1_git.json", "POST", merges, merge)
    await shop.sandbox.settled()
    again = await rest("GET", f"{git}/merges/{merge.json['mergeOperationId']}")
    check("git_7.1_git.json", "GET", f"{merges}/{{mergeOperationId}}", again)


@pytest.mark.parametrize(
    ("style", "document"),
    [
        ("services", "git_7.1_git.json"),
        ("server", "git_azure-devops-server-7.0_git-onprem.json"),
    ],
)
async def test_pull_requests_follow_the_git_specification(shop: Shop, document: str) -> None:
    rest = shop.rest
    url = await with_pull_request(shop)
    check(document, "GET", PULL, await rest("GET", url))
    for part in ("reviewers", "threads", "iterations", "statuses", "labels", "commits"):
        check(document, "GET", f"{PULL}/{part}", await rest("GET", f"{url}/{part}"))
    check(document, "GET", f"{PULL}/workitems", await rest("GET", f"{url}/workitems"))
    changes = await rest("GET", f"{url}/iterations/2/changes")
    check(document, "GET", f"{PULL}/iterations/{{iterationId}}/changes", changes)
    check(document, "GET", f"{GIT}/pullRequests", await rest("GET", f"{shop.git}/pullRequests"))
    updated = await rest("PATCH", url, {"title": "Another title"})
    check(document, "PATCH", PULL, updated)
    await shop.sandbox.set_policy(1, "Minimum reviewers", "approved")
    done = await rest("GET", url)
    assert done.json["status"] == "completed"  # auto-complete waited for the policy only
    check(document, "GET", PULL, done)


async def test_writing_on_a_pull_request_follows_the_git_specification(shop: Shop) -> None:
    rest = shop.rest
    await shop.sandbox.commit(shop.web, "feature/b", {"b.txt": "b"}, shop.maya, "b")
    body = {
        "sourceRefName": "refs/heads/feature/b",
        "targetRefName": "refs/heads/main",
        "title": "New",
        "isDraft": True,
    }
    created = await rest("POST", f"{shop.git}/pullRequests", body)
    check("git_7.1_git.json", "POST", f"{GIT}/pullRequests", created)
    url = f"{shop.git}/pullRequests/{created.json['pullRequestId']}"
    voted = await rest("PUT", f"{url}/reviewers/{shop.maya.id}", {"vote": 10})
    check("git_7.1_git.json", "PUT", f"{PULL}/reviewers/{{reviewerId}}", voted)
    thread = await rest("POST", f"{url}/threads", {"comments": [{"content": "Hello"}]})
    check("git_7.1_git.json", "POST", f"{PULL}/threads", thread)
    reply = await rest("POST", f"{url}/threads/1/comments", {"content": "Yes"})
    check("git_7.1_git.json", "POST", f"{PULL}/threads/{{threadId}}/comments", reply)
    status = {"state": "pending", "context": {"name": "mergeable", "genre": "pullcord"}}
    posted = await rest("POST", f"{url}/statuses", status)
    check("git_7.1_git.json", "POST", f"{PULL}/statuses", posted)
    label = await rest("POST", f"{url}/labels", {"name": "ui"})
    check("git_7.1_git.json", "POST", f"{PULL}/labels", label)


async def test_every_conflict_kind_has_only_fields_of_its_model(shop: Shop) -> None:
    """/conflicts is not in the specification, its models are: one per kind."""
    await shop.sandbox.create_branch(shop.web, "feature/a", shop.maya)
    story = await shop.sandbox.read_file(shop.web, "story.txt")
    mine = {"README.md": "mine", "new.txt": "m", "story.txt": None, "a.txt": story}
    theirs = {"README.md": "t", "new.txt": "t", "story.txt": None, "b.txt": story}
    await shop.sandbox.commit(shop.web, "feature/a", mine, shop.maya, "m")
    await shop.sandbox.commit(shop.web, "main", theirs, shop.maya, "t")
    await shop.sandbox.create_pull_request(shop.web, shop.maya, "feature/a", title="X")
    reply = await shop.rest("GET", f"{shop.git}/pullRequests/1/conflicts", version="7.1-preview.1")
    kinds = set()
    document = spec("git_7.1_git.json")
    for conflict in reply.json["value"]:
        kind = conflict["conflictType"]
        kinds.add(kind)
        model = {"$ref": f"#/definitions/GitConflict{kind[0].upper()}{kind[1:]}"}
        assert not list(complaints(document, model, conflict, kind))
    assert kinds == {"editEdit", "addAdd", "rename1to2"}


async def test_work_items_follow_their_specification(shop: Shop) -> None:
    rest, area = shop.rest, "wit"
    number = shop.sandbox.add_work_item(
        shop.project, "Bug", "Broken", description="# md", text_format="markdown"
    )
    await with_pull_request(shop)
    base = "/{organization}/{project}/_apis/wit"
    one = await rest("GET", f"Shop/_apis/wit/workitems/{number}", **{"$expand": "all"})
    check(area, "GET", f"{base}/workitems/{{id}}", one)
    linked = await rest("GET", f"Shop/_apis/wit/workitems/{number + 1}", **{"$expand": "relations"})
    assert linked.json["relations"]
    check(area, "GET", f"{base}/workitems/{{id}}", linked)
    batch = await rest("POST", "Shop/_apis/wit/workitemsbatch", {"ids": [number]})
    check(area, "POST", f"{base}/workitemsbatch", batch)
    kinds = await rest("GET", "Shop/_apis/wit/workitemtypes")
    check(area, "GET", f"{base}/workitemtypes", kinds)
    states = await rest("GET", "Shop/_apis/wit/workitemtypes/User Story/states")
    check(area, "GET", f"{base}/workitemtypes/{{type}}/states", states)
    query = "SELECT [System.Id] FROM workitems WHERE [System.State] = 'New'"
    found = await rest("POST", "Shop/Web/_apis/wit/wiql", {"query": query})
    check(area, "POST", "/{organization}/{project}/{team}/_apis/wit/wiql", found)
    comments = f"Shop/_apis/wit/workItems/{number}/comments"
    said = await rest("POST", comments, {"text": "Hello"}, version="7.1-preview.4")
    check(area, "POST", f"{base}/workItems/{{workItemId}}/comments", said)
    listed = await rest("GET", comments, version="7.1-preview.4")
    check(area, "GET", f"{base}/workItems/{{workItemId}}/comments", listed)
    operations = [{"op": "add", "path": "/fields/System.State", "value": "Active"}]
    changed = await rest.patch_item(f"Shop/_apis/wit/workitems/{number}", operations)
    check(area, "PATCH", f"{base}/workitems/{{id}}", changed)


async def test_hooks_projects_identities_builds_and_policies_follow_their_specifications(
    shop: Shop,
) -> None:
    rest = shop.rest
    await with_pull_request(shop)
    await shop.sandbox.complete_build(shop.web, shop.maya, definition="ci")
    project = shop.project
    created = await rest(
        "POST",
        "_apis/hooks/subscriptions",
        {
            "publisherId": "tfs",
            "eventType": "git.push",
            "resourceVersion": "1.0",
            "consumerId": "webHooks",
            "consumerActionId": "httpRequest",
            "publisherInputs": {"projectId": project.id},
            "consumerInputs": {"url": "http://127.0.0.1:9/hook", "basicAuthPassword": "p"},
        },
    )
    hooks = "/{organization}/_apis/hooks"
    check("hooks", "POST", f"{hooks}/subscriptions", created)
    await shop.sandbox.commit(shop.web, "main", {"z.txt": "z"}, shop.maya, "z")
    await shop.sandbox.hooks.idle()
    url = f"_apis/hooks/subscriptions/{created.json['id']}"
    check("hooks", "GET", f"{hooks}/subscriptions", await rest("GET", "_apis/hooks/subscriptions"))
    sent = await rest("GET", f"{url}/notifications")
    check("hooks", "GET", f"{hooks}/subscriptions/{{subscriptionId}}/notifications", sent)
    body = {"subscriptionIds": [created.json["id"]], "includeDetails": True}
    asked = await rest("POST", "_apis/hooks/notificationsquery", body)
    assert asked.json["results"]
    check("hooks", "POST", f"{hooks}/notificationsquery", asked)
    projects = "/{organization}/_apis/projects"
    check("core", "GET", projects, await rest("GET", "_apis/projects"))
    check("core", "GET", f"{projects}/{{projectId}}", await rest("GET", "_apis/projects/Shop"))
    people = await rest(
        "GET", "_apis/identities", searchFilter="General", filterValue="maya@example.com"
    )
    check("ims", "GET", "/{organization}/_apis/identities", people)
    builds = await rest("GET", "Shop/_apis/build/builds")
    check("build", "GET", "/{organization}/{project}/_apis/build/builds", builds)
    one = await rest("GET", "Shop/_apis/build/builds/1")
    check("build", "GET", "/{organization}/{project}/_apis/build/builds/{buildId}", one)
    await shop.sandbox.complete_build(shop.web, shop.maya, definition="ci", pull_request=1)
    artifact = f"vstfs:///CodeReview/CodeReviewId/{project.id}/1"
    verdicts = await rest(
        "GET", "Shop/_apis/policy/evaluations", version="7.1-preview.1", artifactId=artifact
    )
    assert verdicts.json["value"][-1]["context"]["buildId"] == 2
    check("policy", "GET", "/{organization}/{project}/_apis/policy/evaluations", verdicts)


def test_the_check_itself_sees_unknown_fields_wrong_types_and_wrong_enumerations() -> None:
    document = spec("git_7.1_git.json")
    model = {"$ref": "#/definitions/GitPullRequest"}
    wrong = {"pullRequestId": "1", "status": "open", "invented": 1, "mergeId": "x"}
    assert len(list(complaints(document, model, wrong, "pullRequest"))) == 4
