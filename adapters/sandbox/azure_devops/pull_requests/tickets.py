"""The work items of a pull request: found, linked, and moved on when it completes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.sandbox.azure_devops.people import SandboxIdentity
from adapters.sandbox.azure_devops.pull_requests.model import SandboxPullRequest
from adapters.sandbox.azure_devops.work_items.model import SandboxWorkItem

if TYPE_CHECKING:
    from adapters.sandbox.azure_devops.organization import Organization


def artifact_url(pull_request: SandboxPullRequest, *, separator: str = "%2F") -> str:
    """Return the ``vstfs:`` address of a pull request; webhook bodies use lower-case ``%2f``."""
    repository = pull_request.repository
    parts = (repository.project.id, repository.id, str(pull_request.id))
    return "vstfs:///Git/PullRequestId/" + separator.join(parts)


def tickets_of(org: Organization, pull_request: SandboxPullRequest) -> list[SandboxWorkItem]:
    """Return the work items that link to this pull request, lowest number first."""
    wanted = artifact_url(pull_request).casefold()
    return [
        item
        for item in org.work_items.all()
        if any(relation.url.casefold() == wanted for relation in item.relations)
    ]


def link_ticket(
    org: Organization, pull_request: SandboxPullRequest, number: int, actor: SandboxIdentity
) -> None:
    """Link a work item to the pull request; an existing link stays as it is.

    Raises:
        AzureDevOpsError: there is no such work item.
    """
    item = org.work_items.get(number, actor)
    url = artifact_url(pull_request)
    if any(relation.url.casefold() == url.casefold() for relation in item.relations):
        return
    org.work_items.patch(
        item,
        [
            {
                "op": "add",
                "path": "/relations/-",
                "value": {
                    "rel": "ArtifactLink",
                    "url": url,
                    "attributes": {"name": "Pull Request"},
                },
            }
        ],
        actor,
    )


def move_tickets_on(
    org: Organization, pull_request: SandboxPullRequest, actor: SandboxIdentity
) -> None:
    """Move linked work items on: to a resolved state, else to the completed one."""
    for item in tickets_of(org, pull_request):
        kind = item.type
        state = kind.in_category("Resolved") or kind.in_category("Completed")
        if state is not None and state.name != item.fields["System.State"]:
            org.work_items.patch(
                item,
                [{"op": "add", "path": "/fields/System.State", "value": state.name}],
                actor,
            )
