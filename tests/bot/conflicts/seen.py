"""What became of a pull request's conflicts, everywhere where it can be seen, to be compared."""

import re
from dataclasses import dataclass

from adapters.sandbox.azure_devops import SandboxPullRequest
from tests.bot.conflicts.history_world import AUTHORS, CHANNEL, World

_DURATION = re.compile(r" after (less than a minute|\d+ \w+)")


@dataclass(frozen=True)
class Seen:
    """What is seen of one pull request.

    ``episodes``: "open", or what ended each. ``channel`` and ``author``: what the alerts say now,
    below the card and in the author's chat; nobody else has any. ``clean``: the replies of its end,
    without how long it took. ``card``: "blocked", "free", "completed" or "abandoned". ``status``:
    pullcord/mergeable in Azure DevOps.
    """

    episodes: tuple[str, ...] = ()
    channel: tuple[str, ...] = ()
    author: tuple[str, ...] = ()
    clean: tuple[str, ...] = ()
    card: str = "free"
    status: str = "succeeded"


def told(target: str = "main") -> Seen:
    """One that is in conflict, told once."""
    alerts = (f"has conflicts with {target}",)
    return Seen(("open",), alerts, alerts, (), "blocked", "failed")


def ended(by: str, clean: str) -> Seen:
    """One whose only episode is over: green everywhere, one reply."""
    alerts = ("merges cleanly again",)
    return Seen((by,), alerts, alerts, (f"Clean again, {clean}",))


async def seen(world: World, made: SandboxPullRequest, author: str) -> Seen:
    """Look everywhere. Fails when others than the author were told in person."""
    for other in {*AUTHORS, "priya"} - {author}:
        assert world.alerts(made, f"a:{other}") == []
    [card] = world.cards(made)
    return Seen(
        tuple(row.ended_by if row.ended_at else "open" for row in await world.episodes(made)),
        tuple(world.alerts(made, CHANNEL)),
        tuple(world.alerts(made, f"a:{author}")),
        tuple(_DURATION.sub("", said) for said in world.replies(made, "Clean again")),
        _card(card.looks),
        next((each.state for each in made.latest_statuses() if each.genre == "pullcord"), ""),
    )


def _card(looks: str) -> str:
    for said, word in (
        ("Conflicts with", "blocked"),
        ("Completed", "completed"),
        ("Abandoned", "abandoned"),
    ):
        if said in looks:
            return word
    return "free"
