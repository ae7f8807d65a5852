"""``prs [mine|REPO]``: the open pull requests."""

from dataclasses import dataclass

from bot.cards.answers import command_button, escape, text_card
from bot.commands.choosing import Known, load_known
from bot.commands.command import Command, CommandRefused, Invocation, Reply
from bot.commands.own_identities import own_identities
from bot.commands.pull_request_lists import MOST_LISTED, age, list_reply
from bot.commands.text import split_words
from bot.repository_names import named, nearest
from bot.teams_model import ConversationKind
from storage.queries import pull_request_lists
from storage.queries.pull_request_lists import ListedPullRequest

_MINE = frozenset({"mine", "my", "me"})


@dataclass(frozen=True, slots=True)
class Wanted:
    """Mine, those of a repository, or (neither) those that the conversation follows."""

    is_mine: bool = False
    repository: str = ""


def parse(arguments: str) -> Wanted:
    """``mine``, a repository's name, or nothing."""
    words = split_words(arguments)
    if len(words) == 1 and words[0].key in _MINE:
        return Wanted(is_mine=True)
    if words and words[0].key in ("in", "of"):
        words = words[1:]
    return Wanted(repository=" ".join(word.text for word in words))


async def run(invocation: Invocation, wanted: Wanted) -> Reply:
    """List them, oldest first."""
    known = await load_known(invocation)
    if wanted.is_mine:
        return await _mine(invocation)
    if wanted.repository:
        keys = _repository(known, wanted.repository)
        title = f"Open pull requests in {wanted.repository}"
    else:
        keys = [(row.connection, row.id) for row in known.followed]
        title = "Open pull requests"
    if not keys:
        if invocation.conversation.kind is ConversationKind.PERSONAL:
            return await _mine(invocation)
        return _follows_nothing()
    found = await invocation.services.db.read(
        lambda s: pull_request_lists.list_open(s, keys, limit=MOST_LISTED + 1)
    )
    return _answer(invocation, title, found, "No pull request is open there.")


async def _mine(invocation: Invocation) -> Reply:
    identities = await own_identities(invocation)
    found = await invocation.services.db.read(
        lambda s: pull_request_lists.list_by_author(s, identities, limit=MOST_LISTED + 1)
    )
    return _answer(invocation, "Your open pull requests", found, "You have none open.")


def _answer(invocation: Invocation, title: str, found: list[ListedPullRequest], none: str) -> Reply:
    if not found:
        button = command_button("My reviews", "reviews")
        return Reply((text_card(title, [none], [button]),))
    now = invocation.services.clock()
    return list_reply(title, found, now, clock_column="Age", clock=age)


def _repository(known: Known, name: str) -> list[tuple[str, str]]:
    rows = named(name, known.repositories)
    if rows:
        return [(row.connection, row.id) for row in rows]
    close = nearest(name, known.repositories)
    hint = f" Did you mean {', '.join(close)}?" if close else " `prs` lists what is followed here."
    raise CommandRefused(f"I know no repository called “{name}”.{hint}")


def _follows_nothing() -> Reply:
    lines = [
        "This conversation follows no repository yet.",
        escape("Try subscribe PROJECT or subscribe PROJECT/REPOSITORY, or prs REPOSITORY."),
    ]
    buttons = [command_button("How to subscribe", "help", "subscribe")]
    return Reply((text_card("Open pull requests", lines, buttons),))


COMMAND = Command(
    name="prs",
    usage="prs [mine | REPOSITORY]",
    summary="List open pull requests: followed here, yours, or of a repository.",
    examples=("prs", "prs mine", "prs Web/shop"),
    parse=parse,
    run=run,
    aliases=("list prs", "show prs"),
    is_changing=False,
)
