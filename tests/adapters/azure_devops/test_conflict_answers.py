"""What the client makes of answers about conflicts that the sandbox does not give."""

from typing import Any

import pytest
from aiohttp import web

from adapters.azure_devops.client import AzureDevOpsClient
from bot.model import (
    BranchChanges,
    ConflictKind,
    FileConflict,
    Iteration,
    MergeStatus,
    PushedCommits,
)
from bot.ports import BadAnswer, NotFound
from tests.adapters.azure_devops.conftest import Handler, Script, Time, as_json, dropped

ONE, TWO = "a" * 40, "b" * 40


def merge(status: str, **details: str) -> dict[str, Any]:
    return {"mergeOperationId": 7, "status": status, "detailedStatus": details or None}


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (merge("completed", mergeCommitId=TWO), MergeStatus.SUCCEEDED),
        (merge("failed", failureMessage="There were merge Conflicts."), MergeStatus.CONFLICTS),
        (merge("completed", failureMessage="conflicts"), MergeStatus.CONFLICTS),
        (merge("Failed", failureMessage="Merge CONFLICT in /a.py"), MergeStatus.CONFLICTS),
        (merge("failed", failureMessage="2 files conflicted"), MergeStatus.CONFLICTS),
        (merge("conflicts"), MergeStatus.CONFLICTS),
        (merge("failed", failureMessage="An object is too large"), MergeStatus.FAILURE),
        (merge("failed", failureMessage="Out of time, no conflicts seen"), MergeStatus.FAILURE),
        (
            merge("failed", failureMessage="A ref name conflict: refNameConflict"),
            MergeStatus.FAILURE,
        ),
        (merge("failed", failureMessage="TF401028: version conflict"), MergeStatus.FAILURE),
        (merge("failed"), MergeStatus.FAILURE),
        (merge("abandoned"), MergeStatus.FAILURE),
        (merge("completed"), MergeStatus.FAILURE),
        (merge("queued"), MergeStatus.QUEUED),
        (merge("inProgress"), MergeStatus.QUEUED),
    ],
)
async def test_only_what_speaks_of_a_conflict_is_one(
    script: Script, client: AzureDevOpsClient, answer: dict[str, Any], status: MergeStatus
) -> None:
    script.say(as_json(merge("queued"), status=201), as_json(answer))
    found = await client.trial_merge("My Shop", "r", ONE, TWO)
    assert (found.status, found.ours, found.theirs) == (status, ONE, TWO)
    assert bool(found.message) is (status in (MergeStatus.FAILURE, MergeStatus.CONFLICTS))
    assert script.seen[0].body["parents"] == [ONE, TWO]
    assert script.seen[1].path.endswith("/My%20Shop/_apis/git/repositories/r/merges/7")


async def test_a_flag_for_conflicts_counts_and_a_merge_done_at_once_is_not_looked_at_again(
    script: Script, client: AzureDevOpsClient
) -> None:
    done = {"status": "failed", "detailedStatus": {"conflict": True, "failureMessage": "x"}}
    script.say(as_json(done, status=201))
    found = await client.trial_merge("Shop", "r", ONE, TWO)
    assert found.status is MergeStatus.CONFLICTS
    assert len(script.seen) == 1


async def test_waiting_for_a_merge_is_bounded(
    script: Script, client: AzureDevOpsClient, time: Time
) -> None:
    script.say(as_json(merge("queued"), status=201))
    await client.trial_merge("Shop", "r", ONE, TWO)
    assert 5 < sum(time.slept) < 10


async def test_a_trial_whose_answer_is_lost_is_asked_for_again(
    script: Script, client: AzureDevOpsClient
) -> None:
    script.say(dropped, as_json(merge("completed", mergeCommitId=TWO), status=201))
    found = await client.trial_merge("Shop", "r", ONE, TWO)
    assert found.status is MergeStatus.SUCCEEDED


async def test_a_server_without_the_call_is_not_found(
    script: Script, client: AzureDevOpsClient
) -> None:
    script.say(as_json({"message": "No HTTP resource was found"}, status=404))
    with pytest.raises(NotFound):
        await client.trial_merge("Shop", "r", ONE, TWO)
    with pytest.raises(NotFound):
        await client.conflicts("Shop", "r", 12)


