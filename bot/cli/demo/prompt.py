"""The prompt after the story: ``@maya start ticket 124`` says it as Maya in the channel."""

import asyncio
import re

from bot.cli.demo.screen import Screen
from bot.cli.demo.stage import NAMES, Stage

HELP = """\
Type as one of the sample people:
  @maya prs                      in the channel
  @jonas> reviews                in Jonas's personal chat with Pullcord
  @priya start ticket 124        124 and 125 are waiting tickets
and do things in Azure DevOps:
  vote N 10|5|0|-5|-10 as jonas    comment N TEXT as maya    complete N as priya
  publish N as priya               abandon N as maya
quit ends."""

_SAY = re.compile(r"@(?P<who>\w+)(?P<chat>>)?\s+(?P<text>.+)", re.DOTALL)
_ACT = re.compile(
    r"(?P<verb>vote|comment|complete|publish|abandon)\s+(?P<number>\d+)(?:\s+(?P<rest>.*?))?"
    r"\s+as\s+(?P<who>\w+)"
)
MORE_TICKETS = {
    124: ("Bug", "The total is wrong for an empty basket"),
    125: ("Task", "Show the shipping cost in the basket"),
}


async def prompt(stage: Stage, screen: Screen) -> None:
    """Read lines until ``quit`` or the end of input."""
    for number, (kind, title) in MORE_TICKETS.items():
        stage.azure_devops.add_work_item(stage.project, kind, title, number=number)
    screen.tell("Your turn.")
    screen.note(HELP)
    while True:
        try:
            line = (await asyncio.to_thread(input, "pullcord> ")).strip()
        except EOFError:
            return
        if line in ("quit", "exit", "q"):
            return
        if not line:
            continue
        problem = await do(stage, line)
        if problem:
            screen.note(problem)
        await stage.settle()
        screen.show_news()


async def do(stage: Stage, line: str) -> str:
    """Do what a line says; what is wrong with it, or nothing."""
    if said := _SAY.fullmatch(line):
        return await _say(stage, said["who"].lower(), said["text"], in_chat=bool(said["chat"]))
    if act := _ACT.fullmatch(line):
        return await _act(
            stage, act["verb"], int(act["number"]), act["rest"] or "", act["who"].lower()
        )
    return HELP


async def _say(stage: Stage, who: str, text: str, *, in_chat: bool) -> str:
    if who not in stage.people:
        return _nobody(who)
    person = stage.people[who].teams
    place = stage.teams.personal_chat(person) if in_chat else stage.channel
    await stage.teams.say(person, place, text)
    return ""


async def _act(stage: Stage, verb: str, number: int, rest: str, who: str) -> str:
    if who not in stage.people:
        return _nobody(who)
    board, person = stage.azure_devops, stage.people[who].azure_devops
    try:
        match verb:
            case "vote":
                await board.vote(number, person, int(rest or 10))
            case "comment":
                await board.comment(number, person, rest or "Looks good to me.")
            case "complete":
                await board.complete(number, person)
            case "publish":
                await board.publish(number, person)
            case _:
                await board.abandon(number, person)
    except Exception as error:  # whatever the sandbox refuses is told, and the prompt goes on
        return f"Azure DevOps (sandbox) refuses: {error}"
    return ""


def _nobody(who: str) -> str:
    return f"there is nobody called {who}; there are {', '.join(NAMES)}"
