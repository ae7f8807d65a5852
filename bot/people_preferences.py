"""A person's preferences in the database: read, changed and put into the audit."""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time
from typing import Any

from pydantic import TypeAdapter, ValidationError
from sqlmodel import Session

from bot.preferences import Preferences
from bot.working_time import calendar_of
from storage import audit, held
from storage.queries import people
from storage.tables import Person

log = logging.getLogger(__name__)

DEFAULTS = Preferences()
MOST_MUTED = 500

_preferences = TypeAdapter(Preferences)


class BrokenPreferences(ValueError):
    """What is stored of a person's preferences cannot be read; ``str()`` names the field."""


def read_preferences(stored: dict[str, Any]) -> Preferences:
    """The preferences in a person's row.

    Raises:
        BrokenPreferences: they cannot be read.
    """
    if not stored:
        return DEFAULTS
    try:
        return _preferences.validate_python(stored)
    except ValidationError as error:
        problem = error.errors(include_input=False, include_url=False)[0]
        field = ".".join(str(part) for part in problem["loc"])
        raise BrokenPreferences(f"{field}: {problem['msg']}") from None


def preferences_of(person: Person) -> Preferences:
    """A person's preferences; the defaults, and a word in the log, when they cannot be read."""
    try:
        return read_preferences(person.preferences)
    except BrokenPreferences as broken:
        log.warning("the preferences of person %s are passed over: %s", person.id, broken)
        return DEFAULTS


def dump_preferences(preferences: Preferences) -> dict[str, Any]:
    """The preferences as they are stored: only what differs from the defaults."""
    dumped: dict[str, Any] = _preferences.dump_python(preferences, mode="json")
    usual = _preferences.dump_python(DEFAULTS, mode="json")
    return {
        key: sorted(value) if isinstance(value, list) else value
        for key, value in dumped.items()
        if value != usual[key]
    }


def change_preferences(
    session: Session,
    person_id: int,
    change: Callable[[Preferences], Preferences],
    *,
    actor: str,
    cause: str,
    now: datetime,
) -> tuple[Preferences, Preferences]:
    """Change one person's preferences; what they were and what they are.

    What waits for the person is looked at again, because it may not have to wait any more.
    """
    person = people.get(session, person_id)
    if person is None:
        raise LookupError(f"person {person_id} is not stored")
    before = preferences_of(person)
    after = _without_the_past(change(before), now)
    if after == before and not _is_broken(person):
        return before, after
    person.preferences = dump_preferences(after)
    person.away_until = away_until(after, person.timezone)
    session.add(person)
    session.flush()
    held.reconsider(session, person_id, now=now)
    audit.append(
        session,
        at=now,
        actor=actor,
        action="preferences.changed",
        subject=f"person/{person.mail or person.teams_user_id}",
        before=dump_preferences(before),
        after=person.preferences,
        cause=cause,
    )
    return before, after


def away_until(preferences: Preferences, teams_timezone: str) -> datetime | None:
    """The moment at which an absence ends, for those who look for somebody who is there."""
    day: date | None = preferences.away_until
    if day is None:
        return None
    return calendar_of(preferences, teams_timezone).moment(day, time()).astimezone(UTC)


def _without_the_past(preferences: Preferences, now: datetime) -> Preferences:
    """Snoozes that are over are forgotten."""
    running = {
        key: until for key, until in preferences.snoozed_pull_requests.items() if until > now
    }
    until = preferences.snoozed_until
    return replace(
        preferences,
        snoozed_pull_requests=running,
        snoozed_until=until if until is not None and until > now else None,
    )


def _is_broken(person: Person) -> bool:
    try:
        read_preferences(person.preferences)
    except BrokenPreferences:
        return True
    return False