async def test_a_kind_of_a_later_version_is_a_conflict_and_none_is_not(
    script: Script, client: AzureDevOpsClient
) -> None:
    items = [
        {"conflictPath": "/b", "conflictType": "submoduleFuture"},
        {"conflictPath": "/a", "conflictType": "editEdit"},
        {"conflictPath": "/c", "conflictType": "none"},
    ]
    script.say(as_json({"value": items, "count": 3}))
    found = await client.conflicts("Shop", "r", 12)
    assert found == [
        FileConflict("/a", ConflictKind.BOTH_CHANGED),
        FileConflict("/b", ConflictKind.UNKNOWN),
    ]
    (seen,) = script.seen
    assert seen.query["api-version"] == "7.1-preview.1"
    assert seen.query["excludeResolved"] == "true"


async def test_changed_files_are_read_to_the_end_without_folders_and_with_old_names(
    script: Script, client: AzureDevOpsClient
) -> None:
    first = {
        "allChangesIncluded": False,
        "changes": [
            {"item": {"path": "/src", "gitObjectType": "tree", "isFolder": True}},
            {"item": {"path": "/src/b.py", "gitObjectType": "blob"}},
            {"item": {"path": "/new.py"}, "sourceServerItem": "/old.py"},
        ],
    }
    second = {"allChangesIncluded": True, "changes": [{"item": {"path": "/a.py"}}]}
    script.say(as_json(first), as_json(second))
    found = await client.changed_files("r", ONE, TWO)
    assert found == ["/a.py", "/new.py", "/old.py", "/src/b.py"]
    assert [seen.query["$skip"] for seen in script.seen] == ["0", "3"]
    assert script.seen[0].query["diffCommonCommit"] == "true"


def distance(base: str, common: str, ahead: int, behind: int) -> dict[str, Any]:
    counts = {"aheadCount": ahead, "behindCount": behind}
    return {"baseCommit": base, "commonCommit": common, "changes": [], **counts}


def by_versions(answers: dict[tuple[str, str], dict[str, Any]]) -> Handler:
    """The answer for (base, target), in whatever order they are asked for."""

    async def answer(request: web.Request) -> web.Response:
        asked = request.query["baseVersion"], request.query["targetVersion"]
        return web.json_response(answers[asked])

    return answer


@pytest.mark.parametrize("is_ahead", [True, False])
async def test_pushed_commits_are_counted_whichever_side_is_called_ahead(
    script: Script, client: AzureDevOpsClient, is_ahead: bool
) -> None:
    """What "ahead" means is not documented; only one side of a fast-forward has commits."""

    def counted(base: str, common: str, commits: int, others: int) -> dict[str, Any]:
        ahead, behind = (commits, others) if is_ahead else (others, commits)
        return distance(base, common, ahead, behind)

    main = "c" * 40
    script.say(
        by_versions(
            {
                (ONE, TWO): counted(ONE, ONE, 12, 0),
                ("release/1", TWO): counted(main, main, 5, 0),
                ("release/1", ONE): counted(main, "d" * 40, 3, 9),
            }
        )
    )
    found = await client.pushed_commits("r", old=ONE, new=TWO, target_branch="release/1")
    assert found == PushedCommits(ONE, TWO, count=2)
    asked = [(seen.query["baseVersion"], seen.query["targetVersion"]) for seen in script.seen]
    assert asked[0] == (ONE, TWO)
    assert sorted(asked[1:]) == sorted([("release/1", TWO), ("release/1", ONE)])
    assert script.seen[1].query["baseVersionType"] == "branch"


async def test_commits_are_not_counted_while_the_target_moves(
    script: Script, client: AzureDevOpsClient
) -> None:
    script.say(
        by_versions(
            {
                (ONE, TWO): distance(ONE, ONE, 3, 0),
                ("main", TWO): distance("c" * 40, "c" * 40, 5, 0),
                ("main", ONE): distance("d" * 40, "d" * 40, 3, 0),
            }
        )
    )
    found = await client.pushed_commits("r", old=ONE, new=TWO, target_branch="main")
    assert found == PushedCommits(ONE, TWO)


