"""``why``: why did I get this, and how do I change it."""

from dataclasses import dataclass

from microsoft_teams.cards import Action

from bot.cards.answers import command_button, escape, text_card
from bot.commands.command import Command, CommandRefused, Invocation, Reply, UsageError
from bot.commands.own_preferences import named_pull_request, own_preferences
from bot.commands.own_roles import Standing, standing_of
from bot.commands.text import Reference, parse_pull_request, split_words
from bot.commands.why_besides import BESIDES, REMINDER, REMINDERS, because
from bot.notices.kinds import EventKind
from bot.notices.reasons import KIND_TITLES, PERSONAL_KINDS, ROLE_SENTENCES, Role
from bot.preferences import Delivery

TITLE = "Why you got this"

_RULES = {
    EventKind.REVIEW_ASKED: "Reviewers are told when their review is asked for, and asked again.",
    EventKind.MENTION: "Whoever is mentioned in a comment is told.",
    EventKind.VOTE: "Authors are told of votes on their pull requests.",
    EventKind.COMMENT: "Authors are told of comments, and those who wrote in a thread of replies.",
    EventKind.CHECKS: "Authors are told when a check fails, and when it is fixed.",
    EventKind.CONFLICT: "Authors are told when their pull request cannot be merged, or will not "
    "be once another open one is.",
    EventKind.READY: "Authors are told when it is approved and nothing stands in the way.",
    EventKind.COMPLETED: "Authors are told when somebody else completes their pull request.",
    EventKind.ABANDONED: "Authors are told when somebody else abandons their pull request.",
    EventKind.TICKET: "Whoever a ticket is assigned to is told when it changes.",
    EventKind.BUILD: "Whoever follows a branch is told when its build breaks or is fixed.",
}
_HOW = {
    Delivery.ON: "at once",
    Delivery.DIGEST: "with your digest",
    Delivery.OFF: "not any more",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What the button knows: the kind and the role (None: not known), and the pull request.

    ``besides`` is what came that is no event of a pull request, ``reminder`` which reminder.
    """

    kind: EventKind | None = None
    role: Role | None = None
    about: Reference | None = None
    besides: str = ""
    reminder: str = ""


def parse(arguments: str) -> Asked:
    """``[KIND ROLE] [PULL REQUEST]``, ``reminder [RULE] [PULL REQUEST]``, or one of the besides.

    Raises:
        UsageError: If it is neither.
    """
    words = [word.text for word in split_words(arguments)]
    if not words:
        raise UsageError("Press “Why did I get this?” on a message, or say a pull request.")
    if words[0] in BESIDES:
        return _parse_besides(words)
    kinds = {kind.value.replace(" ", "-"): kind for kind in EventKind}
    roles = {role.value: role for role in Role}
    kind, role = kinds.get(words[0]), None
    if kind is not None and len(words) > 1:
        role = roles.get(words[1])
    rest = words[(kind is not None) + (role is not None) :]
    if len(rest) > 1:
        raise UsageError("Say one pull request.")
    return Asked(kind, role, parse_pull_request(rest[0]) if rest else None)


def _parse_besides(words: list[str]) -> Asked:
    what, *rest = words
    reminder = rest.pop(0) if what == REMINDER and rest and rest[0] in REMINDERS else ""
    if len(rest) > (what == REMINDER):
        raise UsageError("Say one pull request.")
    about = parse_pull_request(rest[0]) if rest else None
    return Asked(about=about, besides=what, reminder=reminder)


async def run(invocation: Invocation, asked: Asked) -> Reply:
    """The role, the rule, what the settings say of it, and buttons that change it."""
    if asked.besides and asked.about is None:
        return _besides(invocation, asked)
    key = name = ""
    if asked.about is not None:
        key, name = await named_pull_request(invocation, asked.about, COMMAND.name)
    if asked.besides:
        return _besides(invocation, asked, key, name)
    found = Standing(asked.role, "") if asked.role else await standing_of(invocation, key)
    kind = asked.kind or found.kind
    lines = [escape(name)] if name else []
    lines += [ROLE_SENTENCES[found.role]] if found.role else []
    lines += [escape(found.because)] if found.because else []
    if kind is None and not lines[1:]:
        raise CommandRefused("I do not know any more why that came. `settings` shows your choices.")
    buttons: list[Action] = []
    if kind in PERSONAL_KINDS and kind is not None:
        own = own_preferences(invocation)
        lines.append(_RULES[kind])
        lines.append(f"Your settings: “{KIND_TITLES[kind]}” comes {_HOW[own.delivery(kind)]}.")
        buttons += [
            command_button(f"{kind.value}: {label}", "settings", f"{kind.value} {how.value}")
            for how, label in ((Delivery.DIGEST, "with my digest"), (Delivery.OFF, "never"))
            if own.delivery(kind) is not how
        ]
    buttons += _quiet(key)
    if found.role is Role.SUBSCRIBER:
        buttons.append(command_button("Subscriptions", "subscriptions"))
    buttons.append(command_button("Settings", "settings"))
    return Reply((text_card(TITLE, lines, buttons),))


def _besides(invocation: Invocation, asked: Asked, key: str = "", name: str = "") -> Reply:
    found = because(asked.besides, asked.reminder, own_preferences(invocation))
    lines = [*([escape(name)] if name else []), *found.lines]
    buttons = [*found.buttons, *_quiet(key), command_button("Settings", "settings")]
    return Reply((text_card(TITLE, lines, buttons),))


def _quiet(key: str) -> list[Action]:
    """What keeps one pull request quiet; ``connection/NUMBER``, "" for none."""
    if not key:
        return []
    return [
        command_button("Mute this pull request", "mute", f"pr {_colon(key)}"),
        command_button("Snooze it until tomorrow", "snooze", _colon(key)),
    ]


def _colon(key: str) -> str:
    return key.replace("/", ":")


COMMAND = Command(
    name="why",
    usage="why NUMBER | URL",
    summary="Show why I wrote you about a pull request, and change that.",
    examples=("why 12",),
    parse=parse,
    run=run,
    is_changing=False,
    details="Every direct message has it as a button.",
)
