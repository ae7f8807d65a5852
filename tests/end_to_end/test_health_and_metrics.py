"""What an orchestrator and Prometheus see of a whole bot."""

import logging
import re
import socket
from datetime import UTC, datetime

import aiohttp
import pytest
from sqlmodel import Session, select

from bot.app import CannotStart
from bot.cli.demo.stage import CONNECTION
from bot.logs import formatter
from bot.ports import RateLimited
from bot.redaction import Redaction
from storage.queries import connections
from storage.tables import Credential
from tests.end_to_end.conftest import OpenScene
from tests.end_to_end.scene import Scene

OF_CONNECTION = f'{{connection="{CONNECTION}"}}'


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


async def status(http: aiohttp.ClientSession, url: str) -> int:
    async with http.get(url) as answer:
        return answer.status


async def test_with_a_port_of_their_own_health_and_metrics_are_nowhere_else(
    opened: OpenScene, http: aiohttp.ClientSession
) -> None:
    port = free_port()
    scene = await opened(health_port=port)
    for path in ("healthz", "readyz", "metrics"):
        assert await status(http, f"http://127.0.0.1:{port}/{path}") == 200
        assert await status(http, f"{scene.stage.bot.url}/{path}") == 404
    assert await scene.sends_hook({"eventType": "git.push", "id": "1"}) == 202
    async with http.post(f"http://127.0.0.1:{port}/webhooks/ado/{CONNECTION}") as answer:
        assert answer.status == 404
    async with http.post(f"http://127.0.0.1:{port}/api/messages") as answer:
        assert answer.status == 404


async def test_a_health_port_that_is_taken_is_named_and_nothing_stays_open(scene: Scene) -> None:
    stage = scene.stage
    await stage.bot.stop()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        stage.settings.health_port = taken.getsockname()[1]
        with pytest.raises(CannotStart, match="PULLCORD_HEALTH_PORT"):
            await stage.make_bot().start()
        stage.settings.health_port = stage.settings.port
        with pytest.raises(CannotStart, match="PULLCORD_PORT"):
            await stage.make_bot().start()
    stage.settings.health_port = 0
    stage.bot = stage.make_bot()
    await stage.start_bot()


async def test_the_way_of_an_event_shows_in_the_metrics(scene: Scene) -> None:
    before = await scene.metrics()
    await scene.opens(scene.maya, "Cut prices")
    after = await scene.metrics()

    def grew(name: str) -> float:
        return after.get(name, 0) - before.get(name, 0)

    hooks = grew('pullcord_webhooks_total{status="202"}')
    assert hooks >= 2  # the push, the pull request
    assert grew("pullcord_webhook_seconds_count") == hooks
    assert grew("pullcord_hook_lag_seconds_count") == hooks
    assert grew("pullcord_azure_devops_seconds_count") >= 1
    assert grew('pullcord_sends_total{outcome="sent"}') >= 1
    now = datetime.now(UTC).timestamp()
    assert 0 <= now - after[f"pullcord_last_webhook_timestamp_seconds{OF_CONNECTION}"] < 60
    assert after['pullcord_inbox{state="pending"}'] == 0
    assert after["pullcord_conflict_work"] == 0


async def test_what_teams_sends_is_counted_by_answer(
    scene: Scene, http: aiohttp.ClientSession
) -> None:
    before = await scene.metrics()
    await scene.says(scene.maya, "help")
    async with http.post(f"{scene.stage.bot.url}/api/messages", json={}) as answer:
        assert answer.status == 401
    after = await scene.metrics()
    for code in ("200", "401"):
        name = f'pullcord_messages_total{{status="{code}"}}'
        assert after[name] - before.get(name, 0) == 1


async def test_a_conflict_is_counted_while_it_is_there(scene: Scene) -> None:
    name = f"pullcord_conflicts{OF_CONNECTION}"
    made = await scene.opens(scene.maya, "Cut prices", files={"checkout.py": "a = 1\n"})
    assert (await scene.metrics())[name] == 0
    await scene.azure.commit(
        scene.stage.repository,
        "main",
        {"checkout.py": "a = 2\n"},
        scene.jonas.azure_devops,
        "Other",
    )
    await scene.stage.settle()
    await scene.sweeps()
    assert (await scene.metrics())[name] == 1
    await scene.azure.abandon(made, scene.maya.azure_devops)
    await scene.stage.settle()
    assert (await scene.metrics())[name] == 0


async def test_the_rest_of_the_rate_limit_is_shown(scene: Scene) -> None:
    """Azure DevOps, "Rate and usage limits": X-RateLimit-* and Retry-After."""
    scene.azure.faults.rate_limit(retry_after_s=60, times=None)
    azure = await scene.stage.bot.services.azure_devops(CONNECTION)
    with pytest.raises(RateLimited):
        await azure.projects()
    seen = await scene.metrics()
    labels = f'{{connection="{CONNECTION}",credential="pat 1"}}'
    assert seen[f"pullcord_azure_devops_rate_limit{labels}"] == 200
    assert seen[f"pullcord_azure_devops_rate_remaining{labels}"] == 0
    assert 0 < seen[f"pullcord_azure_devops_cooling_seconds{labels}"] <= 60


async def test_a_job_shows_when_it_last_ended_well(scene: Scene) -> None:
    before = await scene.metrics()
    await scene.sweeps()
    after = await scene.metrics()
    count = 'pullcord_job_seconds_count{name="sweep"}'
    assert after[count] - before.get(count, 0) == 1
    done_at = after['pullcord_job_done_timestamp_seconds{name="sweep"}']
    assert abs(datetime.now(UTC).timestamp() - done_at) < 60
    assert after[f"pullcord_last_sweep_timestamp_seconds{OF_CONNECTION}"] > 0


async def test_a_paused_connection_and_its_credentials_are_shown_and_go_again(scene: Scene) -> None:
    expires = datetime(2030, 1, 1, tzinfo=UTC)

    def break_it(session: Session) -> None:
        connections.pause(session, CONNECTION, reason="its credential has expired")
        credential = session.exec(select(Credential)).one()
        credential.expires_at, credential.failed_at = expires, expires
        session.add(credential)

    await scene.stage.bot.db.write(break_it)
    seen = await scene.metrics()
    assert seen[f"pullcord_connection_paused{OF_CONNECTION}"] == 1
    assert seen[f"pullcord_credentials_failing{OF_CONNECTION}"] == 1
    labels = f'{{connection="{CONNECTION}",credential="pat 1"}}'
    assert seen[f"pullcord_credential_expiry_timestamp_seconds{labels}"] == expires.timestamp()
    await scene.stage.bot.db.write(lambda s: connections.pause(s, CONNECTION, reason=""))
    assert (await scene.metrics())[f"pullcord_connection_paused{OF_CONNECTION}"] == 0


async def test_the_log_lines_of_a_webhook_say_which_one(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever is logged on its way, also deep inside, carries its number."""
    lines: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(formatter("plain", Redaction()).format(record))

    root, keep = logging.getLogger(), Keep()
    root.addHandler(keep)
    try:
        with caplog.at_level(logging.DEBUG, "adapters.azure_devops"):
            await scene.opens(scene.maya, "Cut prices")
    finally:
        root.removeHandler(keep)
    calls = [line for line in lines if "adapters.azure_devops.http: GET" in line]
    assert any(re.search(rf"\[webhook=\d+ connection={CONNECTION}\]$", line) for line in calls)
