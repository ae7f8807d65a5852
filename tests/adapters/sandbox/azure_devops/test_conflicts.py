"""Conflicts are those of real git, named as Azure DevOps names them."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from adapters.sandbox.azure_devops import FileContent, GitFile, Submodule
from tests.adapters.sandbox.azure_devops.scene import STORY, Shop, merge_status

Changes = Mapping[str, FileContent]
OTHER = STORY.upper()

CASES: dict[str, tuple[Changes, Changes, dict[str, str]]] = {
    "both changed": (
        {"story.txt": STORY + "mine\n"},
        {"story.txt": STORY + "theirs\n"},
        {"/story.txt": "editEdit"},
    ),
    "changed here, deleted there": (
        {"story.txt": STORY + "mine\n"},
        {"story.txt": None},
        {"/story.txt": "editDelete"},
    ),
    "deleted here, changed there": (
        {"story.txt": None},
        {"story.txt": STORY + "theirs\n"},
        {"/story.txt": "deleteEdit"},
    ),
    "both added": ({"new.txt": "mine"}, {"new.txt": "theirs"}, {"/new.txt": "addAdd"}),
    "renamed to two names": (
        {"story.txt": None, "a.txt": STORY},
        {"story.txt": None, "b.txt": STORY},
        {"/story.txt": "rename1to2"},
    ),
    "renamed here, deleted there": (
        {"story.txt": None, "a.txt": STORY},
        {"story.txt": None},
        {"/story.txt": "renameDelete"},
    ),
    "deleted here, renamed there": (
        {"story.txt": None},
        {"story.txt": None, "b.txt": STORY},
        {"/story.txt": "deleteRename"},
    ),
    "renamed here to a name added there": (
        {"story.txt": None, "a.txt": STORY},
        {"a.txt": "theirs"},
        {"/a.txt": "renameAdd"},
    ),
    "added here with a name renamed to there": (
        {"b.txt": "mine"},
        {"story.txt": None, "b.txt": STORY},
        {"/b.txt": "addRename"},
    ),
    "two files renamed to one name": (
        {"story.txt": None, "c.txt": STORY},
        {"old.txt": None, "c.txt": OTHER},
        {"/c.txt": "rename2to1"},
    ),
    "both renamed to one name and changed": (
        {"story.txt": None, "c.txt": STORY + "mine\n"},
        {"story.txt": None, "c.txt": STORY + "theirs\n"},
        {"/c.txt": "renameRename"},
    ),
    "a folder here, a file there": (
        {"docs/a.txt": "mine"},
        {"docs": "theirs"},
        {"/docs": "directoryFile"},
    ),
    "a file here, a folder there": (
        {"docs": "mine"},
        {"docs/a.txt": "theirs"},
        {"/docs": "fileDirectory"},
    ),
    "binary files": (
        {"logo.png": b"\x89PNG\x00mine"},
        {"logo.png": b"\x89PNG\x00theirs"},
        {"/logo.png": "addAdd"},
    ),
    "submodules": (
        {"lib": Submodule("1" * 40)},
        {"lib": Submodule("2" * 40)},
        {"/lib": "addAdd"},
    ),
    "modes": (
        {"run.sh": GitFile(b"echo\n", executable=True)},
        {"run.sh": GitFile(b"echo no\n")},
        {"/run.sh": "addAdd"},
    ),
}


@pytest.mark.parametrize("name", CASES)
async def test_a_real_conflict_is_listed_with_its_kind(shop: Shop, name: str) -> None:
    source, target, expected = CASES[name]
    await shop.sandbox.create_branch(shop.web, "feature/a", shop.maya)
    await shop.sandbox.commit(shop.web, "feature/a", source, shop.maya, "mine")
    await shop.sandbox.commit(shop.web, "main", target, shop.jonas, "theirs")
    opened = await shop.sandbox.create_pull_request(
        shop.web, shop.maya, "feature/a", title="Conflicting"
    )

    listed = await shop.rest(
        "GET", f"{shop.git}/pullRequests/{opened.id}/conflicts", version="7.1-preview.1"
    )

    found = {one["conflictPath"]: one["conflictType"] for one in listed.json["value"]}
    assert found == expected
    assert merge_status(opened) == "conflicts"
    assert opened.last_merge is None


async def test_a_pull_request_without_conflicts_lists_none_and_has_a_merge_commit(
    shop: Shop,
) -> None:
    await shop.sandbox.commit(shop.web, "feature/a", {"new.txt": "n"}, shop.maya, "add")
    opened = await shop.sandbox.create_pull_request(shop.web, shop.maya, "feature/a", title="Fine")

    listed = await shop.rest(
        "GET", f"{shop.git}/pullRequests/{opened.id}/conflicts", version="7.1-preview.1"
    )

    assert listed.json == {"value": [], "count": 0}
    assert merge_status(opened) == "succeeded"
    assert await shop.sandbox.tip(shop.web, f"refs/pull/{opened.id}/merge") == opened.last_merge


async def test_the_conflict_carries_the_blobs_of_its_sides(shop: Shop) -> None:
    await shop.sandbox.create_branch(shop.web, "feature/a", shop.maya)
    await shop.sandbox.commit(shop.web, "feature/a", {"README.md": "mine"}, shop.maya, "m")
    await shop.sandbox.commit(shop.web, "main", {"README.md": None}, shop.jonas, "t")
    opened = await shop.sandbox.create_pull_request(shop.web, shop.maya, "feature/a", title="X")

    listed = await shop.rest(
        "GET", f"{shop.git}/pullRequests/{opened.id}/conflicts", version="7.1-preview.1"
    )

    (conflict,) = listed.json["value"]
    assert conflict["sourceBlob"]["objectId"] != conflict["baseBlob"]["objectId"]
    assert "targetBlob" not in conflict
    assert conflict["mergeSourceCommit"]["commitId"] == opened.last_source
    assert conflict["resolutionStatus"] == "unresolved"


async def test_a_conflict_is_over_after_merging_the_target_with_a_resolution(shop: Shop) -> None:
    await shop.sandbox.create_branch(shop.web, "feature/a", shop.maya)
    await shop.sandbox.commit(shop.web, "feature/a", {"README.md": "mine"}, shop.maya, "m")
    await shop.sandbox.commit(shop.web, "main", {"README.md": "theirs"}, shop.jonas, "t")
    opened = await shop.sandbox.create_pull_request(shop.web, shop.maya, "feature/a", title="X")
    assert merge_status(opened) == "conflicts"

    with pytest.raises(ValueError, match=r"README\.md"):
        await shop.sandbox.merge_branch(shop.web, "feature/a", "main", shop.maya)
    await shop.sandbox.merge_branch(
        shop.web, "feature/a", "main", shop.maya, resolved={"README.md": "both"}
    )

    assert merge_status(opened) == "succeeded"
    assert await shop.sandbox.read_file(shop.web, "README.md", "feature/a") == b"both"


async def test_a_conflict_is_over_after_a_rebase_and_forced_push(shop: Shop) -> None:
    await shop.sandbox.create_branch(shop.web, "feature/a", shop.maya)
    await shop.sandbox.commit(shop.web, "feature/a", {"README.md": "mine"}, shop.maya, "m")
    await shop.sandbox.commit(shop.web, "main", {"README.md": "theirs"}, shop.jonas, "t")
    opened = await shop.sandbox.create_pull_request(shop.web, shop.maya, "feature/a", title="X")

    await shop.sandbox.force_push(shop.web, "feature/a", {"README.md": "both"}, shop.maya, "m2")

    assert merge_status(opened) == "succeeded"
    assert [step.reason for step in opened.iterations] == ["create", "forcePush"]


@pytest.mark.parametrize("remerge", [False, True])
async def test_a_push_to_the_target_merges_again_only_when_the_sandbox_is_told_so(
    shop: Shop, remerge: bool
) -> None:
    shop.sandbox.organization.remerge_on_target_push = remerge
    await shop.sandbox.create_branch(shop.web, "feature/a", shop.maya)
    await shop.sandbox.commit(shop.web, "feature/a", {"README.md": "mine"}, shop.maya, "m")
    opened = await shop.sandbox.create_pull_request(shop.web, shop.maya, "feature/a", title="X")

    tip = await shop.sandbox.commit(shop.web, "main", {"README.md": "theirs"}, shop.jonas, "t")

    assert merge_status(opened) == ("conflicts" if remerge else "succeeded")
    assert (opened.last_target == tip) is remerge


async def test_the_trial_merge_of_two_commits_fails_when_they_conflict(shop: Shop) -> None:
    one = await shop.sandbox.commit(shop.web, "a", {"README.md": "a"}, shop.maya, "a")
    two = await shop.sandbox.commit(shop.web, "b", {"README.md": "b"}, shop.maya, "b")
    three = await shop.sandbox.commit(shop.web, "c", {"c.txt": "c"}, shop.maya, "c")

    results = []
    for parents in ([one, two], [one, three]):
        started = await shop.rest("POST", f"{shop.git}/merges", {"parents": parents})
        assert (started.status, started.json["status"]) == (201, "queued")
        await shop.sandbox.settled()
        number = started.json["mergeOperationId"]
        results.append((await shop.rest("GET", f"{shop.git}/merges/{number}")).json)

    assert results[0]["status"] == "failed"
    assert "conflict" in results[0]["detailedStatus"]["failureMessage"]
    assert results[1]["status"] == "completed"
    assert len(results[1]["detailedStatus"]["mergeCommitId"]) == 40
