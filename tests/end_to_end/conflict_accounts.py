"""What became of a pull request's conflicts, everywhere where it can be seen, to be compared."""

import re
from dataclasses import dataclass

from sqlmodel import col, select

from adapters.sandbox.azure_devops import SandboxPullRequest
from adapters.sandbox.teams import render_text
from bot.cli.demo.stage import SamplePerson
from storage.tables import ConflictEpisode
from tests.end_to_end.scene import Scene
from tests.end_to_end.serving import Served

_DURATION = re.compile(r"after (less than a minute|\d+ \w+)")


@dataclass(frozen=True)
class Account:
    """What is seen of one pull request.

    ``episodes``: "open", or what ended each. ``channel`` and ``author``: first lines of the alerts
    as they look now, below the card and in the author's chat, without the pull request's name;
    there is nothing else about it in the author's chat, and nothing in anybody else's.
    ``clean``: the replies of its end, without how long it took. ``card``: "blocked", "free",
    "completed" or "abandoned". ``status``: pullcord/mergeable in Azure DevOps.
    """

    episodes: tuple[str, ...] = ()
    channel: tuple[str, ...] = ()
    author: tuple[str, ...] = ()
    clean: tuple[str, ...] = ()
    card: str = "free"
    status: str = "succeeded"


def told(target: str, *, times: int = 1) -> Account:
    """One that is in conflict with ``target`` and was told ``times``, the earlier ones ended."""
    alerts = (f"has conflicts with {target}",) * times
    return Account(("open",), alerts, alerts, (), "blocked", "failed")


def ended(by: str, clean: str) -> Account:
    """One whose only episode is over: green everywhere, one reply."""
    alerts = ("merges cleanly again",)
    return Account((by,), alerts, alerts, (f"Clean again{clean}",))


async def moves_on(scene: Scene) -> str:
    """A repository and a channel of their own for what comes next; the first commit's id.

    So that cases on one stage do not meet, and Teams' limits of one channel are far.
    """
    azure, number = scene.azure, len(scene.azure.organization.repositories)
    assert scene.channel.team is not None
    scene.stage.repository = await azure.add_repository(
        scene.stage.project, f"part{number}", files={"checkout.py": "first\n", "README.md": "r\n"}
    )
    scene.channel, _ = await scene.teams.create_channel(scene.channel.team, f"Part {number}")
    [answer] = await scene.says(scene.priya, f"subscribe Shop/part{number}")
    assert "follows" in answer
    base = await azure.tip(scene.stage.repository, "main")
    assert base is not None
    return base


async def account(
    scene: Scene,
    pull_request: SandboxPullRequest,
    author: SamplePerson,
    *,
    process: Served | None = None,
) -> Account:
    """Look everywhere. Fails when others than the author were told in person.

    ``process`` is the bot's, when it is not the stage's own.
    """
    name = f"#{pull_request.id} {pull_request.title} "
    for other in (scene.maya, scene.jonas, scene.priya):
        if other is not author:
            assert not [line for line in scene.direct(other) if line.startswith(name)]
    alerts = [alert.split("\n")[0] for alert in scene.alerts(pull_request)]
    alerts += [
        line
        for line in (reply.split("\n")[0] for reply in scene.thread(pull_request))
        if line.startswith(name) and line not in alerts
    ]
    return Account(
        await _episodes(scene, pull_request, process),
        tuple(line.removeprefix(name) for line in alerts),
        tuple(line.removeprefix(name) for line in scene.direct(author) if line.startswith(name)),
        tuple(
            _DURATION.sub("", reply).replace("Clean again ,", "Clean again,")
            for reply in scene.thread(pull_request)
            if reply.startswith("Clean again")
        ),
        _card(scene.card_text(pull_request)),
        next((s.state for s in pull_request.latest_statuses() if s.genre == "pullcord"), ""),
    )


async def episodes(scene: Scene, pull_request: SandboxPullRequest) -> list[ConflictEpisode]:
    statement = (
        select(ConflictEpisode)
        .where(ConflictEpisode.number == pull_request.id)
        .order_by(col(ConflictEpisode.id))
    )
    return await scene.read(lambda s: list(s.exec(statement).all()))


async def _episodes(
    scene: Scene, pull_request: SandboxPullRequest, process: Served | None
) -> tuple[str, ...]:
    if process is None:
        rows = await episodes(scene, pull_request)
        return tuple(row.ended_by if row.ended_at else "open" for row in rows)
    sql = "SELECT ended_at, ended_by FROM conflict_episodes WHERE number = {} ORDER BY id"
    return tuple(by if at else "open" for at, by in process.query(sql.format(pull_request.id)))


def alert_text(scene: Scene, pull_request: SandboxPullRequest) -> str:
    """The newest alert below the card, whole."""
    name = f"#{pull_request.id} {pull_request.title} "
    replies = [render_text(reply) for reply in scene.card(pull_request).replies]
    return [reply for reply in replies if reply.startswith(name)][-1]


def _card(text: str) -> str:
    for word in ("Conflicts with", "Completed by", "Abandoned by"):
        if word in text:
            return "blocked" if word == "Conflicts with" else word.split()[0].lower()
    return "free"
