"""build.complete. At resource version 1.0 the status is the result and the source is one text."""

from adapters.azure_devops.fields import Fields
from adapters.azure_devops.hooks.received import ReceivedHook
from bot.model import BuildHook


def build_completed(hook: ReceivedHook) -> BuildHook:
    """The build that ended. Raises FieldError.

    Its web address is left out: one from a body proves nothing, and the body has no other.
    """
    resource = hook.resource
    repository = resource.optional_object("repository")
    return BuildHook(
        build_id=resource.number("id"),
        name=_name(resource),
        result=_result(resource),
        source_ref=resource.text("sourceBranch", "") or _source_ref(resource),
        repository_id=repository.guid("id", "") if repository is not None else "",
        web_url="",
        at=resource.optional_moment("finishTime") or hook.created_at,
        project_id=_project_id(resource) or hook.envelope.project_id,
    )


def _project_id(build: Fields) -> str:
    project = build.optional_object("project")
    return project.guid("id", "") if project is not None else ""


def _name(build: Fields) -> str:
    definition = build.optional_object("definition")
    name = definition.text("name", "") if definition is not None else ""
    number = build.text("buildNumber", "") or build.text("name", "")
    return f"{name} {number}".strip()


def _result(build: Fields) -> str:
    result = build.text("result", "")
    return result if result and result != "none" else build.text("status")


def _source_ref(build: Fields) -> str:
    """``LG:refs/heads/main:<commit>`` → ``refs/heads/main``."""
    version = build.text("sourceGetVersion", "").split(":")
    return version[1] if len(version) == 3 else ""
