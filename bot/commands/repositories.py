"""``repositories``: what can be followed here, with a choice to follow it."""

from collections.abc import Sequence

from bot.cards.answers import Tone, choice_card, command_button, escape, text_card
from bot.commands.choosing import Known, load_known
from bot.commands.command import Command, Invocation, Reply
from bot.commands.text import no_arguments
from bot.roles import Role
from storage.tables import RepositoryRow

MOST_LISTED = 38
TITLE = "What shall I follow here?"


async def run(invocation: Invocation, _: None) -> Reply:
    """Offer the projects and repositories that this conversation does not follow yet."""
    known = await load_known(invocation)
    choices = _choices(known)
    if not choices:
        text = (
            "Everything that I know is followed here already."
            if known.repositories
            else "I know no repository yet. `subscribe PROJECT` looks for it in Azure DevOps."
        )
        buttons = [command_button("Subscriptions", "subscriptions")]
        return Reply((text_card(TITLE, [text], buttons),))
    if invocation.role < Role.MEMBER:
        listed = ", ".join(escape(label, 120) for label, _ in choices[:MOST_LISTED])
        return Reply((text_card("What can be followed", [listed], tone=Tone.NEUTRAL),))
    lines = ["I then keep one card per pull request here and say below it what happens."]
    if len(choices) > MOST_LISTED:
        lines.append(
            f"There are {len(choices) - MOST_LISTED} more: `subscribe PROJECT/REPOSITORY`."
        )
    return Reply(
        (choice_card(TITLE, lines, choices[:MOST_LISTED], command="subscribe", button="Subscribe"),)
    )


def _choices(known: Known) -> list[tuple[str, str]]:
    """(title, what ``subscribe`` takes): whole projects first, then single repositories."""
    is_several = len(known.connections) > 1
    followed = {(row.connection, row.id) for row in known.followed}
    rows = [
        row
        for row in known.repositories
        if row.removed_at is None and (row.connection, row.id) not in followed
    ]
    projects = dict.fromkeys((row.connection, row.project_name) for row in rows)
    whole = [
        (f"{project}, all repositories", _argument(connection if is_several else "", project))
        for connection, project in projects
    ]
    return [*whole, *(_single(row, is_several) for row in _sorted(rows))]


def _single(row: RepositoryRow, is_several: bool) -> tuple[str, str]:
    name = f"{row.project_name}/{row.name}"
    return name, _argument(row.connection if is_several else "", name)


def _argument(connection: str, name: str) -> str:
    return f"{connection}:{name}" if connection else name


def _sorted(rows: Sequence[RepositoryRow]) -> list[RepositoryRow]:
    return sorted(rows, key=lambda row: (row.project_name.casefold(), row.name.casefold()))


COMMAND = Command(
    name="repositories",
    usage="repositories",
    summary="Show which projects and repositories can be followed here, to choose one.",
    examples=("repositories",),
    parse=no_arguments,
    run=run,
    aliases=("repos",),
    is_changing=False,
)
