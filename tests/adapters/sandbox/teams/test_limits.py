"""The documented rate limits, on a clock that the tests move."""

from urllib.parse import quote

import pytest

from adapters.sandbox.teams import Conversation, TeamsSandbox
from adapters.sandbox.teams.limits import Limits
from tests.adapters.sandbox.teams.conftest import ConnectorClient, ManualClock, SampleBot


def accepted(limits: Limits, count: int, conversation: str = "a:1") -> int:
    return sum(limits.take("send", conversation) == 0 for _ in range(count))


@pytest.mark.parametrize(
    ("step_s", "tries", "allowed"),
    [
        (0.0, 20, 7),  # 7 in 1 s
        (0.14, 14, 8),  # 8 in 2 s: 14 tries take 1.82 s
        (0.4, 74, 60),  # 60 in 30 s: 74 tries take 29.2 s
        (1.9, 1890, 1800),  # 1,800 in an hour: 1,890 tries take 3,589 s
    ],
)
def test_each_window_lets_so_many_through(
    clock: ManualClock, step_s: float, tries: int, allowed: int
) -> None:
    limits, through = Limits(clock.now), 0
    for _ in range(tries):
        through += accepted(limits, 1)
        clock.advance(step_s)
    assert through == allowed


def test_waiting_as_told_is_enough_and_no_longer_than_needed(clock: ManualClock) -> None:
    limits = Limits(clock.now)
    accepted(limits, 7)
    clock.advance(0.5)

    assert limits.take("send", "a:1") == 1
    clock.advance(0.5)
    assert accepted(limits, 1) == 1
    assert limits.take("send", "a:1") == 1


def test_conversations_do_not_slow_each_other_until_the_app_limit(clock: ManualClock) -> None:
    limits = Limits(clock.now)
    through = sum(accepted(limits, 7, f"a:{number}") for number in range(10))

    assert through == 50


async def test_over_the_limit_the_connector_answers_429_with_retry_after(
    sandbox: TeamsSandbox, bot: SampleBot, client: ConnectorClient, clock: ManualClock
) -> None:
    sandbox.gate.enforce_limits = True
    chat = await personal_chat(sandbox)
    path = f"v3/conversations/{quote(chat.id)}/activities"
    hello = {"type": "message", "text": "Hello"}
    statuses = [(await client.call("POST", path, hello))[0] for _ in range(7)]
    status, body, headers = await client.call_with_headers("POST", path, hello)

    assert statuses == [201] * 7
    assert (status, body["error"]["code"], headers["Retry-After"]) == (429, "Throttled", "1")
    assert len(chat.messages) == 7
    clock.advance(1)
    assert (await client.call("POST", path, hello))[0] == 201


async def test_without_enforcement_nothing_is_throttled(
    sandbox: TeamsSandbox, bot: SampleBot, client: ConnectorClient
) -> None:
    chat = await personal_chat(sandbox)
    path = f"v3/conversations/{quote(chat.id)}/activities"

    for _ in range(20):
        assert (await client.call("POST", path, {"type": "typing"}))[0] == 201


async def personal_chat(sandbox: TeamsSandbox) -> Conversation:
    maya = sandbox.add_person("Maya Sample", "maya@example.com")
    await sandbox.install(maya)
    return sandbox.personal_chat(maya)
