"""A push to a target: only pull requests whose files it touches are merged on trial."""

import pytest
from sqlmodel import Session, select

from bot.cards.view import load_finding
from bot.conflicts.episodes import Finding
from bot.conflicts.target_moved import Target, TargetMoved
from bot.conflicts.unaffected import touches
from bot.model import MergeStatus
from storage.tables import ConflictEpisode, PullRequestRow
from tests.bot.workflows.conftest import CONNECTION, World, world

__all__ = ["world"]


@pytest.mark.parametrize(
    ("changed", "files", "expected"),
    [
        ({"/a.py"}, {"/a.py", "/b.py"}, True),
        ({"/c.py"}, {"/a.py", "/b.py"}, False),
        ({"/src"}, {"/src/a.py"}, True),
        ({"/src/a/b.py"}, {"/src"}, True),
        ({"/src/a.py"}, {"/src/b.py"}, False),
        ({"/docs/.gitattributes"}, {"/a.py"}, True),
        ({"/.gitmodules"}, {"/a.py"}, True),
        (set(), {"/a.py"}, False),
    ],
)
def test_a_path_on_both_sides_a_folder_in_the_way_and_rules_for_merging_count(
    changed: set[str], files: set[str], expected: bool
) -> None:
    assert touches(changed, files) is expected


def into_main(world: World) -> Target:
    return CONNECTION, world.shop.project.id, world.shop.id, "refs/heads/main"


async def opened(world: World, branch: str, file: str) -> int:
    await world.sandbox.commit(world.shop, branch, {file: branch}, world.maya_there, branch)
    made = await world.sandbox.create_pull_request(
        world.shop, world.maya_there, branch, title=branch
    )
    await world.sandbox.settled()
    await world.reads.read(CONNECTION, made.id, cause="test")
    return made.id


async def pushed(world: World, *files: str, text: str = "ours") -> list[str]:
    """Somebody pushes to main; the calls that looking at it took."""
    changes = dict.fromkeys(files, text)
    await world.sandbox.commit(world.shop, "main", changes, world.priya_there, "By hand")
    return await looked(world)


async def looked(world: World) -> list[str]:
    world.sandbox.calls.clear()
    await TargetMoved(world.services).merge_on_trial(into_main(world), cause="test")
    return [call.rpartition("/")[2] for call in world.calls() if call.startswith(("POST", "GET"))]


async def finding(world: World, number: int) -> Finding | None:
    def load(session: Session) -> Finding | None:
        row = session.exec(select(PullRequestRow).where(PullRequestRow.number == number)).one()
        return load_finding(session, row.id or 0)

    return await world.read(load)


async def conflicted(world: World) -> list[int]:
    rows = await world.read(lambda s: s.exec(select(ConflictEpisode)).all())
    return [row.number for row in rows if row.ended_at is None]


async def test_a_push_to_other_files_costs_one_comparison_and_reading_the_files_once(
    world: World,
) -> None:
    number = await opened(world, "one", "one.txt")
    assert await pushed(world, "two.txt") == ["commits", "commits"]
    known = await finding(world, number)
    assert known is not None
    assert (known.is_unaffected, known.status) == (True, MergeStatus.SUCCEEDED)
    assert await pushed(world, "three.txt") == ["commits"]
    assert await conflicted(world) == []


async def test_a_push_to_its_files_is_merged_on_trial_whatever_came_between(world: World) -> None:
    number = await opened(world, "one", "README.md")
    await pushed(world, "two.txt")
    calls = await pushed(world, "README.md")
    assert "merges" in calls
    assert await conflicted(world) == [number]
    calls = await pushed(world, "three.txt")
    assert "merges" not in calls  # it conflicts as before
    assert await conflicted(world) == [number]
    assert "merges" in await pushed(world, "README.md", text="one")
    assert await conflicted(world) == []


async def test_two_pushes_that_are_found_together_are_compared_together(world: World) -> None:
    number = await opened(world, "one", "README.md")
    changes = {"README.md": "ours"}
    await world.sandbox.commit(world.shop, "main", changes, world.priya_there, "First")
    assert "merges" in await pushed(world, "two.txt")
    assert await conflicted(world) == [number]


async def test_a_branch_that_was_forced_is_no_gain_so_all_are_merged_on_trial(
    world: World,
) -> None:
    await world.sandbox.create_branch(world.shop, "start", world.maya_there)
    await world.sandbox.commit(
        world.shop, "main", {"base.txt": "base"}, world.priya_there, "To be dropped"
    )
    await opened(world, "one", "one.txt")
    await world.sandbox.force_push(
        world.shop, "main", {"two.txt": "2"}, world.priya_there, "Forced", onto="start"
    )
    assert "merges" in await looked(world)
