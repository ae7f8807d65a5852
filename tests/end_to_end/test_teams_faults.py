"""Teams throttles, fails, hangs up, or has thrown the bot out."""

import itertools
from collections import defaultdict
from datetime import datetime
from typing import Any
from urllib.parse import unquote

import pytest

from adapters.sandbox.azure_devops import SandboxPullRequest
from bot.cli.demo.stage import SamplePerson
from bot.send_budget import CONVERSATION_WINDOWS
from storage.queries import conversations
from tests.end_to_end.conftest import OpenScene
from tests.end_to_end.scene import Scene
from tests.end_to_end.virtual_time import VirtualTime, play_out

JITTER_S = 0.05  # between leaving here and arriving there
COMMENT_EVENT = "ms.vss-code.git-pullrequest-comment-event"


@pytest.fixture
def time() -> VirtualTime:
    return VirtualTime()


@pytest.fixture
async def slow_scene(opened: OpenScene, time: VirtualTime) -> Scene:
    """Everybody has moved in, and time moves only when it is moved."""
    scene = await opened(**time.options)
    await scene.move_in()
    return scene


async def comment_bodies(
    scene: Scene, pull_request: SandboxPullRequest, count: int
) -> list[dict[str, Any]]:
    """Hooks of so many comments, which the bot has not got yet."""
    subscriptions = scene.azure.hooks.subscriptions.values()
    (subscription,) = [one for one in subscriptions if one.event_type == COMMENT_EVENT]
    first = len(subscription.notifications)
    await scene.azure.comment(pull_request, scene.jonas.azure_devops, "note 0")
    await scene.stage.settle()
    body = subscription.notifications[first].body
    assert body is not None
    bodies = []
    for number in range(1, count + 1):
        resource = body["resource"]
        comment = resource["comment"] | {"id": 1000 + number, "content": f"note {number}"}
        bodies.append(
            body
            | {
                "id": f"comment-{number}",
                "notificationId": 1000 + number,
                "resource": resource | {"comment": comment},
            }
        )
    return bodies


def somebody_else(scene: Scene) -> SamplePerson:
    """An author who is nobody in Teams, so that one conversation has all the news."""
    there = scene.azure.add_person("Ada Sample", "ada@example.com")
    return SamplePerson("Ada Sample", there, scene.priya.teams)


def sends(scene: Scene) -> dict[str, list[datetime]]:
    """When what was sent to each conversation arrived at Teams."""
    times: dict[str, list[datetime]] = defaultdict(list)
    for request in scene.teams.connector_requests():
        if "/activities" in request.path and request.method in ("POST", "PUT"):
            name = unquote(request.raw_path).split("/conversations/")[1].split("/")[0]
            times[name.split(";messageid=")[0]].append(request.at)
    return times


def most_within(times: list[datetime], seconds: float) -> int:
    """The largest number in any window of this length."""
    return max(
        sum(0 <= (other - start).total_seconds() < seconds for other in times) for start in times
    )


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 429, "headers": {"Retry-After": "2"}},
        {"status": 429},
        {"status": 412},
        {"status": 502},
        {"status": 503},
        {"status": 504},
        {"drop": True},
    ],
    ids=str,
)
async def test_what_teams_cannot_take_now_is_sent_later_once_and_in_order(
    slow_scene: Scene, time: VirtualTime, fault: dict[str, Any]
) -> None:
    scene = slow_scene
    scene.teams.faults.add(path="/activities", times=4, **fault)
    pull_request = await scene.opens(scene.maya, "Pay later", settle=False)
    await scene.azure.vote(pull_request, scene.jonas.azure_devops, 10)
    await scene.azure.hooks.idle()
    await play_out(scene, time)
    assert "✓ Jonas Sample" in scene.card_text(pull_request)
    thread = scene.thread(pull_request)
    assert thread[0] == "Maya Sample opened this pull request"
    assert len(thread) == len(set(thread))
    left = [row for row in await scene.outbox() if row.state != "sent"]
    # A card that went back to the queue stands for one that was queued meanwhile.
    assert {(row.kind, row.state) for row in left} <= {("card", "dropped")}


