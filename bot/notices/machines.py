"""Which identities are machines: nobody wants to hear of their votes and comments."""

from bot.model import Identity

_ACCOUNT_PREFIXES = ("build\\", "agentpool\\", "service\\", "vstfs:///", "teamfoundationservice")
_NAME_PARTS = ("build service (", "[bot]", "project collection build")
_NAMES = frozenset(
    {"microsoft.visualstudio.services.tfs", "azure devops", "dependabot", "renovate"}
)


def is_machine(identity: Identity) -> bool:
    """Whether an identity is a build service, a bot or Azure DevOps itself, by its account.

    Azure DevOps has no mark for it; service accounts of pipelines are ``Build\\GUID``. A group's
    account says nothing: that of a team begins like those of services (``vstfs:///…``).
    """
    account = identity.unique_name.casefold()
    name = identity.display_name.casefold()
    return (
        (account.startswith(_ACCOUNT_PREFIXES) and not identity.is_group)
        or name in _NAMES
        or any(part in name for part in _NAME_PARTS)
    )
