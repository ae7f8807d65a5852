"""Projects, repositories, and who the credential is."""

from collections.abc import Sequence

from adapters.azure_devops.calls import Calls, reading_answer
from adapters.azure_devops.fields import Fields
from adapters.azure_devops.http import segment
from adapters.azure_devops.mapping import repository
from adapters.azure_devops.sign_in import check_signed_in
from bot.model import Identity, Repository

PROJECTS_PER_PAGE = 200


class ProjectCalls(Calls):
    """Calls about the organisation itself."""

    async def who_am_i(self) -> Identity:
        """The credential's own identity (connectionData; no document tells a token's end)."""
        answer = await self._http.get("_apis/connectionData", preview=True)
        with reading_answer():
            user = check_signed_in(answer.body)
            name = user.text("customDisplayName", "") or user.text("providerDisplayName", "")
            return Identity(
                id=user.guid("id"), display_name=name, unique_name=property_of(user, "Account")
            )

    async def projects(self) -> Sequence[tuple[str, str]]:
        """(id, name) of every project the credential may see."""
        pages = self._http.pages("_apis/projects", {"$top": PROJECTS_PER_PAGE})
        with reading_answer():
            return [(project.guid("id"), project.text("name")) async for project in pages]

    async def repositories(self, project: str) -> Sequence[Repository]:
        """Every repository of a project, disabled ones too."""
        path = f"{segment(project, 'project')}/_apis/git/repositories"
        answer = await self._http.get(path)
        with reading_answer():
            return [repository(item, base_url=self.base_url) for item in answer.items()]


def property_of(identity: Fields, name: str) -> str:
    """A property of an identity: ``{"properties": {"Account": {"$value": …}}}``; "" without it."""
    properties = identity.optional_object("properties")
    found = properties.optional_object(name) if properties is not None else None
    return found.text("$value", "") if found is not None else ""
