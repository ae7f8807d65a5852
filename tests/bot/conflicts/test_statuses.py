"""The status ``pullcord/mergeable``: for which merges, for which connections, how often."""

from dataclasses import replace

import pytest
from sqlmodel import Session

from adapters.sandbox.azure_devops import SandboxPullRequest
from bot.conflicts.status_watch import REST_AFTER_REFUSAL, StatusWatch
from bot.conflicts.statuses import (
    ERROR,
    FAILED,
    SETTING,
    SUCCEEDED,
    StatusMode,
    is_to_be_posted,
    mode_of,
    wanted_status,
)
from bot.model import MergeStatus, PullRequestStatus
from bot.reconcile import reconcile
from storage.queries import merge_statuses
from storage.tables import Connection, MergeStatusRow
from tests.bot.pull_request_samples import CLEAN, CONFLICT, seen
from tests.bot.workflows.conftest import CONNECTION, World, world

__all__ = ["world"]


@pytest.mark.parametrize(
    ("status", "wanted"),
    [
        (MergeStatus.SUCCEEDED, SUCCEEDED),
        (MergeStatus.CONFLICTS, FAILED),
        (MergeStatus.FAILURE, ERROR),
        # The policy that rejects it may be the one that waits for this status.
        (MergeStatus.REJECTED_BY_POLICY, SUCCEEDED),
    ],
)
def test_only_conflicts_fail(status: MergeStatus, wanted: str) -> None:
    state = reconcile(None, seen(**{**CLEAN, "merge_status": status})).state
    found = wanted_status(state, None)
    assert found is not None
    assert (found.state, found.source_commit) == (wanted, state.source_commit)


def test_nothing_is_said_of_commits_that_are_not_merged_yet_nor_of_what_is_closed() -> None:
    state = reconcile(None, seen(**CONFLICT)).state
    assert wanted_status(replace(state, source_commit="e" * 40), None) is None
    assert wanted_status(replace(state, target_ref="refs/heads/next"), None) is None
    assert wanted_status(replace(state, status=PullRequestStatus.COMPLETED), None) is None
    assert wanted_status(replace(state, merge=None), None) is None


@pytest.mark.parametrize(
    ("mode", "state", "posted", "expected"),
    [
        (StatusMode.ALL, SUCCEEDED, "", True),
        (StatusMode.CONFLICTS, SUCCEEDED, "", False),
        (StatusMode.CONFLICTS, FAILED, "", True),
        (StatusMode.CONFLICTS, SUCCEEDED, FAILED, True),
        (StatusMode.CONFLICTS, SUCCEEDED, SUCCEEDED, False),
        (StatusMode.OFF, FAILED, "", False),
    ],
)
def test_a_connection_chooses(mode: StatusMode, state: str, posted: str, expected: bool) -> None:
    assert mode_of({SETTING: mode.value}) is mode
    assert is_to_be_posted(mode, state, posted) is expected


def test_a_connection_that_did_not_choose_posts_all() -> None:
    assert mode_of({}) is StatusMode.ALL


async def opened(world: World, branch: str = "one") -> SandboxPullRequest:
    number = await world.pull_request(branch, world.maya_there)
    await world.sandbox.settled()
    await world.reads.read(CONNECTION, number, cause="test")
    return world.sandbox.organization.pull_requests[number]


def posted(pull_request: SandboxPullRequest) -> list[tuple[str, int | None]]:
    return [(status.state, status.iteration_id) for status in pull_request.statuses]


async def choose(world: World, mode: StatusMode) -> None:
    def store(session: Session) -> None:
        row = session.get_one(Connection, CONNECTION)
        row.settings = {**row.settings, SETTING: mode.value}
        session.add(row)

    await world.db.write(store)


async def posting(world: World, watch: StatusWatch) -> list[str]:
    """Post what is due; the calls that it took."""
    world.sandbox.calls.clear()
    await watch._look_for_missing()
    while await watch.work_off():
        pass
    return [call.rpartition("/")[2] for call in world.calls()]


async def test_it_is_posted_once_for_each_iteration_with_two_calls(world: World) -> None:
    watch = StatusWatch(world.services)
    pull_request = await opened(world)
    assert await posting(world, watch) == ["iterations", "statuses"]
    await world.reads.read(CONNECTION, pull_request.id, cause="again")
    assert await posting(world, StatusWatch(world.services)) == []  # nor after a restart
    change = {"one.txt": "more\n"}
    await world.sandbox.commit(world.shop, "one", change, world.maya_there, "More")
    await world.sandbox.settled()
    await world.reads.read(CONNECTION, pull_request.id, cause="test")
    assert await posting(world, watch) == ["iterations", "statuses"]
    assert posted(pull_request) == [(SUCCEEDED, 1), (SUCCEEDED, 2)]


async def test_switched_on_later_what_is_there_already_is_posted(world: World) -> None:
    await choose(world, StatusMode.OFF)
    watch = StatusWatch(world.services)
    pull_request = await opened(world)
    assert await posting(world, watch) == []
    await choose(world, StatusMode.ALL)
    assert await posting(world, watch) == []  # looked for once an hour
    world.clock.advance(hours=1)
    assert await posting(world, watch) == ["iterations", "statuses"]
    assert posted(pull_request) == [(SUCCEEDED, 1)]


async def test_pull_requests_from_before_statuses_were_posted_get_theirs(world: World) -> None:
    pull_request = await opened(world)
    await world.db.write(
        lambda s: s.delete(s.get_one(MergeStatusRow, 1)) if s.get(MergeStatusRow, 1) else None
    )
    assert await world.read(merge_statuses.pending) == 0
    assert await posting(world, StatusWatch(world.services)) == ["iterations", "statuses"]
    assert posted(pull_request) == [(SUCCEEDED, 1)]


async def test_one_refusal_is_enough_for_an_hour_of_a_whole_connection(world: World) -> None:
    watch = StatusWatch(world.services)
    first = await opened(world, "one")
    second = await opened(world, "two")
    world.sandbox.faults.add("POST", "/statuses$", status=403)
    assert (await posting(world, watch)).count("statuses") >= 1
    world.sandbox.faults.clear()
    assert await posting(world, watch) == []
    world.clock.advance(seconds=REST_AFTER_REFUSAL.total_seconds() + 1)
    await posting(world, watch)
    assert posted(first) == posted(second) == [(SUCCEEDED, 1)]
