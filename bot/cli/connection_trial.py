"""Trying a connection before it is stored: who we are there, and what we can see."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.model import Identity, Repository
from bot.ports import (
    AuthenticationFailed,
    AzureDevOps,
    AzureDevOpsError,
    BadAnswer,
    Forbidden,
    NotFound,
    RateLimited,
    Rejected,
    Unreachable,
)

SIGN_IN = "Make a new token or secret, put it in the environment variable"
ADVICE: tuple[tuple[type[AzureDevOpsError], str], ...] = (
    (AuthenticationFailed, f"{SIGN_IN}, and run the command again."),
    (Forbidden, "Give the account or the token that right, and run the command again."),
    (RateLimited, "Wait that long, and run the command again."),
    (Unreachable, "Check --url and the network from here, and run the command again."),
    (NotFound, "Check --url, and run the command again."),
    (BadAnswer, "Check that --url is of an organisation or collection, and run it again."),
    (Rejected, "Check --api-version, and run the command again."),
)


class ConnectionRefused(Exception):
    """It does not work like this; ``str()`` says why and what to do, and holds no secret."""


@dataclass(frozen=True, slots=True)
class Found:
    """Our account, and the repositories of the projects."""

    account: Identity
    repositories: Sequence[Repository]


async def try_connection(
    azure: AzureDevOps, projects: Sequence[str], *, say: Callable[[str], None]
) -> Found:
    """Sign in and list each project's repositories; ``say`` hears of each that went well.

    Raises:
        ConnectionRefused: something did not go well.
    """
    try:
        account = await azure.who_am_i()
    except AzureDevOpsError as error:
        raise ConnectionRefused(_explained(error)) from None
    say(f"ok  signed in as {account.display_name}")
    found: list[Repository] = []
    for project in projects:
        try:
            listed = await azure.repositories(project)
        except NotFound:
            raise ConnectionRefused(
                f"there is no project {project!r}, or {account.display_name} may not see it. "
                "Check --project, or give that account access, and run the command again."
            ) from None
        except AzureDevOpsError as error:
            raise ConnectionRefused(f"project {project}: {_explained(error)}") from None
        say(f"ok  project {project}: {len(listed)} repositories")
        found += listed
    return Found(account, found)


def _explained(error: AzureDevOpsError) -> str:
    advice = next((text for kind, text in ADVICE if isinstance(error, kind)), "")
    return f"{str(error).rstrip('.')}. {advice}".rstrip()
