"""Who may give a command, and whom somebody asks who may not."""

from collections.abc import Iterable

from sqlmodel import Session

from bot.commands.command import Command, CommandRefused, Invocation
from bot.people import Standing
from bot.roles import Role
from bot.services import Services
from storage.queries import people, roles

MOST_NAMED = 3

_NOT_VOUCHED_FOR = {
    Standing.NOT_A_MEMBER: (
        "You are not on this conversation's member list in Teams, so I cannot do “{name}” for you. "
        "If you have just been added, please try again in a minute."
    ),
    Standing.UNCONFIRMED: (
        "Teams does not tell me who you are at the moment, so I cannot do “{name}” for you. Please "
        "try again in a minute; if it stays so, ask your Teams administrator whether bots may see "
        "the member list."
    ),
}


def may(
    invocation: Invocation, command: Command, standing: Standing, *, only_shows: bool = False
) -> bool:
    """Whether the role is enough here. Who has left may not even ask for help."""
    needed = command.needs_in(invocation.conversation.kind, only_shows=only_shows)
    return invocation.role >= needed and standing is not Standing.NOT_A_MEMBER


async def check_role(
    invocation: Invocation, command: Command, standing: Standing, *, only_shows: bool = False
) -> None:
    """Let those do it who may.

    Raises:
        CommandRefused: With the reason, and whom to ask.
    """
    if may(invocation, command, standing, only_shows=only_shows):
        return
    needed = command.needs_in(invocation.conversation.kind, only_shows=only_shows)
    why = _NOT_VOUCHED_FOR.get(standing)
    if why is not None:
        raise CommandRefused(why.format(name=command.name))
    missing = _missing(invocation, command, standing, needed)
    raise CommandRefused(f"{missing} {await _whom_to_ask(invocation, needed)}")


async def _whom_to_ask(invocation: Invocation, needed: Role) -> str:
    """Who can do it instead, or can let somebody do it: by name, a few."""
    services, conversation_id = invocation.services, invocation.conversation.id
    administrators, maintainers = await services.db.read(
        lambda s: (_administrators(s, services), _maintainers(s, services, conversation_id))
    )
    is_for_maintainers = needed <= Role.MAINTAINER and not invocation.person.is_guest
    named = [*(maintainers if is_for_maintainers else ()), *administrators]
    listed = list(dict.fromkeys(name for name in named if name))[:MOST_NAMED]
    if listed:
        return f"Please ask {_either(listed)}."
    if services.administrators:
        return (
            "Please ask an administrator of Pullcord; none of them has spoken to me yet, so I have "
            "no name for you. Your operator knows them."
        )
    return (
        "Nobody is administrator of Pullcord yet: an operator names some in "
        "PULLCORD_ADMINISTRATORS."
    )


def _missing(invocation: Invocation, command: Command, standing: Standing, needed: Role) -> str:
    role = invocation.role
    needs = f"“{command.name}” needs the role {needed.label}"
    if standing is Standing.GUEST:
        return (
            f"{needs}. You are a guest in Teams, or belong to another organisation, and such "
            f"people may do {'nothing' if role is Role.NOBODY else 'little'} here unless an "
            "administrator lets them."
        )
    if role is Role.NOBODY:
        return f"{needs}, and you have none here."
    return f"{needs}; your role here is {role.label}."


def _administrators(session: Session, services: Services) -> list[str]:
    mails = sorted(services.administrators)
    return [person.name for mail in mails for person in people.with_mail(session, mail)]


def _maintainers(session: Session, services: Services, conversation_id: str) -> list[str]:
    here = [
        person.name
        for row, person in roles.all_given(session, conversation_id)
        if person is not None and person.removed_at is None and row.role == Role.MAINTAINER.label
    ]
    mails = sorted(services.role_rules.maintainers)
    named = [person.name for mail in mails for person in people.with_mail(session, mail)]
    return [*here, *named]


def _either(names: Iterable[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} or {last}" if first else last
