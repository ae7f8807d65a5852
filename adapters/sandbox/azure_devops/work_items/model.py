"""The state of one work item."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from adapters.sandbox.azure_devops.people import SandboxIdentity
from adapters.sandbox.azure_devops.processes import WorkItemType
from adapters.sandbox.azure_devops.projects import SandboxProject

DESCRIPTION = "System.Description"
ACCEPTANCE_CRITERIA = "Microsoft.VSTS.Common.AcceptanceCriteria"
READ_ONLY_FIELDS = frozenset(
    {
        "System.Id",
        "System.Rev",
        "System.CreatedBy",
        "System.CreatedDate",
        "System.ChangedBy",
        "System.ChangedDate",
        "System.TeamProject",
        "System.CommentCount",
    }
)


@dataclass(frozen=True, slots=True)
class Relation:
    """A link: ``rel`` ArtifactLink, Hyperlink or a System.LinkTypes name."""

    rel: str
    url: str
    attributes: dict[str, Any]


@dataclass(frozen=True, slots=True)
class WorkItemComment:
    """One comment; ``format`` html or markdown."""

    id: int
    author: SandboxIdentity
    text: str
    created: datetime
    format: str = "html"


@dataclass(frozen=True, slots=True)
class WorkItemUpdate:
    """What one change did. ``fields`` maps a name to (old, new); None stands for "not set"."""

    number: int
    rev: int
    actor: SandboxIdentity
    when: datetime
    fields: dict[str, tuple[Any, Any]]
    added: tuple[Relation, ...] = ()
    removed: tuple[Relation, ...] = ()


@dataclass(eq=False, slots=True)
class SandboxWorkItem:
    """A work item. Identity fields hold a SandboxIdentity, dates a datetime.

    ``markdown_fields`` names the long texts written in Markdown; the others are HTML.
    """

    id: int
    project: SandboxProject
    type: WorkItemType
    rev: int
    fields: dict[str, Any]
    relations: list[Relation] = field(default_factory=list)
    comments: list[WorkItemComment] = field(default_factory=list)
    updates: list[WorkItemUpdate] = field(default_factory=list)
    markdown_fields: set[str] = field(default_factory=set)
