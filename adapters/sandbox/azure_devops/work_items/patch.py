"""JSON Patch on a work item: reads the operations, checks them, returns the changed copy.

Rules follow "Work Items - Update" of Microsoft's REST documentation.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from adapters.sandbox.azure_devops import errors
from adapters.sandbox.azure_devops.people import SandboxIdentity
from adapters.sandbox.azure_devops.work_items.model import (
    READ_ONLY_FIELDS,
    Relation,
    SandboxWorkItem,
)

if TYPE_CHECKING:
    from adapters.sandbox.azure_devops.organization import Organization

_WORK_ITEM_URL = re.compile(r"/_apis/wit/workitems/(\d+)$", re.IGNORECASE)


@dataclass(slots=True)
class Draft:
    """A work item's changeable parts, copied."""

    fields: dict[str, Any]
    relations: list[Relation]
    markdown_fields: set[str]

    @classmethod
    def of(cls, item: SandboxWorkItem) -> Draft:
        """Return a copy of a work item's fields and links."""
        return cls(dict(item.fields), list(item.relations), set(item.markdown_fields))


def apply_operations(
    org: Organization, item: SandboxWorkItem, operations: Sequence[Mapping[str, Any]]
) -> Draft:
    """Apply operations to a copy of the work item.

    Raises:
        AzureDevOpsError: 412 when ``test /rev`` does not hold, 400 for everything else that is
            refused. Nothing of the work item has changed then.
    """
    draft = Draft.of(item)
    for operation in operations:
        if not isinstance(operation, Mapping) or not isinstance(operation.get("path"), str):
            raise errors.bad_body("You must pass a valid patch document in the body.")
        path, verb = operation["path"], str(operation.get("op", "")).lower()
        value = operation.get("value")
        if verb == "test":
            _test(item, path, value)
        elif path.startswith("/fields/"):
            _change_field(org, item, draft, verb, path.removeprefix("/fields/"), value)
        elif path.startswith("/relations/"):
            _change_relation(org, draft, verb, path.removeprefix("/relations/"), value)
        elif path.startswith("/multilineFieldsFormat/"):
            _change_format(draft, path.removeprefix("/multilineFieldsFormat/"), value)
        else:
            raise errors.bad_body(f"The patch path '{path}' is not supported.")
    return draft


def _test(item: SandboxWorkItem, path: str, value: Any) -> None:
    if path == "/rev":
        if value != item.rev:
            raise errors.stale_revision(item.id)
    elif path.startswith("/fields/"):
        if item.fields.get(path.removeprefix("/fields/")) != value:
            raise errors.stale_revision(item.id)
    else:
        raise errors.bad_body(f"The path '{path}' cannot be tested.")


def _change_field(
    org: Organization, item: SandboxWorkItem, draft: Draft, verb: str, name: str, value: Any
) -> None:
    if verb not in ("add", "replace", "remove"):
        raise errors.bad_body(f"The operation '{verb}' is not supported for fields.")
    if name in READ_ONLY_FIELDS:
        raise errors.rule_broken(name, f"The field '{name}' is a read-only field.")
    if verb == "remove" or value in ("", None):
        draft.fields.pop(name, None)
        return
    if name == "System.State":
        state = item.type.state(str(value))
        if state is None:
            raise errors.rule_broken(
                name,
                f"The field 'State' contains the value '{value}' that is not in the list of"
                " supported values.",
            )
        draft.fields[name] = state.name
        draft.fields["System.Reason"] = f"Moved to state {state.name}"
    elif name == "System.AssignedTo":
        draft.fields[name] = _identity(org, name, value)
    else:
        draft.fields[name] = value


def _identity(org: Organization, field: str, value: Any) -> SandboxIdentity:
    """Accept a unique name or ``Display <mail>``; a bare GUID was seen to be refused with 400."""
    if isinstance(value, Mapping):
        value = value.get("uniqueName") or value.get("displayName")
    person = org.people.by_name(str(value)) if value else None
    if person is None or person.is_group:
        raise errors.rule_broken(
            field, f"The identity value '{value}' for field 'Assigned To' is an unknown identity."
        )
    return person


def _change_relation(org: Organization, draft: Draft, verb: str, place: str, value: Any) -> None:
    if verb == "remove":
        if not place.isdigit() or int(place) >= len(draft.relations):
            raise errors.bad_body(f"There is no relation at index {place}.")
        del draft.relations[int(place)]
        return
    if verb != "add" or place != "-" or not isinstance(value, Mapping):
        raise errors.bad_body("A relation is added at '/relations/-' with a value.")
    rel, url = str(value.get("rel") or ""), str(value.get("url") or "")
    if not rel or not url:
        raise errors.bad_body("A relation must have 'rel' and 'url'.")
    relation = Relation(rel, _rewritten(org, url), dict(value.get("attributes") or {}))
    for known in draft.relations:
        if (known.rel, known.url.casefold()) == (relation.rel, relation.url.casefold()):
            raise errors.relation_exists()
    draft.relations.append(relation)


def _rewritten(org: Organization, url: str) -> str:
    """The service rewrites links to work items so that they carry the project's GUID."""
    found = _WORK_ITEM_URL.search(url)
    if found is None:
        return url
    other = next((i for i in org.work_items.all() if i.id == int(found[1])), None)
    if other is None:
        raise errors.work_item_not_found(found[1])
    return org.addresses.work_item(other.project, other.id)


def _change_format(draft: Draft, name: str, value: Any) -> None:
    if str(value).lower() == "markdown":
        draft.markdown_fields.add(name)
    else:
        draft.markdown_fields.discard(name)
