"""Azure DevOps and Teams repeat, reorder and lose what they send."""

import asyncio

import pytest

from adapters.sandbox.azure_devops import SandboxPullRequest
from adapters.sandbox.teams import render_text
from tests.end_to_end.scene import Scene


async def deliver_side_by_side(scene: Scene, body: dict[str, object], times: int) -> list[int]:
    places = asyncio.Semaphore(16)

    async def one() -> int:
        async with places:
            return await scene.sends_hook(body)

    return await asyncio.gather(*(one() for _ in range(times)))


async def test_the_same_event_fifty_times_is_told_once_CHECKS_3(scene: Scene) -> None:
    """16 side by side, before and after a restart."""
    pull_request = await scene.opens(scene.maya, "Pay later")
    scene.azure.hooks.pause()
    await scene.azure.comment(pull_request, scene.jonas.azure_devops, "Why?")
    event_type = "ms.vss-code.git-pullrequest-comment-event"
    scene.azure.hooks.resume()
    await scene.azure.hooks.idle()
    (body,) = scene.hook_bodies(event_type)
    assert await deliver_side_by_side(scene, body, 25) == [202] * 25
    await scene.stage.settle()
    await scene.stage.restart_bot()
    assert await deliver_side_by_side(scene, body, 25) == [202] * 25
    await scene.stage.settle()

    assert scene.thread(pull_request).count("Jonas Sample commented: Why?") == 1
    assert len(scene.direct(scene.maya)) == 1
    about = [entry for entry in await scene.audit() if "comment" in entry.action]
    assert len(about) == 1
    assert len([row for row in await scene.inbox() if row.event_type == event_type]) == 1


async def test_the_same_event_under_other_ids_is_told_once_CHECKS_3(scene: Scene) -> None:
    """Two subscriptions may match the same event: other notification, same news."""
    pull_request = await scene.opens(scene.maya, "Pay later")
    await scene.azure.comment(pull_request, scene.jonas.azure_devops, "Why?")
    await scene.stage.settle()
    (body,) = scene.hook_bodies("ms.vss-code.git-pullrequest-comment-event")
    for number in range(5):
        assert await scene.sends_hook(body | {"notificationId": 1000 + number}) == 202
    await scene.stage.settle()
    assert scene.thread(pull_request).count("Jonas Sample commented: Why?") == 1


@pytest.mark.parametrize("side_by_side", [False, True])
async def test_the_same_activity_twice_runs_once_CHECKS_4(scene: Scene, side_by_side: bool) -> None:
    """Teams sends an activity again when it has no answer after 15 s."""
    ticket = scene.azure.add_work_item(scene.stage.project, "User Story", "Pay later")
    await scene.stage.settle()
    said = await scene.teams.say(
        scene.priya.teams, scene.channel, f"start ticket {ticket} in Shop/web"
    )
    if side_by_side:
        await asyncio.gather(*(scene.teams.resend(said.activity) for _ in range(4)))
    await scene.stage.settle()
    assert (await scene.teams.resend(said.activity)).status == 200
    await scene.stage.settle()

    assert said.message is not None
    answers = [render_text(reply) for reply in said.message.replies]
    assert len(answers) == 1, answers
    assert len(scene.azure.pull_requests) == 1
    pushes = [call for call in scene.azure.calls if call.path.endswith("/pushes")]
    assert len(pushes) == 1


async def test_the_same_press_of_a_button_twice_runs_once_CHECKS_4(scene: Scene) -> None:
    pull_request = await scene.opens(scene.maya, "Pay later")
    card = scene.card(pull_request)
    before = len(card.replies)
    pressed = await scene.teams.press(scene.priya.teams, card, "Sync")
    await scene.stage.settle()
    await asyncio.gather(*(scene.teams.resend(pressed.activity) for _ in range(3)))
    await scene.stage.settle()
    assert pressed.status == 200
    assert len(card.replies) <= before + 1
    done = [row for row in await scene.activities() if row.event["type"] == "card_action"]
    assert len(done) <= 1


async def test_hooks_out_of_order_end_in_the_truth_CHECKS_5(scene: Scene) -> None:
    """Everything that happened to ten pull requests, in any order, some of it twice."""
    jonas, maya = scene.jonas.azure_devops, scene.maya.azure_devops
    hooks = scene.azure.hooks
    hooks.pause()
    hooks.duplicate(2)
    made: list[SandboxPullRequest] = []
    for number in range(10):
        pull_request = await scene.opens(scene.priya, f"Part {number}", settle=False)
        await scene.azure.vote(pull_request, jonas, -5)
        branch = pull_request.source_ref.removeprefix("refs/heads/")
        await scene.azure.commit(
            scene.stage.repository, branch, {f"more-{number}.txt": "1"}, maya, "More"
        )
        await scene.azure.comment(pull_request, jonas, f"Note {number}")
        await scene.azure.vote(pull_request, jonas, 10)
        if number % 2:
            await scene.azure.complete(pull_request, maya)
        made.append(pull_request)
    hooks.shuffle(seed=5)
    hooks.resume()
    await scene.stage.settle()
    await scene.sweeps()

    for number, pull_request in enumerate(made):
        text, thread = scene.card_text(pull_request), scene.thread(pull_request)
        assert "✓ Jonas Sample" in text
        assert ("Completed by Maya Sample" in text) == bool(number % 2)
        assert thread.count("Priya Sample opened this pull request") <= 1
        assert thread.count(f"Jonas Sample commented: Note {number}") == 1
        assert thread.count("Completed by Maya Sample") <= 1
        assert len(thread) == len(set(thread)), thread


async def test_an_old_body_never_overwrites_what_is_shown_CHECKS_5(scene: Scene) -> None:
    """Azure DevOps is down, so bodies are all there is; the old one comes last."""
    pull_request = await scene.opens(scene.maya, "Pay later")
    await scene.azure.vote(pull_request, scene.jonas.azure_devops, 10)
    await scene.stage.settle()
    await scene.azure.complete(pull_request, scene.maya.azure_devops)
    await scene.stage.settle()
    created = scene.hook_bodies("git.pullrequest.created")[0]
    before = (scene.card_text(pull_request), scene.thread(pull_request))
    await scene.azure.take_down()
    assert await scene.sends_hook(created | {"notificationId": 99, "id": "again"}) == 202
    await scene.stage.settle()
    await scene.azure.bring_up()
    assert (scene.card_text(pull_request), scene.thread(pull_request)) == before


async def test_lost_hooks_are_made_up_for_by_the_sweep_once(scene: Scene) -> None:
    scene.azure.hooks.drop(lambda _: True)
    pull_request = await scene.opens(scene.maya, "Pay later")
    await scene.sweeps()
    assert scene.thread(pull_request) == ["Maya Sample opened this pull request"]
    await scene.azure.vote(pull_request, scene.jonas.azure_devops, 10)
    await scene.azure.complete(pull_request, scene.maya.azure_devops)
    await scene.sweeps()
    await scene.sweeps()
    assert scene.thread(pull_request) == [
        "Maya Sample opened this pull request",
        "Jonas Sample approved",
        "Completed by Maya Sample",
    ]
