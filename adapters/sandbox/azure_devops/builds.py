"""Finished builds, as far as their service hook and the list of builds go."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from adapters.sandbox.azure_devops.people import SandboxIdentity
from adapters.sandbox.azure_devops.projects import SandboxRepository

RESULTS = ("succeeded", "partiallySucceeded", "failed", "canceled")


@dataclass(frozen=True, slots=True)
class SandboxBuild:
    """A finished build of ``source_branch``, a full ref (``refs/pull/N/merge`` for a PR)."""

    id: int
    repository: SandboxRepository
    definition_id: int
    definition: str
    number: str
    result: str
    source_branch: str
    source_version: str
    requested_by: SandboxIdentity
    started: datetime
    finished: datetime
