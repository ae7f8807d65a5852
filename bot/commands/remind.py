"""``remind …``: be reminded of what has waited too long."""

from dataclasses import replace

from microsoft_teams.cards import Action

from bot.cards.answers import Tone, command_button, escape, table_card, text_card
from bot.commands.command import Command, CommandRefused, Invocation, Reply
from bot.commands.conversation_options import Options, change_options, own_subscriptions
from bot.commands.following import label_of
from bot.commands.own_preferences import change_own, fresh_preferences
from bot.commands.remind_words import OFF, PassOn, SetHours, SetRule, Show, Wish, parse
from bot.commands.times import days_text
from bot.preferences import WorkingHours
from bot.reminders.rules import (
    CHOSEN,
    OPTION,
    SUGGESTED_HOURS,
    TITLES,
    BrokenReminders,
    ReminderWishes,
    Rule,
    dump_reminders,
    hours_text,
    personal_rules,
    read_reminders,
)
from bot.roles import Role
from bot.teams_model import ConversationKind

NAME = "remind"
MOST_BUTTONS = 5


async def run(invocation: Invocation, wish: Wish) -> Reply:
    """In a personal chat the asker's own reminders, elsewhere those of the conversation."""
    if invocation.conversation.kind is ConversationKind.PERSONAL:
        return await _personal(invocation, wish)
    return await _shared(invocation, wish)


# --- one's own --------------------------------------------------------------------------------


async def _personal(invocation: Invocation, wish: Wish) -> Reply:
    if isinstance(wish, SetHours | PassOn):
        raise CommandRefused(
            "Here your own working hours count: `settings` shows and changes them. The others "
            "are for channels and group chats."
        )
    if isinstance(wish, SetRule):
        if wish.only:
            raise CommandRefused("Your own reminders are of all repositories. Leave “for” out.")
        after, _ = await change_own(
            invocation,
            lambda own: replace(own, reminders=_changed(personal_rules(own.reminders), wish)),
        )
    else:
        after = await fresh_preferences(invocation)
    rules = personal_rules(after.reminders)
    note = (
        "Only your own working time counts, and you are told in it. Each is told once. "
        "Say for example `remind review 8h`, `remind stale off`, `remind off`."
    )
    return _table("Your reminders", rules, note)


def _changed(rules: dict[Rule, float], wish: SetRule) -> dict[str, float]:
    if wish.rule is None:
        return {}
    changed = {rule.value: hours for rule, hours in rules.items() if rule is not wish.rule}
    return changed if wish.hours is None else {**changed, wish.rule.value: wish.hours}


# --- a conversation's -------------------------------------------------------------------------


async def _shared(invocation: Invocation, wish: Wish) -> Reply:
    if not isinstance(wish, Show):
        only = wish.only if isinstance(wish, SetRule) else ""
        zone = invocation.person.timezone
        await change_options(
            invocation, OPTION, lambda options: _applied(options, wish, zone), only=only
        )
    rows = await own_subscriptions(invocation)
    found = [(label_of(row), _readable(row.options)) for row in rows]
    return _shared_table(found)


def _applied(options: Options, wish: Wish, zone: str) -> dict[str, object]:
    """What is broken is replaced by what is wanted now."""
    before = _readable(options)
    hours = before.hours if before.hours.timezone else replace(before.hours, timezone=zone)
    match wish:
        case SetRule(rule=None):
            after = replace(before, rules={})
        case SetRule(rule=Rule() as rule, hours=None):
            after = replace(before, rules={k: v for k, v in before.rules.items() if k != rule})
        case SetRule(rule=Rule() as rule, hours=float() as length):
            after = replace(before, rules={**before.rules, rule: length}, hours=hours)
        case SetHours():
            after = replace(before, hours=_new_hours(hours, wish))
        case PassOn(is_on=is_on):
            after = replace(before, passes_on=is_on, hours=hours)
        case _:
            after = before
    return dump_reminders(after)


def _new_hours(before: WorkingHours, wish: SetHours) -> WorkingHours:
    said = wish.schedule
    return WorkingHours(
        timezone=before.timezone if said.timezone is None else said.timezone,
        start=wish.span[0],
        end=wish.span[1],
        days=before.days if said.days is None else said.days,
        holidays=before.holidays if said.holidays is None else said.holidays,
    )


