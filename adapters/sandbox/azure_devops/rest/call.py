"""One REST request as a handler sees it, and the answer that it gives."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from multidict import CIMultiDict

from adapters.sandbox.azure_devops import errors
from adapters.sandbox.azure_devops.addresses import Addresses
from adapters.sandbox.azure_devops.organization import Organization
from adapters.sandbox.azure_devops.people import SandboxIdentity
from adapters.sandbox.azure_devops.projects import SandboxProject, SandboxRepository
from adapters.sandbox.azure_devops.pull_requests.model import SandboxPullRequest


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back: JSON, or bytes with their own content type."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class Call:
    """A request that is authenticated and routed; query names are looked up in any case."""

    org: Organization
    actor: SandboxIdentity
    method: str
    project_name: str | None
    params: Mapping[str, str]
    query: CIMultiDict[str]
    accept: str
    content_type: str
    body: Any = None

    @property
    def addresses(self) -> Addresses:
        """URLs of the organisation."""
        return self.org.addresses

    def project(self) -> SandboxProject | None:
        """Return the project in the path, None when there is none."""
        if self.project_name is None:
            return None
        return self.org.project(self.project_name, self.actor)

    def required_project(self) -> SandboxProject:
        """Return the project in the path; without one the address does not exist."""
        project = self.project()
        if project is None:
            raise errors.no_such_path("a project is required")
        return project

    def repository(self) -> SandboxRepository:
        """Return the repository in the path."""
        return self.org.repository(self.params["repository"], self.project(), self.actor)

    def pull_request(self) -> SandboxPullRequest:
        """Return the pull request in the path."""
        repository = self.repository() if "repository" in self.params else None
        return self.org.pull_request(
            self.number("pullRequest"), self.actor, project=self.project(), repository=repository
        )

    def number(self, name: str) -> int:
        """Return a path parameter as a number; other text is not an address."""
        text = self.params[name]
        if not text.isdigit():
            raise errors.no_such_path(text)
        return int(text)

    def integer(self, name: str, default: int) -> int:
        """Return a query value as a number, 400 when it is none."""
        text = self.query.get(name)
        if text is None or text == "":
            return default
        if not text.isdigit():
            raise errors.invalid_argument(f"The query parameter {name} must be a number.")
        return int(text)

    def flag(self, name: str) -> bool:
        """Return a query value as yes or no."""
        return self.query.get(name, "").lower() == "true"

    def json_object(self) -> dict[str, Any]:
        """Return the body, which must be a JSON object."""
        if not isinstance(self.body, dict):
            raise errors.bad_body("The request body must be a JSON object.")
        return self.body

    def json_list(self) -> list[Any]:
        """Return the body, which must be a JSON array."""
        if not isinstance(self.body, list):
            raise errors.bad_body("The request body must be a JSON array.")
        return self.body


Handler = Callable[[Call], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Route:
    """An address below ``_apis/``; ``{name}`` matches one segment.

    ``preview`` addresses exist only with a ``-preview`` api-version.
    """

    method: str
    path: str
    handler: Handler
    preview: bool = False
    version_optional: bool = False


def listing(values: Iterable[Any], headers: Mapping[str, str] | None = None) -> Answer:
    """Return the wrapper that every list has: ``value`` and ``count``."""
    found = list(values)
    return Answer({"value": found, "count": len(found)}, headers=headers or {})


def page(call: Call, values: list[Any], *, default: int, maximum: int) -> list[Any]:
    """Cut a list by ``$skip`` and ``$top``."""
    skip = call.integer("$skip", 0)
    top = min(call.integer("$top", default), maximum)
    return values[skip : skip + top]
