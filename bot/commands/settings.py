"""``settings``: what I am told, how, and when; a form, or one setting by words."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlmodel import Session

from bot.cards.answers import Tone, command_button, escape, text_card
from bot.cards.settings_form import SAVE, SettingsView, settings_form
from bot.commands.command import Command, Invocation, Reply, UsageError
from bot.commands.own_preferences import change_own
from bot.commands.settings_words import (
    Setting,
    apply_settings,
    kind_input,
    read_form,
    read_words,
)
from bot.notices.reasons import KIND_TITLES, PERSONAL_KINDS
from bot.people_preferences import BrokenPreferences, preferences_of, read_preferences
from bot.preferences import Delivery, Preferences
from bot.roles import Role
from bot.teams_model import ConversationKind, OutgoingMessage
from storage.queries import people
from storage.tables import RepositoryRow

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Settings to change; none: show them."""

    settings: tuple[Setting, ...] = ()


def parse(arguments: str) -> Wanted:
    """Nothing, or one setting.

    Raises:
        UsageError: If it is no setting.
    """
    if arguments.casefold() == SAVE:
        raise UsageError("Nothing was filled in.")
    return Wanted(read_words(arguments))


def parse_form(_: str, inputs: Mapping[str, str]) -> Wanted:
    """What the form holds.

    Raises:
        UsageError: If a value is wrong.
    """
    return Wanted(read_form(inputs))


async def run(invocation: Invocation, wanted: Wanted) -> Reply:
    """Show the form, or store what was chosen."""
    if not wanted.settings:
        view = await invocation.services.db.read(lambda s: _view(s, invocation))
        return Reply((settings_form(view),))
    after, _ = await change_own(invocation, lambda own: apply_settings(own, wanted.settings))
    is_quiet = _is_quiet(invocation, after)
    return Reply((_saved(after, is_quiet),))


def _view(session: Session, invocation: Invocation) -> SettingsView:
    person = people.get(session, invocation.person.id or 0) or invocation.person
    problem = ""
    try:
        own = read_preferences(person.preferences)
    except BrokenPreferences as broken:
        own = preferences_of(person)
        problem = f"Your settings could not be read ({broken}); these are the defaults."
    return SettingsView(
        own=own,
        kinds=[(kind, KIND_TITLES[kind], kind_input(kind)) for kind in PERSONAL_KINDS],
        is_quiet=_is_quiet(invocation, own),
        teams_timezone=person.timezone,
        muted=[*_repositories(session, own), *_numbers(own.muted_pull_requests)],
        snoozed=[
            *(["everything"] if own.snoozed_until else []),
            *_numbers(own.snoozed_pull_requests),
        ],
        problem=problem,
    )


def _is_quiet(invocation: Invocation, own: Preferences) -> bool:
    chosen = own.is_quiet_outside_hours
    return invocation.services.holding.is_quiet if chosen is None else chosen


def _repositories(session: Session, own: Preferences) -> list[str]:
    keys = [tuple(key.partition("/")[::2]) for key in sorted(own.muted_repositories)]
    rows = [session.get(RepositoryRow, key) for key in keys]
    return [f"{row.project_name}/{row.name}" for row in rows if row is not None]


def _numbers(keys: Mapping[str, object] | frozenset[str]) -> list[str]:
    return [f"pr {key.replace('/', ':')}" for key in sorted(keys)]


def _saved(own: Preferences, is_quiet: bool) -> OutgoingMessage:
    hours = own.hours
    days = ", ".join(DAYS[day] for day in sorted(hours.days))
    zone = hours.timezone or "time zone from Teams"
    outside = "wait until you work" if is_quiet else "come at once"
    kinds: dict[Delivery, list[str]] = {how: [] for how in Delivery}
    for kind in PERSONAL_KINDS:
        kinds[own.delivery(kind)].append(kind.value)
    lines = [f"At once: {', '.join(kinds[Delivery.ON]) or 'nothing'}."]
    if kinds[Delivery.DIGEST]:
        at = own.digest_at or hours.start
        lines.append(f"With your digest at {at:%H:%M}: {', '.join(kinds[Delivery.DIGEST])}.")
    if kinds[Delivery.OFF]:
        lines.append(f"Never: {', '.join(kinds[Delivery.OFF])}.")
    lines.append(
        f"You work {hours.start:%H:%M} to {hours.end:%H:%M}, {days}, {zone}"
        + (f", without the holidays of {hours.holidays}" if hours.holidays else "")
        + f"; messages outside of that {outside}."
    )
    if own.urgent:
        urgent = ", ".join(kind.value for kind in PERSONAL_KINDS if kind in own.urgent)
        lines.append(f"Urgent, at any time: {urgent}.")
    if own.away_until:
        lines.append(f"Away, back on {own.away_until:%Y-%m-%d}.")
    button = command_button("Settings", "settings")
    return text_card("Saved", [escape(text, 600) for text in lines], [button], Tone.GOOD)


COMMAND = Command(
    name="settings",
    usage="settings [KIND on|off|digest] [hours 9:00-17:00] [days mon-fri] [zone ZONE] …",
    summary="Choose what I write you, how and when.",
    examples=(
        "settings",
        "settings vote digest",
        "settings urgent mention on",
        "settings hours 8:30-17:00",
        "settings holidays DE-BY",
    ),
    details=(
        "Without anything after it: a form with all of it. One setting at a time by words: a kind "
        "with on, off or digest; urgent and a kind with on or off; hours, days, zone, holidays, "
        "quiet on or off, digest and a time. Kinds: "
        + ", ".join(kind.value for kind in PERSONAL_KINDS)
        + "."
    ),
    parse=parse,
    run=run,
    scopes=frozenset({ConversationKind.PERSONAL}),
    aliases=("preferences",),
    parse_form=parse_form,
    role=Role.READER,
)
