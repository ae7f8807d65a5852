"""All work items of the organisation, and what people do with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from adapters.sandbox.azure_devops import errors
from adapters.sandbox.azure_devops.hooks import events
from adapters.sandbox.azure_devops.people import SandboxIdentity
from adapters.sandbox.azure_devops.projects import SandboxProject
from adapters.sandbox.azure_devops.work_items.model import (
    Relation,
    SandboxWorkItem,
    WorkItemComment,
    WorkItemUpdate,
)
from adapters.sandbox.azure_devops.work_items.patch import Draft, apply_operations

if TYPE_CHECKING:
    from adapters.sandbox.azure_devops.organization import Organization


class WorkItems:
    """The organisation's work items; numbers count through all projects."""

    def __init__(self, organization: Organization) -> None:
        self._org = organization
        self._items: dict[int, SandboxWorkItem] = {}

    def all(self) -> list[SandboxWorkItem]:
        """Return every work item, lowest number first."""
        return list(self._items.values())

    def get(self, number: int, reader: SandboxIdentity) -> SandboxWorkItem:
        """Return a work item that ``reader`` may see.

        Raises:
            AzureDevOpsError: 404, there is none for this person.
        """
        item = self._items.get(number)
        if item is None or not self._org.access.sees(reader, item.project):
            raise errors.work_item_not_found(number)
        return item

    def create(
        self,
        project: SandboxProject,
        type_name: str,
        operations: Sequence[Mapping[str, Any]],
        actor: SandboxIdentity,
        *,
        number: int | None = None,
        validate_only: bool = False,
    ) -> SandboxWorkItem:
        """Create a work item from JSON Patch operations.

        Raises:
            AzureDevOpsError: unknown type, missing title, or a value that a rule refuses.
            ValueError: ``number`` is taken.
        """
        kind = project.work_item_type(type_name)
        if kind is None:
            raise errors.work_item_type_not_found(type_name, project.name)
        if number in self._items:
            raise ValueError(f"work item {number} exists")
        now = self._org.clock()
        item = SandboxWorkItem(
            id=number or max(self._items, default=0) + 1,
            project=project,
            type=kind,
            rev=1,
            fields={
                "System.AreaPath": project.name,
                "System.TeamProject": project.name,
                "System.IterationPath": project.name,
                "System.WorkItemType": kind.name,
                "System.State": kind.states[0].name,
                "System.Reason": "New",
                "System.CreatedDate": now,
                "System.CreatedBy": actor,
                "System.ChangedDate": now,
                "System.ChangedBy": actor,
                "System.CommentCount": 0,
            },
        )
        draft = apply_operations(self._org, item, operations)
        if not str(draft.fields.get("System.Title") or "").strip():
            raise errors.rule_broken("System.Title", "The field 'Title' cannot be empty.")
        item.fields, item.relations = draft.fields, draft.relations
        item.markdown_fields = draft.markdown_fields
        if not validate_only:
            self._items[item.id] = item
            self._org.hooks.publish(events.work_item_created(self._org, item, actor))
        return item

    def patch(
        self,
        item: SandboxWorkItem,
        operations: Sequence[Mapping[str, Any]],
        actor: SandboxIdentity,
        *,
        validate_only: bool = False,
        notify: bool = True,
    ) -> WorkItemUpdate | None:
        """Apply JSON Patch operations as one change; None when nothing changed.

        A change of links only does not raise ``rev``, as seen on the service.

        Raises:
            AzureDevOpsError: 412 for a stale revision, 400 for what a rule refuses.
        """
        draft = apply_operations(self._org, item, operations)
        changed = _changed_fields(item.fields, draft.fields)
        added = tuple(r for r in draft.relations if r not in item.relations)
        removed = tuple(r for r in item.relations if r not in draft.relations)
        if validate_only or not (changed or added or removed):
            return None
        return self._commit(item, draft, changed, added, removed, actor, notify=notify)

    def comment(
        self,
        item: SandboxWorkItem,
        text: str,
        actor: SandboxIdentity,
        *,
        text_format: str = "html",
    ) -> WorkItemComment:
        """Write a comment; fires both workitem.commented and workitem.updated."""
        if not text.strip():
            raise errors.bad_body("A comment must have text.")
        number = sum(len(other.comments) for other in self._items.values()) + 1
        written = WorkItemComment(number, actor, text, self._org.clock(), text_format)
        item.comments.append(written)
        draft = Draft.of(item)
        draft.fields["System.CommentCount"] = len(item.comments)
        changed: dict[str, tuple[Any, Any]] = {"System.History": (None, text)}
        changed |= _changed_fields(item.fields, draft.fields)
        self._org.hooks.publish(events.work_item_commented(self._org, item, written))
        self._commit(item, draft, changed, (), (), actor, notify=True)
        return written

    def _commit(
        self,
        item: SandboxWorkItem,
        draft: Draft,
        changed: dict[str, tuple[Any, Any]],
        added: tuple[Relation, ...],
        removed: tuple[Relation, ...],
        actor: SandboxIdentity,
        *,
        notify: bool,
    ) -> WorkItemUpdate:
        now = self._org.clock()
        if changed:
            item.rev += 1
            changed["System.ChangedDate"] = (item.fields["System.ChangedDate"], now)
            changed["System.ChangedBy"] = (item.fields["System.ChangedBy"], actor)
            draft.fields |= {"System.ChangedDate": now, "System.ChangedBy": actor}
        item.fields, item.relations = draft.fields, draft.relations
        item.markdown_fields = draft.markdown_fields
        update = WorkItemUpdate(
            len(item.updates) + 2, item.rev, actor, now, changed, added, removed
        )
        item.updates.append(update)
        if notify:
            self._org.hooks.publish(events.work_item_updated(self._org, item, update))
        return update


def _changed_fields(
    before: Mapping[str, Any], after: Mapping[str, Any]
) -> dict[str, tuple[Any, Any]]:
    names = before.keys() | after.keys()
    return {
        name: (before.get(name), after.get(name))
        for name in sorted(names)
        if before.get(name) != after.get(name)
    }
