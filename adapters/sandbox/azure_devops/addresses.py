"""URLs in bodies, in the shapes that the service and a server use."""

from __future__ import annotations

from typing import Literal
from urllib.parse import quote

from adapters.sandbox.azure_devops.projects import SandboxProject, SandboxRepository

Style = Literal["services", "visualstudio", "server"]


class Addresses:
    """Builds URLs below the sandbox's own origin.

    ``services`` is dev.azure.com (``/{organization}``), ``visualstudio`` the old host name per
    organisation (no path, ``/DefaultCollection`` accepted), ``server`` an Azure DevOps Server
    (``/tfs/{collection}``).
    """

    def __init__(self, style: Style, organization: str) -> None:
        self.style: Style = style
        self.organization = organization
        self.origin = ""

    @property
    def prefix(self) -> str:
        """Path in front of projects and ``_apis``; empty or starting with a slash."""
        if self.style == "visualstudio":
            return ""
        path = quote(self.organization)
        return f"/tfs/{path}" if self.style == "server" else f"/{path}"

    @property
    def base(self) -> str:
        """The organisation's or collection's URL, without a trailing slash.

        Raises:
            RuntimeError: the sandbox was never started, so it has no address.
        """
        if not self.origin:
            raise RuntimeError("the sandbox has no address before start()")
        return self.origin + self.prefix

    def api(self, path: str, project: SandboxProject | None = None) -> str:
        """Return a REST URL; with a project it carries its GUID, as the service writes it."""
        scope = f"/{project.id}" if project is not None else ""
        return f"{self.base}{scope}/_apis/{path}"

    def repository(self, repository: SandboxRepository, rest: str = "") -> str:
        """Return the REST URL of a repository or of something below it."""
        return self.api(f"git/repositories/{repository.id}{rest}", repository.project)

    def repository_page(self, repository: SandboxRepository, rest: str = "") -> str:
        """Return the page of a repository, which is also its clone URL."""
        return f"{self.base}/{quote(repository.project.name)}/_git/{quote(repository.name)}{rest}"

    def ssh(self, repository: SandboxRepository) -> str:
        """Return the ssh clone URL as dev.azure.com writes it."""
        return (
            f"git@ssh.dev.azure.com:v3/{self.organization}/"
            f"{quote(repository.project.name)}/{quote(repository.name)}"
        )

    def identity(self, identity_id: str) -> str:
        """Return the REST URL of an identity."""
        return self.api(f"Identities/{identity_id}")

    def work_item(self, project: SandboxProject, number: int, rest: str = "") -> str:
        """Return the REST URL of a work item."""
        return self.api(f"wit/workItems/{number}{rest}", project)

    def work_item_page(self, project: SandboxProject, number: int) -> str:
        """Return the page of a work item."""
        return f"{self.base}/{quote(project.name)}/_workitems/edit/{number}"
