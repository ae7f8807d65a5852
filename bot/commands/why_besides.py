"""Why somebody got what is no event of one pull request: reminders, digests, and the like."""

from collections.abc import Mapping
from dataclasses import dataclass

from microsoft_teams.cards import Action

from bot.cards.answers import command_button, escape
from bot.commands.times import days_text
from bot.preferences import Preferences
from bot.reminders.rules import CHOSEN, TITLES, Rule, hours_text, personal_rules

HELD, REMINDER, DIGEST = "held", "reminder", "digest"
ADMINISTRATOR, IDENTITY = "administrator", "identity"
BESIDES = frozenset({HELD, REMINDER, DIGEST, ADMINISTRATOR, IDENTITY})
STAND_IN = "stand-in"
"""Instead of a rule: the reader is asked because a reviewer is away."""


def word_of(rule: Rule) -> str:
    """How the button names a rule."""
    return rule.value.replace(" ", "-")


RULES: Mapping[str, Rule] = {word_of(rule): rule for rule in Rule}
REMINDERS = frozenset({*RULES, STAND_IN})


@dataclass(frozen=True, slots=True)
class Because:
    """Lines of Markdown, and the buttons that change it."""

    lines: tuple[str, ...]
    buttons: tuple[Action, ...]


def because(what: str, rule: str, own: Preferences) -> Because:
    """Why a message of this kind came; ``rule`` is which reminder, "" for several."""
    match what:
        case "reminder":
            return _reminder(rule, own)
        case "digest":
            return _digest(own)
        case "administrator":
            said = "You are an administrator of this Pullcord: its settings name you."
            what_for = "Administrators are told what only they can mend or confirm."
            return Because((said, what_for), (command_button("Status", "status"),))
        case "identity":
            said = "You asked to be linked with an account in Azure DevOps."
            return Because((said,), (command_button("Who am I?", "whoami"),))
    return _held()


def _reminder(word: str, own: Preferences) -> Because:
    if word == STAND_IN:
        lines: tuple[str, ...] = (
            "A conversation's reminders pass on reviews of people who are away, and you are the "
            "next reviewer.",
            "Mute the pull request if it is not for you, or say when you are away yourself.",
        )
        return Because(lines, ())
    rule = RULES.get(word)
    if rule is Rule.NUDGE:
        lines = (
            "The author pressed Nudge: your review is waited for.",
            "That goes to each reviewer at most once a working day, in working hours.",
        )
        return Because(lines, ())
    rules = personal_rules(own.reminders)
    asked = [each for each in CHOSEN if each in rules and rule in (None, each)]
    lines = tuple(
        f"You asked to be reminded: {escape(TITLES[each])}, after {hours_text(rules[each])}."
        for each in asked
    )
    if not asked:
        lines = ("You had asked to be reminded. You have switched it off meanwhile.",)
    off = [command_button(f"Off: {TITLES[each]}", "remind", f"{each.value} off") for each in asked]
    return Because(lines, (*off, command_button("Reminders", "remind")))


def _digest(own: Preferences) -> Because:
    if own.digest_at is None:
        over = "You had asked for a digest. You have switched it off meanwhile."
        return Because((over,), (command_button("Digest", "digest"),))
    said = f"You asked for a digest at {own.digest_at:%H:%M} {days_text(own.digest_days)}."
    buttons = (
        command_button("Change the digest", "digest"),
        command_button("Off", "digest", "off"),
    )
    return Because((said, "Nothing comes when nothing is open."), buttons)


def _held() -> Because:
    said = (
        "Each of these concerns you: as author, as reviewer, because somebody mentioned you, or by "
        "a subscription. They waited because of your settings (working hours, a digest, a snooze "
        "or an absence), and came as one message."
    )
    return Because((said,), ())
