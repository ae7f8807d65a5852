"""git.push: refs were created, moved or deleted.

The list of commits is not read: it is missing when a branch is created or deleted, and holds
older commits after a forced push. What counts is where each ref points now.
"""

import re

from adapters.azure_devops.fields import FieldError, Fields
from adapters.azure_devops.hooks.received import ReceivedHook
from adapters.azure_devops.mapping import optional_identity, repository
from bot.model import Pushed, RefUpdate

_COMMIT = re.compile(r"[0-9a-f]{40}")


def pushed(hook: ReceivedHook) -> Pushed:
    """What a push moved. Raises FieldError."""
    resource = hook.resource
    return Pushed(
        repository=repository(resource.object("repository")),
        updates=tuple(_ref_update(update) for update in resource.objects("refUpdates")),
        pusher=optional_identity(resource, "pushedBy"),
        at=resource.optional_moment("date") or hook.created_at,
    )


def _ref_update(fields: Fields) -> RefUpdate:
    return RefUpdate(
        name=fields.text("name"),
        old=_commit(fields, "oldObjectId"),
        new=_commit(fields, "newObjectId"),
    )


def _commit(fields: Fields, key: str) -> str:
    commit = fields.guid(key)
    if not _COMMIT.fullmatch(commit):
        raise FieldError(f"{fields.path}.{key} is not a commit id")
    return commit
