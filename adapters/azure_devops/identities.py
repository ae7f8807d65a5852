"""Finding an identity by mail or account name."""

from adapters.azure_devops.calls import Calls, reading_answer
from adapters.azure_devops.fields import Fields
from adapters.azure_devops.projects import property_of
from bot.model import Identity

SEARCHES = ("General", "MailAddress")


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


def _is_person(fields: Fields, wanted: str) -> bool:
    active = fields.flag("isActive") or not fields.has("isActive")
    return active and not fields.flag("isContainer") and wanted in _names(fields)


def _names(fields: Fields) -> set[str]:
    account, domain = property_of(fields, "Account"), property_of(fields, "Domain")
    names = {property_of(fields, "Mail"), account, f"{domain}\\{account}" if domain else ""}
    return {name.casefold() for name in names if name}


def _identity(fields: Fields) -> Identity:
    account, domain = property_of(fields, "Account"), property_of(fields, "Domain")
    windows = domain and "@" not in account and "-" not in domain
    name = fields.text("customDisplayName", "") or fields.text("providerDisplayName", "")
    return Identity(
        id=fields.guid("id"),
        display_name=name,
        unique_name=f"{domain}\\{account}" if windows else account or property_of(fields, "Mail"),
    )
