"""Finding an identity by mail or account name, groups' members and people's groups."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from adapters.azure_devops.calls import Calls, reading_answer
from adapters.azure_devops.fields import Fields, value_of
from adapters.azure_devops.projects import property_of
from bot.model import Identity

SEARCHES = ("General", "MailAddress")
AT_ONCE = 50  # a GUID in the address takes 37 characters
MOST_MEMBERS = 500  # larger groups are nobody's reviewers in person
GROUPS_AT_ONCE = 15
"""Descriptors in one request: each has about a hundred characters, and an address has limits."""


class IdentityCalls(Calls):
    """Calls about people."""

    async def find_identity(self, mail: str) -> Identity | None:
        """The active person whose mail or account name is exactly this, in any case.

        None when there is none or several: nobody is guessed.
        """
        wanted = mail.strip().casefold()
        if not wanted:
            return None
        for search in SEARCHES:
            query = {"searchFilter": search, "filterValue": mail.strip(), "queryMembership": "none"}
            answer = await self._http.get(
                "_apis/identities", query, preview=True, host=self._base.identities_url
            )
            with reading_answer():
                found = {
                    item.guid("id"): item for item in answer.items() if _is_person(item, wanted)
                }
                if found:
                    return _identity(*found.values()) if len(found) == 1 else None
        return None

    async def find_group(self, name: str) -> Identity | None:
        r"""The active group or team of exactly this name, in any case.

        ``[Shop]\Web Team`` and, where it is the only one, ``Web Team``. None when there is none
        or several: nobody is guessed. Source: Azure DevOps REST, Identities - Read Identities.
        """
        wanted = name.strip().casefold()
        if not wanted:
            return None
        query = {"searchFilter": "General", "filterValue": name.strip(), "queryMembership": "none"}
        found = {
            item.guid("id"): item
            for item in await self._identities(query)
            if _is_active(item) and item.flag("isContainer") and wanted in _group_names(item)
        }
        if len(found) != 1:
            return None
        group_id, item = found.popitem()
        return Identity(group_id, item.text("providerDisplayName"), is_group=True)

    async def identities(self, ids: Sequence[str]) -> Sequence[Identity]:
        """The active people and groups with these ids; unknown ones are left out.

        Source: Azure DevOps REST, Identities - Read Identities (identityIds).
        """
        found: list[Identity] = []
        for start in range(0, len(ids), AT_ONCE):
            part = ids[start : start + AT_ONCE]
            query = {"identityIds": ",".join(part), "queryMembership": "none"}
            items = await self._identities(query)
            found += [_identity(item) for item in items if _is_active(item)]
        return found

    async def group_members(self, group_id: str) -> Sequence[Identity]:
        """The active people in a group, those of groups in it too; at most 500.

        Source: Azure DevOps REST, Identities - Read Identities (queryMembership).
        """
        query = {"identityIds": group_id, "queryMembership": "expandedDown"}
        member_ids: list[str] = []
        for item in await self._identities(query):
            member_ids += [member.lower() for member in item.texts("memberIds")]
        found = await self.identities(member_ids[:MOST_MEMBERS])
        return [identity for identity in found if not identity.is_group]

    async def groups_of(self, identity_ids: Sequence[str]) -> Mapping[str, Sequence[str]]:
        """Names of the groups that each identity is in, also through other groups.

        ``memberOf`` has descriptors only; their names are asked for in a second step. (Azure DevOps
        REST, Identities - Read Identities, with queryMembership)
        """
        if not identity_ids:
            return {}
        asked = {"identityIds": ",".join(identity_ids), "queryMembership": "expandedUp"}
        memberships: dict[str, list[str]] = {}
        for item in await self._identities(asked):
            memberships[item.guid("id")] = list(_descriptors(item, "memberOf"))
        names = await self._names_of({each for found in memberships.values() for each in found})
        return {
            identity: [names[each] for each in found if each in names]
            for identity, found in memberships.items()
        }

    async def _names_of(self, descriptors: Iterable[str]) -> dict[str, str]:
        """Each group's name, ``[Shop]\\Contributors``."""
        wanted = sorted(descriptors)
        names: dict[str, str] = {}
        for start in range(0, len(wanted), GROUPS_AT_ONCE):
            part = ",".join(wanted[start : start + GROUPS_AT_ONCE])
            for item in await self._identities({"descriptors": part, "queryMembership": "none"}):
                for descriptor in _descriptors(item, "descriptor"):
                    names[descriptor] = item.text("providerDisplayName", "")
        return names

    async def _identities(self, query: dict[str, str]) -> Sequence[Fields]:
        answer = await self._http.get(
            "_apis/identities", query, preview=True, host=self._base.identities_url
        )
        with reading_answer():
            return answer.items()


def _is_active(fields: Fields) -> bool:
    return fields.flag("isActive") or not fields.has("isActive")


def _descriptors(fields: Fields, key: str) -> Iterator[str]:
    """One descriptor or a list: text ``TYPE;IDENTIFIER`` on the service, an object in its docs."""
    found = value_of(fields.members, key)
    for each in found if isinstance(found, list) else [found]:
        if isinstance(each, str) and each:
            yield each
        elif isinstance(each, dict):
            one = Fields.of(each, key)
            yield f"{one.text('identityType')};{one.text('identifier')}"


def _is_person(fields: Fields, wanted: str) -> bool:
    return _is_active(fields) and not fields.flag("isContainer") and wanted in _names(fields)


def _names(fields: Fields) -> set[str]:
    account, domain = property_of(fields, "Account"), property_of(fields, "Domain")
    names = {property_of(fields, "Mail"), account, f"{domain}\\{account}" if domain else ""}
    return {name.casefold() for name in names if name}


def _group_names(fields: Fields) -> tuple[str, str]:
    r"""``[Shop]\Web Team`` whole, and without the project."""
    whole = fields.text("providerDisplayName", "").casefold()
    return whole, whole.rpartition("\\")[2]


def _identity(fields: Fields) -> Identity:
    account, domain = property_of(fields, "Account"), property_of(fields, "Domain")
    windows = domain and "@" not in account and "-" not in domain
    name = fields.text("customDisplayName", "") or fields.text("providerDisplayName", "")
    return Identity(
        id=fields.guid("id"),
        display_name=name,
        unique_name=f"{domain}\\{account}" if windows else account or property_of(fields, "Mail"),
    )
