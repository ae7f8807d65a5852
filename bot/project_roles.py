"""What Azure DevOps' own groups say of an identity. Pure.

Every project has the groups Readers, Contributors and Project Administrators; an organisation has
Project Collection Administrators ("Default permissions and access" in Azure DevOps' documentation).
Groups are named ``[Shop]\\Contributors``.
"""

import re
from collections.abc import Collection, Iterable
from enum import StrEnum

_GROUP = re.compile(r"\[(?P<scope>[^\]]{1,200})\]\\(?P<name>.{1,256})")
_ADMINISTRATORS = "project administrators"
_COLLECTION = "project collection administrators"
_CONTRIBUTORS = "contributors"
_READERS = "readers"


class ProjectStanding(StrEnum):
    """The strongest that somebody is in the projects of a connection."""

    ADMINISTRATOR = "administrator"
    CONTRIBUTOR = "contributor"
    READER = "reader"


_STRENGTH = (ProjectStanding.ADMINISTRATOR, ProjectStanding.CONTRIBUTOR, ProjectStanding.READER)


def project_standing(groups: Iterable[str], projects: Collection[str]) -> ProjectStanding | None:
    """What membership in these groups makes somebody in these projects.

    None when no group says anything: a group of one's own may carry any permission, so being in
    none of the known ones does not make a reader.
    """
    served = {project.casefold() for project in projects}
    found = {_of(group, served) for group in groups}
    return next((standing for standing in _STRENGTH if standing in found), None)


def strongest(standings: Iterable[ProjectStanding]) -> ProjectStanding | None:
    """The strongest of several connections', None when there is none."""
    found = set(standings)
    return next((standing for standing in _STRENGTH if standing in found), None)


def _of(group: str, projects: Collection[str]) -> ProjectStanding | None:
    matched = _GROUP.fullmatch(group)
    if matched is None:
        return None
    name = matched["name"].casefold()
    if name == _COLLECTION:
        return ProjectStanding.ADMINISTRATOR
    if matched["scope"].casefold() not in projects:
        return None
    if name == _ADMINISTRATORS:
        return ProjectStanding.ADMINISTRATOR
    if name == _CONTRIBUTORS:
        return ProjectStanding.CONTRIBUTOR
    return ProjectStanding.READER if name == _READERS else None
