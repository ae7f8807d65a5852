"""The asker's own Azure DevOps identities, for commands that are about "me"."""

from bot.commands.command import CommandRefused, Invocation
from bot.commands.failures import explain
from bot.identities import Unmatched, find_identity
from bot.ports import AzureDevOpsError
from storage.queries import connections


async def own_identities(invocation: Invocation) -> list[tuple[str, str]]:
    """(connection, identity id) for every connection in which the asker is known.

    Raises:
        CommandRefused: If there is none, with the reason and how to link oneself.
    """
    services, person = invocation.services, invocation.person
    found: list[tuple[str, str]] = []
    reasons: list[str] = []
    for connection in await services.db.read(connections.all_connections):
        try:
            identity = await find_identity(services, person, connection.name)
        except AzureDevOpsError as error:
            reasons.append(f"{connection.name}: {explain(error)}")
            continue
        if isinstance(identity, Unmatched):
            reasons.append(f"{connection.name}: {identity}")
        else:
            found.append((connection.name, identity.id))
    if not found:
        raise CommandRefused(
            "I do not know which Azure DevOps identity you are. "
            + " ".join(reasons)
            + " Say `link me as MAIL` with the mail that you have in Azure DevOps."
        )
    return found
