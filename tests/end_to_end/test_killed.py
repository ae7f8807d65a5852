"""The process is killed or stopped under load: nothing accepted is lost, nothing told twice."""

import asyncio
import json
import os
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from adapters.sandbox.azure_devops import SandboxPullRequest, SandboxRepository
from adapters.sandbox.teams import BotAnswer, Conversation, render_text
from bot.cli.demo.stage import CONNECTION
from tests.end_to_end.conftest import OpenScene
from tests.end_to_end.scene import Scene
from tests.end_to_end.serving import Forks, Served
from tests.end_to_end.waiting import eventually

EVENTS = int(os.environ.get("PULLCORD_TEST_KILLED_EVENTS", "150"))
"""About so many webhooks come while the process is killed; docs/development.md has the run with
3,000.
"""
ROUNDS = 25
NOTES = 4
AT_ONCE = max(1, EVENTS // (ROUNDS * (NOTES + 2)))
"""Pull requests of each round: a webhook for each, for its trial merge, and for each note."""
CHANNELS = max(5, AT_ONCE)
CONNECTIONS = 16
SEED = 20261121
EXIT_WITHIN_S = 10.0


class Mailbox:
    """Takes the service hooks in place of the bot, so that a test can deliver them itself."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []

    async def take(self, request: web.Request) -> web.Response:
        self.bodies.append(await request.json())
        return web.Response(status=202)


@pytest.fixture
async def mailbox(scene: Scene) -> AsyncIterator[Mailbox]:
    """All hooks of the scene go there from now on."""
    box = Mailbox()
    app = web.Application()
    app.router.add_post("/", box.take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    for subscription in scene.azure.hooks.subscriptions.values():
        subscription.consumer_inputs["url"] = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    yield box
    await runner.cleanup()


class Load:
    """Delivers webhooks at 16 connections and keeps book of what was accepted."""

    def __init__(self, scene: Scene, url: str) -> None:
        self._url = f"{url}/webhooks/ado/{CONNECTION}"
        basic = aiohttp.encode_basic_auth("pullcord", scene.stage.webhook_secret)
        self._headers = {"Authorization": basic, "Content-Type": "application/json"}
        self.open: list[bytes] = []
        self.accepted: list[bytes] = []
        self.answers: Counter[int | None] = Counter()

    def add(self, bodies: list[dict[str, Any]]) -> None:
        self.open += [json.dumps(body).encode() for body in bodies]

    async def deliver(self) -> None:
        """Deliver everything that is open, each body once; what gets no 202 stays open."""
        waiting, self.open = self.open, []
        async with aiohttp.ClientSession() as http:
            await asyncio.gather(*(self._work(http, waiting) for _ in range(CONNECTIONS)))

    async def _work(self, http: aiohttp.ClientSession, waiting: list[bytes]) -> None:
        while waiting:
            body = waiting.pop()
            status = None
            try:
                async with http.post(self._url, data=body, headers=self._headers) as answer:
                    status = answer.status
            except aiohttp.ClientError:
                pass
            self.answers[status] += 1
            (self.accepted if status == 202 else self.open).append(body)


class Crowd:
    """Channels with a repository each, and people who work there."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        # Nobody in Teams, so that her news go to no single chat, which would be slow.
        self.author = scene.azure.add_person("Ada Sample", "ada@example.com")
        self.places: list[tuple[SandboxRepository, Conversation]] = []
        self.opened: list[tuple[SandboxPullRequest, Conversation, list[str]]] = []
        self.said: list[BotAnswer] = []

    async def settle_in(self) -> None:
        scene = self.scene
        assert scene.channel.team is not None
        for number in range(CHANNELS):
            repository = await scene.azure.add_repository(
                scene.stage.project, f"part{number}", files={"README.md": "part\n"}
            )
            channel, _ = await scene.teams.create_channel(scene.channel.team, f"Part {number}")
            wish = f"subscribe Shop/part{number} created thread"
            said = await scene.says(scene.priya, wish, channel)
            assert "follows" in said[0]
            self.places.append((repository, channel))

    async def work(self, number: int) -> None:
        """A pull request with notes, and a command."""
        scene = self.scene
        repository, channel = self.places[number % CHANNELS]
        branch = f"feature/round-{number}"
        await scene.azure.commit(
            repository, branch, {f"{number}.txt": "1\n"}, self.author, f"Round {number}"
        )
        made = await scene.azure.create_pull_request(
            repository, self.author, branch, title=f"Round {number}"
        )
        notes = [f"note {number}.{i}" for i in range(NOTES)]
        for note in notes:
            await scene.azure.comment(made, scene.jonas.azure_devops, note)
        self.opened.append((made, channel, notes))

    async def say(self) -> None:
        self.said.append(
            await self.scene.teams.say(self.scene.priya.teams, self.places[0][1], "help")
        )

    async def say_again_what_was_not_heard(self) -> None:
        """As Teams does."""
        for number, answer in enumerate(self.said):
            if answer.status != 200:
                again = await self.scene.teams.resend(answer.activity)
                self.said[number] = BotAnswer(
                    again.status, again.body, answer.activity, message=answer.message
                )


class Book:
    """What was told, compared with what the audit says was sent again after a kill.

    A message that Teams took and the killed process did not note is sent once more: so one more
    copy for each ``delivery_retried`` of its row in the audit, and none otherwise.
    """

    def __init__(self, scene: Scene, served: Served) -> None:
        self._scene = scene
        retried = served.query("SELECT after FROM audit WHERE action = 'delivery_retried'")
        self._retries = Counter(json.loads(after)["outbox"] for (after,) in retried)
        self._rows = served.query(
            "SELECT o.id, o.kind, o.payload, o.cause, p.number FROM outbox o"
            " LEFT JOIN pull_requests p ON p.id = o.pull_request_id"
        )

    def is_once(self, told: list[str], text: str, number: int) -> bool:
        """Whether a reply of a pull request was told once."""
        rows = [
            row for row, _, payload, _, pr in self._rows if pr == number and text in str(payload)
        ]
        return self._fits(sum(one.endswith(text) for one in told), rows)

    def has_one_card(self, pull_request: SandboxPullRequest, where: Conversation) -> bool:
        number = pull_request.id
        rows = [row for row, kind, _, _, pr in self._rows if pr == number and kind == "card"]
        return self._fits(len(self._scene.cards(pull_request, where)), rows)

    def is_answered_once(self, said: BotAnswer) -> bool:
        assert said.message is not None
        rows = [row for row, _, _, cause, _ in self._rows if cause == said.message.activity_id]
        return self._fits(len(said.message.replies), rows)

    def _fits(self, count: int, rows: list[int]) -> bool:
        return 1 <= count <= 1 + sum(self._retries[row] for row in rows)


def replies_to(scene: Scene, pull_request: SandboxPullRequest, where: Conversation) -> list[str]:
    """The replies below its card, or below both when it was in flight at a kill."""
    cards = scene.cards(pull_request, where)
    return [render_text(reply) for card in cards for reply in card.replies]


@pytest.fixture
async def scene(opened: OpenScene) -> Scene:
    """Everybody has moved in."""
    made = await opened()
    await made.move_in()
    return made


@pytest.mark.slow
@pytest.mark.timeout(180 + EVENTS)
async def test_a_process_killed_25_times_loses_and_doubles_nothing_CHECKS_1(
    scene: Scene, mailbox: Mailbox, forks: Forks, http: aiohttp.ClientSession
) -> None:
    chance = random.Random(SEED)
    crowd = Crowd(scene)
    await crowd.settle_in()
    await scene.stage.bot.stop()
    served = Served(scene.stage, forks, http)
    load = Load(scene, served.url)

    def signs() -> int:
        """Everything that can be seen from outside: each is a point at which to kill."""
        return len(scene.teams.requests) + len(scene.azure.calls) + len(load.accepted)

    def is_time(kill_at: int, work: Sequence[asyncio.Task[None]]) -> bool:
        """Enough was seen, or there is nothing left to see."""
        is_idle = all(task.done() for task in work) and not served.open_rows()
        return signs() >= kill_at or is_idle

    try:
        for number in range(ROUNDS):
            for place in range(AT_ONCE):
                await crowd.work(number * AT_ONCE + place)
            await scene.azure.hooks.idle()
            load.add(mailbox.bodies)
            load.add(chance.choices(mailbox.bodies, k=2 * AT_ONCE))  # some come twice
            mailbox.bodies.clear()
            chance.shuffle(load.open)
            kill_at = signs() + chance.randrange(2, 45 * AT_ONCE)
            await served.start()
            work = [
                asyncio.create_task(load.deliver()),
                asyncio.create_task(crowd.say_again_what_was_not_heard()),
                asyncio.create_task(crowd.say()),
            ]
            await eventually(partial(is_time, kill_at, work))
            await served.kill()
            await asyncio.gather(*work)
        await served.start()
        while load.open:
            await load.deliver()
        await crowd.say_again_what_was_not_heard()
        await served.quiet(within_s=40 + EVENTS / 10)
        assert await served.end() == 0
    finally:
        await served.close()

    assert served.is_sound()
    assert len(load.accepted) >= EVENTS
    book = Book(scene, served)
    for pull_request, channel, notes in crowd.opened:
        assert book.has_one_card(pull_request, channel), pull_request
        told = replies_to(scene, pull_request, channel)
        for text in ("Ada Sample opened this pull request", *notes):
            assert book.is_once(told, text, pull_request.id), (pull_request.id, text, told)
    for said in crowd.said:
        assert book.is_answered_once(said), said
    for table in ("inbox", "outbox", "activities"):
        assert served.query(f"SELECT * FROM {table} WHERE state IN ('dead', 'failed')") == []


async def test_a_message_in_flight_at_a_kill_is_sent_again_and_the_audit_says_so_CHECKS_2(
    scene: Scene, served: Served
) -> None:
    await served.start()
    held = scene.teams.faults.hold(method="POST", path="/activities")
    pull_request = await scene.opens(scene.maya, "Pay later", settle=False)
    await held.reached()
    await served.kill()  # Teams has the card; the bot does not know
    scene.teams.faults.clear()
    await served.start()
    await scene.azure.hooks.idle()
    await served.quiet()

    assert len(scene.cards(pull_request, scene.channel)) == 2  # at most one doubled
    replies = [r for card in scene.cards(pull_request, scene.channel) for r in card.replies]
    assert [render_text(reply) for reply in replies] == ["Maya Sample opened this pull request"]
    retried = served.query("SELECT after FROM audit WHERE action = 'delivery_retried'")
    assert [json.loads(after)["kind"] for (after,) in retried] == ["card"]


async def test_a_card_update_in_flight_at_a_kill_doubles_nothing_CHECKS_2(
    scene: Scene, served: Served
) -> None:
    await served.start()
    pull_request = await scene.opens(scene.maya, "Pay later", settle=False)
    await scene.azure.hooks.idle()
    await served.quiet()
    held = scene.teams.faults.hold(method="PUT")
    await scene.azure.vote(pull_request, scene.jonas.azure_devops, 10)
    await held.reached()
    await served.kill()
    scene.teams.faults.clear()
    await served.start()
    await scene.azure.hooks.idle()
    await served.quiet()

    assert "✓ Jonas Sample" in scene.card_text(pull_request)
    assert scene.thread(pull_request).count("Jonas Sample approved") == 1
    retried = served.query("SELECT after FROM audit WHERE action = 'delivery_retried'")
    assert "card" in [json.loads(after)["kind"] for (after,) in retried]


async def test_sigterm_under_load_refuses_what_is_new_and_keeps_what_was_taken_CHECKS_12(
    scene: Scene, mailbox: Mailbox, served: Served
) -> None:
    pull_request = await scene.opens(scene.maya, "Pay later", settle=False)
    notes = [f"note {number:02}" for number in range(10)]
    for note in notes:
        await scene.azure.comment(pull_request, scene.jonas.azure_devops, note)
    await scene.azure.hooks.idle()
    load = Load(scene, served.url)
    load.add(mailbox.bodies)
    await served.start()
    # One request hangs in Azure DevOps and one in Teams, so that there is something to wait for.
    scene.azure.faults.add(path="pullrequests", hang=True)
    scene.teams.faults.add(method="POST", path="/activities", hang=True, times=1)
    sending = asyncio.create_task(load.deliver())
    await eventually(lambda: len(load.accepted) >= 6)
    ending = asyncio.create_task(served.end(signal.SIGTERM))
    await sending
    while not ending.done():
        load.answers.clear()
        before = len(load.open)
        load.add([{"id": f"late-{before}", "eventType": "tfvc.checkin"}])
        await load.deliver()
        if load.answers[503]:
            break
    assert load.answers[503]
    async with asyncio.timeout(EXIT_WITHIN_S):
        assert await ending == 0

    scene.azure.faults.clear()
    scene.teams.faults.clear()
    await served.start()
    while load.open:
        await load.deliver()
    await served.quiet()
    book = Book(scene, served)
    told = replies_to(scene, pull_request, scene.channel)
    for note in notes:
        assert book.is_once(told, note, pull_request.id), (note, told)
    assert await served.end() == 0
