"""Identities as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from adapters.sandbox.azure_devops.addresses import Addresses
from adapters.sandbox.azure_devops.people import SandboxIdentity


def identity_ref(addresses: Addresses, person: SandboxIdentity) -> dict[str, Any]:
    """Return an IdentityRef, as found inside pull requests, pushes and work items."""
    avatar = f"{addresses.base}/_apis/GraphProfile/MemberAvatars/{person.descriptor}"
    view: dict[str, Any] = {
        "displayName": person.display_name,
        "url": addresses.identity(person.id),
        "_links": {"avatar": {"href": avatar}},
        "id": person.id,
        "uniqueName": person.unique_name,
        "imageUrl": f"{addresses.base}/_api/_common/identityImage?id={person.id}",
        "descriptor": person.descriptor,
    }
    if person.is_group:
        view["isContainer"] = True
    return view


def descriptor(person: SandboxIdentity) -> str:
    """Return the identity descriptor, ``TYPE;IDENTIFIER`` (not the newer subject descriptor)."""
    if person.is_group:
        return f"Microsoft.TeamFoundation.Identity;S-1-9-{UUID(person.id).int}"
    return f"Microsoft.IdentityModel.Claims.ClaimsIdentity;{person.unique_name}"


def identity(
    person: SandboxIdentity, *, member_of: Iterable[SandboxIdentity] = ()
) -> dict[str, Any]:
    """Return an Identity, as the identities search answers it."""
    domain, _, account = person.unique_name.rpartition("\\")
    view: dict[str, Any] = {
        "id": person.id,
        "descriptor": descriptor(person),
        "subjectDescriptor": person.descriptor,
        "providerDisplayName": person.display_name,
        "isActive": True,
        "isContainer": person.is_group,
        "members": [],
        "memberOf": [descriptor(group) for group in member_of],
        "memberIds": list(person.member_ids),
        "properties": {
            "SchemaClassName": _text("Group" if person.is_group else "User"),
            "Domain": _text(domain),
            "Account": _text(account or person.unique_name),
            "Mail": _text(person.mail),
        },
        "resourceVersion": 2,
        "metaTypeId": 255 if person.is_group else 0,
    }
    return view


def connection_data(
    addresses: Addresses, person: SandboxIdentity, instance_id: str
) -> dict[str, Any]:
    """Return what ``_apis/connectionData`` says about the caller; not in the public specs."""
    domain, _, account = person.unique_name.rpartition("\\")
    me = {
        "id": person.id,
        "descriptor": f"Microsoft.IdentityModel.Claims.ClaimsIdentity;{person.unique_name}",
        "subjectDescriptor": person.descriptor,
        "providerDisplayName": person.display_name,
        "isActive": True,
        "properties": {"Account": _text(account if domain else person.mail)},
        "resourceVersion": 2,
        "metaTypeId": 0,
    }
    return {
        "authenticatedUser": me,
        "authorizedUser": me,
        "instanceId": instance_id,
        "deploymentId": instance_id,
        "deploymentType": "onPremises" if addresses.style == "server" else "hosted",
        "locationServiceData": {
            "serviceOwner": "00025394-6065-48ca-87d9-7f5672854ef7",
            "defaultAccessMappingMoniker": "PublicAccessMapping",
            "lastChangeId": 1,
            "lastChangeId64": 1,
        },
    }


def work_item_identity(
    addresses: Addresses, person: SandboxIdentity, resource_version: str
) -> str | dict[str, Any]:
    """Return an identity as a service hook on work items has it, by resource version.

    1.0 is text, 3.1-preview.3 an object without id, 5.1-preview.3 the full object: seen in
    captures of the same change at three versions.
    """
    if resource_version == "1.0":
        return f"{person.display_name} <{person.unique_name}>"
    view = identity_ref(addresses, person)
    if resource_version == "3.1-preview.3":
        del view["id"]
    return view


def _text(value: str) -> dict[str, str]:
    return {"$type": "System.String", "$value": value}
