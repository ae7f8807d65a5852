"""Which repositories a connection has, asked from Azure DevOps."""

from datetime import datetime

from bot.connections.conventions import conventions_of
from bot.model import Repository
from bot.ports import AzureDevOps
from bot.services import Services
from storage.engine import Database
from storage.queries import repositories
from storage.tables import Connection, RepositoryRow


async def discover_repositories(services: Services, connection: Connection) -> int:
    """List the repositories of the connection's projects and store them; how many there are.

    Raises AzureDevOpsError.
    """
    azure = await services.azure_devops(connection.name)
    return await store_repositories(azure, services.db, connection, now=services.clock())


async def store_repositories(
    azure: AzureDevOps, db: Database, connection: Connection, *, now: datetime
) -> int:
    """The same with this client.

    Without configured projects, all that the credential may see are taken. Disabled repositories
    count as gone: Azure DevOps refuses every call to them; so do those that were not chosen.
    Raises AzureDevOpsError.
    """
    conventions = conventions_of(connection.settings)
    projects = list(connection.projects) or [name for _, name in await azure.projects()]
    listed: list[Repository] = []
    for project in projects:
        listed += [
            each
            for each in await azure.repositories(project)
            if not each.is_disabled and conventions.wants_repository(each.project_name, each.name)
        ]
    rows = [
        RepositoryRow(
            connection=connection.name,
            id=each.id,
            name=each.name,
            project_id=each.project_id,
            project_name=each.project_name,
            default_branch=each.default_branch,
            web_url=each.web_url,
        )
        for each in listed
    ]
    await db.write(
        lambda s: repositories.store_listing(s, connection.name, projects, rows, now=now)
    )
    return len(rows)
