"""Which role somebody has in a conversation, and why.

A role comes from several sources; ``held_role`` says which one counts. Whoever is a guest, comes
from another tenant, or is not vouched for by Teams has none unless an operator says otherwise.
"""

from dataclasses import dataclass

from sqlmodel import Session

from bot.people import Sender, Standing
from bot.project_roles import ProjectStanding, strongest
from bot.roles import HIGHEST_OF_A_GUEST, Role, RoleRules
from bot.services import Services
from storage.queries import roles
from storage.tables.roles import EVERYBODY


@dataclass(frozen=True, slots=True)
class Sources:
    """What is known of one person in one conversation.

    ``here`` was given to the person in this conversation, ``everybody_here`` to all who are in it.
    ``project`` is what Azure DevOps' groups say of the linked identity, None when nothing is known.
    """

    standing: Standing
    mail: str = ""
    is_administrator: bool = False
    here: Role | None = None
    everybody_here: Role | None = None
    project: ProjectStanding | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """A role and where it comes from, in words that follow "because"."""

    role: Role
    because: str


def held_role(sources: Sources, rules: RoleRules) -> Held:
    """The role that counts.

    Named in the settings as administrator, then given in this conversation, then named in the
    settings as maintainer or reader, then what everybody has here, raised or lowered by what the
    person is in the projects of Azure DevOps.
    """
    if sources.standing in (Standing.NOT_A_MEMBER, Standing.UNCONFIRMED):
        return Held(Role.NOBODY, "Teams does not vouch for you")
    if sources.standing is Standing.GUEST:
        return _guest(sources, rules)
    if sources.is_administrator:
        return Held(Role.ADMINISTRATOR, "the settings name you")
    if sources.here is not None:
        return Held(sources.here, "it was given to you in this conversation")
    if sources.mail and sources.mail in rules.maintainers:
        return Held(Role.MAINTAINER, "the settings name you")
    if sources.mail and sources.mail in rules.readers:
        return Held(Role.READER, "the settings name you")
    return _ordinary(sources, rules)


def _guest(sources: Sources, rules: RoleRules) -> Held:
    if sources.here is not None:
        role = min(sources.here, HIGHEST_OF_A_GUEST)
        return Held(role, "it was given to you in this conversation")
    return Held(
        min(rules.guest, HIGHEST_OF_A_GUEST),
        "you are a guest, or belong to another organisation",
    )


def _ordinary(sources: Sources, rules: RoleRules) -> Held:
    if sources.everybody_here is not None:
        usual = Held(sources.everybody_here, "everybody in this conversation has it")
    else:
        usual = Held(rules.everybody, "everybody of your organisation has it")
    if not rules.from_projects:
        return usual
    if sources.project is ProjectStanding.ADMINISTRATOR and usual.role < Role.MAINTAINER:
        return Held(Role.MAINTAINER, "you administer a project in Azure DevOps")
    if sources.project is ProjectStanding.READER and usual.role > Role.READER:
        return Held(Role.READER, "you can only read in the projects of Azure DevOps")
    return usual


async def role_of(services: Services, sender: Sender, conversation_id: str) -> Held:
    """The role that somebody has in a conversation."""
    sources = await services.db.read(lambda s: load_sources(s, services, sender, conversation_id))
    return held_role(sources, services.role_rules)


def load_sources(
    session: Session, services: Services, sender: Sender, conversation_id: str
) -> Sources:
    """Everything that is stored of somebody's role in a conversation."""
    person = sender.person
    given = roles.given(session, conversation_id, person.id or 0)
    standings = [
        ProjectStanding(row.standing)
        for row in roles.in_projects(session, person.id or 0)
        if row.standing
    ]
    return Sources(
        standing=sender.standing,
        mail=person.mail,
        is_administrator=bool(person.mail) and person.mail in services.administrators,
        here=_role(given.get(person.id or -1)),
        everybody_here=_role(given.get(EVERYBODY)),
        project=strongest(standings),
    )


def _role(name: str | None) -> Role | None:
    return Role[name.upper()] if name else None
