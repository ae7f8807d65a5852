"""The prompt after the story: ``@maya start ticket 124`` says it as Maya in the channel."""

import re

from bot.cli.demo.acts import HELP as ACTS_HELP
from bot.cli.demo.acts import Acts, NotDone, add_more_tickets
from bot.cli.demo.lines import lines
from bot.cli.demo.screen import Screen
from bot.cli.demo.stage import NAMES, Stage
from bot.jobs import SWEEP

HELP = f"""\
Type as one of the sample people:
  @maya prs                      in the channel
  @jonas> reviews                in Jonas's personal chat with Pullcord
  @priya start ticket 124        124 and 125 are waiting tickets
{ACTS_HELP}
quit ends."""

_SAY = re.compile(r"@(?P<who>\w+)(?P<chat>>)?\s+(?P<text>.+)", re.DOTALL)


async def prompt(stage: Stage, screen: Screen) -> None:
    """Read lines until ``quit`` or the end of input."""
    add_more_tickets(stage.azure_devops, stage.project)
    screen.tell("Your turn.")
    screen.note(HELP)
    async for line in lines():
        problem = await do(stage, line)
        if problem:
            screen.note(problem)
        await stage.settle()
        screen.show_news()


async def do(stage: Stage, line: str) -> str:
    """Do what a line says; what is wrong with it, or nothing."""
    if said := _SAY.fullmatch(line):
        return await _say(stage, said["who"].lower(), said["text"], in_chat=bool(said["chat"]))
    people = {key: person.azure_devops for key, person in stage.people.items()}
    try:
        acts = Acts(
            stage.azure_devops, stage.repository, people, lambda: stage.bot.jobs.run_now(SWEEP)
        )
        is_done = await acts.do(line)
    except NotDone as error:
        return str(error)
    return "" if is_done else HELP


async def _say(stage: Stage, who: str, text: str, *, in_chat: bool) -> str:
    if who not in stage.people:
        return f"there is nobody called {who}; there are {', '.join(NAMES)}"
    person = stage.people[who].teams
    place = stage.teams.personal_chat(person) if in_chat else stage.channel
    await stage.teams.say(person, place, text)
    return ""
