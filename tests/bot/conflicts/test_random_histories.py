"""Random histories against a plain model: alerts equal episodes, cards end in the truth.

CHECKS 3, 5 and 10 with conflicts in play: webhooks are lost, doubled, reversed and late, and the
process is killed at any point of its work.
"""

import asyncio
import os
import tempfile
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from adapters.sandbox.azure_devops import SandboxIdentity, SandboxPullRequest
from adapters.sandbox.azure_devops.hooks.subscriptions import Notification
from storage.tables import ConflictEpisode
from tests.bot.conflicts.history_model import FLAP, Model, ModelEpisode, ModelPullRequest
from tests.bot.conflicts.history_world import (
    AUTHORS,
    CHANNEL,
    FILES,
    TARGETS,
    Where,
    World,
)
from tests.bot.conflicts.refilled import Refilled

CHOSEN = os.environ.get("PULLCORD_TEST_HISTORIES", "")
"""How many to play, each time other ones: let it be thousands after a change."""
HISTORIES = int(CHOSEN or 5)
MOST_OPEN = 4
WITHIN_A_FLAP, LONGER_THAN_A_FLAP = FLAP / 2, FLAP * 6
TEXTS = tuple(f"{number}\n" for number in range(6))


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
    PAUSE = "pause for less than a flap"
    WAIT = "wait for longer"


class Fate(StrEnum):
    """What becomes of the webhooks of it."""

    DELIVERED = "delivered side by side"
    LOST = "lost"
    PUSHES_LOST = "those of pushes lost"
    OTHERS_LOST = "those of pull requests lost"
    DOUBLED = "doubled"
    REVERSED = "reversed"
    LATE = "late"


@dataclass(frozen=True)
class Step:
    """``what`` to one of those that it can be done to, ``which``, or into ``target``.

    ``kill`` is where the process dies then, ``sweep`` whether the sweep comes round.
    """

    what: Do
    which: int = 0
    target: int = 0
    file: int = 0
    text: int = 2
    fate: Fate = Fate.DELIVERED
    sweep: bool = False
    kill: Where | None = None

    @property
    def files(self) -> dict[str, str]:
        return {list(FILES)[self.file]: TEXTS[self.text]}


WEIGHTS = {Do.PUSH: 6, Do.RESET: 3, Do.MERGE: 3, Do.ABANDON: 2, Do.REACTIVATE: 2}
steps = st.builds(
    Step,
    what=st.sampled_from([each for each in Do for _ in range(WEIGHTS.get(each, 1))]),
    which=st.integers(0, MOST_OPEN - 1),
    target=st.sampled_from([0, 0, 0, 0, 1]),
    file=st.sampled_from([0, 0, 0, 0, 1]),
    text=st.integers(0, len(TEXTS) - 1),
    fate=st.sampled_from([*[Fate.DELIVERED] * 4, *Fate]),
    sweep=st.sampled_from([*[False] * 5, True]),
    kill=st.sampled_from([*[None] * 20, *Where]),
)


OWN_FINDING = [Step(Do.PUSH), Step(Do.WAIT), Step(Do.RESET)]
FLAP_AND_ANOTHER = [
    *[Step(Do.PUSH), Step(Do.WAIT), Step(Do.RESET), Step(Do.PAUSE)],
    *[Step(Do.PUSH), Step(Do.RESET), Step(Do.WAIT), Step(Do.PUSH)],
]


