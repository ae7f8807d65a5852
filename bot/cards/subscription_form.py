"""One subscription as a form: its filters, and where each kind of event is told."""

from dataclasses import dataclass

from microsoft_teams.cards import CardElement, Column, ColumnSet

from bot.cards.answers import command_button
from bot.cards.forms import choice_field, text_field
from bot.cards.parts import Tone, header, line, markdown, message, run
from bot.cards.plain_text import escape, plain
from bot.conflicts.radar import DIGEST_ONLY, OFF, ON
from bot.notices.filters import Filters
from bot.notices.kinds import EventKind, Place
from bot.notices.patterns import NOT
from bot.notices.wish_texts import KIND_NAMES, filter_text
from bot.subscribing import Subscribed
from bot.teams_model import ConversationKind, OutgoingMessage

LABEL_LENGTH = 120
PLACE = "place:"
RADAR = "radar"
HINT = r"Commas between several; “\*” is any text, “!” leaves out. Empty: everything."

_CHANNEL_PLACES = (
    ("On the card only", Place.CARD),
    ("In its thread", Place.THREAD),
    ("Own message", Place.CHANNEL),
    ("Direct message", Place.DIRECT),
    ("Not at all", Place.OFF),
)
_CHAT_PLACES = (
    ("On the card only", Place.CARD),
    ("Message here", Place.THREAD),
    ("Direct message", Place.DIRECT),
    ("Not at all", Place.OFF),
)
_OWN_PLACES = (
    ("On the card only", Place.CARD),
    ("Message here", Place.THREAD),
    ("Not at all", Place.OFF),
)
_WITHOUT_CARD = frozenset({EventKind.TICKET, EventKind.BUILD})
_NOT_ON_A_CARD = (
    ("Own message", Place.CHANNEL),
    ("Direct message", Place.DIRECT),
    ("Not at all", Place.OFF),
)
_OWN_NOT_ON_A_CARD = (("Message here", Place.CHANNEL), ("Not at all", Place.OFF))
_PATTERNS = (
    ("target", "Into branches", "main, release/*, !release/old"),
    ("source", "From branches", "feature/*"),
    ("author", "By (name, mail or group; bot for machines)", "Maya Sample, !Web Team"),
    ("reviewer", "Reviewed by (name, mail or group)", "Web Team"),
    ("label", "Labels", "urgent, !wip"),
    ("path", "Changing files", "src/**, !docs/**"),
    ("title", "Words of the title", "hotfix, !chore*"),
    ("area", "Tickets: areas", "Web\\Pay"),
    ("type", "Tickets: types", "Bug, User Story"),
)
_DRAFTS = (
    ("When they are published", "published"),
    ("Like all others", "announce"),
    ("Never", "silent"),
)
_YES_NO = (("Off", "off"), ("On", "on"))
_BUILDS = (("When they break and when they are fixed", "off"), ("Every one", "on"))
_RADAR = (("Tell authors", ON), ("Only in lists", DIGEST_ONLY), ("Off", OFF))


@dataclass(frozen=True, slots=True)
class SubscriptionForm:
    """What the form shows.

    ``name`` is ``connection:PROJECT/REPOSITORY``, ``label`` without the connection.
    """

    name: str
    label: str
    settings: Subscribed
    where: ConversationKind
    asked_by: str = ""


def draw_subscription_form(form: SubscriptionForm) -> OutgoingMessage:
    """The form with its buttons; all of it is saved with one press."""
    paused = " (paused)" if form.settings.is_paused else ""
    title = plain(f"{form.label}{paused}", LABEL_LENGTH)
    top = header(
        Tone.WARNING if form.settings.is_paused or form.settings.trouble else Tone.NEUTRAL,
        line(run(title, bold=True, size="Medium")),
        line(run(f"Followed here: {plain(filter_text(form.settings.wishes.filters), 400)}")),
    )
    body: list[CardElement] = [top]
    if form.settings.trouble:
        trouble = escape(form.settings.trouble, 200)
        body.append(markdown(f"What is stored cannot be read ({trouble}). Save it anew."))
    body.append(markdown(HINT, subtle=True))
    body += _filters(form.settings)
    body.append(markdown("Where each kind is told", bold=True, spacing="Medium"))
    body += _places(form)
    body.append(
        choice_field(RADAR, "Conflicts between open pull requests", _RADAR, form.settings.radar)
    )
    if form.asked_by:
        body.append(markdown(f"Asked for by {escape(form.asked_by, 80)}", subtle=True))
    turn = "resume" if form.settings.is_paused else "pause"
    buttons = [
        command_button("Save", "subscribe", form.name),
        command_button("Preview", "preview", form.name),
        command_button(turn.title(), turn, form.name),
        command_button("Unsubscribe", "unsubscribe", form.name),
    ]
    return message(body, buttons, summary=f"Subscription {title}")


def _filters(settings: Subscribed) -> list[CardElement]:
    filters: Filters = settings.wishes.filters
    fields: list[CardElement] = [
        text_field(name, label, _joined(getattr(filters, name)), hint=hint)
        for name, label, hint in _PATTERNS
    ]
    least = str(filters.min_files) if filters.min_files else ""
    return [
        *fields,
        text_field("min_files", "At least so many changed files", least, hint="10"),
        choice_field("drafts", "Drafts are told", _DRAFTS, filters.drafts),
        choice_field("bots", "Pull requests of bots", _YES_NO, "on" if filters.bots else "off"),
        choice_field(
            "every_build", "Builds of branches", _BUILDS, "on" if filters.every_build else "off"
        ),
    ]


def _places(form: SubscriptionForm) -> list[CardElement]:
    """Two beside each other; their choices are short enough for half of a phone's width."""
    fields: list[CardElement] = [_place(form, kind) for kind in EventKind]
    return [
        ColumnSet(
            spacing="Small",
            columns=[Column(width="stretch", items=[each]) for each in fields[start : start + 2]],
        )
        for start in range(0, len(fields), 2)
    ]


def _place(form: SubscriptionForm, kind: EventKind) -> CardElement:
    choices = {
        ConversationKind.CHANNEL: _CHANNEL_PLACES,
        ConversationKind.GROUP: _CHAT_PLACES,
        ConversationKind.PERSONAL: _OWN_PLACES,
    }[form.where]
    if kind in _WITHOUT_CARD:
        is_own = form.where is ConversationKind.PERSONAL
        choices = _OWN_NOT_ON_A_CARD if is_own else _NOT_ON_A_CARD
    chosen = form.settings.wishes.places.of(kind, form.where)
    offered = {place for _, place in choices}
    if chosen not in offered:  # what another place does here
        told = Place.THREAD if Place.THREAD in offered else Place.CHANNEL
        chosen = Place.OFF if chosen is Place.CARD else told
    name = KIND_NAMES[kind]
    return choice_field(
        PLACE + kind.value,
        name[0].upper() + name[1:],
        [(title, place.value) for title, place in choices],
        chosen.value,
    )


def _joined(patterns: tuple[str, ...]) -> str:
    """As they are read again: names with a comma in them need quotes."""
    return ", ".join(_quoted(pattern) if "," in pattern else pattern for pattern in patterns)


def _quoted(pattern: str) -> str:
    negation = NOT if pattern.startswith(NOT) else ""
    return f'{negation}"{pattern.removeprefix(NOT)}"'
