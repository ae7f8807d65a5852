"""``roles``: who may do what here. ``role WHO is ROLE``: give a role in this conversation."""

from dataclasses import dataclass

from sqlmodel import Session

from bot.cards.answers import Tone, command_button, escape, table_card, text_card
from bot.commands.command import Command, CommandRefused, Invocation, Reply, UsageError
from bot.commands.text import no_arguments, shown, split_words
from bot.held_roles import role_of
from bot.identities import actor_of
from bot.people import Sender, standing_of_stored
from bot.roles import GIVEN_HERE, MEANINGS, Role
from bot.services import Services
from storage import audit
from storage.queries import people, roles
from storage.tables import Person
from storage.tables.roles import EVERYBODY

_EVERYBODY_WORDS = frozenset({"everybody", "everyone", "all", "anybody", "anyone"})
_NAMES = {role.label: role for role in GIVEN_HERE} | {"none": Role.NOBODY}
_DEFAULT_WORDS = frozenset({"default", "usual"})


@dataclass(frozen=True, slots=True)
class Wish:
    """Who is to have which role; ``mail`` "" means everybody, ``role`` None takes it back."""

    mail: str
    role: Role | None


def parse(arguments: str) -> Wish:
    """``WHO is ROLE``.

    Raises:
        UsageError: If it is not that.
    """
    words = [word for word in split_words(arguments) if word.key not in ("is", "as", "to", "a")]
    if len(words) != 2:
        raise UsageError("Say who gets which role: a mail or “everybody”, then the role.")
    who, role = words
    is_everybody = who.key in _EVERYBODY_WORDS
    if not is_everybody and "@" not in who.text:
        raise UsageError(f"{shown(who.text)} is neither a mail nor “everybody”.")
    mail = "" if is_everybody else who.text.casefold()
    if role.key in _DEFAULT_WORDS:
        return Wish(mail, None)
    if role.key == Role.ADMINISTRATOR.label:
        raise UsageError("Administrators are named by an operator, in PULLCORD_ADMINISTRATORS.")
    if role.key not in _NAMES:
        raise UsageError(
            f"{shown(role.text)} is no role. There are {', '.join(r.label for r in GIVEN_HERE)}, "
            "and “default” to take one back."
        )
    return Wish(mail, _NAMES[role.key])


async def show(invocation: Invocation, _: None) -> Reply:
    """What was given here, what the settings say, and the asker's own role."""
    services = invocation.services
    given = await services.db.read(lambda s: roles.all_given(s, invocation.conversation.id))
    held = await role_of(
        services,
        Sender(invocation.person, standing_of_stored(invocation.person, services.clock())),
        invocation.conversation.id,
    )
    rows = [
        (
            escape(person.name or person.mail) if person else "**Everybody here**",
            row.role,
            escape(row.given_by.partition(" <")[0]),
        )
        for row, person in given
    ]
    rules = services.role_rules
    rows.append(("Everybody of the organisation", rules.everybody.label, "the settings"))
    rows.append(("Guests and other organisations", rules.guest.label, "the settings"))
    note = (
        f"Your role here is **{held.role.label}**, because {held.because}: you may "
        f"{MEANINGS[held.role]}."
    )
    buttons = [command_button("Who am I?", "whoami"), command_button("Help", "help", "role")]
    return Reply(
        (table_card("Who may do what here", ("Who", "Role", "Given by"), rows, buttons, note=note),)
    )


async def give(invocation: Invocation, wish: Wish) -> Reply:
    """Check that the giver may give it, then store it for this conversation."""
    services, role = invocation.services, wish.role
    person = await _person(invocation, wish.mail) if wish.mail else None
    await _check(invocation, person, role)
    now, actor = services.clock(), actor_of(invocation.person)
    person_id = (person.id or 0) if person else EVERYBODY
    name = person.name or person.mail if person else "Everybody"

    def store(session: Session) -> str:
        wanted = role.label if role is not None else ""
        before = roles.give(
            session, invocation.conversation.id, person_id, wanted, by=actor, now=now
        )
        if before != wanted:
            audit.append(
                session,
                at=now,
                actor=actor,
                action="role.given",
                subject=f"conversation/{invocation.conversation.id}",
                before={"role": before},
                after={"role": wanted, "to": actor_of(person) if person else "everybody"},
                cause=invocation.cause,
            )
        return before

    before = await services.db.write(store)
    title, line = _outcome(name, before, role)
    button = command_button("Who may do what here", "roles")
    return Reply((text_card(title, [line], [button], Tone.GOOD),))


def _outcome(name: str, before: str, role: Role | None) -> tuple[str, str]:
    if role is None:
        what = "No role of this conversation is left" if before else "There was none to take back"
        return f"{name}: the usual role", f"{what}; what the settings say counts."
    if role is Role.NOBODY:
        return f"{name} may do nothing here", "`role WHO is default` takes that back."
    return f"{name}: {role.label} here", f"A {role.label} may {escape(MEANINGS[role])}."


async def _person(invocation: Invocation, mail: str) -> Person:
    found = await invocation.services.db.read(lambda s: people.with_mail(s, mail))
    if not found:
        raise CommandRefused(
            f"I know nobody with the mail {shown(mail)}. I know those who are in a conversation "
            "with me."
        )
    if len(found) > 1:
        raise CommandRefused(f"Several people have the mail {shown(mail)}, so I do not choose.")
    return found[0]


async def _check(invocation: Invocation, person: Person | None, role: Role | None) -> None:
    """One gives only what is below one's own role, to those who have less than oneself.

    Raises:
        CommandRefused: With the rule that is in the way.
    """
    if invocation.role >= Role.ADMINISTRATOR:
        _check_guest(person, role)
        return
    if role is not None and role >= invocation.role:
        raise CommandRefused(
            f"A {invocation.role.label} gives roles below that one only. An administrator of "
            "Pullcord can make somebody maintainer."
        )
    if person is None:
        return
    if person.is_guest:
        raise CommandRefused("Only an administrator of Pullcord can let a guest in.")
    held = await _held_by(invocation.services, person, invocation.conversation.id)
    if held >= invocation.role and person.id != invocation.person.id:
        raise CommandRefused(
            f"The role of {person.name or person.mail} here is {held.label}: only an "
            "administrator of Pullcord can change that."
        )


def _check_guest(person: Person | None, role: Role | None) -> None:
    if person is not None and person.is_guest and role is Role.MAINTAINER:
        raise CommandRefused("A guest can be a member at most.")


async def _held_by(services: Services, person: Person, conversation_id: str) -> Role:
    sender = Sender(person, standing_of_stored(person, services.clock()))
    return (await role_of(services, sender, conversation_id)).role


ROLES = Command(
    name="roles",
    usage="roles",
    summary="Show who may do what here, and what you may.",
    examples=("roles",),
    parse=no_arguments,
    run=show,
    aliases=("permissions", "who may"),
    is_changing=False,
)

ROLE = Command(
    name="role",
    usage="role WHO is nobody|reader|member|maintainer|default",
    summary="Say what somebody may do in this conversation.",
    examples=("role jonas@example.com is maintainer", "role everybody is reader"),
    details=(
        "Readers look, members also start and sync work and say what is told here, maintainers "
        "also give roles below their own. WHO is a mail or “everybody”. It counts in this "
        "conversation only; “default” takes it back."
    ),
    parse=parse,
    run=give,
    aliases=("set role", "give role"),
    role=Role.MAINTAINER,
)
