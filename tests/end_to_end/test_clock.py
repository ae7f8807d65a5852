"""CHECKS 13: clocks that are off, and a clock that is set back while the bot runs."""

from datetime import datetime, timedelta

import pytest

from bot.app import Pullcord
from tests.end_to_end.conftest import OpenScene
from tests.end_to_end.scene import Scene
from tests.end_to_end.virtual_time import VirtualTime, still

ONE_HOUR = timedelta(hours=1)
STEP_S = 5.0


class OwnClock:
    """The bot's clock: the others' time, and so much off."""

    def __init__(self, time: VirtualTime) -> None:
        self._time = time
        self.off = timedelta()

    def __call__(self) -> datetime:
        return self._time.clock() + self.off


@pytest.fixture
def time() -> VirtualTime:
    return VirtualTime()


@pytest.fixture
def clock(time: VirtualTime) -> OwnClock:
    return OwnClock(time)


@pytest.fixture
async def scene(opened: OpenScene, time: VirtualTime, clock: OwnClock) -> Scene:
    """Everybody has moved in; the bot has a clock of its own."""
    made = await opened(**time.options)
    stage = made.stage
    await stage.bot.stop()
    stage.bot = Pullcord(stage.settings, clock=clock, sleep=time.sleep, monotonic=time.monotonic)
    await stage.start_bot()
    await made.move_in()
    return made


async def passes(scene: Scene, time: VirtualTime, seconds: float) -> None:
    """Time passes in small steps, and everything that is due then happens."""
    until = time.now + seconds
    while time.now < until:
        await still(scene, time)
        time.move_to(min(time.now + STEP_S, until))
    await still(scene, time)


@pytest.mark.parametrize("minutes", [-4, 4])
async def test_CHECKS_13_a_clock_four_minutes_off_changes_nothing_for_people(
    scene: Scene, clock: OwnClock, minutes: int
) -> None:
    clock.off = timedelta(minutes=minutes)
    assert "Maya Sample" in (await scene.says(scene.maya, "whoami"))[0]
    made = await scene.opens(scene.maya, "Cut prices")
    await scene.azure.vote(made, scene.jonas.azure_devops, 10)
    await scene.stage.settle()
    assert "✓ Jonas Sample" in scene.card_text(made)
    assert scene.thread(made).count("Jonas Sample approved") == 1


async def test_CHECKS_13_a_clock_that_is_two_hours_ahead_refuses_everybody_and_says_why(
    scene: Scene, clock: OwnClock, caplog: pytest.LogCaptureFixture
) -> None:
    """A token of Teams lives for an hour. Nobody is let in, and the log has the reason."""
    clock.off = timedelta(hours=2)
    await scene.teams.say(scene.maya.teams, scene.channel, "whoami")
    refused = [r.getMessage() for r in caplog.records if r.name == "pullcord.security"]
    assert refused
    assert "the token has expired" in refused[-1]


async def test_CHECKS_13_set_back_one_hour_what_comes_after_is_told_at_once(
    scene: Scene, time: VirtualTime, clock: OwnClock
) -> None:
    made = await scene.opens(scene.maya, "Cut prices")
    clock.off = -ONE_HOUR
    await scene.azure.vote(made, scene.jonas.azure_devops, 10)
    await scene.azure.hooks.idle()
    await passes(scene, time, 30)
    assert "✓ Jonas Sample" in scene.card_text(made)
    assert scene.thread(made).count("Jonas Sample approved") == 1
    await scene.azure.complete(made, scene.maya.azure_devops)
    await scene.azure.hooks.idle()
    await passes(scene, time, 30)
    assert "Completed by Maya Sample" in scene.card_text(made)


async def test_CHECKS_13_set_back_one_hour_retries_neither_storm_nor_freeze(
    scene: Scene, time: VirtualTime, clock: OwnClock
) -> None:
    """Teams and Azure DevOps fail, the clock goes back, and later both work again."""
    made = await scene.opens(scene.maya, "Cut prices")
    teams = scene.teams.faults.add(method="POST", path="/activities", status=503)
    scene.azure.faults.add(status=503)
    await scene.azure.vote(made, scene.jonas.azure_devops, 10)
    branch = made.source_ref.removeprefix("refs/heads/")
    await scene.azure.commit(
        scene.stage.repository, branch, {"b.txt": "1"}, scene.maya.azure_devops, "More"
    )
    await scene.azure.hooks.idle()
    await passes(scene, time, 60)
    clock.off = -ONE_HOUR
    sent, asked = teams.hits, len(scene.azure.calls)
    await passes(scene, time, 120)
    in_hand = len([row for row in await scene.outbox() if row.state in ("pending", "sending")])
    assert in_hand
    # Each message is tried once because of the clock, and then by its schedule.
    assert 0 < teams.hits - sent <= 6 * in_hand
    assert len(scene.azure.calls) - asked <= 120
    await passes(scene, time, 720)

    scene.teams.faults.clear()
    scene.azure.faults.clear()
    await passes(scene, time, 20 * 60)
    assert [row for row in await scene.outbox() if row.state != "sent"] == []
    assert {row.state for row in await scene.inbox()} <= {"done", "unused", "test"}
    assert "✓ Jonas Sample" in scene.card_text(made)
    thread = scene.thread(made)
    assert thread.count("Jonas Sample approved") == 1
    assert len(thread) == len(set(thread))
