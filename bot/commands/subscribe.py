"""``subscribe PROJECT[/REPO] [target BRANCH…]``: hear of pull requests here."""

import asyncio
import re
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from bot.cards.answers import Tone, command_button, escape, text_card
from bot.commands.choosing import Known, load_known
from bot.commands.command import Command, CommandRefused, Invocation, Reply, UsageError
from bot.commands.failures import ANSWER_WITHIN_S, explain
from bot.commands.following import (
    Following,
    Target,
    find_following,
    parse_target,
    suggestions,
)
from bot.commands.text import split_words
from bot.conflicts.radar import DIGEST_ONLY, OFF, ON, OPTION
from bot.conflicts.radar_scan import radar_option
from bot.identities import actor_of
from bot.model import HEADS
from bot.ports import AzureDevOpsError
from bot.repository_discovery import discover_repositories
from bot.teams_model import ConversationKind
from bot.workflows.side_by_side import within
from storage import audit
from storage.queries import subscriptions
from storage.tables import Connection

MOST_BRANCHES = 20
_TARGET_WORDS = frozenset({"target", "targets", "into"})
_RADAR_WORD = "radar"
_RADAR_MODES = {"on": ON, "off": OFF, "digest": DIGEST_ONLY, "digest-only": DIGEST_ONLY}
_RADAR_TEXTS = {
    ON: "Authors hear when two open pull requests will conflict with each other.",
    OFF: "Whether open pull requests conflict with each other is not looked at.",
    DIGEST_ONLY: "Open pull requests that will conflict with each other are listed by `conflicts`; "
    "nobody is written to.",
}
_BRANCH = re.compile(r"!?[^\s~^:\\!]{1,200}")
_HERE = {
    ConversationKind.CHANNEL: "This channel",
    ConversationKind.GROUP: "This chat",
    ConversationKind.PERSONAL: "You",
}


@dataclass(frozen=True, slots=True)
class Wish:
    """What to hear of, and into which branches (patterns; none: all).

    ``radar`` is on, off or digest-only; "" leaves it as it is.
    """

    target: Target
    branches: tuple[str, ...] = ()
    radar: str = ""


@dataclass(frozen=True, slots=True)
class _Stored:
    """What of a subscription this command can change."""

    branches: tuple[str, ...]
    radar: str

    def as_audited(self, label: str) -> dict[str, object]:
        told: dict[str, object] = {"of": label, "target_branches": list(self.branches)}
        return told if self.radar == ON else {**told, OPTION: self.radar}


def parse(arguments: str) -> Wish:
    """A project or repository, then perhaps ``target`` and branches, and ``radar`` and how.

    Raises:
        UsageError: If nothing is named, or a branch cannot be one.
    """
    words = split_words(arguments)
    radar = ""
    if len(words) > 2 and words[-2].key == _RADAR_WORD and words[-1].key in _RADAR_MODES:
        radar = _RADAR_MODES[words[-1].key]
        arguments = arguments[: words[-2].start].rstrip()
        words = words[:-2]
    split = next((i for i, word in enumerate(words) if i and word.key in _TARGET_WORDS), None)
    if words and words[0].key in ("to", "pr", "prs") and len(words) > 1:
        start = words[1].start
    else:
        start = 0
    if split is None:
        return Wish(parse_target(arguments[start:]), radar=radar)
    listed = " ".join(word.text for word in words[split + 1 :]).replace(",", " ").split()
    branches = tuple(dict.fromkeys(_branch(text) for text in listed))
    if not branches:
        raise UsageError("Say which target branches, or leave “target” out.")
    if len(branches) > MOST_BRANCHES:
        raise UsageError(f"At most {MOST_BRANCHES} branches; a pattern such as release/* may do.")
    return Wish(parse_target(arguments[start : words[split].start]), branches, radar)


async def run(invocation: Invocation, wish: Wish) -> Reply:
    """Check that it exists, then store the subscription or change the one that is there."""
    following = await _find(invocation, wish.target)
    now, actor = invocation.services.clock(), actor_of(invocation.person)
    before = await invocation.services.db.write(
        lambda s: _store(s, invocation, following, wish, actor, now)
    )
    return _confirmation(invocation, following, wish, before)


async def _find(invocation: Invocation, target: Target) -> Following:
    """What is stored answers first; only for an unknown name Azure DevOps is asked."""
    known = await load_known(invocation)
    found = find_following(known, target)
    if found is not None:
        return found
    troubles = await _discover(invocation, known)
    known = await load_known(invocation)
    found = find_following(known, target)
    if found is not None:
        return found
    raise CommandRefused(_unknown(known, target, troubles))


