"""Random histories against a plain model: alerts equal episodes, cards end in the truth.

CHECKS 3, 5 and 10 with conflicts in play: webhooks are lost, doubled, reversed and late, and the
process is killed at any point of its work.
"""

import asyncio
import os
import tempfile
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.sandbox.azure_devops import SandboxIdentity, SandboxPullRequest
from adapters.sandbox.azure_devops.hooks.subscriptions import Notification
from tests.bot.conflicts.history_model import FLAP, Model, ModelEpisode, ModelPullRequest
from tests.bot.conflicts.history_world import (
    AUTHORS,
    CHANNEL,
    FILES,
    TARGETS,
    Where,
    World,
)

HISTORIES = 500 if os.environ.get("PULLCORD_TEST_LONG") else 12
"""How many are played; each takes most of a second."""
MOST_OPEN = 4
LONGER_THAN_A_FLAP = 6 * FLAP
TEXTS = ("one\n", "two\n", "three\n")


class Do(StrEnum):
    """What somebody does."""

    OPEN = "open"
    PUSH = "push to the target"
    RESET = "reset the target"
    REPLACE = "replace the target's tip"
    MORE = "push more"
    MERGE = "merge the target in"
    REBASE = "rebase"
    COMPLETE = "complete"
    ABANDON = "abandon"
    REACTIVATE = "reactivate"
    RETARGET = "retarget"
    WAIT = "wait"


class Fate(StrEnum):
    """What becomes of the webhooks of it."""

    DELIVERED = "delivered"
    LOST = "lost"
    PUSHES_LOST = "those of pushes lost"
    OTHERS_LOST = "those of pull requests lost"
    DOUBLED = "doubled"
    REVERSED = "reversed"
    LATE = "late"


@dataclass(frozen=True)
class Step:
    """``what`` to number ``which`` or into ``target``; ``kill`` where the process dies then."""

    what: Do
    which: int = 0
    target: int = 0
    file: int = 0
    text: int = 0
    fate: Fate = Fate.DELIVERED
    sweep: bool = False
    kill: Where | None = None

    @property
    def files(self) -> dict[str, str]:
        return {list(FILES)[self.file]: TEXTS[self.text]}


steps = st.builds(
    Step,
    what=st.sampled_from(
        [*Do, Do.OPEN, Do.OPEN, Do.PUSH, Do.PUSH, Do.PUSH, Do.MORE, Do.MERGE, Do.REBASE]
    ),
    which=st.sampled_from([0, 0, 1, 2, 3]),
    target=st.sampled_from([0, 0, 0, 1]),
    file=st.sampled_from([0, 0, 0, 1]),
    text=st.integers(0, len(TEXTS) - 1),
    fate=st.sampled_from([Fate.DELIVERED, Fate.DELIVERED, Fate.DELIVERED, *Fate]),
    sweep=st.sampled_from([False] * 5 + [True]),
    kill=st.sampled_from([None] * 12 + [*Where]),
)


