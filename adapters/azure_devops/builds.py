"""Finished builds (Azure DevOps REST, Build - Builds)."""

from collections.abc import Sequence

from adapters.azure_devops.calls import Calls, reading_answer
from adapters.azure_devops.fields import Fields
from adapters.azure_devops.http import segment
from adapters.azure_devops.mapping import optional_identity
from bot.links import build_url
from bot.model import Build

AZURE_REPOS = "tfsgit"


class BuildCalls(Calls):
    """Calls about builds."""

    async def build(self, project: str, build_id: int) -> Build:
        """One build. Raises AzureDevOpsError; BadAnswer while it is not finished."""
        place = f"{segment(project, 'project')}/_apis/build/builds/{build_id}"
        answer = await self._http.get(place)
        with reading_answer():
            return self._build(answer.fields())

    async def builds(
        self, project: str, definition_id: int, source_ref: str, *, top: int
    ) -> Sequence[Build]:
        """Finished builds of a definition and a ref, last first. Raises AzureDevOpsError."""
        query: dict[str, str | int] = {
            "definitions": definition_id,
            "branchName": source_ref,
            "statusFilter": "completed",
            "queryOrder": "finishTimeDescending",
            "$top": top,
        }
        place = f"{segment(project, 'project')}/_apis/build/builds"
        answer = await self._http.get(place, query)
        with reading_answer():
            return [self._build(item) for item in answer.items()][:top]

    def _build(self, fields: Fields) -> Build:
        definition, project = fields.object("definition"), fields.object("project")
        repository = fields.optional_object("repository")
        if repository is not None and repository.text("type", "").lower() != AZURE_REPOS:
            repository = None
        build_id, project_id = fields.number("id"), project.guid("id")
        return Build(
            id=build_id,
            number=fields.text("buildNumber", ""),
            project_id=project_id,
            project_name=project.text("name", ""),
            definition_id=definition.number("id"),
            definition=definition.text("name", ""),
            result=fields.text("result", ""),
            source_ref=fields.text("sourceBranch", ""),
            repository_id=repository.guid("id", "") if repository is not None else "",
            repository_name=repository.text("name", "") if repository is not None else "",
            finished_at=fields.moment("finishTime"),
            requested_for=optional_identity(fields, "requestedFor"),
            web_url=build_url(self.base_url, project_id, build_id),
        )
