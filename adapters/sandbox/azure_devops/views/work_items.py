"""Work items, their types and comments as JSON, for REST and for service hooks."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from adapters.sandbox.azure_devops.addresses import Addresses
from adapters.sandbox.azure_devops.people import SandboxIdentity
from adapters.sandbox.azure_devops.processes import State, WorkItemType
from adapters.sandbox.azure_devops.projects import SandboxProject
from adapters.sandbox.azure_devops.timestamps import STILL_CURRENT, written
from adapters.sandbox.azure_devops.views.people import identity_ref, work_item_identity
from adapters.sandbox.azure_devops.work_items.model import (
    Relation,
    SandboxWorkItem,
    WorkItemComment,
    WorkItemUpdate,
)

REST_VERSION = "5.1-preview.3"
"""REST answers have identities in the shape of this hook resource version."""


def work_item(
    addresses: Addresses,
    item: SandboxWorkItem,
    *,
    expand: str = "none",
    only: Collection[str] | None = None,
) -> dict[str, Any]:
    """Return a WorkItem; relations only with ``expand`` relations or all."""
    fields = _fields(addresses, item.fields, REST_VERSION)
    if only:
        wanted = {name.casefold() for name in only} | {"system.id"}
        fields = {name: value for name, value in fields.items() if name.casefold() in wanted}
    view: dict[str, Any] = {
        "id": item.id,
        "rev": item.rev,
        "fields": fields,
        "url": addresses.work_item(item.project, item.id),
    }
    if item.markdown_fields:
        view["multilineFieldsFormat"] = dict.fromkeys(sorted(item.markdown_fields), "markdown")
    if expand in ("relations", "all") and item.relations:
        view["relations"] = [relation(each) for each in item.relations]
    if expand in ("links", "all"):
        view["_links"] = _links(addresses, item)
    return view


def relation(link: Relation) -> dict[str, Any]:
    """Return a WorkItemRelation."""
    return {"rel": link.rel, "url": link.url, "attributes": dict(link.attributes)}


def reference(addresses: Addresses, item: SandboxWorkItem) -> dict[str, str]:
    """Return a ResourceRef, as a pull request lists its work items; the id is text."""
    return {"id": str(item.id), "url": addresses.work_item(item.project, item.id)}


def comment(addresses: Addresses, item: SandboxWorkItem, said: WorkItemComment) -> dict[str, Any]:
    """Return a Comment of a work item."""
    return {
        "workItemId": item.id,
        "id": said.id,
        "version": 1,
        "text": said.text,
        "createdBy": identity_ref(addresses, said.author),
        "createdDate": written(said.created),
        "modifiedBy": identity_ref(addresses, said.author),
        "modifiedDate": written(said.created),
        "format": said.format,
        "url": addresses.work_item(item.project, item.id, f"/comments/{said.id}"),
    }


def work_item_type(
    addresses: Addresses, project: SandboxProject, kind: WorkItemType
) -> dict[str, Any]:
    """Return a WorkItemType."""
    return {
        "name": kind.name,
        "referenceName": kind.reference_name,
        "description": "",
        "color": kind.color,
        "isDisabled": False,
        "states": [state(each) for each in kind.states],
        "url": addresses.api(f"wit/workItemTypes/{kind.name.replace(' ', '%20')}", project),
    }


def state(one: State) -> dict[str, str]:
    """Return a WorkItemStateColor."""
    return {"name": one.name, "color": one.color, "category": one.category}


def in_hook(
    addresses: Addresses,
    item: SandboxWorkItem,
    resource_version: str,
    extra: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the resource of workitem.created and workitem.commented."""
    view: dict[str, Any] = {
        "id": item.id,
        "rev": item.rev,
        "fields": _fields(addresses, item.fields, resource_version) | dict(extra or {}),
        "_links": _links(addresses, item),
        "url": addresses.work_item(item.project, item.id),
    }
    if item.relations:
        view["relations"] = [relation(each) for each in item.relations]
    return view


def update_in_hook(
    addresses: Addresses, item: SandboxWorkItem, update: WorkItemUpdate, resource_version: str
) -> dict[str, Any]:
    """Return the resource of workitem.updated: the difference, and the whole item as revision."""
    url = addresses.work_item(item.project, item.id, f"/updates/{update.number}")
    actor = update.actor
    view: dict[str, Any] = {
        "id": update.number,
        "workItemId": item.id,
        "rev": update.rev,
        "revisedBy": identity_ref(addresses, actor)
        | {"name": f"{actor.display_name} <{actor.unique_name}>"},
        "revisedDate": STILL_CURRENT,
        "_links": {
            "self": {"href": url},
            "workItemUpdates": {"href": addresses.work_item(item.project, item.id, "/updates")},
            "parent": {"href": addresses.work_item(item.project, item.id)},
        },
        "url": url,
        "revision": {
            "id": item.id,
            "rev": item.rev,
            "fields": _fields(addresses, item.fields, resource_version),
            "url": addresses.work_item(item.project, item.id, f"/revisions/{item.rev}"),
        },
    }
    if item.relations:
        view["revision"]["relations"] = [relation(each) for each in item.relations]
    if update.fields:
        view["fields"] = {
            name: _change(addresses, old, new, resource_version)
            for name, (old, new) in update.fields.items()
        } | {"System.Rev": {"oldValue": update.rev - 1, "newValue": update.rev}}
    relations = {
        key: [relation(each) for each in links]
        for key, links in (("added", update.added), ("removed", update.removed))
        if links
    }
    if relations:
        view["relations"] = relations
    return view


def _change(addresses: Addresses, old: Any, new: Any, version: str) -> dict[str, Any]:
    """A value that was not set, or is not any more, has no key."""
    change = {"oldValue": old, "newValue": new}
    return {
        key: _value(addresses, value, version) for key, value in change.items() if value is not None
    }


def _fields(addresses: Addresses, fields: Mapping[str, Any], version: str) -> dict[str, Any]:
    return {name: _value(addresses, value, version) for name, value in fields.items()}


def _value(addresses: Addresses, value: Any, version: str) -> Any:
    if isinstance(value, SandboxIdentity):
        return work_item_identity(addresses, value, version)
    return written(value) if isinstance(value, datetime) else value


def _links(addresses: Addresses, item: SandboxWorkItem) -> dict[str, Any]:
    type_path = f"wit/workItemTypes/{item.type.name.replace(' ', '%20')}"
    return {
        "self": {"href": addresses.work_item(item.project, item.id)},
        "workItemUpdates": {"href": addresses.work_item(item.project, item.id, "/updates")},
        "workItemRevisions": {"href": addresses.work_item(item.project, item.id, "/revisions")},
        "workItemComments": {"href": addresses.work_item(item.project, item.id, "/comments")},
        "html": {"href": addresses.work_item_page(item.project, item.id)},
        "workItemType": {"href": addresses.api(type_path, item.project)},
        "fields": {"href": addresses.api("wit/fields", item.project)},
    }
