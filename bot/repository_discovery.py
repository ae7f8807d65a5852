"""Which repositories a connection has, asked from Azure DevOps."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session

from bot.model import Repository
from bot.services import Services
from storage.queries import repositories
from storage.tables import Connection, RepositoryRow


async def discover_repositories(services: Services, connection: Connection) -> int:
    """List the repositories of the connection's projects and store them; how many there are.

    Without configured projects, all that the credential may see are taken. Disabled repositories
    count as gone: Azure DevOps refuses every call to them. Raises AzureDevOpsError.
    """
    azure = await services.azure_devops(connection.name)
    projects = list(connection.projects) or [name for _, name in await azure.projects()]
    listed: list[Repository] = []
    for project in projects:
        listed += await azure.repositories(project)
    now = services.clock()
    return await services.db.write(
        lambda s: store_repositories(s, connection.name, projects, listed, now=now)
    )


def store_repositories(
    session: Session,
    connection: str,
    projects: Sequence[str],
    listed: Sequence[Repository],
    *,
    now: datetime,
) -> int:
    """Store what whole projects have; how many repositories can be used."""
    rows = [
        RepositoryRow(
            connection=connection,
            id=each.id,
            name=each.name,
            project_id=each.project_id,
            project_name=each.project_name,
            default_branch=each.default_branch,
            web_url=each.web_url,
        )
        for each in listed
        if not each.is_disabled
    ]
    repositories.store_listing(session, connection, projects, rows, now=now)
    return len(rows)
