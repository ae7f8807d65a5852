"""Branch policies' verdicts on a pull request (Azure DevOps REST, Policy - Evaluations)."""

from collections.abc import Mapping, Sequence

from adapters.azure_devops.calls import Calls, reading_answer
from adapters.azure_devops.fields import Fields
from adapters.azure_devops.http import MAX_PAGES, segment
from bot.links import build_url
from bot.model import Check, CheckKind
from bot.ports import BadAnswer

PAGE_SIZE = 100

BUILD_TYPE = "0609b952-1397-4640-95ec-e00a01b2c241"
STATUS_TYPE = "cbdc66da-9728-4af8-aada-9a5a32e4a226"
"""Ids of policy types are the same in every organisation (Policy - Types)."""

NOT_APPLICABLE = "notApplicable"
_STATES: Mapping[str, str] = {
    "queued": "pending",
    "running": "pending",
    "approved": "succeeded",
    "rejected": "failed",
    "broken": "error",
}


class PolicyCalls(Calls):
    """Calls about branch policies."""

    async def pull_request_policies(self, project_id: str, number: int) -> Sequence[Check]:
        """The verdicts of the enabled policies that apply, in the order of Azure DevOps.

        The artifact is of the kind CodeReview and has the project's GUID. A status policy bears
        the name that the status has. Raises AzureDevOpsError.
        """
        place = f"{segment(project_id, 'project')}/_apis/policy/evaluations"
        artifact = f"vstfs:///CodeReview/CodeReviewId/{project_id}/{number}"
        found: dict[str, Check] = {}
        for page in range(MAX_PAGES):
            query: dict[str, str | int] = {
                "artifactId": artifact,
                "$top": PAGE_SIZE,
                "$skip": page * PAGE_SIZE,
            }
            answer = await self._http.get(place, query, preview=True)
            with reading_answer():
                items = answer.items()
                for item in items:
                    check = self._verdict(item, project_id)
                    if check is not None:
                        found[item.guid("evaluationId")] = check
            if len(items) < PAGE_SIZE:
                return list(found.values())
        raise BadAnswer("Azure DevOps' list of policy evaluations does not end")

    def _verdict(self, item: Fields, project_id: str) -> Check | None:
        configuration = item.object("configuration")
        status = item.text("status", "queued")
        is_off = configuration.has("isEnabled") and not configuration.flag("isEnabled")
        if status == NOT_APPLICABLE or is_off or configuration.flag("isDeleted"):
            return None
        build_id = _build_id(item)
        return Check(
            name=_name(item, configuration),
            state=_STATES.get(status, "notSet"),
            target_url=build_url(self.base_url, project_id, build_id) if build_id else "",
            kind=_kind(configuration),
            is_blocking=configuration.flag("isBlocking"),
            run=f"build/{build_id}" if build_id else f"policy/{item.text('startedDate', '')}",
        )


def _kind(configuration: Fields) -> CheckKind:
    match configuration.object("type").guid("id", ""):
        case id_ if id_ == BUILD_TYPE:
            return CheckKind.BUILD
        case id_ if id_ == STATUS_TYPE:
            return CheckKind.STATUS
    return CheckKind.POLICY


def _name(item: Fields, configuration: Fields) -> str:
    """What its owner called it, then what it is about, then the name of its type."""
    settings = configuration.optional_object("settings")
    type_name = configuration.object("type").text("displayName", "") or "Policy"
    kind = _kind(configuration)
    if settings is not None and kind is CheckKind.STATUS:
        genre, name = settings.text("statusGenre", ""), settings.text("statusName", "")
        if name:
            return f"{genre}/{name}" if genre else name
    given = settings.text("displayName", "") if settings is not None else ""
    context = item.optional_object("context")
    built = context.text("buildDefinitionName", "") if context is not None else ""
    return given or (built if kind is CheckKind.BUILD else "") or type_name


def _build_id(item: Fields) -> int:
    """The build of a build validation; public clients rely on it, the specification is silent."""
    context = item.optional_object("context")
    found = context.members.get("buildId") if context is not None else None
    return found if isinstance(found, int) and not isinstance(found, bool) and found > 0 else 0
