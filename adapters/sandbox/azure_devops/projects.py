"""Projects and repositories of the organisation."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime

from adapters.sandbox.azure_devops.people import SandboxIdentity
from adapters.sandbox.azure_devops.processes import PROCESSES, WorkItemType

ZERO_SHA = "0" * 40


@dataclass(eq=False, slots=True)
class SandboxProject:
    """A project; ``process`` is Agile, Scrum or Basic."""

    id: str
    name: str
    process: str
    created: datetime

    @property
    def work_item_types(self) -> tuple[WorkItemType, ...]:
        """The types that the project's process brings."""
        return PROCESSES[self.process]

    def work_item_type(self, name: str) -> WorkItemType | None:
        """Return the type of this name (any case), or None."""
        return next((t for t in self.work_item_types if t.name.casefold() == name.casefold()), None)


@dataclass(frozen=True, slots=True)
class RefUpdate:
    """One moved ref; forty zeros stand for "did not exist" and "is gone"."""

    name: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class RefOutcome:
    """What became of one asked ref update; ``status`` is a GitRefUpdateStatus of the spec."""

    update: RefUpdate
    status: str

    @property
    def success(self) -> bool:
        """Tell whether the ref has moved."""
        return self.status in ("succeeded", "succeededNonExistentRef")


@dataclass(frozen=True, slots=True)
class Push:
    """One push as the service remembers it; ``commits`` newest first."""

    id: int
    repository_id: str
    pusher: SandboxIdentity
    date: datetime
    updates: tuple[RefUpdate, ...]
    commits: tuple[str, ...]


@dataclass(eq=False, slots=True)
class SandboxRepository:
    """A repository; its objects live in a bare git repository on disk.

    ``lock`` is held by whatever moves refs or changes a pull request, so that two callers never
    see half of each other's work.
    """

    id: str
    name: str
    project: SandboxProject
    default_branch: str | None
    pushes: list[Push] = field(default_factory=list)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)
    is_deleted: bool = False
