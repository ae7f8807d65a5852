"""git.pullrequest.created, updated and merged.

``merged`` means that a merge was attempted: a trial merge of an open pull request too. Whether
it is closed is in its status. No body says who changed what.
"""

from adapters.azure_devops.hooks.received import ReceivedHook
from adapters.azure_devops.mapping import pull_request
from bot.model import PullRequestHook, SnapshotSource


def pull_request_changed(hook: ReceivedHook) -> PullRequestHook:
    """The pull request as the body has it. Raises FieldError."""
    snapshot = pull_request(
        hook.resource,
        connection=hook.connection,
        as_of=hook.created_at,
        source=SnapshotSource.HOOK,
    )
    return PullRequestHook(snapshot=snapshot, kind=hook.kind)
