"""``digest …``: one message a day with what is open."""

from dataclasses import dataclass, replace
from datetime import time

from sqlmodel import Session

from bot.cards.answers import Tone, command_button, escape, text_card
from bot.cards.digest import Digest, digest_card
from bot.commands.command import Command, CommandRefused, Invocation, Reply, UsageError
from bot.commands.conversation_options import Options, change_options, own_subscriptions
from bot.commands.own_preferences import change_own, fresh_preferences
from bot.commands.schedule_words import ScheduleWords, read_schedule
from bot.commands.text import split_words
from bot.commands.times import days_text, read_clock
from bot.reminders.digest import personal_digest, shared_digest
from bot.reminders.people import load_person
from bot.reminders.rules import (
    DIGEST_OPTION,
    BrokenReminders,
    DigestWishes,
    dump_digest,
    read_digest,
)
from bot.reminders.schedule import Schedule, schedule_of_conversation, schedule_of_person
from bot.roles import Role
from bot.teams_model import ConversationKind
from bot.working_time import calendar_of
from storage.tables import Subscription

NAME = "digest"
USUAL_TIME = "9:00"


@dataclass(frozen=True, slots=True)
class Show:
    """When it comes."""


@dataclass(frozen=True, slots=True)
class Now:
    """What it would say at this moment."""


@dataclass(frozen=True, slots=True)
class SetDigest:
    """When it shall come; ``at`` None: never."""

    at: time | None
    schedule: ScheduleWords


Wish = Show | Now | SetDigest


def parse(arguments: str) -> Wish:
    """Nothing, ``now``, ``off``, or a time with days, time zone and country.

    Raises:
        UsageError: If it is something else.
    """
    words = [word for word in split_words(arguments) if word.key != "at"]
    if not words:
        return Show()
    only = words[0].key if len(words) == 1 else ""
    if only == "now":
        return Now()
    if only == "off":
        return SetDigest(None, ScheduleWords())
    return SetDigest(read_clock(words[0].text), read_schedule(words[1:]))


async def run(invocation: Invocation, wish: Wish) -> Reply:
    """In a personal chat the asker's own digest, elsewhere that of the conversation."""
    if isinstance(wish, Now):
        return await _now(invocation)
    if invocation.conversation.kind is ConversationKind.PERSONAL:
        schedule = await _personal(invocation, wish)
    else:
        schedule = await _shared(invocation, wish)
    return _when(invocation, schedule)


async def _personal(invocation: Invocation, wish: Show | SetDigest) -> Schedule | None:
    if isinstance(wish, SetDigest):
        said = wish.schedule
        if said.timezone is not None or said.holidays is not None:
            raise UsageError("Your own time zone and holidays are in `settings`; leave them out.")
        own, _ = await change_own(
            invocation,
            lambda before: replace(
                before,
                digest_at=wish.at,
                digest_days=before.digest_days if said.days is None else said.days,
            ),
        )
    else:
        own = await fresh_preferences(invocation)
    return schedule_of_person(own, calendar_of(own, invocation.person.timezone))


async def _shared(invocation: Invocation, wish: Show | SetDigest) -> Schedule | None:
    if isinstance(wish, SetDigest):
        zone = invocation.person.timezone
        await change_options(invocation, DIGEST_OPTION, lambda before: _applied(before, wish, zone))
    rows = await own_subscriptions(invocation)
    found = next((read for row in rows if (read := _readable(row.options)) is not None), None)
    return schedule_of_conversation(found) if found is not None else None


def _applied(options: Options, wish: SetDigest, zone: str) -> dict[str, object] | None:
    if wish.at is None:
        return None
    said = wish.schedule
    before = _readable(options) or DigestWishes(at=wish.at, timezone=zone)
    after = DigestWishes(
        at=wish.at,
        days=before.days if said.days is None else said.days,
        timezone=before.timezone if said.timezone is None else said.timezone,
        holidays=before.holidays if said.holidays is None else said.holidays,
    )
    return dump_digest(after)


def _readable(options: Options) -> DigestWishes | None:
    try:
        return read_digest(options)
    except BrokenReminders:
        return None


def _when(invocation: Invocation, schedule: Schedule | None) -> Reply:
    is_own = invocation.conversation.kind is ConversationKind.PERSONAL
    title = "Your digest" if is_own else "The digest of this conversation"
    now_button = command_button("Show it now", NAME, "now")
    if schedule is None:
        on = command_button(f"Every workday at {USUAL_TIME}", NAME, f"{USUAL_TIME} mon-fri")
        lines = ["It is off. It is one message with what is open, and none when nothing is."]
        return Reply((text_card(title, lines, [on, now_button]),))
    holidays = schedule.calendar.hours.holidays
    without = f", not on public holidays of {holidays}" if holidays else ""
    following = schedule.next_after(invocation.services.clock())
    local = following.astimezone(schedule.calendar.zone)
    lines = [
        f"It comes at **{schedule.at:%H:%M}** {days_text(schedule.days)} "
        f"({escape(schedule.calendar.zone.key)}){without}. Nothing comes when nothing is open.",
        f"Next: {local:%A, %d %B, %H:%M}.",
    ]
    buttons = [now_button, command_button("Off", NAME, "off")]
    return Reply((text_card(title, lines, buttons, Tone.GOOD),))


async def _now(invocation: Invocation) -> Reply:
    if invocation.conversation.kind is ConversationKind.PERSONAL:
        rows: tuple[Subscription, ...] = ()
    else:
        rows = tuple(await own_subscriptions(invocation))

    def load(session: Session) -> Digest:
        if rows:
            return shared_digest(session, frozenset(row.id or 0 for row in rows))
        person = load_person(session, invocation.person.id or 0)
        if person is None:
            raise CommandRefused("I do not know you any more. Write to me again.")
        return personal_digest(session, person)

    digest = replace(await invocation.services.db.read(load), why="", is_direct=False)
    if digest.is_empty:
        line = "Nothing is open that concerns you." if not rows else "Nothing is open here."
        return Reply((text_card(digest.title, [line], tone=Tone.GOOD),))
    return Reply((digest_card(digest, invocation.services.clock()),))


COMMAND = Command(
    name=NAME,
    usage="digest [TIME [DAYS] [ZONE] [COUNTRY] | now | off]",
    summary="Get one message a day with what is open, or see it now.",
    examples=(
        "digest",
        "digest 9:00",
        "digest 8:30 mon-thu",
        "digest 9:00 mon-fri Europe/Berlin DE",
        "digest now",
        "digest off",
    ),
    details=(
        "In your personal chat: what waits for your review, what is yours, conflicts, what can be "
        "completed, and pairs that will conflict. In channels and group chats: the open pull "
        "requests that are followed there, and there a time zone and a country whose public "
        "holidays are left out can be given. Oldest first, at most 20 lines and a count; nothing "
        "comes when there is nothing. What `settings` keeps for the digest stands in it."
    ),
    parse=parse,
    run=run,
    aliases=("my digest",),
    own_role=Role.READER,
    shows=lambda wish: isinstance(wish, Show | Now),
)
