"""``snooze N until …``: hear nothing of a pull request, or of anything, for a while."""

from dataclasses import dataclass, replace

from bot.cards.answers import command_button, escape, text_card, time_text
from bot.commands.command import Command, Invocation, Reply, UsageError
from bot.commands.moments import HOW, read_moment
from bot.commands.own_preferences import change_own, named_pull_request, own_calendar
from bot.commands.text import Reference, parse_pull_request, split_words
from bot.preferences import Preferences
from bot.roles import Role

_KEYWORDS = frozenset({"until", "till", "for"})


@dataclass(frozen=True, slots=True)
class Snooze:
    """``about`` None is everything. ``words`` say until when; none: until the next morning."""

    about: Reference | None
    words: tuple[str, ...] = ()


def parse(arguments: str) -> Snooze:
    """``[pr] N until WHEN``, or ``until WHEN`` for everything.

    Raises:
        UsageError: If it is neither.
    """
    words = [word for word in split_words(arguments) if word.key != "pr"]
    if not words:
        raise UsageError(f"Say which pull request, and until when. {HOW}")
    if words[0].key in _KEYWORDS:
        return Snooze(None, tuple(word.text for word in words))
    about = parse_pull_request(words[0].text)
    return Snooze(about, tuple(word.text for word in words[1:]) or ("tomorrow",))


def parse_unsnooze(arguments: str) -> Reference | None:
    """A pull request, or nothing: all of them.

    Raises:
        UsageError: If it is something else.
    """
    words = [word for word in split_words(arguments) if word.key not in ("pr", "all")]
    if not words:
        return None
    if len(words) > 1:
        raise UsageError("Say one pull request, or nothing for all.")
    return parse_pull_request(words[0].text)


async def run(invocation: Invocation, wanted: Snooze) -> Reply:
    """Note until when; what comes meanwhile is told then, as one message."""
    until = read_moment(wanted.words, own_calendar(invocation), invocation.services.clock())
    if wanted.about is None:
        await change_own(invocation, lambda own: replace(own, snoozed_until=until))
        title, undo = "Snoozed: everything", ""
    else:
        key, name = await named_pull_request(invocation, wanted.about, COMMAND.name)
        await change_own(
            invocation,
            lambda own: replace(
                own, snoozed_pull_requests={**own.snoozed_pull_requests, key: until}
            ),
        )
        title, undo = f"Snoozed: {name}", key.replace("/", ":")
    lines = [
        f"Until {time_text(until)} I write you nothing of it. What happens meanwhile I tell you "
        "then, as one message. For you alone: cards and channels go on."
    ]
    return Reply((text_card(title, lines, [command_button("Wake up now", "unsnooze", undo)]),))


async def run_unsnooze(invocation: Invocation, about: Reference | None) -> Reply:
    """Forget it; what waited comes now."""
    if about is None:
        _, waiting = await change_own(
            invocation, lambda own: replace(own, snoozed_until=None, snoozed_pull_requests={})
        )
        title = "Nothing is snoozed any more"
    else:
        key, name = await named_pull_request(invocation, about, UNSNOOZE.name)
        _, waiting = await change_own(invocation, lambda own: _without(own, key))
        title = f"Not snoozed any more: {name}"
    lines = ["What waited comes now, unless it is outside your working hours."] if waiting else []
    button = command_button("My reviews", "reviews")
    return Reply((text_card(title, [escape(line) for line in lines], [button]),))


def _without(own: Preferences, key: str) -> Preferences:
    left = {each: until for each, until in own.snoozed_pull_requests.items() if each != key}
    return replace(own, snoozed_pull_requests=left)


COMMAND = Command(
    name="snooze",
    usage="snooze [NUMBER | URL] [until WHEN]",
    summary="Hear nothing of a pull request, or of anything, until then.",
    examples=("snooze 12 until monday", "snooze 12 for 2 h", "snooze until 15:00"),
    parse=parse,
    run=run,
    details=(
        "For you alone. When it ends, what happened meanwhile comes as one message. WHEN is a time "
        "(15:00), a day (tomorrow, monday, 2026-12-01), or a length (2 h, 3 days); without it, "
        "tomorrow. Without a pull request it is for everything, and needs until."
    ),
    role=Role.READER,
)

UNSNOOZE = Command(
    name="unsnooze",
    usage="unsnooze [NUMBER | URL]",
    summary="Hear of a pull request again, or of all that is snoozed.",
    examples=("unsnooze 12", "unsnooze"),
    parse=parse_unsnooze,
    run=run_unsnooze,
    role=Role.READER,
)
