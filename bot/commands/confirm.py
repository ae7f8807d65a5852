"""``confirm WHO is MAIL``: an administrator says that a Teams user is an identity."""

from dataclasses import dataclass

from bot.cards.answers import Tone, command_button, escape, table_card, text_card
from bot.commands.command import Command, CommandRefused, Invocation, Reply, UsageError
from bot.commands.text import split_words
from bot.identity_requests import confirm, person_label, refuse
from bot.roles import Role
from storage.queries import identities

TITLE = "Requests to be somebody in Azure DevOps"
MOST_BUTTONS = 5


@dataclass(frozen=True, slots=True)
class Answer:
    """The pair that is confirmed or refused; both empty: show what waits."""

    who: str = ""
    account: str = ""
    is_refused: bool = False


def parse(arguments: str) -> Answer:
    """``[not] WHO is MAIL``, or nothing.

    Raises:
        UsageError: If it is only half of that.
    """
    words = split_words(arguments)
    is_refused = bool(words) and words[0].key == "not"
    parts = [word.text for word in words[is_refused:] if word.key not in ("is", "as")]
    if not parts and not is_refused:
        return Answer()
    if len(parts) != 2:
        raise UsageError("Say who is which identity, both by mail.")
    return Answer(parts[0], parts[1], is_refused)


async def run(invocation: Invocation, answer: Answer) -> Reply:
    """Show what waits, confirm, or refuse; the role lets administrators only come here."""
    services, person = invocation.services, invocation.person
    if not answer.who:
        return await _waiting(invocation)
    now, cause = services.clock(), invocation.cause
    if answer.is_refused:
        count = await services.db.write(
            lambda s: refuse(s, person, answer.who, answer.account, cause=cause, now=now)
        )
        done = f"Refused: {answer.who} is not {answer.account}"
    else:
        granted = await services.db.write(
            lambda s: confirm(s, person, answer.who, answer.account, cause=cause, now=now)
        )
        count = len(granted)
        done = f"Confirmed: {answer.who} is {answer.account}"
    if not count:
        raise CommandRefused(
            f"No request of {answer.who} to be {answer.account} waits. `confirm` shows what does."
        )
    button = command_button("What else waits?", "confirm")
    return Reply((text_card(done, [], [button], Tone.GOOD),))


async def _waiting(invocation: Invocation) -> Reply:
    rows = await invocation.services.db.read(identities.requests)
    if not rows:
        return Reply((text_card(TITLE, ["Nothing waits."]),))
    table = [
        (
            f"{escape(person.name)} ({escape(person_label(person))})",
            f"{escape(identity.display_name)} ({escape(identity.unique_name)})",
            escape(identity.connection),
        )
        for identity, person in rows
    ]
    buttons = [
        command_button(
            f"Confirm {person_label(person)}",
            COMMAND.name,
            f'"{person_label(person)}" is "{identity.unique_name}"',
        )
        for identity, person in rows[:MOST_BUTTONS]
    ]
    return Reply((table_card(TITLE, ("Who asks", "To be", "In"), table, buttons),))


COMMAND = Command(
    name="confirm",
    usage="confirm [not] WHO is MAIL",
    summary="For administrators: confirm who somebody is in Azure DevOps.",
    examples=("confirm", "confirm jonas@example.com is j.sample@example.org"),
    details="Without anything after it, it shows the requests that wait.",
    parse=parse,
    run=run,
    role=Role.ADMINISTRATOR,
)
