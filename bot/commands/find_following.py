"""The projects and repositories that ``subscribe`` means; unknown ones are asked for."""

import asyncio
from collections.abc import Sequence

from bot.commands.choosing import Known, load_known
from bot.commands.command import CommandRefused, Invocation
from bot.commands.failures import ANSWER_WITHIN_S, explain
from bot.commands.following import Following, Target, find_following, suggestions
from bot.ports import AzureDevOpsError
from bot.repository_discovery import discover_repositories
from bot.workflows.side_by_side import within
from storage.tables import Connection


async def find_all(invocation: Invocation, targets: Sequence[Target]) -> list[Following]:
    """What is stored answers first; only for an unknown name Azure DevOps is asked.

    Raises:
        CommandRefused: If one of them is not known, or several things are meant.
    """
    known = await load_known(invocation)
    troubles: list[str] | None = None
    found: list[Following] = []
    for target in targets:
        one = find_following(known, target)
        if one is None and troubles is None:
            troubles = await _discover(invocation, known)
            known = await load_known(invocation)
            one = find_following(known, target)
        if one is None:
            raise CommandRefused(_unknown(known, target, troubles or []))
        found.append(one)
    return list(dict.fromkeys(found))


async def _discover(invocation: Invocation, known: Known) -> list[str]:
    """Ask every connection at the same time which repositories there are; what went wrong."""

    async def one(connection: Connection) -> str:
        try:
            await within(ANSWER_WITHIN_S, discover_repositories(invocation.services, connection))
        except AzureDevOpsError as error:
            return f"{connection.name}: {explain(error)}"
        return ""

    told = await asyncio.gather(*(one(connection) for connection in known.connections))
    return [trouble for trouble in told if trouble]


def _unknown(known: Known, target: Target, troubles: list[str]) -> str:
    text = f"I know no project or repository called “{target.name or target.url}”."
    close = suggestions(known, target)
    if close:
        text += f" Did you mean {', '.join(close)}?"
    if troubles:
        return f"{text} I could not ask everywhere. {' '.join(troubles)}"
    connected = "Only projects that an operator has connected can be followed"
    return f"{text} {connected}: `repositories` shows them."
