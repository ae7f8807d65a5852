"""Whatever makes a conflict and whatever ends it: one episode, one alert, a card that is right.

Real git and hook bodies, without sockets: see ``history_world``.
"""

import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from adapters.sandbox.azure_devops import SandboxPullRequest
from tests.bot.conflicts.history_world import World
from tests.bot.conflicts.seen import Seen, ended, seen, told

TARGET, ELSEWHERE, SOURCE, AUTHOR = "main", "release", "mine", "maya"
MINE, OURS, BOTH = {"a.txt": "mine\n"}, {"a.txt": "ours\n"}, {"a.txt": "both\n"}


@dataclass
class Ground:
    """Where a case plays; both targets are at ``base`` in the beginning."""

    world: World
    base: str

    async def opens(
        self, target: str, files: dict[str, str] = MINE, *, by: str = AUTHOR
    ) -> SandboxPullRequest:
        world, who = self.world, self.world.authors[by]
        branch = SOURCE if by == AUTHOR else by
        await world.azure.commit(world.repository, branch, files, who, "Work", start_from=self.base)
        made = await world.azure.create_pull_request(
            world.repository, who, branch, title="Mine", target=target
        )
        await world.happened()
        return made

    async def pushes(self, branch: str, files: dict[str, str], *, by: str = "") -> None:
        who = self.world.authors[by] if by else self.world.other
        await self.world.azure.commit(self.world.repository, branch, files, who, "By hand")

    async def forces(self, branch: str, files: dict[str, str], onto: str, *, by: str = "") -> None:
        who = self.world.authors[by] if by else self.world.other
        await self.world.azure.force_push(
            self.world.repository, branch, files, who, "Forced", onto=onto
        )


Begin = Callable[[Ground], Awaitable[SandboxPullRequest]]
End = Callable[[Ground, SandboxPullRequest], Awaitable[None]]


# --- what begins it ------------------------------------------------------------------------------


async def another_is_completed(ground: Ground) -> SandboxPullRequest:
    made = await ground.opens(TARGET)
    other = await ground.opens(TARGET, OURS, by="jonas")
    await ground.world.azure.complete(other, ground.world.authors["jonas"])
    return made


async def the_target_is_pushed_to(ground: Ground) -> SandboxPullRequest:
    made = await ground.opens(TARGET)
    await ground.pushes(TARGET, OURS)
    return made


async def the_target_is_forced(ground: Ground) -> SandboxPullRequest:
    """Its last commit is replaced by another one."""
    await ground.pushes(TARGET, {"c.txt": "x\n"})
    made = await ground.opens(TARGET)
    await ground.forces(TARGET, OURS, ground.base)
    return made


async def it_is_retargeted(ground: Ground) -> SandboxPullRequest:
    await ground.pushes(TARGET, OURS)
    made = await ground.opens(ELSEWHERE)
    await ground.world.azure.retarget(made, ground.world.authors[AUTHOR], TARGET)
    return made


async def the_source_is_pushed_to(ground: Ground) -> SandboxPullRequest:
    """What the target has, the pull request changes only now."""
    await ground.pushes(TARGET, {"b.txt": "ours\n"})
    made = await ground.opens(TARGET)
    await ground.pushes(SOURCE, {"b.txt": "mine\n"}, by=AUTHOR)
    return made


# --- what ends it --------------------------------------------------------------------------------


async def the_target_is_merged_in(ground: Ground, made: SandboxPullRequest) -> None:
    world = ground.world
    path = made.conflicts[0].path if made.conflicts else "a.txt"
    await world.azure.merge_branch(
        world.repository, SOURCE, TARGET, world.authors[AUTHOR], resolved={path: "both\n"}
    )


async def it_is_rebased(ground: Ground, made: SandboxPullRequest) -> None:
    await ground.forces(SOURCE, BOTH, TARGET, by=AUTHOR)


async def the_target_says_the_same(ground: Ground, made: SandboxPullRequest) -> None:
    await ground.pushes(TARGET, {"a.txt": "mine\n", "b.txt": "mine\n"})


async def the_target_is_reset(ground: Ground, made: SandboxPullRequest) -> None:
    """To the very commit that the branch was made from."""
    await ground.world.azure.organization.pushes.force(
        ground.world.repository, ground.world.other, f"refs/heads/{TARGET}", ground.base
    )


async def it_goes_elsewhere(ground: Ground, made: SandboxPullRequest) -> None:
    await ground.world.azure.retarget(made, ground.world.authors[AUTHOR], ELSEWHERE)


async def it_is_abandoned(ground: Ground, made: SandboxPullRequest) -> None:
    await ground.world.azure.abandon(made, ground.world.authors[AUTHOR])


BEGINS: tuple[Begin, ...] = (
    another_is_completed,
    the_target_is_pushed_to,
    the_target_is_forced,
    it_is_retargeted,
    the_source_is_pushed_to,
)
OWN = {another_is_completed, the_target_is_pushed_to, the_target_is_forced}
"""Azure DevOps merges by itself when a pull request is changed, not when its target is."""

OVER = ("was abandoned",)
AFTER: dict[End, Seen] = {
    the_target_is_merged_in: ended("source", f"by Maya Sample's push to {SOURCE}"),
    it_is_rebased: ended("source", f"by Maya Sample's push to {SOURCE}"),
    the_target_says_the_same: ended("target", f"by Priya Sample's push to {TARGET}"),
    the_target_is_reset: ended("target", f"by Priya Sample's push to {TARGET}"),
    it_goes_elsewhere: ended("retarget", f"by Maya Sample, who chose {ELSEWHERE}"),
    it_is_abandoned: Seen(("abandoned",), OVER, OVER, (), "abandoned", "failed"),
}


def cases() -> list[tuple[Begin, End, bool]]:
    """Each beginning and each end, with and without; with PULLCORD_TEST_LONG all pairs."""
    if os.environ.get("PULLCORD_TEST_LONG"):
        return [(begin, end, again) for begin in BEGINS for end in AFTER for again in (False, True)]
    return [
        (BEGINS[(place + 2 * again) % len(BEGINS)], end, again)
        for again in (False, True)
        for place, end in enumerate(AFTER)
    ]


def name_of(value: object) -> str:
    return getattr(value, "__name__", "remerging" if value else "own")


@pytest.mark.parametrize(("begin", "end", "remerge"), cases(), ids=name_of)
async def test_it_is_one_episode_told_once_whatever_begins_and_ends_it(
    world: World, begin: Begin, end: End, remerge: bool
) -> None:
    """``remerge``: Azure DevOps merges on trial again when a target moves."""
    world.azure.organization.remerge_on_target_push = remerge
    base = await world.azure.tip(world.repository, TARGET)
    assert base is not None
    ground = Ground(world, base)
    made = await begin(ground)
    await world.happened()
    assert await seen(world, made, AUTHOR) == told(TARGET)
    [episode] = await world.episodes(made)
    assert episode.is_own_finding == (begin in OWN and not remerge)
    [alert] = world.alert_texts(made, f"a:{AUTHOR}")
    assert ("own finding" in alert) == episode.is_own_finding
    assert "1 file" in alert

    await end(ground, made)
    await world.happened()
    assert await seen(world, made, AUTHOR) == AFTER[end]

    await world.sweep.run()
    await world.settle()
    assert await seen(world, made, AUTHOR) == AFTER[end]
