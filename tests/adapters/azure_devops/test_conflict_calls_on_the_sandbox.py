"""What the client says of conflicts, against real git: files and kinds, trial merges, causes."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from adapters.azure_devops.client import AzureDevOpsClient
from adapters.azure_devops.conflicts import PAGE_SIZE
from adapters.azure_devops.credentials import PatCredential
from adapters.azure_devops.http import TimeOuts
from adapters.azure_devops.trial_merges import WAITS_S
from adapters.sandbox.azure_devops import (
    AzureDevOpsSandbox,
    FileContent,
    SandboxIdentity,
    SandboxRepository,
)
from adapters.sandbox.azure_devops.addresses import Style
from bot.model import ConflictKind, MergeStatus, PushedCommits
from bot.ports import Forbidden, NotFound

STORY = "".join(f"line {number}\n" for number in range(30))
MAIN = "refs/heads/main"


@dataclass
class Place:
    """A sandbox with one repository, and a client that is Pullcord's and sleeps not at all."""

    sandbox: AzureDevOpsSandbox
    client: AzureDevOpsClient
    maya: SandboxIdentity
    jonas: SandboxIdentity
    shop: SandboxRepository
    slept: list[float]

    async def commit(self, branch: str, changes: dict[str, FileContent], message: str = "x") -> str:
        return await self.sandbox.commit(self.shop, branch, changes, self.maya, message)

    async def open(self, branch: str) -> int:
        opened = await self.sandbox.create_pull_request(self.shop, self.maya, branch, title=branch)
        return opened.id

    async def tip(self, branch: str) -> str:
        tip = await self.client.branch_tip(self.shop.id, branch)
        assert tip is not None
        return tip


@pytest.fixture
def merges_held() -> asyncio.Event:
    """Set it to let merges go on that were given a delay."""
    return asyncio.Event()


@pytest.fixture(params=["services", "server"])
async def place(
    tmp_path: Path, request: pytest.FixtureRequest, merges_held: asyncio.Event
) -> AsyncIterator[Place]:
    style: Style = request.param
    sandbox = AzureDevOpsSandbox(
        tmp_path / "git", style=style, sleep=lambda _seconds: merges_held.wait()
    )
    await sandbox.start()
    bot = sandbox.add_person("Pullcord Service", "pullcord@example.com")
    maya = sandbox.add_person("Maya Sample", "maya@example.com")
    jonas = sandbox.add_person("Jonas Sample", "jonas@example.com")
    shop = await sandbox.add_repository(
        sandbox.add_project("My Shop"),
        "web shop",
        files={"story.txt": STORY, "README.md": "shop\n"},
    )
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        if not sandbox.organization.merges.delay_s:  # else a merge is held, and outlasts the waits
            await sandbox.settled()

    client = AzureDevOpsClient(
        "acme",
        sandbox.base_url,
        [PatCredential("pat", sandbox.issue_pat(bot))],
        sleep=sleep,
        timeouts=TimeOuts(connect_s=5.0, total_s=30.0),
    )
    yield Place(sandbox, client, maya, jonas, shop, slept)
    await client.close()
    await sandbox.stop()


async def test_every_conflicting_file_is_told_with_its_kind(place: Place) -> None:
    await place.sandbox.create_branch(place.shop, "a", place.maya)
    await place.commit("main", {"gone.txt": "1", "kept.txt": "2"})
    await place.commit("main", {"folder.txt": "3"})
    await place.sandbox.merge_branch(place.shop, "a", "main", place.maya)
    await place.commit(
        "a",
        {
            "README.md": "mine",
            "new.txt": "mine",
            "gone.txt": None,
            "kept.txt": "22",
            "story.txt": None,
            "mine.txt": STORY,
            "docs": "a file",
        },
    )
    await place.commit(
        "main",
        {
            "README.md": "theirs",
            "new.txt": "theirs",
            "gone.txt": "11",
            "kept.txt": None,
            "story.txt": None,
            "theirs.txt": STORY,
            "docs/a.md": "in a folder",
        },
    )
    number = await place.open("a")
    found = await place.client.conflicts("My Shop", place.shop.id, number)
    assert {conflict.path: conflict.kind for conflict in found} == {
        "/README.md": ConflictKind.BOTH_CHANGED,
        "/docs": ConflictKind.FOLDER,
        "/gone.txt": ConflictKind.DELETED_HERE,
        "/kept.txt": ConflictKind.DELETED_THERE,
        "/new.txt": ConflictKind.BOTH_ADDED,
        "/story.txt": ConflictKind.RENAMED,
    }
    assert [conflict.path for conflict in found] == sorted(conflict.path for conflict in found)


async def test_more_conflicts_than_a_page_holds_are_all_read(place: Place) -> None:
    files = [f"f{number:03}.txt" for number in range(PAGE_SIZE + 3)]
    await place.sandbox.create_branch(place.shop, "a", place.maya)
    await place.commit("a", dict.fromkeys(files, "mine"))
    await place.commit("main", dict.fromkeys(files, "theirs"))
    number = await place.open("a")
    found = await place.client.conflicts("My Shop", place.shop.id, number)
    assert [conflict.path for conflict in found] == [f"/{name}" for name in files]


async def test_a_clean_pull_request_has_no_conflicts_and_a_missing_one_is_not_found(
    place: Place,
) -> None:
    await place.commit("a", {"new.txt": "n"})
    number = await place.open("a")
    assert await place.client.conflicts("My Shop", place.shop.id, number) == []
    with pytest.raises(NotFound):
        await place.client.conflicts("My Shop", place.shop.id, 4711)