async def test_a_teams_that_never_answers_is_given_up_with_a_reason(
    slow_scene: Scene, time: VirtualTime
) -> None:
    """After the schedule of some hours; the next one is tried all the same."""
    scene = slow_scene
    fault = scene.teams.faults.add(method="POST", path="/activities", status=503)
    pull_request = await scene.opens(scene.maya, "Pay later", settle=False)
    await scene.azure.hooks.idle()
    await play_out(scene, time)
    dead = [row for row in await scene.outbox() if row.state == "dead"]
    assert dead
    assert all("given up after" in row.reason and "503" in row.reason for row in dead)
    assert len(await scene.audit("delivery_failed")) == len(dead)
    assert (await scene.metrics())['pullcord_outbox{state="dead"}'] == len(dead)

    scene.teams.faults.remove(fault)
    await scene.azure.vote(pull_request, scene.jonas.azure_devops, 10)
    await scene.azure.hooks.idle()
    await play_out(scene, time)
    assert "✓ Jonas Sample" in scene.card_text(pull_request)


async def test_a_storm_of_429_is_ridden_out_CHECKS_8(slow_scene: Scene, time: VirtualTime) -> None:
    """100 events while Teams answers 429 with Retry-After 1 for a minute."""
    scene = slow_scene
    pull_request = await scene.opens(somebody_else(scene), "Pay later", settle=False)
    await scene.azure.hooks.idle()
    await play_out(scene, time)
    bodies = await comment_bodies(scene, pull_request, 100)
    await play_out(scene, time)
    storm = scene.teams.faults.add(path="/activities", status=429, headers={"Retry-After": "1"})
    begin = time.now
    count = len(scene.teams.requests)
    for body in bodies:
        assert await scene.sends_hook(body) == 202
    await play_out(scene, time, until=begin + 60)
    tried = scene.teams.requests[count:]
    by_conversation: dict[str, list[datetime]] = defaultdict(list)
    for request in tried:
        if request.status == 429:
            by_conversation[request.raw_path.split("%3Bmessageid")[0]].append(request.at)
    assert by_conversation
    for times in by_conversation.values():
        gaps = [(b - a).total_seconds() for a, b in itertools.pairwise(times)]
        assert min(gaps) >= 1.0
    scene.teams.faults.remove(storm)
    await play_out(scene, time, step_s=4.0)
    thread = scene.thread(pull_request)
    told = [reply for reply in thread if "note" in reply]
    assert sorted(told) == sorted(f"Jonas Sample commented: note {n}" for n in range(101))


@pytest.mark.slow
@pytest.mark.timeout(120)
async def test_500_events_keep_every_window_of_teams_CHECKS_9(
    slow_scene: Scene, time: VirtualTime
) -> None:
    """One conversation gets 500 replies in order; another is not delayed by them."""
    scene = slow_scene
    pull_request = await scene.opens(somebody_else(scene), "Pay later", settle=False)
    await scene.azure.hooks.idle()
    await play_out(scene, time)
    bodies = await comment_bodies(scene, pull_request, 500)
    await play_out(scene, time)
    time.move_to(time.now + 7200)
    scene.teams.requests.clear()
    begin = time.clock()
    for body in bodies:
        assert await scene.sends_hook(body) == 202
    asked = await scene.teams.say(scene.jonas.teams, scene.chat_of(scene.jonas), "help")
    assert asked.status == 200
    await play_out(scene, time, step_s=4.0)

    at = sends(scene)
    channel = at[scene.channel.id]
    assert len(channel) >= 500
    for limit, window in CONVERSATION_WINDOWS:
        assert most_within(channel, window - JITTER_S) <= limit, (limit, window)
    everything = [moment for times in at.values() for moment in times]
    assert most_within(everything, 1.0 - JITTER_S) <= 30
    thread = [reply for reply in scene.thread(pull_request) if "note" in reply]
    assert sum("(late: " in reply for reply in thread) == 500  # their bodies are of two hours ago
    told = [reply.partition(" (late: ")[0] for reply in thread]
    assert sorted(told) == sorted(f"Jonas Sample commented: note {n}" for n in range(501))
    queued = [row.payload for row in await scene.outbox() if row.thread_id == "" and row.payload]
    texts = [str(payload.get("text")).partition(" (late: ")[0] for payload in queued]
    assert told == [text for text in texts if text in told]  # in the order of the outbox
    (answered,) = at[scene.chat_of(scene.jonas).id]
    assert (answered - begin).total_seconds() <= 2


