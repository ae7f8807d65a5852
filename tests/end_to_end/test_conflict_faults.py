"""Conflicts while Azure DevOps, its webhooks or Pullcord are in trouble: told once, and right."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace

from adapters.sandbox.azure_devops import SandboxPullRequest, rate_limit_headers
from tests.end_to_end.conflict_accounts import Account, account, alert_text, ended, told
from tests.end_to_end.conftest import OpenScene
from tests.end_to_end.scene import Scene
from tests.end_to_end.serving import Served
from tests.end_to_end.virtual_time import VirtualTime, play_out
from tests.end_to_end.waiting import eventually

MINE, OURS = {"checkout.py": "mine\n"}, {"checkout.py": "ours\n"}
FILE = "checkout.py  both changed"


async def pushes(scene: Scene, files: dict[str, str], branch: str = "main") -> None:
    """Priya pushes by hand; nothing is waited for."""
    await scene.azure.commit(
        scene.stage.repository, branch, files, scene.priya.azure_devops, "By hand"
    )


async def merges_in(scene: Scene, made: SandboxPullRequest) -> None:
    """Its author merges the target in."""
    await scene.azure.merge_branch(
        scene.stage.repository,
        made.source_ref.removeprefix("refs/heads/"),
        "main",
        scene.maya.azure_devops,
        resolved={"checkout.py": "both\n"},
    )


def by_merge(made: SandboxPullRequest) -> Account:
    branch = made.source_ref.removeprefix("refs/heads/")
    return ended("source", f", by Maya Sample's push to {branch}")


async def begun(scene: Scene) -> int:
    return len(await scene.audit("conflict_episode_begun"))


async def test_the_webhook_of_a_conflict_fifty_times_is_told_once_CHECKS_3(
    opened: OpenScene,
) -> None:
    """16 side by side, half of them under other ids, before and after a restart."""
    scene = await opened(remerge_on_target_push=True)
    await scene.move_in()
    made = await scene.opens(scene.maya, "Mine", files=MINE)
    await pushes(scene, OURS)
    await scene.stage.settle()
    body = scene.hook_bodies("git.pullrequest.merged")[-1]
    assert body["resource"]["mergeStatus"] == "conflicts"
    copies = [body | {"notificationId": 1000 + number} for number in range(24)] + [body] * 26
    places = asyncio.Semaphore(16)

    async def send(copies: Sequence[dict[str, object]]) -> None:
        async def one(copy: dict[str, object]) -> int:
            async with places:
                return await scene.sends_hook(copy)

        assert set(await asyncio.gather(*map(one, copies))) == {202}
        await scene.stage.settle()

    await send(copies[::2])
    await scene.stage.restart_bot()
    await send(copies[1::2])
    assert await account(scene, made, scene.maya) == told("main")
    assert await begun(scene) == 1

    await merges_in(scene, made)
    await scene.stage.settle()
    await send(copies[:16])  # late ones that speak of the conflict
    assert await account(scene, made, scene.maya) == by_merge(made)
    assert await begun(scene) == 1


async def test_the_webhooks_of_whole_lives_in_any_order_end_in_the_truth_CHECKS_5(
    scene: Scene,
) -> None:
    """Conflicts that stand, that were solved and that were completed; each webhook twice."""
    hooks, azure = scene.azure.hooks, scene.azure
    made = [
        await scene.opens(scene.maya, f"Part {n}", files={f"part-{n}.txt": "mine\n"}, settle=False)
        for n in range(6)
    ]
    await scene.stage.settle()
    hooks.pause()
    hooks.duplicate(2)
    for number in range(5):
        await pushes(scene, {f"part-{number}.txt": "ours\n"})
    for pull_request in made[2:5]:
        await azure.force_push(
            scene.stage.repository,
            pull_request.source_ref.removeprefix("refs/heads/"),
            {"solved.txt": f"{pull_request.id}\n"},
            scene.maya.azure_devops,
            "Again",
        )
    await azure.complete(made[3], scene.maya.azure_devops)
    await azure.abandon(made[4], scene.maya.azure_devops)
    hooks.shuffle(seed=7)
    hooks.resume()
    await scene.stage.settle()
    await scene.sweeps()

    found = [await account(scene, one, scene.maya) for one in made]
    assert found[:2] == [told("main")] * 2
    # The one that was completed is in the way of the one that was solved before it.
    assert [one.card for one in found[2:]] == ["blocked", "completed", "abandoned", "free"]
    assert [one.episodes for one in found[2:]] == [("open",), (), (), ()]
    assert found[5] == Account()
    assert await begun(scene) == sum(len(one.channel) for one in found) == 3


async def test_a_conflict_while_azure_devops_is_down_is_told_and_completed_after_CHECKS_6(
    opened: OpenScene,
) -> None:
    """Told from the webhook without files; they come when it is back."""
    time = VirtualTime()
    scene = await opened(**time.options, remerge_on_target_push=True)
    await scene.move_in()
    made = await scene.opens(scene.maya, "Mine", files=MINE, settle=False)
    await scene.azure.hooks.idle()
    await play_out(scene, time)

    async def passes(seconds: float) -> None:
        """The loops' own polls and the jobs' clock are real, so a test turns them."""
        until = time.now + seconds
        while time.now < until:
            scene.stage.bot.watch.wake()
            scene.stage.bot.statuses.wake()
            job = asyncio.create_task(scene.stage.bot.jobs.run_now("read what asks for it"))
            await play_out(scene, time, until=min(time.now + 15, until))
            while not job.done():
                await play_out(scene, time, until=time.now + 1)

    await scene.azure.take_down()
    await pushes(scene, OURS)
    await scene.azure.hooks.idle()
    await passes(60)

    async def people_see() -> Account:
        """The status in Azure DevOps is waited for by nobody in Teams."""
        return replace(await account(scene, made, scene.maya), status="failed")

    assert await people_see() == told("main")
    assert "Azure DevOps could not be asked" in alert_text(scene, made)
    asked = await scene.teams.say(scene.priya.teams, scene.channel, f"conflicts {made.id}")
    await passes(10)
    assert asked.message is not None
    [answer] = asked.message.replies
    assert "Azure DevOps cannot be reached" in answer.text or "cannot be reached" in str(
        answer.card
    )

    await scene.azure.bring_up()
    await passes(60)
    assert FILE in alert_text(scene, made)
    assert await people_see() == told("main")
    assert await begun(scene) == 1


async def test_a_slow_list_of_conflicts_holds_up_nobody_CHECKS_7(opened: OpenScene) -> None:
    scene = await opened(remerge_on_target_push=True)
    await scene.move_in()
    made = await scene.opens(scene.maya, "Mine", files=MINE)
    held = asyncio.Event()
    fault = scene.azure.faults.add("GET", r"/conflicts$", delay=held)
    await pushes(scene, OURS)
    await fault.struck.wait()
    for path in ("healthz", "readyz"):
        async with scene.http.get(f"{scene.stage.bot.url}/{path}") as answer:
            assert answer.status == 200
    asked = await scene.teams.say(scene.priya.teams, scene.channel, "help")
    assert asked.message is not None
    message = asked.message
    await scene.teams.wait_for(lambda: message.replies)
    assert (await account(scene, made, scene.maya)).channel == ()
    held.set()
    await scene.stage.settle()
    assert await account(scene, made, scene.maya) == told("main")
    assert FILE in alert_text(scene, made)


async def test_a_trial_merge_that_asks_for_a_pause_gets_it_CHECKS_7(opened: OpenScene) -> None:
    """200 with Retry-After: the calls after it wait, and everything is told once."""
    time = VirtualTime()
    scene = await opened(**time.options)
    await scene.move_in()
    made = [await scene.opens(scene.maya, f"Mine {n}", files=MINE, settle=False) for n in range(2)]
    await scene.azure.hooks.idle()
    await play_out(scene, time)
    fault = scene.azure.faults.add("POST", r"/merges$", headers=rate_limit_headers(8), times=1)
    begin = time.now
    await pushes(scene, OURS)
    await scene.azure.hooks.idle()
    while not scene.stage.bot.targets.is_idle or not await begun(scene):
        await play_out(scene, time)
    assert fault.hits == 1
    assert time.now - begin >= 8
    for _ in range(3):
        await scene.stage.bot.watch.work_off()
        await scene.stage.bot.statuses.work_off()
        await play_out(scene, time)
    assert [await account(scene, one, scene.maya) for one in made] == [told("main")] * 2
    assert await begun(scene) == 2


async def test_what_began_and_ended_while_we_were_down_is_told_as_it_is_now_CHECKS_10(
    scene: Scene,
) -> None:
    """One conflict begins, one ends, one does both; webhooks are refused and not sent again."""
    stays, goes, flits = [
        await scene.opens(scene.maya, title, files={f"{title}.txt": "mine\n"})
        for title in ("Stays", "Goes", "Flits")
    ]
    await pushes(scene, {"Goes.txt": "ours\n"})
    await scene.stage.settle()
    assert await account(scene, goes, scene.maya) == told("main")

    await scene.stage.bot.stop()
    await pushes(scene, {"Stays.txt": "ours\n", "Flits.txt": "ours\n"})
    await pushes(scene, {"Goes.txt": "mine\n", "Flits.txt": "mine\n"})
    await scene.azure.hooks.idle()
    assert {one.status for one in scene.azure.hooks.subscriptions.values()} >= {"onProbation"}
    scene.stage.bot = scene.stage.make_bot()
    await scene.stage.start_bot()
    await scene.sweeps()

    expected = [told("main"), ended("target", ", by Priya Sample's push to main"), Account()]
    for _ in range(2):
        found = [await account(scene, one, scene.maya) for one in (stays, goes, flits)]
        assert found == expected
        await scene.sweeps()


async def test_a_process_killed_while_it_asks_for_the_files_tells_it_once_when_it_is_back(
    scene: Scene, served: Served
) -> None:
    """Between learning of a conflict and telling it; then once more in the open episode."""
    scene.azure.organization.remerge_on_target_push = True
    await served.start()
    made = await scene.opens(scene.maya, "Mine", files=MINE, settle=False)
    await scene.azure.hooks.idle()
    await served.quiet()
    fault = scene.azure.faults.add("GET", r"/conflicts$", hang=True, times=1)
    await pushes(scene, OURS)
    await fault.struck.wait()
    await served.kill()
    scene.azure.faults.clear()
    assert scene.alerts(made) == []
    await served.start()

    async def is_so(expected: Account) -> bool:
        return await account(scene, made, scene.maya, process=served) == expected

    await eventually(lambda: is_so(told("main")))
    assert FILE in alert_text(scene, made)
    await served.quiet()  # what Teams has is noted: else it would be sent again
    await served.kill()
    await merges_in(scene, made)
    await served.start()
    await eventually(lambda: is_so(by_merge(made)))
    await served.quiet()
    assert await is_so(by_merge(made))
    assert served.query("SELECT count(*) FROM conflict_episodes") == [(1,)]


async def test_an_alert_in_flight_at_a_kill_is_sent_again_and_the_audit_says_so_CHECKS_2(
    scene: Scene, served: Served
) -> None:
    await served.start()
    made = await scene.opens(scene.maya, "Mine", files=MINE, settle=False)
    await scene.azure.hooks.idle()
    await served.quiet()
    held = scene.teams.faults.hold(method="POST", path="/activities")
    await pushes(scene, OURS)
    await held.reached()
    await served.kill()  # Teams has it; the bot does not know
    scene.teams.faults.clear()
    await served.start()

    def told_in() -> list[int]:
        return [len(scene.alerts(made)), len(scene.alerts(made, scene.chat_of(scene.maya)))]

    await eventually(lambda: all(told_in()))
    await served.quiet()
    retried = [
        json.loads(after)["kind"]
        for (after,) in served.query("SELECT after FROM audit WHERE action = 'delivery_retried'")
    ]
    # One has reached Teams for sure; the other may have been on its way.
    assert 2 < sum(told_in()) <= 2 + retried.count("alert")
    assert served.query("SELECT count(*) FROM conflict_episodes") == [(1,)]
