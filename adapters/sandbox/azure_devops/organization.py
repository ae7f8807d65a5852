"""One organisation: all state of the sandbox, and the parts that change it."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from adapters.sandbox.azure_devops import errors
from adapters.sandbox.azure_devops.access import Access
from adapters.sandbox.azure_devops.addresses import Addresses, Style
from adapters.sandbox.azure_devops.builds import SandboxBuild
from adapters.sandbox.azure_devops.git.merging import MergeResult
from adapters.sandbox.azure_devops.git.objects import Author
from adapters.sandbox.azure_devops.git.store import GitStore
from adapters.sandbox.azure_devops.hooks.delivery import Hooks
from adapters.sandbox.azure_devops.people import Credentials, People, SandboxIdentity
from adapters.sandbox.azure_devops.projects import SandboxProject, SandboxRepository
from adapters.sandbox.azure_devops.pull_requests.merges import Merges
from adapters.sandbox.azure_devops.pull_requests.model import SandboxPullRequest
from adapters.sandbox.azure_devops.pushes import Pushes
from adapters.sandbox.azure_devops.work_items.board import WorkItems


@dataclass(slots=True)
class MergeOperation:
    """A stand-alone trial merge of two commits; ``result`` is None while it is queued."""

    id: int
    repository_id: str
    parents: tuple[str, str]
    comment: str
    result: MergeResult | None = None


class Organization:
    """State and behaviour, without HTTP.

    Args:
        folder: where the bare git repositories go.
        name: of the organisation or collection.
        style: shape of URLs and identities.
        clock: returns the present moment, aware.
        sleep: awaited for every delay.
        merge_delay_s: how long a merge stays queued.
        remerge_on_target_push: whether a push to a target branch starts trial merges; whether the
            service does so is not documented.
        draft_change_notification: which notificationType a change of ``isDraft`` fires; not
            documented either, None for no event.
    """

    def __init__(
        self,
        folder: Path,
        *,
        name: str,
        style: Style,
        clock: Callable[[], datetime],
        sleep: Callable[[float], Awaitable[object]],
        merge_delay_s: float,
        remerge_on_target_push: bool,
        draft_change_notification: str | None,
    ) -> None:
        self.name = name
        self.clock = clock
        self.remerge_on_target_push = remerge_on_target_push
        self.draft_change_notification = draft_change_notification
        self.collection_id, self.instance_id = str(uuid.uuid4()), str(uuid.uuid4())
        self.addresses = Addresses(style, name)
        self.people = People(windows_domain=name.upper() if style == "server" else None)
        self.credentials = Credentials()
        self.access = Access()
        self.projects: dict[str, SandboxProject] = {}
        self.repositories: dict[str, SandboxRepository] = {}
        self.pull_requests: dict[int, SandboxPullRequest] = {}
        self.builds: dict[int, SandboxBuild] = {}
        self.merge_operations: dict[int, MergeOperation] = {}
        self.work_items = WorkItems(self)
        self.git = GitStore(folder)
        self.hooks = Hooks(self, sleep)
        self.merges = Merges(self, sleep, merge_delay_s)
        self.pushes = Pushes(self)
        self._pull_request_numbers = itertools.count(1)

    def next_pull_request_id(self) -> int:
        """Return the next number; it counts through the whole organisation."""
        return next(self._pull_request_numbers)

    def author(self, person: SandboxIdentity) -> Author:
        """Return the git signature of a person at this moment."""
        return Author(person.display_name, person.mail or person.unique_name, self.clock())

    def project(self, name_or_id: str, reader: SandboxIdentity) -> SandboxProject:
        """Return a project by name or GUID, in any case.

        Raises:
            AzureDevOpsError: 404, there is none for this person.
        """
        wanted = name_or_id.casefold()
        for project in self.projects.values():
            if wanted in (project.id, project.name.casefold()):
                if self.access.sees(reader, project):
                    return project
                break
        raise errors.project_not_found(name_or_id)

    def repository(
        self, name_or_id: str, project: SandboxProject | None, reader: SandboxIdentity
    ) -> SandboxRepository:
        """Return a repository by GUID, or by name within a project.

        Raises:
            AzureDevOpsError: 404, there is none for this person.
        """
        wanted = name_or_id.casefold()
        for repository in self.repositories.values():
            named = project is not None and repository.name.casefold() == wanted
            if (
                (named or repository.id == wanted)
                and project in (None, repository.project)
                and self.access.sees(reader, repository)
                and not repository.is_deleted
            ):
                return repository
        raise errors.repository_not_found(name_or_id)

    def pull_request(
        self,
        number: int,
        reader: SandboxIdentity,
        *,
        project: SandboxProject | None = None,
        repository: SandboxRepository | None = None,
    ) -> SandboxPullRequest:
        """Return a pull request, within a project or repository when one is given.

        Raises:
            AzureDevOpsError: 404, there is none for this person.
        """
        found = self.pull_requests.get(number)
        if (
            found is None
            or repository not in (None, found.repository)
            or project not in (None, found.repository.project)
            or found.repository.is_deleted
            or not self.access.sees(reader, found.repository)
        ):
            raise errors.pull_request_not_found(number)
        return found