async def _discover(invocation: Invocation, known: Known) -> list[str]:
    """Ask every connection at the same time which repositories there are; what went wrong."""

    async def one(connection: Connection) -> str:
        try:
            await within(ANSWER_WITHIN_S, discover_repositories(invocation.services, connection))
        except AzureDevOpsError as error:
            return f"{connection.name}: {explain(error)}"
        return ""

    told = await asyncio.gather(*(one(connection) for connection in known.connections))
    return [trouble for trouble in told if trouble]


def _unknown(known: Known, target: Target, troubles: list[str]) -> str:
    text = f"I know no project or repository called “{target.name or target.url}”."
    close = suggestions(known, target)
    if close:
        text += f" Did you mean {', '.join(close)}?"
    if troubles:
        return f"{text} I could not ask everywhere. {' '.join(troubles)}"
    return text + " Only projects that an operator has connected can be followed."


def _store(
    session: Session,
    invocation: Invocation,
    following: Following,
    wish: Wish,
    actor: str,
    now: datetime,
) -> "_Stored | None":
    """What it was before, None when it is new."""
    conversation_id = invocation.conversation.id
    place = (conversation_id, following.connection, following.project, following.repository)
    found = subscriptions.find(session, *place)
    before = _Stored(tuple(found.target_branches), radar_option(found)) if found else None
    after = _Stored(wish.branches, wish.radar or (before.radar if before else ON))
    if found is not None and before == after and found.paused_at is None:
        return before
    options = {**(found.options if found else {})}
    if wish.radar:
        options[OPTION] = wish.radar
    subscriptions.add(
        session,
        conversation_id=conversation_id,
        connection=following.connection,
        project=following.project,
        repository=following.repository,
        target_branches=wish.branches,
        drafts=found.drafts if found else "published",
        options=options,
        created_by=actor,
        now=now,
    )
    audit.append(
        session,
        at=now,
        actor=actor,
        action="subscription.added" if before is None else "subscription.changed",
        connection=following.connection,
        subject=f"conversation/{conversation_id}",
        before=None if before is None else before.as_audited(following.label),
        after=after.as_audited(following.label),
        cause=invocation.cause,
    )
    return before


def _confirmation(
    invocation: Invocation,
    following: Following,
    wish: Wish,
    before: "_Stored | None",
) -> Reply:
    who = _HERE[invocation.conversation.kind]
    is_you = invocation.conversation.kind is ConversationKind.PERSONAL
    follows = "follow" if is_you else "follows"
    branches = wish.branches
    into = ", ".join(branches) if branches else "any branch"
    is_same = before is not None and before == _Stored(branches, wish.radar or before.radar)
    if before is None:
        title = f"{who} now {follows} {following.label}"
    elif is_same:
        title = f"{who} {follows} {following.label} already"
    else:
        title = f"Changed: {who[0].lower()}{who[1:]} {follows} {following.label}"
    threads = (
        "the card stays up to date, and I write what needs you"
        if is_you
        else "one card per pull request that stays up to date, and replies for reviews, comments, "
        "new commits, merge conflicts and completion"
    )
    full = f"{following.connection}:{following.label}"
    lines = [
        f"Pull requests into **{escape(into)}**: {threads}. Drafts are told when they are "
        "published.",
        f"To undo: {escape(f'unsubscribe {following.label}')}",
    ]
    if wish.radar:
        lines.insert(1, _RADAR_TEXTS[wish.radar])
    buttons = [
        command_button("Open pull requests", "prs", following.repository and following.label),
        command_button("Subscriptions", "subscriptions"),
        command_button("Unsubscribe", "unsubscribe", full),
    ]
    return Reply((text_card(title, lines, buttons, Tone.GOOD),))


def _branch(text: str) -> str:
    is_negated = text.startswith("!")
    name = text.removeprefix("!").removeprefix(HEADS)
    if not _BRANCH.fullmatch(name):
        raise UsageError(f"“{text[:60]}” cannot be a branch.")
    return f"!{name}" if is_negated else name


COMMAND = Command(
    name="subscribe",
    usage="subscribe PROJECT[/REPOSITORY] [target BRANCH …] [radar on|off|digest]",
    summary="Hear of pull requests of a project or repository here.",
    examples=(
        "subscribe Web",
        "subscribe Web/shop",
        "subscribe Web/shop target main release/*",
        "subscribe Web/shop radar off",
        "subscribe contoso:Web/shop",
    ),
    details=(
        "Works in channels, group chats and your personal chat. Branches may have wildcards, and "
        "`!` leaves some out: `target !dependabot/*`. Give it again with other branches to change "
        "it. `radar` says whether authors hear of open pull requests that will conflict with each "
        "other: `on` (as a rule), `off`, or `digest`. With several connections, write the "
        "connection's name and a colon before the project."
    ),
    parse=parse,
    run=run,
    aliases=("follow",),
)