async def test_a_single_commit_takes_one_call_and_a_rewritten_branch_too(
    script: Script, client: AzureDevOpsClient
) -> None:
    script.say(as_json(distance(ONE, ONE, 1, 0)), as_json(distance(ONE, "e" * 40, 4, 2)))
    one = await client.pushed_commits("r", old=ONE, new=TWO, target_branch="main")
    assert one == PushedCommits(ONE, TWO, count=1)
    forced = await client.pushed_commits("r", old=ONE, new=TWO, target_branch="main")
    assert forced == PushedCommits(ONE, TWO, is_rewritten=True)
    assert len(script.seen) == 2


async def test_the_pull_request_is_read_only_from_the_beginning_of_a_message(
    script: Script, client: AzureDevOpsClient
) -> None:
    def commit(comment: str) -> dict[str, Any]:
        author = {"name": "Maya Sample", "date": "2026-11-20T08:15:29Z"}
        return {"commitId": ONE, "comment": comment, "author": author}

    messages = ["Merged PR 12: Basket", "Revert “Merged PR 12: Basket”", "Merged PR x: y"]
    script.say(as_json({"value": [commit(text) for text in messages]}))
    found = await client.commits_on_path("r", "/a", since=ONE, until=TWO)
    assert [one.pull_request for one in found] == [12, 0, 0]


async def test_an_answer_without_its_number_is_a_bad_answer(
    script: Script, client: AzureDevOpsClient
) -> None:
    script.say(as_json({"status": "queued"}, status=201))
    with pytest.raises(BadAnswer, match="mergeOperationId"):
        await client.trial_merge("Shop", "r", ONE, TWO)


async def test_who_moved_a_branch_is_who_pushed_it_there_last_and_nobody_is_no_failure(
    script: Script, client: AzureDevOpsClient
) -> None:
    def push(name: str, *moved: tuple[str, str]) -> dict[str, object]:
        updates = [{"name": ref, "newObjectId": commit} for ref, commit in moved]
        return {"pushedBy": {"displayName": name}, "refUpdates": updates}

    main, other = "refs/heads/main", "refs/heads/other"
    pushes = [
        push("Priya Sample", (main, TWO), (other, ONE)),
        push("Maya Sample", (main, ONE)),
        push("Jonas Sample", (main, ONE)),
    ]
    script.say(*(as_json({"value": found}) for found in (pushes, pushes[:1], [])))
    assert [await client.who_moved("r", main, ONE) for _ in range(3)] == ["Maya Sample", "", ""]
    assert script.seen[0].query["searchCriteria.refName"] == main


async def test_what_a_branch_gained_is_one_call_and_nothing_when_it_is_too_much(
    script: Script, client: AzureDevOpsClient
) -> None:
    answer = {
        "commonCommit": ONE,
        "targetCommit": TWO,
        "allChangesIncluded": True,
        "changes": [{"item": {"path": "/a.py"}}],
    }
    script.say(
        as_json(answer),
        as_json({**answer, "commonCommit": "c" * 40}),
        as_json({**answer, "allChangesIncluded": False}),
    )
    gained = [await client.branch_changes("r", since=ONE, branch="main") for _ in range(3)]
    assert gained == [
        BranchChanges(TWO, True, frozenset({"/a.py"})),
        BranchChanges(TWO, False, frozenset({"/a.py"})),
        BranchChanges(TWO, True, None),
    ]


async def test_the_latest_iteration_is_the_one_of_the_highest_number(
    script: Script, client: AzureDevOpsClient
) -> None:
    items = [
        {"id": 2, "sourceRefCommit": {"commitId": TWO}, "author": {"displayName": "Maya Sample"}},
        {"id": 1, "sourceRefCommit": {"commitId": ONE}},
    ]
    script.say(as_json({"value": items, "count": 2}), as_json({"value": [], "count": 0}))
    assert await client.latest_iteration("r", 12) == Iteration(2, TWO, "Maya Sample")
    assert await client.latest_iteration("r", 12) is None
