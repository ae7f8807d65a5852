"""Changing the asker's own preferences from a command."""

from collections.abc import Callable

from sqlmodel import Session

from bot.cards.view import load_state
from bot.commands.choosing import load_known, pick_connection
from bot.commands.command import CommandRefused, Invocation
from bot.commands.text import Reference
from bot.identities import actor_of
from bot.notices import texts
from bot.people_preferences import change_preferences, preferences_of
from bot.preferences import Preferences
from bot.working_time import Calendar, calendar_of
from storage import held
from storage.queries import people, pull_requests


def own_preferences(invocation: Invocation) -> Preferences:
    """The asker's preferences as they are now."""
    return preferences_of(invocation.person)


def own_calendar(invocation: Invocation) -> Calendar:
    """The asker's working time."""
    return calendar_of(own_preferences(invocation), invocation.person.timezone)


async def change_own(
    invocation: Invocation, change: Callable[[Preferences], Preferences]
) -> tuple[Preferences, int]:
    """Change them; what they are now, and how much waits for the asker."""
    now = invocation.services.clock()
    person_id = invocation.person.id or 0

    def store(session: Session) -> tuple[Preferences, int]:
        _, after = change_preferences(
            session,
            person_id,
            change,
            actor=actor_of(invocation.person),
            cause=invocation.cause,
            now=now,
        )
        return after, held.count_waiting(session, person_id)

    return await invocation.services.db.write(store)


async def named_pull_request(
    invocation: Invocation, wanted: Reference, command: str
) -> tuple[str, str]:
    """(``connection/NUMBER``, ``#12 Title``) of a stored pull request.

    Raises:
        CommandRefused: none is meant, or it is not known.
    """
    known = await load_known(invocation)
    connection = pick_connection(known, invocation.conversation_row, wanted, command).name
    row = await invocation.services.db.read(
        lambda s: pull_requests.by_number(s, connection, wanted.number)
    )
    if row is None:
        raise CommandRefused(f"I know no pull request {wanted.number} in {connection}.")
    return f"{connection}/{wanted.number}", texts.pull_request(load_state(row))


async def fresh_preferences(invocation: Invocation) -> Preferences:
    """The asker's preferences as they are stored at this moment."""
    person_id = invocation.person.id or 0
    row = await invocation.services.db.read(lambda s: people.get(s, person_id))
    return preferences_of(row) if row is not None else own_preferences(invocation)
