"""The product on PostgreSQL, end to end: the same as on SQLite (issue 2, points 2 and 8)."""

import asyncio
import re
from collections import Counter
from pathlib import Path

import aiohttp
import psycopg
import pytest

from bot.cli.demo.stage import Stage
from bot.cli.demo.story import Story
from storage import audit
from tests.end_to_end.conftest import OpenScene
from tests.end_to_end.scene import Scene, open_scene

pytestmark = pytest.mark.postgres

HOSTILE = "Pay 100% 'later' \"now\"; -- \\ _x_ \x00 \u202e größer ẞ 🙂 " + "x" * 200
CONVERSATION = (
    "help",
    "help start ticket",
    "strat ticket 77",
    "status",
    "whoami",
    "subscriptions",
    "subscribe Shop target main release/*",
    "subscriptions",
    "prs",
    "prs mine",
    "prs web",
    "prs w%b",
    "prs w_b",
    "prs o'web",
    "reviews",
    "ticket 77",
    "ticket 4711",
    "start ticket 77",
    "start ticket 77",
    "ticket 77",
    "link ticket 78 to pr 1",
    "unlink ticket 78 from pr 1",
    "sync pr 1",
    "sync pr all",
    "use web",
    "link me as jonas@example.com",
    "confirm",
    "unsubscribe Shop",
    "unsubscribe Shop/nothing%",
    "prs no\u0000such",
)


@pytest.mark.timeout(120)
async def test_the_story_of_the_demo_comes_true(postgres_url: str, tmp_path: Path) -> None:
    stage = await Stage.build(tmp_path, database_url=postgres_url, remerge_on_target_push=True)
    try:
        story = Story(stage)
        for _, step in story.steps:
            await step()
            await stage.settle()
        assert [text for passed, text in await story.outcome() if not passed] == []
        assert await stage.bot.db.read(audit.verify) is None
    finally:
        await stage.close()


@pytest.mark.timeout(120)
async def test_every_command_answers_as_on_sqlite(
    postgres_url: str, tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    scenes = []
    for name, url in (("sqlite", ""), ("postgresql", postgres_url)):
        folder = tmp_path / name
        folder.mkdir()
        scenes.append(await open_scene(folder, http, database_url=url))

    async def answers(scene: Scene) -> dict[str, list[str]]:
        await scene.move_in()
        return await whole_conversation(scene)

    try:
        on_sqlite, on_postgresql = await asyncio.gather(*map(answers, scenes))
    finally:
        for scene in scenes:
            await scene.stage.close()
    for said in on_sqlite:
        assert on_postgresql[said] == on_sqlite[said], said


async def whole_conversation(scene: Scene) -> dict[str, list[str]]:
    """What is answered to each sentence, without what differs from run to run."""
    for number in (77, 78):
        scene.azure.add_work_item(scene.stage.project, "Task", HOSTILE, number=number)
    jonas = scene.jonas.azure_devops
    made = await scene.opens(scene.maya, HOSTILE, reviewers=[jonas])
    await scene.azure.comment(made, jonas, HOSTILE)
    await scene.stage.settle()
    answers = {}
    for number, said in enumerate(CONVERSATION):
        heard = await scene.says(scene.priya, said)
        assert heard, said
        answers[f"{number}: {said}"] = sorted(steady(text) for text in heard)
    answers["thread"] = [steady(text) for text in scene.thread(made)]
    answers["card"] = [steady(scene.card_text(made))]
    answers["direct"] = [steady(text) for text in scene.direct(scene.maya)]
    failed = [row for row in await scene.activities() if row.state != "done"]
    assert failed == []
    return answers


def steady(text: str) -> str:
    """Without ports, ids and times."""
    text = re.sub(r"127\.0\.0\.1:\d+", "HOST", text)
    text = re.sub(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "ID", text)
    text = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "TIME", text)
    text = re.sub(r"\b[0-9a-f]{7}\b", "COMMIT", text)
    return re.sub(r"\d+ (second|minute)s?( ago)?|just now|less than a minute", "AGE", text)


async def test_a_server_that_restarts_costs_nothing(opened: OpenScene, postgres_url: str) -> None:
    """Its connections break; what was asked meanwhile is answered, and told once."""
    scene = await opened(database_url=postgres_url)
    await scene.move_in()
    made = await scene.opens(scene.maya, "Pay later")
    for number in range(3):
        await asyncio.to_thread(break_connections, postgres_url)
        await scene.azure.comment(made, scene.jonas.azure_devops, f"note {number}")
        await asyncio.to_thread(break_connections, postgres_url)
    await scene.stage.settle()
    # What got 503 comes again later, so their order is not that of the comments.
    assert Counter(scene.thread(made)[1:]) == {
        f"Jonas Sample commented: note {number}": 1 for number in range(3)
    }
    assert scene.stage.bot.db.is_healthy


def break_connections(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'pullcord' AND datname = current_database()"
        )
