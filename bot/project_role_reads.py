"""Reading from Azure DevOps what linked people are in its projects.

Every hour for all of them, and at once for one who is refused something and may have become more
meanwhile. What cannot be read stays as it was: nobody gains or loses by an outage.
"""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

from bot.log_text import log_safe
from bot.ports import AzureDevOpsError
from bot.project_roles import project_standing
from bot.services import Services
from bot.workflows.side_by_side import within
from storage.queries import connections, roles
from storage.tables import Connection

log = logging.getLogger(__name__)

AT_ONCE = 40
READ_WITHIN_S = 30.0
ONE_WITHIN_S = 3.0
FRESH = timedelta(minutes=1)


async def read_all(services: Services) -> int:
    """Read the groups of every linked identity; how many identities were read."""
    if not services.role_rules.from_projects:
        return 0
    count = 0
    for connection in await services.db.read(connections.all_connections):
        ids = await services.db.read(partial(roles.linked_identities, connection=connection.name))
        try:
            for start in range(0, len(ids), AT_ONCE):
                part = ids[start : start + AT_ONCE]
                count += await _read(services, connection, part, READ_WITHIN_S)
        except AzureDevOpsError as error:
            log.warning(
                "the groups of %s cannot be read: %s", connection.name, log_safe(str(error))
            )
    return count


async def read_person(services: Services, person_id: int) -> bool:
    """Read one person's groups now, unless that was just done; whether anything was read."""
    if not services.role_rules.from_projects:
        return False
    stored = await services.db.read(lambda s: roles.in_projects(s, person_id))
    now = services.clock()
    if any(now - row.read_at < FRESH for row in stored):
        return False
    is_read = False
    for connection in await services.db.read(connections.all_connections):
        ids = await services.db.read(
            partial(roles.linked_identities, connection=connection.name, person_id=person_id)
        )
        try:
            is_read |= bool(ids) and await _read(services, connection, ids, ONE_WITHIN_S) > 0
        except AzureDevOpsError as error:
            log.info("the groups of a person cannot be read: %s", log_safe(str(error)))
    return is_read


async def _read(
    services: Services, connection: Connection, ids: Sequence[str], within_s: float
) -> int:
    client = await services.azure_devops(connection.name)
    groups = await within(within_s, client.groups_of(ids))
    standings = [
        (identity_id, project_standing(names, connection.projects) or "")
        for identity_id, names in groups.items()
    ]
    now: datetime = services.clock()
    await services.db.write(
        lambda s: roles.store_project_roles(s, connection.name, standings, now=now)
    )
    return len(standings)
