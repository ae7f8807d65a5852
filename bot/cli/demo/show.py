"""Plays the story in the terminal, then lets one type commands as the sample people."""

import asyncio
import logging
import tempfile
from pathlib import Path

from rich.console import Console

from bot.cli.demo.prompt import prompt
from bot.cli.demo.screen import Screen
from bot.cli.demo.stage import Stage
from bot.cli.demo.story import Story

PAUSE_S = 3.0
ONCE_WITHIN_S = 60.0


async def show(*, once: bool) -> bool:
    """Play the demo; whether every point of its outcome was true."""
    logging.basicConfig(level=logging.ERROR)
    console = Console(soft_wrap=False)
    with tempfile.TemporaryDirectory(prefix="pullcord-demo-") as folder:
        stage = await Stage.build(Path(folder), remerge_on_target_push=True)
        try:
            screen = Screen(console, stage.teams.world)
            async with asyncio.timeout(ONCE_WITHIN_S if once else None):
                passed = await play(Story(stage), screen, pause_s=0.0 if once else PAUSE_S)
            if not once:
                await prompt(stage, screen)
            return passed
        finally:
            await stage.close()


async def play(story: Story, screen: Screen, *, pause_s: float) -> bool:
    """Play every step and check the outcome."""
    stage = story.stage
    screen.note(
        f"Azure DevOps (sandbox) at {stage.azure_devops.base_url}, Teams (sandbox) at "
        f"{stage.teams.service_url}, Pullcord at {stage.bot.url}"
    )
    for text, step in story.steps:
        screen.tell(text)
        await step()
        await stage.settle()
        screen.show_news()
        await asyncio.sleep(pause_s)
    screen.tell("The end. What must be true now:")
    points = await story.outcome()
    for passed, text in points:
        screen.check(passed, text)
    return all(passed for passed, _ in points)
