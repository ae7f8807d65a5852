"""git.repo.renamed and git.repo.deleted (resource version 1.0-preview.1)."""

from adapters.azure_devops.hooks.received import ReceivedHook
from adapters.azure_devops.mapping import repository
from bot.model import Repository, RepositoryHook


def repository_renamed(hook: ReceivedHook) -> RepositoryHook:
    """The repository under its new name. Raises FieldError."""
    return RepositoryHook(hook.kind, repository(hook.resource.object("repository")))


def repository_deleted(hook: ReceivedHook) -> RepositoryHook:
    """The repository that is gone. Raises FieldError.

    The body has no repository any more, only its id and name beside the project.
    """
    resource = hook.resource
    if resource.has("repository"):
        return RepositoryHook(hook.kind, repository(resource.object("repository")))
    project = resource.object("project")
    gone = Repository(
        id=resource.guid("repositoryId"),
        name=resource.text("repositoryName"),
        project_id=project.guid("id"),
        project_name=project.text("name"),
    )
    return RepositoryHook(hook.kind, gone)
