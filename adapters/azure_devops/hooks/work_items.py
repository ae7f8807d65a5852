"""workitem.created, updated and commented.

Identities are texts (``Name <mail>``) at resource version 1.0, objects without an id at
3.1-preview.3, whole ones at 5.1-preview.3: here they are always ``Name <mail>``. A comment
fires ``workitem.updated`` too.
"""

from collections.abc import Mapping

from adapters.azure_devops.fields import FieldError, Fields
from adapters.azure_devops.hooks.received import ReceivedHook
from adapters.azure_devops.people import person_text
from bot.model import TicketHook


def work_item_changed(hook: ReceivedHook) -> TicketHook:
    """A work item as created or commented: its fields are given as they are. Raises FieldError."""
    resource = hook.resource
    fields = _flat(resource.optional_object("fields"))
    return _ticket_hook(hook, number=resource.number("id"), fields=fields)


def work_item_updated(hook: ReceivedHook) -> TicketHook:
    """A work item after an update: the whole revision where given, and the changes. FieldError.

    ``resource.id`` is the update's number here, not the work item's.
    """
    resource = hook.resource
    revision = resource.optional_object("revision")
    number = resource.number("workItemId", 0)
    if not number:
        number = revision.number("id", 0) if revision is not None else 0
    if not number:
        raise FieldError("resource.workItemId is missing")
    whole = _flat(revision.optional_object("fields")) if revision is not None else {}
    delta = resource.optional_object("fields")
    changed = _new_values(delta)
    return _ticket_hook(hook, number=number, fields=whole | changed, old=_old_values(delta))


def _ticket_hook(
    hook: ReceivedHook,
    *,
    number: int,
    fields: Mapping[str, str],
    old: Mapping[str, str] | None = None,
) -> TicketHook:
    resource = hook.resource
    changed = Fields(dict(fields)).optional_moment("System.ChangedDate")
    return TicketHook(
        kind=hook.kind,
        number=number,
        rev=resource.number("rev", 0),
        project_name=fields.get("System.TeamProject", ""),
        type=fields.get("System.WorkItemType", ""),
        title=fields.get("System.Title", ""),
        state=fields.get("System.State", ""),
        at=changed or hook.created_at,
        changed_by=_as_text(resource.members.get("revisedBy"))
        or fields.get("System.ChangedBy", ""),
        comment=fields.get("System.History", ""),
        fields=fields,
        old=old or {},
    )


def _flat(fields: Fields | None) -> dict[str, str]:
    members = fields.members if fields is not None else {}
    return {name: _as_text(value) for name, value in members.items()}


def _new_values(fields: Fields | None) -> dict[str, str]:
    """New values of ``{"name": {"oldValue", "newValue"}}``; "" for a field that was cleared.

    A value that is no such pair is taken as it is.
    """
    members = fields.members if fields is not None else {}
    return {
        name: _as_text(value.get("newValue"))
        if isinstance(value, dict) and value.keys() & {"oldValue", "newValue"}
        else _as_text(value)
        for name, value in members.items()
    }


def _old_values(fields: Fields | None) -> dict[str, str]:
    """Old values of the pairs; "" for a field that was empty before."""
    members = fields.members if fields is not None else {}
    return {
        name: _as_text(value.get("oldValue"))
        for name, value in members.items()
        if isinstance(value, dict) and value.keys() & {"oldValue", "newValue"}
    }


def _as_text(value: object) -> str:
    if isinstance(value, str):
        return value.replace("\x00", "\ufffd")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    return person_text(value) if isinstance(value, dict) else ""
