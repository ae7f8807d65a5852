"""What somebody may do: administrator, maintainer, member, reader, or nothing."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import IntEnum


class Role(IntEnum):
    """Each role may do what those before it may."""

    NOBODY = 0
    READER = 1
    MEMBER = 2
    MAINTAINER = 3
    ADMINISTRATOR = 4

    @property
    def label(self) -> str:
        """The role in words, as people write it."""
        return self.name.lower()


MEANINGS = {
    Role.NOBODY: "do nothing but ask for help",
    Role.READER: "look at everything that I know",
    Role.MEMBER: "start and sync work, link tickets, and say what is told here",
    Role.MAINTAINER: "do what members do, and say who may do what in a conversation",
    Role.ADMINISTRATOR: "do everything, in every conversation",
}

GIVEN_HERE = (Role.NOBODY, Role.READER, Role.MEMBER, Role.MAINTAINER)
"""What a conversation can give. Administrators are named in the settings only."""

HIGHEST_OF_A_GUEST = Role.MEMBER


@dataclass(frozen=True, slots=True)
class RoleRules:
    """What the settings say of roles. Mails are in lower case.

    ``everybody`` is the role of people of the own tenant for whom nothing else is said, ``guest``
    that of guests and of people of other tenants. ``from_projects``: groups in Azure DevOps count.
    """

    maintainers: Collection[str] = ()
    readers: Collection[str] = ()
    everybody: Role = Role.MEMBER
    guest: Role = Role.NOBODY
    from_projects: bool = True
