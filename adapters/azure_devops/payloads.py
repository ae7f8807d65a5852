"""A service-hook body → what it says (``bot.ports.ParseHook``). No I/O.

The kinds and their shapes: Azure DevOps' documentation "Service hooks events", and what real
deliveries were seen to leave out or write differently. A body is a hint of the state at the
time it was drawn, which may be later than the event.
"""

from collections.abc import Callable, Mapping

from adapters.azure_devops.envelope import HookEnvelope, envelope
from adapters.azure_devops.fields import FieldError, Fields
from adapters.azure_devops.hooks.builds import build_completed
from adapters.azure_devops.hooks.comments import pull_request_commented
from adapters.azure_devops.hooks.pull_requests import pull_request_changed
from adapters.azure_devops.hooks.pushes import pushed
from adapters.azure_devops.hooks.received import ReceivedHook
from adapters.azure_devops.hooks.repositories import repository_deleted, repository_renamed
from adapters.azure_devops.hooks.samples import is_sample
from adapters.azure_devops.hooks.work_items import work_item_changed, work_item_updated
from adapters.azure_devops.strict_json import loads_object
from bot.model import Hook, TestHook, UnusedHook
from bot.ports import PayloadError

PARSERS: Mapping[str, Callable[[ReceivedHook], Hook]] = {
    "git.pullrequest.created": pull_request_changed,
    "git.pullrequest.updated": pull_request_changed,
    "git.pullrequest.merged": pull_request_changed,
    "ms.vss-code.git-pullrequest-comment-event": pull_request_commented,
    "git.push": pushed,
    "git.repo.renamed": repository_renamed,
    "git.repo.deleted": repository_deleted,
    "workitem.created": work_item_changed,
    "workitem.commented": work_item_changed,
    "workitem.updated": work_item_updated,
    "build.complete": build_completed,
}
"""The kinds that are used; every other one is kept and marked so."""


def parse_hook(raw: bytes, connection: str) -> Hook:
    """Read the body of a webhook.

    Args:
        raw: the body as received.
        connection: name of the connection that it came in for.

    Raises:
        PayloadError: it cannot be understood; the message names the path.
    """
    try:
        body = Fields(loads_object(raw))
        head = envelope(body.members)
        return _parse(body, head, connection)
    except PayloadError:
        raise
    except ValueError as error:
        raise PayloadError(str(error)) from None


def _parse(body: Fields, head: HookEnvelope, connection: str) -> Hook:
    if not head.event_type:
        raise FieldError("eventType is missing")
    if is_sample(body, head):
        return TestHook(head.event_type)
    parser = PARSERS.get(head.event_type)
    if parser is None:
        return UnusedHook(head.event_type)
    if not body.has("resource"):
        raise FieldError("resource is missing; Azure DevOps leaves it out for resourceVersion 2.0")
    return parser(ReceivedHook(connection, head, body.object("resource")))
