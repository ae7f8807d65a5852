"""Azure DevOps is down, slow, throttles or fails; the bot goes on as well as can be."""

import asyncio

import pytest

from adapters.sandbox.azure_devops import rate_limit_headers
from tests.end_to_end.conftest import OpenScene
from tests.end_to_end.scene import Scene
from tests.end_to_end.virtual_time import VirtualTime, play_out

ANSWER_WITHIN_S = 10.0
DRAINED_WITHIN_S = 60.0


async def test_while_azure_devops_is_down_webhooks_are_told_and_commands_say_so_CHECKS_6(
    scene: Scene,
) -> None:
    ticket = scene.azure.add_work_item(scene.stage.project, "User Story", "Pay later")
    pull_request = await scene.opens(scene.maya, "First")
    await scene.azure.take_down()
    await scene.azure.vote(pull_request, scene.jonas.azure_devops, 10)
    await scene.azure.comment(pull_request, scene.jonas.azure_devops, "Fine")
    await scene.stage.settle()
    assert "✓ Jonas Sample" in scene.card_text(pull_request)
    assert "Jonas Sample approved" in scene.thread(pull_request)
    assert "Jonas Sample commented: Fine" in scene.thread(pull_request)

    for command in (f"start ticket {ticket} in Shop/web", f"ticket {ticket}", "sync pr 1"):
        async with asyncio.timeout(ANSWER_WITHIN_S):
            answers = await scene.says(scene.priya, command)
        assert len(answers) == 1
        assert "Azure DevOps cannot be reached" in answers[0]

    (status,) = await scene.says(scene.priya, "status")
    assert "has not answered for less than a minute (Azure DevOps cannot be reached" in status

    await scene.azure.bring_up()
    async with asyncio.timeout(ANSWER_WITHIN_S):
        answers = await scene.says(scene.priya, f"start ticket {ticket} in Shop/web")
    assert "Azure DevOps cannot be reached" not in answers[0]
    assert [one.title for one in scene.azure.pull_requests][1:] == ["Pay later"]
    assert "has not answered" not in (await scene.says(scene.priya, "status"))[0]


async def test_what_happened_while_it_was_down_is_told_within_a_minute_of_its_return_CHECKS_6(
    opened: OpenScene,
) -> None:
    """Ten minutes, during which webhooks came that say nothing without a read (a push)."""
    time = VirtualTime()
    scene = await opened(**time.options)
    await scene.move_in()
    pull_request = await scene.opens(scene.maya, "First", settle=False)
    await scene.azure.hooks.idle()
    await play_out(scene, time)
    await scene.azure.take_down()
    branch = pull_request.source_ref.removeprefix("refs/heads/")
    commit = await scene.azure.commit(
        scene.stage.repository, branch, {"b.txt": "1"}, scene.maya.azure_devops, "More"
    )
    await scene.azure.vote(pull_request, scene.jonas.azure_devops, 10)
    await scene.azure.complete(pull_request, scene.maya.azure_devops)
    await scene.azure.hooks.idle()
    await play_out(scene, time, until=time.now + 600)
    await scene.azure.bring_up()
    back = time.now
    # What asks for a read is read every 15 s; the jobs' own clock is real, so a test turns it.
    for _ in range(4):
        await play_out(scene, time, until=time.now + 15)
        await scene.stage.bot.jobs.run_now("read what asks for it")
    await play_out(scene, time, until=back + DRAINED_WITHIN_S)
    thread = scene.thread(pull_request)
    assert "Completed by Maya Sample" in scene.card_text(pull_request)
    assert thread.count("Jonas Sample approved") == 1
    assert sum(reply.startswith("Completed") for reply in thread) == 1
    assert thread.count(f"New commits, now at {commit[:7]}") <= 1


async def test_a_slow_azure_devops_slows_nobody_else_CHECKS_7(scene: Scene) -> None:
    """Its answers are held; health, webhooks and other commands go on meanwhile."""
    pull_request = await scene.opens(scene.maya, "First")
    held = asyncio.Event()
    fault = scene.azure.faults.add(path="pullrequests", delay=held)
    await scene.azure.vote(pull_request, scene.jonas.azure_devops, 10)
    await fault.struck.wait()
    for path in ("healthz", "readyz", "metrics"):
        async with scene.http.get(f"{scene.stage.bot.url}/{path}") as answer:
            assert answer.status == 200
    assert await scene.sends_hook({"id": "x", "eventType": "tfvc.checkin"}) == 202
    asked = await scene.teams.say(scene.priya.teams, scene.channel, "help")
    assert asked.message is not None
    message = asked.message
    await scene.teams.wait_for(lambda: message.replies)
    assert "Jonas Sample approved" not in scene.thread(pull_request)
    scene.azure.faults.clear()
    held.set()
    await scene.stage.settle()
    assert scene.thread(pull_request).count("Jonas Sample approved") == 1