class History:
    """Does the same to the world and to the model."""

    def __init__(self, world: World, *, remerges: bool) -> None:
        self.world = world
        self.model = Model(TARGETS, dict(FILES), remerges=remerges)
        self.made: list[tuple[ModelPullRequest, SandboxPullRequest, str]] = []
        self._tips: dict[str, list[str]] = {}
        self._late: list[list[Notification]] = []
        self._messages = (f"Change {number}" for number in count(1))  # else two could be one commit
        world.azure.organization.remerge_on_target_push = remerges

    async def begin(self) -> None:
        """Two pull requests change the same file already."""
        for target in TARGETS:
            self._tips[target] = [await self._tip(target)]
        for text in TEXTS[:2]:
            await self._open(TARGETS[0], {next(iter(FILES)): text})
        await self._hear(self.world.new_hooks(), Fate.DELIVERED)
        await self._settle()

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
            await self._die(step.kill)
        elif step.sweep:
            await self._sweep()
        await self._settle()

    async def end(self) -> None:
        """What was late arrives, the last first; then the sweep comes round, and time passes."""
        for hooks in reversed(self._late):
            await self._hear(hooks, Fate.REVERSED)
            await self._settle()
        await self._sweep()
        await self._settle()
        self.world.clock.now += LONGER_THAN_A_FLAP  # longer than any pause before another attempt
        await self._settle()

    async def _die(self, where: Where) -> None:
        if where is Where.TOLD:
            self.model.tell()
        elif where is Where.SENDING:
            self.model.settle()
        await self.world.killed(where)
        self.model.sweep(self.world.clock.now)

    async def _sweep(self) -> None:
        await self.world.sweep.run()
        self.model.sweep(self.world.clock.now)

    async def _settle(self) -> None:
        await self.world.settle()
        self.model.settle()
        check_told(self)

    async def _hear(self, hooks: list[Notification], fate: Fate) -> None:
        """All at once, except where the order is what matters."""
        come = _those_that_come(hooks, fate)
        for some in [[hook] for hook in come] if fate is Fate.REVERSED else [come]:
            await self.world.deliver(some)
            if fate is Fate.DOUBLED:
                await self.world.deliver(some)
                await self.world.deliver(some, other_ids=True)
            await self.world.record()
            for hook in some:
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
        """What is asked for, or what can be done instead."""
        target, what = TARGETS[step.target], step.what
        active = [each for each in self.made if each[0].status == "active"]
        abandoned = [each for each in self.made if each[0].status == "abandoned"]
        if what is Do.PAUSE:
            self.world.clock.now += WITHIN_A_FLAP
        elif what is Do.WAIT:
            self.world.clock.now += LONGER_THAN_A_FLAP
        elif not active or (what is Do.OPEN and len(active) < MOST_OPEN):
            await self._open(target, step.files)
        elif what is Do.REACTIVATE and abandoned and len(active) < MOST_OPEN:
            one, made, author = abandoned[step.which % len(abandoned)]
            self.model.reactivate(one)
            await self.world.azure.reactivate(made, self.world.authors[author])
        elif what in (Do.RESET, Do.REPLACE) and len(self._tips[target]) > 1:
            await self._force_target(target, step)
        elif what in (Do.OPEN, Do.REACTIVATE, Do.RESET, Do.REPLACE, Do.PUSH):
            await self._commit(target, step.files, self.world.other)
            self.model.push(target, step.files)
            self._tips[target].append(await self._tip(target))
        else:
            one, made, author = active[step.which % len(active)]
            await self._do_to(one, made, self.world.authors[author], step)

    async def _open(self, target: str, files: dict[str, str]) -> None:
        number = len(self.made)
        author = AUTHORS[number % len(AUTHORS)]
        who, branch = self.world.authors[author], f"work-{number}"
        await self.world.azure.commit(
            self.world.repository, branch, files, who, next(self._messages), start_from=target
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
            await azure.settled()
            return
        self.model.replace(target, step.files)
        tips.append(
            await azure.force_push(
                repository, target, step.files, who, next(self._messages), onto=tips[-1]
            )
        )

    async def _do_to(
        self, one: ModelPullRequest, made: SandboxPullRequest, who: SandboxIdentity, step: Step
    ) -> None:
        azure, repository = self.world.azure, self.world.repository
        branch = made.source_ref.removeprefix("refs/heads/")
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
                await azure.force_push(
                    repository, branch, step.files, who, next(self._messages), onto=tip
                )
            case Do.COMPLETE:
                is_completed = self.model.complete(one)
                await azure.complete(made, who, "squash")
                assert made.status == one.status
                if is_completed:
                    self._tips[one.target].append(await self._tip(one.target))
            case Do.ABANDON:
                one.status = "abandoned"
                await azure.abandon(made, who)
            case Do.RETARGET:
                [target] = set(TARGETS) - {one.target}
                self.model.retarget(one, target)
                await azure.retarget(made, who, target)

    async def _commit(self, branch: str, files: dict[str, str], who: SandboxIdentity) -> None:
        message = next(self._messages)
        await self.world.azure.commit(self.world.repository, branch, files, who, message)

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


def check_told(history: History) -> None:
    """Everything that people have before them is what the model says, and nothing besides."""
    world = history.world
    for one, made, author in history.made:
        for place, told in (
            (CHANNEL, [each for each in one.episodes if each.told]),
            (f"a:{author}", [each for each in one.episodes if each.author_told]),
        ):
            alerts = [alert.split(" with ")[0] for alert in world.alerts(made, place)]
            assert alerts == [_alert(episode) for episode in told], (made.id, place)
        cleaned = sum(episode.cleaned for episode in one.episodes)
        assert len(world.replies(made, "Clean again")) == cleaned
        for status, said in NEWS.items():
            assert len(world.replies(made, said)) == one.news.count(status), (made.id, status)
        cards = world.cards(made)
        assert len(cards) == one.has_card
        for card in cards:
            assert (f"Conflicts with {one.seen_target}" in card.looks) == one.is_seen_blocked
            assert ("Completed" in card.looks) == (one.seen_status == "completed")
            assert ("Abandoned" in card.looks) == (one.seen_status == "abandoned")
    # Whatever is not counted above was told to somebody whom it does not concern, or twice.
    assert Counter(each.conversation_id for each in world.teams.sent) == _messages(history)


NEWS = {"active": "Reactivated", "completed": "Completed by", "abandoned": "Abandoned by"}


async def check_truth(history: History) -> None:
    """In the end it is the truth that was seen, in Azure DevOps' statuses, too."""
    for one, made, _ in history.made:
        is_blocked = one.status == "active" and bool(history.model.conflicts(one))
        assert one.is_seen_blocked == is_blocked
        assert one.seen_status in (one.status, ""), made.id
        assert one.seen_status or one.status != "active", made.id
        ended = [_ended(row) for row in await history.world.episodes(made)]
        assert ended == [episode.ended_by or "open" for episode in one.episodes], made.id
        assert ("open" in ended) == is_blocked
        if one.status == "active":
            [status] = [each for each in made.latest_statuses() if each.genre == "pullcord"]
            assert status.state == ("failed" if is_blocked else "succeeded")


def _ended(row: ConflictEpisode) -> str:
    if row.ended_at is None:
        return "open"
    return row.ended_by if row.ended_by in ("completed", "abandoned") else "clean"


def _messages(history: History) -> Counter[str]:
    """How many there are in each conversation."""
    found: Counter[str] = Counter()
    for one, _, author in history.made:
        said = sum(each.told + each.cleaned for each in one.episodes)
        found[CHANNEL] += one.has_card + said + len(one.news)
        found[f"a:{author}"] += sum(each.author_told for each in one.episodes)
    return found


def _alert(episode: ModelEpisode) -> str:
    if episode.ended_at is None:
        return "has conflicts"
    return "merges cleanly again" if episode.ended_by == "clean" else f"was {episode.ended_by}"


async def play(
    template: Path, refilled: Refilled, history: list[Step], *, remerges: bool
) -> History:
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder), template, refilled)
        try:
            await world.build()
            played = History(world, remerges=remerges)
            await played.begin()
            for step in history:
                await played.take(step)
            await played.end()
            await check_truth(played)
        finally:
            await world.close()
    return played