def _readable(options: Options) -> ReminderWishes:
    try:
        return read_reminders(options)
    except BrokenReminders:
        return ReminderWishes()


def _shared_table(found: list[tuple[str, ReminderWishes]]) -> Reply:
    wishes = [each for _, each in found]
    if len({repr(each) for each in wishes}) == 1:
        return _table("Reminders here", wishes[0].rules, _shared_note(wishes[0]))
    rows = [
        (escape(label), escape(_rules_text(each)), escape(_hours_line(each.hours)))
        for label, each in found
    ]
    columns = ("What", "Reminders", "Told")
    note = "Say for example `remind review 8h for Web/shop`."
    return Reply((table_card("Reminders here", columns, rows, note=_quoted(note)),))


def _rules_text(wishes: ReminderWishes) -> str:
    listed = [f"{rule.value} {hours_text(hours)}" for rule, hours in wishes.rules.items()]
    return ", ".join(listed) or OFF


def _shared_note(wishes: ReminderWishes) -> str:
    passes = "are passed on to the next reviewer" if wishes.passes_on else "wait for them"
    return (
        f"Told {_hours_line(wishes.hours)}. The time counts in the working hours of the one who is "
        f"waited for. Reviews of people who are away {passes}. Say for example "
        "`remind first review 8h`, `remind hours 9:00-17:00 mon-fri Europe/Berlin DE`, "
        "`remind pass on`, `remind off`."
    )


def _hours_line(hours: WorkingHours) -> str:
    holidays = f", without public holidays of {hours.holidays}" if hours.holidays else ""
    zone = hours.timezone or "UTC"
    return f"{hours.start:%H:%M}-{hours.end:%H:%M} {days_text(hours.days)} {zone}{holidays}"


# --- both -------------------------------------------------------------------------------------


def _table(title: str, rules: dict[Rule, float], note: str) -> Reply:
    if not rules:
        suggested = [_on(rule) for rule in CHOSEN[:MOST_BUTTONS]]
        return Reply((text_card(title, ["None is on.", note], suggested),))
    rows = [
        (TITLES[rule], f"after {hours_text(rules[rule])}" if rule in rules else OFF)
        for rule in CHOSEN
    ]
    buttons: list[Action] = [_on(rule) for rule in CHOSEN if rule not in rules]
    buttons = [*buttons[: MOST_BUTTONS - 1], command_button("All off", NAME, OFF)]
    columns = ("Reminder", "When")
    return Reply((table_card(title, columns, rows, buttons, Tone.NEUTRAL, note=_quoted(note)),))


def _on(rule: Rule) -> Action:
    hours = SUGGESTED_HOURS[rule]
    label = f"{rule.value.capitalize()} after {hours:g} h"
    return command_button(label, NAME, f"{rule.value} {hours:g}h")


def _quoted(note: str) -> str:
    """Commands in our own sentences, as cards show them."""
    parts = note.split("`")
    return "".join(f"“{part}”" if index % 2 else part for index, part in enumerate(parts))


COMMAND = Command(
    name=NAME,
    usage=(
        "remind [REMINDER [LENGTH | off] | hours FROM-TO [DAYS] [ZONE] [COUNTRY] | pass on | off]"
    ),
    summary="Be reminded of reviews and pull requests that have waited too long.",
    examples=(
        "remind",
        "remind review 8h",
        "remind first review 8h",
        "remind approved 4h for Web/shop",
        "remind hours 9:00-17:00 mon-fri Europe/Berlin DE",
        "remind pass on",
        "remind stale off",
        "remind off",
    ),
    details=(
        "In your personal chat: reminders to you, as reviewer (also where you were asked in a "
        "group's stead) and as author. In channels and group chats: below the card of the pull "
        "request. There are: `review` (a review is waited for), "
        "`first review` (a goal: a heads-up when three quarters of the time are gone, and a word "
        "when it is missed), `no reviewer`, `approved` (and not completed), `stale` (nothing has "
        "happened) and `draft`. A length is working time of the one who is waited for: `30m`, "
        "`8h`, `2d` (days of eight hours); weekends, public holidays and absence do not count. "
        "`hours` says when a channel may be told, and `pass on` asks the next reviewer where one "
        "is away. Each is told once; all are off until you say otherwise."
    ),
    parse=parse,
    run=run,
    aliases=("reminders", "remind me of"),
    own_role=Role.READER,
    shows=lambda wish: isinstance(wish, Show),
)
