"""What the demo's help says one can type is done, and seen at once."""

import pytest

from bot.cli.demo.acts import add_more_tickets
from bot.cli.demo.prompt import HELP, do
from tests.end_to_end.scene import Scene


async def typed(scene: Scene, line: str) -> str:
    problem = await do(scene.stage, line)
    await scene.stage.settle()
    return problem


async def test_each_act_of_the_help_shows_on_the_card(scene: Scene) -> None:
    add_more_tickets(scene.azure, scene.stage.project)
    assert await typed(scene, "@priya start ticket 124") == ""
    (started,) = scene.azure.pull_requests
    for line, seen in (
        (f"publish {started.id} as priya", "No reviewer yet"),  # of which no service hook tells
        (f"vote {started.id} -5 as maya", "Maya Sample  waits for the author"),
        (f"vote {started.id} 10 as maya", "✓ Maya Sample"),
        (f"complete {started.id} as priya", "Completed by Priya Sample"),
    ):
        assert await typed(scene, line) == ""
        assert seen in scene.card_text(started), line
    assert await typed(scene, "open Fix the footer as jonas") == ""
    assert await typed(scene, "open Fix the header as maya") == ""
    _, footer, header = scene.azure.pull_requests
    assert await typed(scene, f"comment {header.id} Please add a test as jonas") == ""
    assert "Jonas Sample commented: Please add a test" in scene.thread(header)
    assert await typed(scene, f"complete {footer.id} as jonas") == ""
    await scene.sweeps()
    assert "Conflicts with main" in scene.card_text(header)  # two of them conflict
    assert await typed(scene, f"abandon {header.id} as maya") == ""
    assert "Abandoned by Maya Sample" in scene.card_text(header)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("@nobody prs", "there is nobody called nobody; there are maya, jonas, priya"),
        ("open It as nobody", "there is nobody called nobody; there are maya, jonas, priya"),
        ("vote 99 10 as jonas", "Azure DevOps (sandbox) refuses: "),
        ("dance", HELP),
        ("@maya", HELP),
    ],
)
async def test_what_cannot_be_done_is_told(scene: Scene, line: str, told: str) -> None:
    assert (await typed(scene, line)).startswith(told)
