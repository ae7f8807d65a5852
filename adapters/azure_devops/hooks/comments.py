"""ms.vss-code.git-pullrequest-comment-event: a comment was written, edited or deleted.

At resource version 2.0 the comment stands beside its pull request; at 1.0 the resource is the
comment alone, and only its links tell which pull request it belongs to.
"""

import re

from adapters.azure_devops.fields import FieldError, Fields
from adapters.azure_devops.hooks.received import ReceivedHook
from adapters.azure_devops.mapping import identity, pull_request
from bot.links import MAX_NUMBER
from bot.model import Comment, CommentHook, SnapshotSource

_PLACE = re.compile(
    r"/repositories/(?P<repository>[0-9a-f-]{36})/pullrequests/(?P<number>[0-9]{1,10})"
    r"(?:/threads/(?P<thread>[0-9]{1,10}))?(?:/|$|[?#])",
    re.IGNORECASE,
)
_LINKS = ("self", "threads", "pullRequests")


def pull_request_commented(hook: ReceivedHook) -> CommentHook:
    """The comment, with its pull request where the body has it. Raises FieldError."""
    fields = hook.resource.optional_object("comment") or hook.resource
    place = _place(fields)
    comment = _comment(fields, thread_id=int(place["thread"] or 0) if place else 0)
    found = hook.resource.optional_object("pullRequest")
    if found is not None:
        snapshot = pull_request(
            found, connection=hook.connection, as_of=hook.created_at, source=SnapshotSource.HOOK
        )
        return CommentHook(comment, snapshot.repository.id, snapshot.number, snapshot)
    if place is None or int(place["number"]) > MAX_NUMBER:
        raise FieldError(f"{fields.path}._links has no address of the pull request")
    return CommentHook(comment, place["repository"].lower(), int(place["number"]))


def _comment(fields: Fields, *, thread_id: int) -> Comment:
    return Comment(
        thread_id=thread_id,
        comment_id=fields.number("id"),
        author=identity(fields.object("author")),
        text=fields.text("content", ""),
        created_at=fields.moment("publishedDate"),
        updated_at=fields.optional_moment("lastUpdatedDate"),
        is_deleted=fields.flag("isDeleted"),
        is_system=fields.text("commentType", "").lower() == "system",
    )


def _place(comment: Fields) -> re.Match[str] | None:
    """Repository, pull request and thread, from the comment's links: nothing else has them."""
    links = comment.optional_object("_links")
    if links is None:
        return None
    addresses = [links.object(name).text("href", "") for name in _LINKS if links.has(name)]
    places = [match for match in map(_PLACE.search, addresses) if match]
    return next((place for place in places if place["thread"]), places[0] if places else None)
