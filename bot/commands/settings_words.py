"""A person's settings as words or as a form says them, checked, and put into preferences. Pure."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, time

from bot.commands.command import UsageError
from bot.commands.moments import WEEKDAYS
from bot.commands.text import shown, split_words
from bot.notices.kinds import EventKind
from bot.notices.reasons import PERSONAL_KINDS
from bot.preferences import Delivery, Preferences
from bot.working_time import has_holidays, timezone_named

Setting = tuple[str, str]
"""The name of a setting and its value as text; "" is the default."""

URGENT, QUIET, START, END, DAYS = "urgent", "quiet", "start", "end", "days"
ZONE, HOLIDAYS, AWAY_FROM, AWAY_UNTIL = "zone", "holidays", "away_from", "away_until"
DIGEST_AT, DIGEST_DAYS = "digest_at", "digest_days"
KIND = "kind-"

_CLOCK = re.compile(r"(\d{1,2})(?:[:.](\d{2}))?")
_SAID = {"yes": "on", "no": "off", "true": "on", "false": "off"}
_WORDS = {
    "zone": ZONE,
    "timezone": ZONE,
    "holidays": HOLIDAYS,
    "days": DAYS,
    "quiet": QUIET,
}
_NAMES = {kind.value: kind for kind in PERSONAL_KINDS}


def kind_input(kind: EventKind) -> str:
    """The name of the setting of a kind: ``kind-review-asked``."""
    return KIND + kind.value.replace(" ", "-")


def read_words(arguments: str) -> tuple[Setting, ...]:
    """``vote off``, ``urgent mention on``, ``hours 9:00-17:00``, ``days mon-fri``, ``zone …``, …

    Raises:
        UsageError: it is none of the settings, or the value is wrong.
    """
    words = [word.text.casefold() for word in split_words(arguments)]
    raw = [word.text for word in split_words(arguments)]
    if not words:
        return ()
    match words:
        case ["urgent", *kind, ("on" | "off") as state]:
            sign = "+" if state == "on" else "-"
            return _checked([(URGENT, f"{sign}{_kind(kind).value}")])
        case ["hours", *span]:
            begin, _, end = "".join(span).replace("to", "-").partition("-")
            return _checked([(START, begin), (END, end)])
        case ["digest", "off"]:
            return _checked([(DIGEST_AT, "")])
        case ["digest", at, *days]:
            chosen = [(DIGEST_DAYS, " ".join(days))] if days else []
            return _checked([(DIGEST_AT, at), *chosen])
        case [("zone" | "timezone"), _]:
            return _checked([(ZONE, raw[1])])
        case [name, *value] if name in _WORDS:
            return _checked([(_WORDS[name], " ".join(value))])
        case [*kind, ("on" | "off" | "digest") as delivery]:
            return _checked([(kind_input(_kind(kind)), delivery)])
    raise UsageError(f"{shown(arguments)} is no setting. `settings` shows all of them.")


def read_form(inputs: Mapping[str, str]) -> tuple[Setting, ...]:
    """What was filled in.

    Raises:
        UsageError: a value is wrong; the message says which.
    """
    known = [(name, value) for name, value in inputs.items() if _applier(name) is not None]
    return _checked(known)


def apply_settings(own: Preferences, settings: Sequence[Setting]) -> Preferences:
    """The preferences with these settings.

    Raises:
        UsageError: a value is wrong; the message says which.
    """
    for name, value in settings:
        apply = _applier(name)
        if apply is None:
            raise UsageError(f"{shown(name)} is no setting.")
        own = apply(own, value.strip())
    back, first = own.away_until, own.away_from
    if back is None:
        return replace(own, away_from=None)
    if first is not None and back <= first:
        raise UsageError("The first day back must be after the first day away.")
    return own


def _checked(settings: Sequence[Setting]) -> tuple[Setting, ...]:
    apply_settings(Preferences(), settings)
    return tuple(settings)


def _applier(name: str) -> Callable[[Preferences, str], Preferences] | None:
    if name.startswith(KIND):
        kind = _NAMES.get(name.removeprefix(KIND).replace("-", " "))
        return None if kind is None else lambda own, value: _deliver(own, kind, value)
    return _APPLIERS.get(name)


def _deliver(own: Preferences, kind: EventKind, value: str) -> Preferences:
    try:
        delivery = Delivery(_SAID.get(value.casefold(), value.casefold()))
    except ValueError:
        raise UsageError(f"{kind.value}: say on, off or digest.") from None
    others = {each: how for each, how in own.kinds.items() if each is not kind}
    if delivery is Delivery.ON:
        return replace(own, kinds=others)
    return replace(own, kinds={**others, kind: delivery})


def _urgent(own: Preferences, value: str) -> Preferences:
    """``+vote`` and ``-vote`` change one; else a list with commas is all of them."""
    if value[:1] in ("+", "-"):
        one = frozenset({_kind([value[1:]])})
        return replace(own, urgent=own.urgent | one if value[0] == "+" else own.urgent - one)
    names = [part.strip() for part in value.split(",") if part.strip()]
    return replace(own, urgent=frozenset(_kind([name]) for name in names))


def _quiet(own: Preferences, value: str) -> Preferences:
    said = _SAID.get(value.casefold(), value.casefold())
    if said not in ("on", "off"):
        raise UsageError("quiet: say on or off.")
    return replace(own, is_quiet_outside_hours=said == "on")


def _zone(own: Preferences, value: str) -> Preferences:
    if value and timezone_named(value) is None:
        raise UsageError(f"{shown(value)} is no time zone. Write one such as Europe/Berlin.")
    return replace(own, hours=replace(own.hours, timezone=value))


def _holidays(own: Preferences, value: str) -> Preferences:
    place = "" if value.casefold() in ("", "none", "off") else value.upper()
    if place and not has_holidays(place):
        raise UsageError(
            f"I know no holidays of {shown(value)}. Write a country such as DE, or DE-BY."
        )
    return replace(own, hours=replace(own.hours, holidays=place))


def _days(own: Preferences, value: str) -> Preferences:
    days = _weekdays(value)
    if not days:
        raise UsageError("days: choose at least one working day.")
    return replace(own, hours=replace(own.hours, days=days))


def _digest_at(own: Preferences, value: str) -> Preferences:
    return replace(own, digest_at=_clock(value, "digest") if value else None)


def _start(own: Preferences, value: str) -> Preferences:
    return replace(own, hours=replace(own.hours, start=_clock(value, "start")))


def _end(own: Preferences, value: str) -> Preferences:
    return replace(own, hours=replace(own.hours, end=_clock(value, "end")))


_APPLIERS: dict[str, Callable[[Preferences, str], Preferences]] = {
    URGENT: _urgent,
    QUIET: _quiet,
    START: _start,
    END: _end,
    DAYS: _days,
    ZONE: _zone,
    HOLIDAYS: _holidays,
    AWAY_FROM: lambda own, value: replace(own, away_from=_date(value)),
    AWAY_UNTIL: lambda own, value: replace(own, away_until=_date(value)),
    DIGEST_AT: _digest_at,
    DIGEST_DAYS: lambda own, value: replace(own, digest_days=_weekdays(value)),
}


def _kind(words: Sequence[str]) -> EventKind:
    name = " ".join(words).replace("-", " ").strip().casefold()
    found = _NAMES.get(name) or _NAMES.get(name.removesuffix("s"))
    if found is None:
        raise UsageError(f"{shown(name)} is no kind. There are {', '.join(_NAMES)}.")
    return found


def _clock(value: str, what: str) -> time:
    found = _CLOCK.fullmatch(value.strip())
    if found is None or int(found[1]) > 23 or int(found[2] or 0) > 59:
        raise UsageError(f"{what}: {shown(value)} is no time. Write one such as 9:00.")
    return time(int(found[1]), int(found[2] or 0))


def _date(value: str) -> date | None:
    if not value:
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise UsageError(f"{shown(value)} is no date. Write one such as 2026-12-31.") from None


def _weekdays(value: str) -> frozenset[int]:
    """``0,1,2`` as a form sends them, or ``mon-fri``, ``mon wed``."""
    days: set[int] = set()
    for part in value.casefold().replace(",", " ").split():
        begin, dash, end = part.partition("-")
        first = _weekday(begin)
        last = _weekday(end) if dash else first
        length = (last - first) % 7
        days |= {(first + step) % 7 for step in range(length + 1)}
    return frozenset(days)


def _weekday(word: str) -> int:
    if word.isdecimal() and int(word) < 7:
        return int(word)
    named = [i for i, name in enumerate(WEEKDAYS) if len(word) >= 2 and name.startswith(word)]
    if len(named) != 1:
        raise UsageError(f"{shown(word)} is no day. Write them as mon-fri, or mon wed.")
    return named[0]
