"""``mute REPOSITORY`` and ``mute pr N``: no direct messages about it any more."""

from dataclasses import dataclass, replace

from bot.cards.answers import command_button, text_card
from bot.commands.choosing import load_known
from bot.commands.command import Command, CommandRefused, Invocation, Reply, UsageError
from bot.commands.own_preferences import change_own, named_pull_request
from bot.commands.text import Reference, parse_pull_request, split_words
from bot.people_preferences import MOST_MUTED
from bot.preferences import Preferences
from bot.repository_names import named, nearest, short_names
from bot.roles import Role


@dataclass(frozen=True, slots=True)
class Muted:
    """A pull request, or a repository by name."""

    pull_request: Reference | None = None
    repository: str = ""


def parse(arguments: str) -> Muted:
    """``pr N``, an address, or a repository's name.

    Raises:
        UsageError: If nothing is named.
    """
    words = split_words(arguments)
    if not words:
        raise UsageError("Say which repository, or which pull request: mute pr 12.")
    if words[0].key == "pr" or "://" in words[0].text:
        texts = [word.text for word in words if word.key != "pr"]
        if len(texts) != 1:
            raise UsageError("Say one pull request, by number or address.")
        return Muted(pull_request=parse_pull_request(texts[0]))
    return Muted(repository=" ".join(word.text for word in words))


async def run(invocation: Invocation, wanted: Muted) -> Reply:
    """Note it for the one who says so."""
    key, name = await _meant(invocation, wanted, COMMAND.name)
    is_pull_request = wanted.pull_request is not None

    def add(own: Preferences) -> Preferences:
        muted = own.muted_pull_requests if is_pull_request else own.muted_repositories
        if len(muted) >= MOST_MUTED and key not in muted:
            raise CommandRefused(f"More than {MOST_MUTED} cannot be muted. `unmute` some first.")
        if is_pull_request:
            return replace(own, muted_pull_requests=muted | {key})
        return replace(own, muted_repositories=muted | {key})

    await change_own(invocation, add)
    lines = [
        "I write you nothing of it any more, not even when you are mentioned. For you alone: cards "
        "and channels go on."
    ]
    undo = f"pr {key.replace('/', ':')}" if is_pull_request else wanted.repository
    return Reply((text_card(f"Muted: {name}", lines, [command_button("Unmute", "unmute", undo)]),))


async def run_unmute(invocation: Invocation, wanted: Muted) -> Reply:
    """Take it back; from now on it is told again."""
    key, name = await _meant(invocation, wanted, UNMUTE.name)
    await change_own(
        invocation,
        lambda own: replace(
            own,
            muted_pull_requests=own.muted_pull_requests - {key},
            muted_repositories=own.muted_repositories - {key},
        ),
    )
    lines = ["From now on I tell you of it."]
    button = command_button("My reviews", "reviews")
    return Reply((text_card(f"Not muted any more: {name}", lines, [button]),))


async def _meant(invocation: Invocation, wanted: Muted, command: str) -> tuple[str, str]:
    if wanted.pull_request is not None:
        return await named_pull_request(invocation, wanted.pull_request, command)
    known = await load_known(invocation)
    rows = named(wanted.repository, known.repositories)
    if len(rows) == 1:
        return f"{rows[0].connection}/{rows[0].id}", f"{rows[0].project_name}/{rows[0].name}"
    if rows:
        names = ", ".join(short_names(rows))
        raise CommandRefused(f"Several are called “{wanted.repository}”. Say which: {names}.")
    close = nearest(wanted.repository, known.repositories)
    hint = f" Did you mean {', '.join(close)}?" if close else ""
    raise CommandRefused(f"I know no repository called “{wanted.repository}”.{hint}")


COMMAND = Command(
    name="mute",
    usage="mute REPOSITORY | pr NUMBER",
    summary="Get no direct messages about a repository or a pull request.",
    examples=("mute Web/shop", "mute pr 12"),
    parse=parse,
    run=run,
    details="For you alone, until you say `unmute`.",
    role=Role.READER,
)

UNMUTE = Command(
    name="unmute",
    usage="unmute REPOSITORY | pr NUMBER",
    summary="Hear of a muted repository or pull request again.",
    examples=("unmute Web/shop", "unmute pr 12"),
    parse=parse,
    run=run_unmute,
    role=Role.READER,
)
