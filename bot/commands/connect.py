"""``connect``: which Azure DevOps this Pullcord works with, and how one more is connected."""

from urllib.parse import urlsplit

from bot.cards.answers import Tone, command_button, escape, text_card
from bot.commands.command import Command, Invocation, Reply
from bot.commands.failures import explain
from bot.commands.text import no_arguments
from bot.identities import Unmatched, identities_everywhere
from bot.ports import AzureDevOpsError
from bot.roles import Role
from storage.queries import connections
from storage.tables import Connection, IdentityRow

HOW = (
    "An operator connects one more on the machine where I run: `pullcord connect`, and then "
    "`pullcord hooks install`, so that I hear of it."
)


async def run(invocation: Invocation, _: None) -> Reply:
    """Show the connections and who the asker is in each; say how another one is made."""
    services = invocation.services
    rows = await services.db.read(connections.all_connections)
    if not rows:
        title, tone = "No Azure DevOps is connected yet", Tone.WARNING
        return Reply((text_card(title, [HOW], [command_button("Help", "help")], tone),))
    found = dict(await identities_everywhere(services, invocation.person))
    lines = [_line(row, found.get(row.name)) for row in rows]
    if any(isinstance(each, Unmatched) for each in found.values()):
        lines.append("If your mail differs in Azure DevOps: `link me as MAIL`.")
    if invocation.role >= Role.ADMINISTRATOR:
        lines.append(HOW)
    buttons = [
        command_button("What can be followed?", "repositories"),
        command_button("Who am I?", "whoami"),
        command_button("Are they well?", "status"),
    ]
    return Reply((text_card("Connected to Azure DevOps", lines, buttons),))


def _line(row: Connection, own: IdentityRow | Unmatched | AzureDevOpsError | None) -> str:
    place = urlsplit(row.base_url)
    projects = ", ".join(escape(name, 60) for name in row.projects[:5]) or "all projects"
    where = f"**{escape(row.name)}** ({escape((place.hostname or '') + place.path)}): {projects}"
    if row.paused_reason:
        return f"{where}. It is **paused**: {escape(row.paused_reason)}"
    if isinstance(own, IdentityRow):
        return f"{where}. You are {escape(own.display_name)} there."
    if isinstance(own, AzureDevOpsError):
        return f"{where}. {escape(explain(own))}"
    return f"{where}. I do not know who you are there."


COMMAND = Command(
    name="connect",
    usage="connect",
    summary="Show which Azure DevOps I am connected to, and who you are there.",
    examples=("connect",),
    parse=no_arguments,
    run=run,
    is_slow=True,
    is_changing=False,
)