async def test_retry_after_on_a_good_answer_makes_the_next_call_wait_CHECKS_7(
    opened: OpenScene,
) -> None:
    time = VirtualTime()
    scene = await opened(**time.options)
    await scene.move_in()
    await scene.opens(scene.maya, "First", settle=False)
    await scene.azure.hooks.idle()
    await play_out(scene, time)
    scene.azure.faults.add("GET", "pullrequests/1$", headers=rate_limit_headers(4), times=1)
    begin = time.now
    for _ in range(2):
        await scene.teams.say(scene.priya.teams, scene.channel, "sync pr 1")
        await play_out(scene, time)
    assert time.now - begin >= 4
    assert len([m for m in scene.channel.messages if m.author is scene.priya.teams]) == 3


@pytest.mark.parametrize(
    "fault",
    [{"status": 429, "headers": {"Retry-After": "1"}}, {"status": 429}, {"status": 503}],
    ids=str,
)
async def test_one_failure_of_a_read_is_not_seen_by_anybody(
    scene: Scene, fault: dict[str, object]
) -> None:
    scene.azure.faults.add("GET", "pullrequests", times=1, **fault)  # type: ignore[arg-type]
    pull_request = await scene.opens(scene.maya, "First")
    assert scene.thread(pull_request) == ["Maya Sample opened this pull request"]
    assert [row.state for row in await scene.inbox() if row.state == "dead"] == []


@pytest.mark.parametrize("fault", [{"status": 500}, {"status": 503}, {"drop": True}], ids=str)
async def test_a_failing_azure_devops_does_not_keep_webhooks_from_being_told(
    scene: Scene, fault: dict[str, object]
) -> None:
    scene.azure.faults.add(path="_apis", **fault)  # type: ignore[arg-type]
    pull_request = await scene.opens(scene.maya, "First")
    assert scene.thread(pull_request) == ["Maya Sample opened this pull request"]
    scene.azure.faults.clear()
    await scene.azure.vote(pull_request, scene.jonas.azure_devops, 10)
    await scene.stage.settle()
    assert scene.thread(pull_request)[1:] == ["Jonas Sample approved"]


@pytest.mark.slow
async def test_an_azure_devops_that_hangs_is_told_from_the_body_after_five_seconds(
    scene: Scene,
) -> None:
    scene.azure.faults.add(path="_apis", hang=True)
    pull_request = await scene.opens(scene.maya, "First", settle=False)
    channel = scene.channel
    await scene.teams.wait_for(lambda: scene.cards(pull_request, channel), timeout=9.0)
    scene.azure.faults.clear()
    await scene.stage.settle()
    assert scene.thread(pull_request) == ["Maya Sample opened this pull request"]


async def test_a_refused_credential_is_said_in_words(scene: Scene) -> None:
    """203 with a sign-in page is how Azure DevOps refuses a token."""
    scene.azure.faults.add(path="_apis", status=203, body="<html>Sign In</html>")
    answers = await scene.says(scene.priya, "prs")
    answers += await scene.says(scene.priya, "sync pr 99")
    assert any("credential" in text.lower() or "sign" in text.lower() for text in answers), answers
    assert "<html>" not in "".join(answers)


@pytest.mark.parametrize("step", ["refs", "pushes", "pullrequests", "reviewers", "workitems"])
async def test_a_start_that_failed_half_way_goes_on_when_said_again(
    scene: Scene, step: str
) -> None:
    ticket = scene.azure.add_work_item(scene.stage.project, "User Story", "Pay later")
    scene.azure.faults.add("POST", step, drop=True, after=True, times=1)
    scene.azure.faults.add("PATCH", step, drop=True, after=True, times=1)
    scene.azure.faults.add("PUT", step, drop=True, after=True, times=1)
    for _ in range(2):
        await scene.says(scene.priya, f"start ticket {ticket} in Shop/web")
    assert len(scene.azure.pull_requests) == 1
    assert scene.azure.work_item(ticket).fields["System.State"] == "Active"
    (made,) = scene.azure.pull_requests
    scene.card(made)  # exactly one
