"""Which service hooks feed Pullcord: one per kind of event, so that each body's kind is known.

Names and resource versions: Azure DevOps, "Service hooks events"; the versions are those whose
bodies Pullcord reads, and are set always, because "latest" changes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.connections.conventions import Conventions
from bot.hooks.model import WantedHook

COMMENT_EVENT = "ms.vss-code.git-pullrequest-comment-event"
PULL_REQUEST_EVENTS = frozenset(
    {"git.pullrequest.created", "git.pullrequest.updated", "git.pullrequest.merged"}
)
HOOKS_PATH = "/webhooks/ado/"


@dataclass(frozen=True, slots=True)
class _Kind:
    service: str  # a field of bot.connections.conventions.Conventions that switches it on
    event_type: str
    resource_version: str
    title: str
    notification_type: str = ""
    change: str = ""


_CODE, _TICKETS, _BUILDS = "pull_requests", "tickets", "builds"
_UPDATED = (_CODE, "git.pullrequest.updated", "1.0", "Pull request updated")
_KINDS = (
    _Kind(_CODE, "git.push", "1.0", "Code pushed"),
    _Kind(_CODE, "git.pullrequest.created", "1.0", "Pull request created"),
    _Kind(*_UPDATED, "PushNotification", "source branch updated"),
    _Kind(*_UPDATED, "ReviewersUpdateNotification", "reviewers changed"),
    _Kind(*_UPDATED, "StatusUpdateNotification", "status changed"),
    _Kind(*_UPDATED, "ReviewerVoteNotification", "votes score changed"),
    _Kind(_CODE, "git.pullrequest.merged", "1.0", "Pull request merge attempted"),
    _Kind(_CODE, COMMENT_EVENT, "2.0", "Pull request commented on"),
    _Kind(_CODE, "git.repo.renamed", "1.0-preview.1", "Repository renamed"),
    _Kind(_CODE, "git.repo.deleted", "1.0-preview.1", "Repository deleted"),
    _Kind(_TICKETS, "workitem.created", "1.0", "Work item created"),
    _Kind(_TICKETS, "workitem.updated", "1.0", "Work item updated"),
    _Kind(_TICKETS, "workitem.commented", "1.0", "Work item commented on"),
    _Kind(_BUILDS, "build.complete", "1.0", "Build completed"),
)


def hook_url(public_url: str, connection: str) -> str:
    """Where Azure DevOps delivers a connection's events; "" without a public URL."""
    return f"{public_url.rstrip('/')}{HOOKS_PATH}{connection}" if public_url else ""


def wanted_hooks(
    projects: Sequence[tuple[str, str]], conventions: Conventions
) -> tuple[WantedHook, ...]:
    """Every hook of the services that are on, for these projects, given as (id, name)."""
    return tuple(
        WantedHook(
            kind.event_type,
            kind.resource_version,
            project_id,
            name,
            kind.title,
            kind.notification_type,
            kind.change,
        )
        for project_id, name in projects
        for kind in _KINDS
        if getattr(conventions, kind.service)
    )
