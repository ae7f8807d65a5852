"""The words after ``remind``."""

from dataclasses import dataclass
from datetime import time

from bot.commands.command import UsageError
from bot.commands.schedule_words import ScheduleWords, read_schedule
from bot.commands.text import Word, shown, split_words
from bot.commands.times import read_length, read_span
from bot.reminders.rules import CHOSEN, SUGGESTED_HOURS, Rule

OFF = "off"
RULE_NAMES = ", ".join(rule.value for rule in CHOSEN)

_RULES = {
    ("review",): Rule.REVIEW,
    ("reviews",): Rule.REVIEW,
    ("first", "review"): Rule.FIRST_REVIEW,
    ("goal",): Rule.FIRST_REVIEW,
    ("no", "reviewer"): Rule.NO_REVIEWER,
    ("approved",): Rule.APPROVED,
    ("stale",): Rule.STALE,
    ("draft",): Rule.DRAFT,
    ("drafts",): Rule.DRAFT,
}


@dataclass(frozen=True, slots=True)
class Show:
    """What is on here."""


@dataclass(frozen=True, slots=True)
class SetRule:
    """Switch a rule on, after so many working hours, or off (None). ``rule`` None: every one."""

    rule: Rule | None
    hours: float | None
    only: str = ""


@dataclass(frozen=True, slots=True)
class SetHours:
    """When a conversation may be told."""

    span: tuple[time, time]
    schedule: ScheduleWords


@dataclass(frozen=True, slots=True)
class PassOn:
    """Whether reviews that wait for absent people are passed on."""

    is_on: bool


Wish = Show | SetRule | SetHours | PassOn


def parse(arguments: str) -> Wish:
    """Nothing; a rule and a length or ``off``; ``off``; ``hours …``; ``pass on|off``.

    Raises:
        UsageError: If it is something else.
    """
    words = split_words(arguments)
    if not words:
        return Show()
    first = words[0].key
    if first == OFF and len(words) == 1:
        return SetRule(None, None)
    if first == "hours" and len(words) > 1:
        return SetHours(read_span(words[1].text), read_schedule(words[2:]))
    if first == "pass":
        return _pass_on(words[1:])
    return _rule(words)


def _pass_on(words: list[Word]) -> PassOn:
    said = [word.key for word in words if word.key != "on" or word is words[-1]]
    if said in (["on"], [OFF]):
        return PassOn(said == ["on"])
    raise UsageError("Say `remind pass on` or `remind pass off`.")


def _rule(words: list[Word]) -> SetRule:
    length = next((n for n in (2, 1) if tuple(word.key for word in words[:n]) in _RULES), 0)
    if not length:
        raise UsageError(f"{shown(words[0].text)} is no reminder. There are: {RULE_NAMES}.")
    rule = _RULES[tuple(word.key for word in words[:length])]
    rest = words[length:]
    named = next((i for i, word in enumerate(rest) if word.key == "for"), len(rest))
    only = " ".join(word.text for word in rest[named + 1 :])
    said = [word.text for word in rest[:named] if word.key != "after"]
    if not said:
        return SetRule(rule, SUGGESTED_HOURS[rule], only)
    if [word.casefold() for word in said] == [OFF]:
        return SetRule(rule, None, only)
    return SetRule(rule, read_length(" ".join(said)), only)
