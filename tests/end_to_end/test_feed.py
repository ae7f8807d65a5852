"""The feed over HTTP: hooks that Pullcord made, an outage of its own, and what is told after it."""

import asyncio
from datetime import datetime, timedelta

from adapters.sandbox.teams import render_text
from bot.cli.demo.stage import CONNECTION
from bot.hooks.examining import examine
from bot.hooks.writing import HookWriter, Place, to_install
from bot.jobs import HOOKS
from bot.ports import utc_now
from storage.queries import connections
from tests.end_to_end.conftest import OpenScene
from tests.end_to_end.scene import Scene

LONG_WAITS_S = 1.0  # what waits longer waits for Azure DevOps or for replicas, which are not here
KINDS = 14


class Shifted:
    """The real clock, moved ahead by hand; long waits are over at once."""

    def __init__(self) -> None:
        self.by = timedelta(0)

    def __call__(self) -> datetime:
        return utc_now() + self.by

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds if seconds < LONG_WAITS_S else 0)


async def fed(opened: OpenScene, clock: Shifted) -> Scene:
    """A scene whose hooks Pullcord made itself; Priya is the administrator."""
    scene = await opened(clock=clock, sleep=clock.sleep)
    await scene.move_in()
    stage = scene.stage
    stage.settings.public_url = stage.bot.url
    await stage.restart_bot()
    stage.azure_devops.hooks.subscriptions.clear()
    stage.azure_devops.hooks.probation_schedule_s = ()
    await install(scene, clock)
    return scene


async def install(scene: Scene, clock: Shifted) -> None:
    bot = scene.stage.bot
    connection = await bot.db.read(lambda s: connections.get(s, CONNECTION))
    assert connection is not None
    azure = await bot.azure_devops(CONNECTION)
    found = await examine(azure, bot.db, connection, public_url=bot.url)
    writer = HookWriter(bot.db, clock, clock.sleep, actor="operator")
    await writer.carry_out(Place(CONNECTION, found.url, azure), to_install(found.comparison))


async def test_hooks_that_pullcord_made_tell_what_happens(opened: OpenScene) -> None:
    """CHECKS 18: with the secret in the header X-ADO-Signature, as for any http address."""
    scene = await fed(opened, Shifted())
    assert len(scene.azure.hooks.subscriptions) == KINDS
    pull_request = await scene.opens(scene.maya, "First")
    await scene.azure.vote(pull_request, scene.jonas.azure_devops, 10)
    await scene.azure.comment(pull_request, scene.jonas.azure_devops, "Fine")
    await scene.stage.settle()
    assert sorted(scene.thread(pull_request)) == [
        "Jonas Sample approved",
        "Jonas Sample commented: Fine",
        "Maya Sample opened this pull request",
    ]
    assert {row.state for row in await scene.inbox()} == {"done"}


async def test_what_was_missed_in_an_outage_is_told_once_and_marked_late_CHECKS_10(
    opened: OpenScene,
) -> None:
    """The hooks are disabled meanwhile: they are switched on again, and administrators hear it."""
    clock = Shifted()
    scene = await fed(opened, clock)
    pull_request = await scene.opens(scene.maya, "First")
    await scene.sweeps()
    await scene.stage.bot.stop()
    await scene.azure.vote(pull_request, scene.jonas.azure_devops, 10)
    await scene.azure.comment(pull_request, scene.jonas.azure_devops, "Look here")
    await scene.azure.hooks.idle()
    down = {one.status for one in scene.azure.hooks.subscriptions.values()}
    assert "disabledBySystem" in down
    clock.by += timedelta(hours=3)
    scene.stage.bot = scene.stage.make_bot()
    await scene.stage.start_bot()
    for _ in range(3):
        await scene.stage.bot.jobs.run_now(HOOKS)
        await scene.sweeps()
    thread = scene.thread(pull_request)
    assert [text for text in thread if "approved" in text] == [
        "Jonas Sample approved (late: in the last 3 h)"
    ]
    assert [text for text in thread if "Look here" in text] == [
        "Jonas Sample commented: Look here (late: 3 h ago)"
    ]
    assert {one.status for one in scene.azure.hooks.subscriptions.values()} == {"enabled"}
    mended = [text for text in chat(scene) if "I mended" in text]
    assert len(mended) == 1
    await scene.azure.comment(pull_request, scene.jonas.azure_devops, "And now")
    await scene.stage.settle()
    assert "Jonas Sample commented: And now" in scene.thread(pull_request)


async def test_a_feed_that_dies_is_said_in_the_channel_and_again_when_it_lives(
    opened: OpenScene,
) -> None:
    clock = Shifted()
    scene = await fed(opened, clock)
    for hook in scene.azure.hooks.subscriptions.values():
        hook.status = "disabledByInactiveIdentity"
    scene.azure.faults.add("PUT", "hooks/subscriptions", status=403)
    for _ in range(2):
        await scene.stage.bot.jobs.run_now(HOOKS)
        await scene.stage.settle()
    said = [render_text(message) for message in scene.channel.messages]
    assert sum("does not tell me what happens in Shop" in text for text in said) == 1
    scene.azure.faults.clear()
    await install(scene, clock)
    await scene.stage.bot.jobs.run_now(HOOKS)
    await scene.stage.settle()
    said = [render_text(message) for message in scene.channel.messages]
    assert sum("tells me again what happens in Shop" in text for text in said) == 1


def chat(scene: Scene) -> list[str]:
    """What Priya, the administrator, was told directly."""
    return [render_text(message) for message in scene.chat_of(scene.priya).messages]