async def test_a_bot_thrown_out_of_a_team_stops_sending_and_says_so(scene: Scene) -> None:
    """Teams' word of it was lost: the connector's 403 is the first that is heard."""
    pull_request = await scene.opens(scene.maya, "Pay later")
    assert scene.channel.team is not None
    scene.channel.team.installed = False
    scene.teams.requests.clear()
    for value in (10, -5, 5):
        await scene.azure.vote(pull_request, scene.jonas.azure_devops, value)
        await scene.stage.settle()
    tried = [r for r in scene.teams.connector_requests() if r.status == 403]
    assert len(tried) == 1
    gone = list(await scene.audit("conversation_gone"))
    assert [entry.subject for entry in gone] == [f"conversation/{scene.channel.id}"]
    assert gone[0].after and "removed" in gone[0].after["reason"]
    row = await scene.read(lambda s: conversations.get(s, scene.channel.id))
    assert row is not None
    assert row.state == "gone"
    # Maya's own chat goes on.
    assert len(scene.direct(scene.maya)) == 3


async def test_a_deleted_channel_is_404_and_stops_sending(scene: Scene) -> None:
    pull_request = await scene.opens(scene.maya, "Pay later")
    scene.channel.deleted = True
    for value in (10, 5):
        await scene.azure.vote(pull_request, scene.jonas.azure_devops, value)
        await scene.stage.settle()
    assert len(await scene.audit("conversation_gone")) == 1
    assert {row.state for row in await scene.outbox()} == {"sent", "dropped"}


async def test_who_blocked_the_bot_is_not_written_to_until_he_speaks(scene: Scene) -> None:
    scene.teams.block(scene.jonas.teams)
    for number in range(3):
        await scene.opens(scene.maya, f"Part {number}", reviewers=[scene.jonas.azure_devops])
    gone = await scene.audit("conversation_gone")
    assert len(gone) >= 1
    assert scene.direct(scene.jonas) == []
    assert [row for row in await scene.outbox() if row.state in ("pending", "dead")] == []


async def test_a_refused_message_is_a_dead_letter_and_holds_up_nobody(scene: Scene) -> None:
    scene.teams.faults.add(
        method="POST",
        path="/activities",
        status=400,
        body={"error": {"code": "BadArgument", "message": "no"}},
        times=1,
    )
    pull_request = await scene.opens(scene.maya, "Pay later")
    dead = [row for row in await scene.outbox() if row.state == "dead"]
    assert len(dead) == 1
    assert "400 BadArgument" in dead[0].reason
    await scene.azure.vote(pull_request, scene.jonas.azure_devops, 10)
    await scene.stage.settle()
    assert "✓ Jonas Sample" in scene.card_text(pull_request)


async def test_a_person_without_the_app_is_asked_for_once_a_day_not_per_message(
    scene: Scene,
) -> None:
    """Teams refuses the chat; it is not asked again for each comment."""
    ada = scene.azure.add_person("Ada Sample", "ada@example.com")
    assert scene.channel.team is not None
    there = scene.teams.add_person("Ada Sample", "ada@example.com")
    await scene.teams.add_member(scene.channel.team, there)
    await scene.stage.settle()
    pull_request = await scene.opens(SamplePerson("Ada Sample", ada, there), "Something of Ada's")
    for number in range(4):
        await scene.azure.comment(pull_request, scene.jonas.azure_devops, f"note {number}")
        await scene.stage.settle()
    asked = [
        request
        for request in scene.teams.connector_requests("POST")
        if request.path.endswith("/v3/conversations") and request.status == 403
    ]
    assert len(asked) == 1