@pytest.mark.timeout(600)
def test_alerts_equal_episodes_and_cards_end_in_the_truth(
    template: Path, refilled: Refilled
) -> None:
    happened: Counter[str] = Counter()

    # Not made smaller when it fails, except where many are asked for: that takes minutes.
    @settings(
        max_examples=HISTORIES,
        derandomize=not CHOSEN,
        database=None,
        deadline=None,
        phases=tuple(Phase) if CHOSEN else (Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
    @example(OWN_FINDING, False)
    @example(FLAP_AND_ANOTHER, True)
    @given(st.lists(steps, min_size=12, max_size=16), st.booleans())
    def each(history: list[Step], remerges: bool) -> None:
        played = asyncio.run(play(template, refilled, history, remerges=remerges))
        happened.update(_what_happened(played))

    each()
    assert not {"told", "flaps", "cleaned", "closed"} - set(+happened), happened


def _what_happened(played: History) -> Counter[str]:
    """So that it cannot hold for want of conflicts."""
    episodes = [each for one, _, _ in played.made for each in one.episodes]
    return Counter(
        told=sum(each.told for each in episodes),
        closed=sum(each.ended_by in ("completed", "abandoned") for each in episodes),
        flaps=sum(each.flaps for each in episodes),
        cleaned=sum(each.cleaned for each in episodes),
    )


async def test_one_that_was_closed_unheard_is_not_merged_on_trial(world: World) -> None:
    """Found by a history: it was told to have conflicts, and then to be abandoned."""
    maya = world.authors["maya"]
    await world.azure.commit(world.repository, "mine", {"a.txt": "mine\n"}, maya, "Mine")
    made = await world.azure.create_pull_request(world.repository, maya, "mine", title="Mine")
    await world.happened()
    await world.azure.abandon(made, maya)
    world.new_hooks()  # lost
    await world.azure.commit(world.repository, "main", {"a.txt": "ours\n"}, world.other, "Ours")
    await world.happened()
    assert await world.episodes(made) == []
    [card] = world.cards(made)
    assert "Abandoned" in card.looks
