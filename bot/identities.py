"""Which Azure DevOps identity a person is.

Matched by mail or UPN only, in any case, never by display name: two people may share a name, and
names can be chosen. Guests and people of other tenants never match by themselves, because their
mail is somebody else's word; an administrator can confirm them.
"""

import asyncio
from datetime import datetime
from enum import StrEnum

from sqlmodel import Session

from bot.model import Identity
from bot.ports import AzureDevOps, AzureDevOpsError
from bot.services import Services
from bot.workflows.side_by_side import within
from storage import audit
from storage.queries import connections, identities, people
from storage.tables import IdentityRow, Person

ASK_WITHIN_S = 8.0


class Unmatched(StrEnum):
    """Why a person has no identity in a connection."""

    NO_MAIL = "Teams does not tell me your mail."
    GUEST = "you are a guest in Teams, so an administrator has to confirm you."
    NONE = "no identity has your mail."
    AMBIGUOUS = "several identities have your mail, so I do not choose."
    TAKEN = "the identity with your mail belongs to somebody else."


def actor_of(person: Person) -> str:
    """How the audit names a person: name and mail, or the Teams id where there is no mail."""
    return f"{person.name} <{person.mail or person.teams_user_id}>"


async def find_identity(
    services: Services, person: Person, connection: str
) -> IdentityRow | Unmatched:
    """The person's identity in a connection, matched now if it can be.

    What is stored is asked first, Azure DevOps only when that does not answer.

    Raises:
        AzureDevOpsError: If it had to be asked and did not answer.
    """
    now = services.clock()
    own = await services.db.read(lambda s: identities.of_person(s, person.id or 0, connection))
    if own is not None:
        return own
    found = await services.db.write(lambda s: match_stored(s, person, connection, now=now))
    if found is not Unmatched.NONE:
        return found
    client = await services.azure_devops(connection)
    identity = await look_up(client, person.mail)
    if identity is None:
        return Unmatched.NONE

    def keep(session: Session) -> IdentityRow | Unmatched:
        people.store_identity(session, connection, identity)
        return match_stored(session, person, connection, now=now)

    return await services.db.write(keep)


async def identities_everywhere(
    services: Services, person: Person
) -> list[tuple[str, IdentityRow | Unmatched | AzureDevOpsError]]:
    """(connection, identity or why there is none) for every connection, asked side by side."""

    async def one(connection: str) -> IdentityRow | Unmatched | AzureDevOpsError:
        try:
            return await find_identity(services, person, connection)
        except AzureDevOpsError as error:
            return error

    names = [row.name for row in await services.db.read(connections.all_connections)]
    found = await asyncio.gather(*(one(name) for name in names))
    return list(zip(names, found, strict=True))


async def look_up(client: AzureDevOps, account: str) -> Identity | None:
    """The one person of Azure DevOps whose account name or mail is exactly this.

    Raises:
        AzureDevOpsError: If Azure DevOps does not answer.
    """
    identity = await within(ASK_WITHIN_S, client.find_identity(account))
    if identity is None or identity.is_group or not is_account(identity.unique_name, account):
        return None
    return identity


def is_account(unique_name: str, account: str) -> bool:
    """Whether an identity's account name is this mail, UPN or ``DOMAIN\\user``, in any case."""
    return bool(account) and unique_name.strip().casefold() == account.strip().casefold()


def match_stored(
    session: Session, person: Person, connection: str, *, now: datetime
) -> IdentityRow | Unmatched:
    """The person's stored identity; one with the same mail becomes it, and the audit says so.

    To be called whenever a person or an identity becomes known.
    """
    own = identities.of_person(session, person.id or 0, connection)
    if own is not None:
        return own
    if not person.mail:
        return Unmatched.NO_MAIL
    same_mail = identities.called(session, connection, person.mail)
    candidates = [row for row in same_mail if not row.is_group]
    if not candidates:
        return Unmatched.NONE
    if person.is_guest:
        return Unmatched.GUEST
    if len(candidates) > 1 or len(people.with_mail(session, person.mail)) > 1:
        return Unmatched.AMBIGUOUS
    if candidates[0].person_id is not None:
        return Unmatched.TAKEN
    grant(session, candidates[0], person, by="mail", actor="pullcord", cause="mail", now=now)
    return candidates[0]


def grant(
    session: Session,
    identity: IdentityRow,
    person: Person,
    *,
    by: str,
    actor: str,
    cause: str,
    now: datetime,
) -> None:
    """Make an identity the person's; ``by`` is mail, self or administrator."""
    before = {"person_id": identity.person_id, "matched_by": identity.matched_by}
    identity.person_id = person.id
    identity.matched_by = by
    identity.requested_by = None
    session.add(identity)
    audit.append(
        session,
        at=now,
        actor=actor,
        action="identity.matched",
        connection=identity.connection,
        subject=f"person/{person.mail or person.teams_user_id}",
        before=before,
        after={
            "person_id": person.id,
            "matched_by": by,
            "identity": identity.id,
            "unique_name": identity.unique_name,
        },
        cause=cause,
    )
