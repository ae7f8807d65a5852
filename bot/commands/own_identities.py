"""The asker's own Azure DevOps identities, for commands that are about "me"."""

from bot.commands.choosing import NOT_CONNECTED
from bot.commands.command import CommandRefused, Invocation
from bot.commands.failures import explain
from bot.identities import Unmatched, identities_everywhere
from bot.ports import AzureDevOpsError


async def own_identities(invocation: Invocation) -> list[tuple[str, str]]:
    """(connection, identity id) for every connection in which the asker is known.

    Raises:
        CommandRefused: If there is none, with the reason and how to link oneself.
    """
    found: list[tuple[str, str]] = []
    reasons: list[str] = []
    everywhere = await identities_everywhere(invocation.services, invocation.person)
    if not everywhere:
        raise CommandRefused(NOT_CONNECTED)
    for connection, identity in everywhere:
        if isinstance(identity, AzureDevOpsError):
            reasons.append(f"{connection}: {explain(identity)}")
        elif isinstance(identity, Unmatched):
            reasons.append(f"{connection}: {identity}")
        else:
            found.append((connection, identity.id))
    if not found:
        raise CommandRefused(
            "I do not know which Azure DevOps identity you are. "
            + " ".join(reasons)
            + " Say `link me as MAIL` with the mail that you have in Azure DevOps."
        )
    return found