class History:
    """Does the same to the world and to the model."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.model = Model(TARGETS, dict(FILES))
        self.made: list[tuple[ModelPullRequest, SandboxPullRequest, str]] = []
        self._tips: dict[str, list[str]] = {}
        self._late: list[list[Notification]] = []

    async def begin(self) -> None:
        for target in TARGETS:
            self._tips[target] = [await self._tip(target)]

    async def take(self, step: Step) -> None:
        await self._do(step)
        hooks = self.world.new_hooks()
        if step.fate is Fate.LATE:
            self._late.append(hooks)
            hooks = []
        if step.kill is Where.STORED:
            await self.world.deliver(_those_that_come(hooks, step.fate))
        else:
            await self._hear(hooks, step.fate)
        if step.kill is not None:
            if step.kill in (Where.TOLD, Where.SENDING):
                self.model.settle()
            await self.world.killed(step.kill)
            self.model.sweep(self.world.clock.now)
        elif step.sweep:
            await self._sweep()
        await self._settle()

    async def end(self) -> None:
        """What was late arrives, the last first; then the sweep comes round."""
        for hooks in reversed(self._late):
            await self._hear(hooks, Fate.REVERSED)
            await self._settle()
        await self._sweep()
        await self._settle()

    async def _sweep(self) -> None:
        await self.world.sweep.run()
        self.model.sweep(self.world.clock.now)

    async def _settle(self) -> None:
        await self.world.settle()
        self.model.settle()

    async def _hear(self, hooks: list[Notification], fate: Fate) -> None:
        """One after the other, so that the model knows the order."""
        for hook in _those_that_come(hooks, fate):
            await self.world.deliver([hook])
            if fate is Fate.DOUBLED:
                await self.world.deliver([hook])
                await self.world.deliver([hook], other_ids=True)
            await self.world.record()
            self._see(hook)

    def _see(self, hook: Notification) -> None:
        resource, now = self.world.body(hook)["resource"], self.world.clock.now
        if hook.event.event_type == "git.push":
            for update in resource["refUpdates"]:
                branch = update["name"].removeprefix("refs/heads/")
                if branch in TARGETS:
                    self.model.see_push(branch, now)
                for one, made, _ in self.made:
                    if made.source_ref == update["name"]:
                        self.model.see_source_push(one, now)
        for one, made, _ in self.made:
            if made.id == resource.get("pullRequestId"):
                self.model.see(one, now)

    # --- what people do -----------------------------------------------------------------------

    async def _do(self, step: Step) -> None:
        target = TARGETS[step.target]
        match step.what:
            case Do.OPEN:
                if sum(one.status == "active" for one, _, _ in self.made) < MOST_OPEN:
                    await self._open(target, step.files)
            case Do.PUSH:
                await self._commit(target, step.files, self.world.other)
                self.model.push(target, step.files)
                self._tips[target].append(await self._tip(target))
            case Do.RESET | Do.REPLACE:
                if len(self._tips[target]) > 1:
                    await self._force_target(target, step)
            case Do.WAIT:
                self.world.clock.now += LONGER_THAN_A_FLAP
            case _ if self.made:
                one, made, author = self.made[step.which % len(self.made)]
                await self._do_to(one, made, self.world.authors[author], step)

    async def _open(self, target: str, files: dict[str, str]) -> None:
        number = len(self.made)
        author = AUTHORS[number % len(AUTHORS)]
        who, branch = self.world.authors[author], f"work-{number}"
        await self.world.azure.commit(
            self.world.repository, branch, files, who, "Work", start_from=target
        )
        made = await self.world.azure.create_pull_request(
            self.world.repository, who, branch, title=f"Part {number}", target=target
        )
        self.made.append((self.model.open(target, files), made, author))

    async def _force_target(self, target: str, step: Step) -> None:
        tips = self._tips[target]
        tips.pop()
        azure, repository, who = self.world.azure, self.world.repository, self.world.other
        if step.what is Do.RESET:
            self.model.reset(target)
            await azure.organization.pushes.force(repository, who, f"refs/heads/{target}", tips[-1])
            return
        self.model.replace(target, step.files)
        tips.append(
            await azure.force_push(repository, target, step.files, who, "Other", onto=tips[-1])
        )

    async def _do_to(
        self, one: ModelPullRequest, made: SandboxPullRequest, who: SandboxIdentity, step: Step
    ) -> None:
        azure, repository = self.world.azure, self.world.repository
        branch = made.source_ref.removeprefix("refs/heads/")
        if step.what is Do.REACTIVATE:
            if one.status == "abandoned":
                self.model.reactivate(one)
                await azure.reactivate(made, who)
            return
        if one.status != "active":
            return
        match step.what:
            case Do.MORE:
                self.model.more(one, step.files)
                await self._commit(branch, step.files, who)
            case Do.MERGE:
                text = TEXTS[step.text]
                resolved = dict.fromkeys(self.model.merge_in(one, text), text)
                await azure.merge_branch(repository, branch, one.target, who, resolved=resolved)
            case Do.REBASE:
                self.model.rebase(one, step.files)
                tip = self._tips[one.target][-1]
                await azure.force_push(repository, branch, step.files, who, "Again", onto=tip)
            case Do.COMPLETE:
                if self.model.complete(one):
                    await azure.complete(made, who, "squash")
                    self._tips[one.target].append(await self._tip(one.target))
                else:
                    await azure.complete(made, who, "squash")
                assert made.status == one.status
            case Do.ABANDON:
                one.status = "abandoned"
                await azure.abandon(made, who)
            case Do.RETARGET:
                target = TARGETS[step.target]
                if target != one.target:
                    self.model.retarget(one, target)
                    await azure.retarget(made, who, target)

    async def _commit(self, branch: str, files: dict[str, str], who: SandboxIdentity) -> None:
        await self.world.azure.commit(self.world.repository, branch, files, who, "Change")

    async def _tip(self, branch: str) -> str:
        tip = await self.world.azure.tip(self.world.repository, branch)
        assert tip is not None
        return tip


def _those_that_come(hooks: list[Notification], fate: Fate) -> list[Notification]:
    is_push = {hook.number: hook.event.event_type == "git.push" for hook in hooks}
    match fate:
        case Fate.LOST:
            return []
        case Fate.PUSHES_LOST:
            return [hook for hook in hooks if not is_push[hook.number]]
        case Fate.OTHERS_LOST:
            return [hook for hook in hooks if is_push[hook.number]]
        case Fate.REVERSED:
            return hooks[::-1]
    return hooks


async def check(history: History) -> None:
    """Everything that people have before them is what the model says."""
    for one, made, author in history.made:
        is_conflicted = one.status == "active" and bool(history.model.conflicts(one))
        told = [_alert(episode, one.target) for episode in one.episodes if episode.told]
        stored = await history.world.episodes(made)
        assert [row.ended_at is None for row in stored] == [
            episode.ended_at is None for episode in one.episodes
        ]
        assert any(row.ended_at is None for row in stored) == is_conflicted
        for place in (CHANNEL, f"a:{author}"):
            alerts = history.world.alerts(made, place)
            assert [alert.split(" with ")[0] for alert in alerts] == told, place
        for other in {*AUTHORS, "priya"} - {author}:
            assert history.world.alerts(made, f"a:{other}") == []
        cleaned = sum(episode.cleaned for episode in one.episodes)
        assert len(history.world.replies(made, "Clean again")) == cleaned
        if one.status == "active":
            [status] = [each for each in made.latest_statuses() if each.genre == "pullcord"]
            assert status.state == ("failed" if is_conflicted else "succeeded")
        cards = history.world.cards(made)
        assert len(cards) == one.has_card
        for card in cards:
            assert (f"Conflicts with {one.target}" in card.looks) == is_conflicted
            assert ("Completed" in card.looks) == (one.status == "completed")
            assert ("Abandoned" in card.looks) == (one.status == "abandoned")


def _alert(episode: ModelEpisode, target: str) -> str:
    if episode.ended_at is None:
        return "has conflicts"
    return "merges cleanly again" if episode.ended_by == "clean" else f"was {episode.ended_by}"


async def play(template: Path, history: list[Step]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder), template)
        try:
            await world.build()
            played = History(world)
            await played.begin()
            for step in history:
                await played.take(step)
            await played.end()
            await check(played)
        finally:
            await world.close()


@settings(
    max_examples=HISTORIES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(st.lists(steps, min_size=4, max_size=14))
def test_alerts_equal_episodes_and_cards_end_in_the_truth(
    template: Path, history: list[Step]
) -> None:
    asyncio.run(play(template, history))
