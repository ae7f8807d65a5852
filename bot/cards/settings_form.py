"""The settings of one person as a form, saved with one press."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import time

from microsoft_teams.cards import (
    Action,
    CardElement,
    ChoiceSetInput,
    DateInput,
    TextInput,
    TimeInput,
)
from microsoft_teams.cards import Choice as CardChoice

from bot.cards.parts import Tone, command_button, header, line, markdown, message, run
from bot.cards.plain_text import escape
from bot.notices.kinds import EventKind
from bot.preferences import Delivery, Preferences
from bot.teams_model import OutgoingMessage

COMMAND = "settings"
SAVE = "save"
TITLE = "What I tell you, and when"
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

_DELIVERIES = (
    (Delivery.ON, "At once"),
    (Delivery.DIGEST, "With my digest"),
    (Delivery.OFF, "Never"),
)


@dataclass(frozen=True, slots=True)
class SettingsView:
    """What the form shows.

    ``kinds`` are (kind, title, name of the input). ``is_quiet`` is what counts now, by the person
    or the operator. ``teams_timezone`` is what Teams told. ``muted`` and ``snoozed`` are names.
    """

    own: Preferences
    kinds: Sequence[tuple[EventKind, str, str]]
    is_quiet: bool
    teams_timezone: str = ""
    muted: Sequence[str] = ()
    snoozed: Sequence[str] = ()
    problem: str = ""


def settings_form(view: SettingsView) -> OutgoingMessage:
    """The form."""
    body: list[CardElement] = [
        header(Tone.NEUTRAL, line(run(TITLE, bold=True, size="Medium"))),
        *([markdown(escape(view.problem, 300), bold=True)] if view.problem else []),
        *_kinds(view),
        *_hours(view),
        *_absence(view),
        *_silenced(view),
    ]
    buttons: list[Action] = [
        command_button("Save", COMMAND, SAVE),
        command_button("What can you do?", "help"),
    ]
    return message(body, buttons, summary=TITLE)


def _kinds(view: SettingsView) -> list[CardElement]:
    choices = [CardChoice(title=title, value=how.value) for how, title in _DELIVERIES]
    found: list[CardElement] = [
        ChoiceSetInput(
            id=name,
            label=title,
            style="compact",
            choices=choices,
            value=view.own.delivery(kind).value,
        )
        for kind, title, name in view.kinds
    ]
    found.append(
        ChoiceSetInput(
            id="urgent",
            label="Urgent: comes outside my working hours, too",
            is_multi_select=True,
            choices=[CardChoice(title=title, value=kind.value) for kind, title, _ in view.kinds],
            value=",".join(kind.value for kind, _, _ in view.kinds if kind in view.own.urgent),
        )
    )
    return found


def _hours(view: SettingsView) -> list[CardElement]:
    own, hours = view.own, view.own.hours
    told = f"from Teams: {view.teams_timezone}" if view.teams_timezone else "Europe/Berlin"
    return [
        _heading("Working hours"),
        ChoiceSetInput(
            id="quiet",
            label="Outside of them",
            style="compact",
            choices=[
                CardChoice(title="Wait until I work, then one message", value="on"),
                CardChoice(title="Tell me at once", value="off"),
            ],
            value="on" if view.is_quiet else "off",
        ),
        TimeInput(id="start", label="Begin", value=_clock(hours.start)),
        TimeInput(id="end", label="End", value=_clock(hours.end)),
        _weekdays("days", "Days", hours.days),
        TextInput(id="zone", label="Time zone", value=hours.timezone, placeholder=told),
        TextInput(
            id="holidays",
            label="Public holidays of (country, or country-part: DE, DE-BY)",
            value=hours.holidays,
            placeholder="none",
        ),
        TimeInput(
            id="digest_at",
            label="My digest comes at (without a time: when my work begins)",
            value=_clock(own.digest_at) if own.digest_at else None,
        ),
        _weekdays("digest_days", "My digest comes on", own.digest_days),
    ]


def _absence(view: SettingsView) -> list[CardElement]:
    own = view.own
    return [
        _heading("Away"),
        DateInput(
            id="away_from",
            label="First day away",
            value=own.away_from.isoformat() if own.away_from else None,
        ),
        DateInput(
            id="away_until",
            label="First day back (empty: not away)",
            value=own.away_until.isoformat() if own.away_until else None,
        ),
    ]


def _silenced(view: SettingsView) -> list[CardElement]:
    lines = []
    if view.muted:
        lines.append(f"Muted: {escape(', '.join(view.muted), 400)}. **unmute** takes that back.")
    if view.snoozed:
        lines.append(
            f"Snoozed: {escape(', '.join(view.snoozed), 400)}. **unsnooze** takes that back."
        )
    return [markdown(text, subtle=True) for text in lines]


def _heading(text: str) -> CardElement:
    return line(run(text, bold=True), spacing="Medium")


def _weekdays(name: str, label: str, chosen: frozenset[int]) -> CardElement:
    return ChoiceSetInput(
        id=name,
        label=label,
        is_multi_select=True,
        choices=[CardChoice(title=day, value=str(i)) for i, day in enumerate(WEEKDAYS)],
        value=",".join(str(day) for day in sorted(chosen)),
    )


def _clock(at: time) -> str:
    return f"{at:%H:%M}"