async def test_a_trial_merge_tells_a_conflict_from_a_clean_merge_and_moves_nothing(
    place: Place,
) -> None:
    one = await place.commit("a", {"README.md": "a"})
    two = await place.commit("b", {"README.md": "b"})
    three = await place.commit("c", {"c.txt": "c"})
    before = await place.tip("main")
    conflicted = await place.client.trial_merge("My Shop", place.shop.id, one, two)
    clean = await place.client.trial_merge("My Shop", place.shop.id, one, three)
    assert (conflicted.ours, conflicted.theirs) == (one, two)
    assert (conflicted.status, clean.status) == (MergeStatus.CONFLICTS, MergeStatus.SUCCEEDED)
    assert await place.tip("main") == before
    assert await place.tip("a") == one


async def test_a_trial_merge_that_is_not_done_in_time_stays_queued(
    place: Place, merges_held: asyncio.Event
) -> None:
    one = await place.commit("a", {"a": "a"})
    place.sandbox.organization.merges.delay_s = 1.0
    merged = await place.client.trial_merge("My Shop", place.shop.id, await place.tip("main"), one)
    merges_held.set()
    await place.sandbox.settled()
    assert merged.status is MergeStatus.QUEUED
    assert place.slept == list(WAITS_S)


async def test_a_trial_merge_of_an_unknown_commit_is_not_found_and_without_the_right_forbidden(
    place: Place,
) -> None:
    main = await place.tip("main")
    with pytest.raises(NotFound):
        await place.client.trial_merge("My Shop", place.shop.id, main, "1" * 40)
    body = {"typeKey": "GitNeedsPermissionException", "message": "TF401027: You need the Git right"}
    place.sandbox.faults.add("POST", r"/merges", status=403, body=body)
    with pytest.raises(Forbidden):
        await place.client.trial_merge("My Shop", place.shop.id, main, main)


async def test_changed_files_are_those_since_the_common_commit_with_both_names_of_a_rename(
    place: Place,
) -> None:
    await place.sandbox.create_branch(place.shop, "a", place.maya)
    mine = await place.commit(
        "a", {"src/new.txt": "n", "story.txt": None, "tale.txt": STORY, "README.md": "edited"}
    )
    theirs = await place.commit("main", {"theirs.txt": "t"})
    found = await place.client.changed_files(place.shop.id, theirs, mine)
    assert found == ["/README.md", "/src/new.txt", "/story.txt", "/tale.txt"]
    with pytest.raises(NotFound):
        await place.client.changed_files(place.shop.id, theirs, "1" * 40)


async def test_pushed_commits_are_counted_without_those_of_the_target(place: Place) -> None:
    async def pushed(old: str, new: str) -> PushedCommits:
        return await place.client.pushed_commits(
            place.shop.id, old=old, new=new, target_branch="main"
        )

    one = await place.commit("a", {"a.txt": "1"})
    two = await place.commit("a", {"a.txt": "2"})
    four = [await place.commit("a", {"a.txt": str(number)}) for number in (3, 4)][-1]
    assert await pushed(one, two) == PushedCommits(one, two, count=1)
    assert await pushed(one, four) == PushedCommits(one, four, count=3)

    for number in range(3):
        await place.commit("main", {"main.txt": str(number)})
    merged = await place.sandbox.merge_branch(place.shop, "a", "main", place.maya)
    assert await pushed(four, merged) == PushedCommits(four, merged, count=1)
    assert await pushed(two, merged) == PushedCommits(two, merged, count=3)

    rebased = await place.sandbox.force_push(place.shop, "a", {"a.txt": "r"}, place.maya, "One")
    assert await pushed(merged, rebased) == PushedCommits(merged, rebased, is_rewritten=True)
    assert await pushed(four, one) == PushedCommits(four, one, is_rewritten=True)
    with pytest.raises(NotFound):
        await pushed("1" * 40, one)


async def test_the_cause_is_the_merged_pull_request_and_the_direct_push_newest_first(
    place: Place,
) -> None:
    since = await place.tip("main")
    await place.commit("b", {"README.md": "b"}, "Work on b")
    number = await place.open("b")
    await place.sandbox.complete(number, place.jonas, strategy="noFastForward")
    await place.commit("main", {"other.txt": "o"}, "Something else")
    until = await place.commit("main", {"README.md": "direct"}, "Direct")
    found = await place.client.commits_on_path(
        place.shop.id, "/README.md", since=since, until=until
    )
    assert [(commit.message, commit.pull_request) for commit in found] == [
        ("Direct", 0),
        (f"Merged PR {number}: b", number),
    ]
    assert [commit.author_name for commit in found] == ["Maya Sample", "Jonas Sample"]
    assert found[0].id == until
    assert found[0].at.tzinfo is not None
    one = await place.client.commits_on_path(
        place.shop.id, "/README.md", since=since, until=until, top=1
    )
    assert one == found[:1]


async def test_a_status_is_posted_and_refused_when_the_pull_request_is_closed(place: Place) -> None:
    await place.commit("a", {"a.txt": "a"})
    number = await place.open("a")

    async def post(state: str) -> None:
        await place.client.set_pull_request_status(
            place.shop.id,
            number,
            state=state,
            description=f"It {state}",
            target_url=f"{place.sandbox.base_url}/x",
        )

    await post("failed")
    await post("succeeded")
    checks = await place.client.pull_request_checks("My Shop", place.shop.id, number)
    assert [(check.name, check.state, check.description) for check in checks] == [
        ("pullcord/mergeable", "succeeded", "It succeeded")
    ]
    assert checks[0].target_url == f"{place.sandbox.base_url}/x"
    await place.sandbox.abandon(number, place.maya)
    with pytest.raises(Forbidden):
        await post("failed")
