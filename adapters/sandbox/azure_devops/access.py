"""What somebody may not see or do; without an entry everybody may do everything."""

from __future__ import annotations

from adapters.sandbox.azure_devops import errors
from adapters.sandbox.azure_devops.people import SandboxIdentity
from adapters.sandbox.azure_devops.projects import SandboxProject, SandboxRepository

PERMISSIONS: dict[str, str] = {
    "createBranch": "CreateBranch",
    "contribute": "GenericContribute",
    "forcePush": "ForcePush",
    "pullRequestContribute": "PullRequestContribute",
}


class Access:
    """Denials per person. A hidden project or repository answers 404, as on the service."""

    def __init__(self) -> None:
        self._hidden: set[tuple[str, str]] = set()
        self._denied: set[tuple[str, str, str]] = set()
        self._without_hooks: set[tuple[str, str]] = set()

    def hide(self, thing: SandboxProject | SandboxRepository, person: SandboxIdentity) -> None:
        """Make a project or repository look absent to a person."""
        self._hidden.add((person.id, thing.id))

    def show(self, thing: SandboxProject | SandboxRepository, person: SandboxIdentity) -> None:
        """Undo ``hide``."""
        self._hidden.discard((person.id, thing.id))

    def deny(self, person: SandboxIdentity, permission: str, repository: SandboxRepository) -> None:
        """Take a permission away.

        Raises:
            ValueError: the permission is none of ``PERMISSIONS``.
        """
        if permission not in PERMISSIONS:
            raise ValueError(f"unknown permission {permission!r}")
        self._denied.add((person.id, permission, repository.id))

    def allow(
        self, person: SandboxIdentity, permission: str, repository: SandboxRepository
    ) -> None:
        """Undo ``deny``."""
        self._denied.discard((person.id, permission, repository.id))

    def deny_hooks(self, person: SandboxIdentity, project: SandboxProject) -> None:
        """Take away "View" and "Edit Subscriptions", which only project administrators have."""
        self._without_hooks.add((person.id, project.id))

    def allow_hooks(self, person: SandboxIdentity, project: SandboxProject) -> None:
        """Undo ``deny_hooks``."""
        self._without_hooks.discard((person.id, project.id))

    def may_edit_hooks(self, person: SandboxIdentity, project: SandboxProject) -> bool:
        """Tell whether a person may view and edit a project's service hooks."""
        return (person.id, project.id) not in self._without_hooks

    def sees(self, person: SandboxIdentity, thing: SandboxProject | SandboxRepository) -> bool:
        """Tell whether a person may see a project or repository."""
        if isinstance(thing, SandboxRepository) and not self.sees(person, thing.project):
            return False
        return (person.id, thing.id) not in self._hidden

    def may(self, person: SandboxIdentity, permission: str, repository: SandboxRepository) -> bool:
        """Tell whether a person may do something."""
        return (person.id, permission, repository.id) not in self._denied

    def require(
        self, person: SandboxIdentity, permission: str, repository: SandboxRepository
    ) -> None:
        """Refuse with 403 what a person may not do."""
        if not self.may(person, permission, repository):
            raise errors.needs_permission(PERMISSIONS[permission])
