"""Two replicas share one PostgreSQL database (issue 2, point 2)."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from adapters.sandbox.azure_devops import SandboxPullRequest
from adapters.sandbox.azure_devops.people import SandboxIdentity
from bot.app import Pullcord
from bot.cli.demo.stage import CONNECTION
from bot.jobs import SWEEP
from bot.turns import ON_IT
from storage import audit
from tests.end_to_end.conftest import OpenScene
from tests.end_to_end.replicas import Replicas, ShiftedClock, another_port, lead_to, open_replicas
from tests.end_to_end.scene import LOUD
from tests.end_to_end.serving import Forks, Served

pytestmark = pytest.mark.postgres


@pytest.fixture
async def replicas(
    opened: OpenScene, postgres_url: str, http: aiohttp.ClientSession
) -> AsyncIterator[Replicas]:
    clock = ShiftedClock()
    scene = await opened(database_url=postgres_url, clock=clock)
    made = await open_replicas(scene, clock, http)
    try:
        await scene.move_in()
        yield made
    finally:
        await made.second.stop()
        await made.balancer.stop()


async def test_under_load_each_event_is_told_once_and_in_order(
    replicas: Replicas, caplog: pytest.LogCaptureFixture
) -> None:
    """Both replicas record, send and audit at the same time, also about the same pull request."""
    caplog.set_level(logging.WARNING)
    scene, count, notes = replicas.scene, 6, 6
    author = scene.azure.add_person("Ada Sample", "ada@example.com")  # nobody in Teams
    made = await asyncio.gather(*(opens(replicas, author, number) for number in range(count)))
    for note in range(notes):
        for one in made:
            await scene.azure.comment(one, scene.jonas.azure_devops, f"note {note} of {one.id}")
    await scene.stage.settle()

    for one in made:
        thread = scene.thread(one)
        told = Counter(line for line in thread if "commented" in line)
        assert told == {
            f"Jonas Sample commented: note {note} of {one.id}": 1 for note in range(notes)
        }, one.id
        assert thread[0] == "Ada Sample opened this pull request"
    assert {row.state for row in await scene.inbox()} == {"done"}
    assert {row.state for row in await scene.outbox()} == {"sent"}
    assert await scene.read(audit.verify) is None
    assert all(bot.db.is_healthy for bot in replicas.both)
    assert [record.getMessage() for record in caplog.records] == []


async def test_what_reaches_both_at_the_same_time_is_handled_once(replicas: Replicas) -> None:
    """CHECKS 3 and 4: webhooks and activities, new ones and later once more."""
    scene = replicas.scene
    replicas.balancer.to_all = True
    made = await scene.opens(scene.maya, "Pay later", reviewers=[scene.jonas.azure_devops])
    await scene.azure.comment(made, scene.jonas.azure_devops, "Why later?")
    scene.azure.add_work_item(scene.stage.project, "Task", "Pay", number=77)
    said = await scene.teams.say(scene.priya.teams, scene.channel, "start ticket 77")
    await scene.stage.settle()
    await scene.teams.resend(said.activity)
    for body in scene.hook_bodies("ms.vss-code.git-pullrequest-comment-event"):
        for bot in replicas.both:
            assert await send(replicas, bot, body) == 202
    await scene.stage.settle()

    assert replicas.balancer.statuses.count(503) == 0
    assert scene.thread(made) == [
        "Maya Sample opened this pull request",
        "Jonas Sample commented: Why later?",
    ]
    assert len(scene.cards(made, scene.chat_of(scene.jonas))) == 1
    started = [one for one in scene.azure.pull_requests if "77" in one.source_ref]
    assert len(started) == 1
    assert len(await scene.audit("start_ticket.branch")) == 1
    answers = [row for row in await scene.outbox() if row.key.startswith("answer:")]
    assert len([row for row in answers if row.cause == said.activity["id"]]) == 1
    keys = Counter((row.dedup_key, row.content_hash) for row in await scene.inbox())
    assert set(keys.values()) == {1}
    assert {row.state for row in await scene.activities()} == {"done"}


async def test_a_button_pressed_at_one_replica_may_be_handled_by_the_other(
    replicas: Replicas,
) -> None:
    scene = replicas.scene
    made = await scene.opens(scene.maya, "Pay later")
    await replicas.first.turns.drain()  # it takes activities, and does not work on them any more
    await scene.teams.connect(f"{replicas.first.url}/api/messages")
    answer = await scene.teams.press(scene.priya.teams, scene.card(made), "Sync")
    assert answer.notice == ON_IT.message
    await scene.stage.settle()
    assert [row.state for row in await scene.activities()][-1] == "done"


async def test_people_without_a_chat_get_one_chat(
    opened: OpenScene, postgres_url: str, http: aiohttp.ClientSession
) -> None:
    """Both replicas have something for somebody whose chat is to be opened first."""
    clock = ShiftedClock()
    scene = await opened(database_url=postgres_url, clock=clock)
    replicas = await open_replicas(scene, clock, http)
    try:
        assert scene.channel.team is not None
        await scene.teams.install(scene.channel.team, by=scene.priya.teams)
        scene.chat_of(scene.jonas).installed = True  # of which the bot has not heard
        await scene.stage.settle()
        await scene.teams.say(scene.priya.teams, scene.channel, f"subscribe {LOUD}")
        await scene.stage.settle()
        jonas = scene.jonas.azure_devops
        made = await asyncio.gather(
            *(scene.opens(scene.maya, f"PR {n}", reviewers=[jonas]) for n in range(4))
        )
        await scene.stage.settle()
        told = scene.direct(scene.jonas)
        assert len(told) == len(made), told
        for one in made:
            assert len([line for line in told if line.endswith(f"#{one.id}")]) == 1, told
    finally:
        await replicas.second.stop()
        await replicas.balancer.stop()


async def test_a_job_runs_on_one_replica_and_not_again_by_the_others_clock(
    replicas: Replicas,
) -> None:
    scene = replicas.scene
    listing = scene.azure.faults.add("GET", r"/pullrequests", delay=(go := asyncio.Event()))
    running = asyncio.create_task(replicas.first.jobs.run_in_turn(SWEEP))
    await listing.struck.wait()
    assert not await replicas.second.jobs.run_now(SWEEP)  # the first holds the lease
    go.set()
    assert await running
    assert not await replicas.second.jobs.run_in_turn(SWEEP)  # it has just run
    assert await replicas.first.jobs.run_in_turn(SWEEP)
    replicas.clock.advance(minutes=scene.stage.settings.sweep_minutes)
    assert await replicas.second.jobs.run_in_turn(SWEEP)
    assert not await replicas.first.jobs.run_in_turn(SWEEP)


async def test_what_a_replica_has_in_hand_for_long_is_not_taken_by_the_other(
    replicas: Replicas,
) -> None:
    """Teams answers after an hour: the lease is kept meanwhile, and nothing is sent twice."""
    scene = replicas.scene
    held = scene.teams.faults.hold(method="POST", path="/v3/conversations", times=1)
    made = await scene.opens(scene.maya, "Pay later", settle=False)
    await held.reached()
    for _ in range(20):
        replicas.clock.advance(minutes=3)
        for bot in replicas.both:
            await bot.delivery.start_due()
    assert await scene.audit("delivery_retried") == []
    held.release()
    await scene.stage.settle()
    assert scene.thread(made) == ["Maya Sample opened this pull request"]
    assert await scene.audit("delivery_retried") == []


async def test_a_replica_killed_in_the_middle_loses_and_doubles_nothing(
    opened: OpenScene, postgres_url: str, forks: Forks
) -> None:
    """SIGKILL with a webhook, a command and a message in hand: the other goes on after the lease.

    CHECKS 2: what Teams took and nobody noted is sent once more, and the audit says so.
    """
    clock = ShiftedClock()
    scene = await opened(database_url=postgres_url, clock=clock)
    await scene.move_in()
    card = await scene.opens(scene.maya, "Pay later")
    scene.azure.add_work_item(scene.stage.project, "Task", "Pay", number=77)
    await scene.stage.bot.stop()
    doomed = Served(scene.stage, forks, scene.http)  # its port and settings
    await doomed.start()

    sending = scene.teams.faults.hold(method="POST", path="/v3/conversations", times=1)
    await scene.azure.comment(card, scene.maya.azure_devops, "Taken, and not noted")
    await sending.reached()
    starting = scene.azure.faults.add("POST", r"/pushes", hang=True, times=1)
    await scene.teams.say(scene.priya.teams, scene.channel, "start ticket 77")
    await starting.struck.wait()
    reading = scene.azure.faults.add("GET", r"/pullrequests/", hang=True, times=1)
    await scene.azure.vote(card, scene.jonas.azure_devops, 10)
    await reading.struck.wait()
    await doomed.kill()
    sending.release()
    scene.azure.faults.clear()

    survivor = Pullcord(another_port(scene.stage.settings), clock=clock)
    await survivor.start()
    scene.stage.bot = survivor
    await lead_to(scene, survivor.url)
    await survivor.jobs.run_now(SWEEP)
    # The first may still be alive: nothing of it is taken before its lease ends.
    in_hand = [row for row in await scene.outbox() if "Taken, and" in str(row.payload)]
    assert [row.state for row in in_hand] == ["sending"]
    assert [row.state for row in await scene.activities()][-1] == "pending"

    clock.advance(minutes=6)
    await scene.stage.settle()
    assert len(await scene.audit("delivery_retried")) == 1
    thread = Counter(scene.thread(card))
    assert thread.pop("Maya Sample commented: Taken, and not noted") == 2
    assert thread == {"Maya Sample opened this pull request": 1, "Jonas Sample approved": 1}
    assert len([one for one in scene.azure.pull_requests if "77" in one.source_ref]) == 1
    assert len(await scene.audit("start_ticket.pull_request")) == 1
    assert {row.state for row in await scene.activities()} == {"done"}
    assert {row.state for row in await scene.inbox()} == {"done"}
    assert await scene.read(audit.verify) is None


async def test_clocks_that_differ_a_little_double_nothing(replicas: Replicas) -> None:
    """What a clock that is ahead has claimed is not free for the one behind."""
    scene, first = replicas.scene, replicas.first
    scene.azure.add_work_item(scene.stage.project, "Task", "Pay", number=77)
    await replicas.second.stop()
    await lead_to(scene, first.url)
    reading = scene.azure.faults.add("GET", r"/workitems", delay=(go := asyncio.Event()))
    said = await scene.teams.say(scene.priya.teams, scene.channel, "start ticket 77")
    await reading.struck.wait()
    sending = scene.teams.faults.hold(method="POST", path="/v3/conversations", times=1)
    made = await scene.opens(scene.maya, "Pay later", settle=False)
    await sending.reached()

    behind = ShiftedClock()
    behind.advance(seconds=-20)
    replicas.second = Pullcord(another_port(scene.stage.settings), clock=behind)
    await replicas.second.start()
    await replicas.second.delivery.start_due()
    assert await replicas.second.turns.start_waiting() == 0
    assert await scene.audit("delivery_retried") == []
    go.set()
    sending.release()
    await scene.stage.settle()
    assert scene.thread(made) == ["Maya Sample opened this pull request"]
    answers = [row for row in await scene.outbox() if row.cause == said.activity["id"]]
    assert len([row for row in answers if row.kind == "message"]) == 1


async def send(replicas: Replicas, bot: Pullcord, body: dict[str, Any]) -> int:
    """Deliver a webhook body to one replica; the status."""
    basic = aiohttp.encode_basic_auth("pullcord", replicas.scene.stage.webhook_secret)
    url = f"{bot.url}/webhooks/ado/{CONNECTION}"
    async with replicas.scene.http.post(url, json=body, headers={"Authorization": basic}) as answer:
        return answer.status


async def opens(replicas: Replicas, author: SandboxIdentity, number: int) -> SandboxPullRequest:
    scene, branch = replicas.scene, f"feature/load-{number}"
    content = {f"load-{number}.txt": "1\n"}
    repository = scene.stage.repository
    await scene.azure.commit(repository, branch, content, author, f"Work {number}")
    return await scene.azure.create_pull_request(repository, author, branch, title=f"PR {number}")
