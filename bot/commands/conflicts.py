"""``conflicts [N]``: what cannot merge and what soon will not, or one pull request checked now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from microsoft_teams.cards import Action
from sqlmodel import Session

from bot.cards.answers import (
    Tone,
    command_button,
    escape,
    open_url_button,
    table_card,
    text_card,
)
from bot.cards.plain_text import plain
from bot.cards.view import PullRequestView, load_view
from bot.commands.choosing import load_known, pick_connection
from bot.commands.command import Command, CommandRefused, Invocation, Reply, UsageError
from bot.commands.conflict_verdict import NAME, pull_request_link, verdict_reply
from bot.commands.own_identities import own_identities
from bot.commands.pull_request_lists import age, page
from bot.commands.text import Reference, parse_pull_request, split_words
from bot.conflicts.check_now import check_now
from bot.identities import actor_of
from bot.ports import NotFound
from bot.teams_model import ConversationKind
from bot.workflows.side_by_side import within
from storage.queries import conflict_lists
from storage.queries.conflict_lists import ListedConflict, ListedConflicts, ListedPair

CHECK_WITHIN_S = 20.0
"""A read, a trial merge with its waits, and the files; typing is shown meanwhile."""

MOST_CHECKS = 3
PATH_LENGTH = 100
COLUMNS = ("Pull request", "Repository", "Files", "For")


@dataclass(frozen=True, slots=True)
class Wanted:
    """One pull request, or (none) all that concern the conversation."""

    reference: Reference | None = None


def parse(arguments: str) -> Wanted:
    """Nothing, or a pull request.

    Raises:
        UsageError: If it is something else.
    """
    words = split_words(arguments)
    if not words:
        return Wanted()
    if len(words) > 1:
        raise UsageError("Say one pull request, by number or address, or nothing for all.")
    return Wanted(parse_pull_request(words[0].text))


async def run(invocation: Invocation, wanted: Wanted) -> Reply:
    """List what is blocked and what will be, or check one now."""
    if wanted.reference is not None:
        return await _check(invocation, wanted.reference)
    known = await load_known(invocation)
    keys = [(row.connection, row.id) for row in known.followed]
    if keys:
        found = await invocation.services.db.read(lambda s: conflict_lists.in_repositories(s, keys))
    elif invocation.conversation.kind is ConversationKind.PERSONAL:
        own = await own_identities(invocation)
        found = await invocation.services.db.read(lambda s: conflict_lists.of_authors(s, own))
    else:
        raise CommandRefused(
            "No repository is followed here. Say `subscribe PROJECT/REPOSITORY` first, or "
            "`conflicts NUMBER`."
        )
    return _list(found, invocation.services.clock())


def _list(found: ListedConflicts, now: datetime) -> Reply:
    if not found.conflicted and not found.pairs:
        line = "No open pull request that I know of here has conflicts, as far as I was told."
        button = command_button("Pull requests", "prs")
        return Reply((text_card("No conflicts", [line], [button], Tone.GOOD),))
    rows = [_conflict_row(one, now) for one in found.conflicted]
    rows += [_pair_row(pair, now) for pair in found.pairs]
    parts = []
    if found.conflicted:
        parts.append(f"{len(found.conflicted)} blocked by conflicts")
    if found.pairs:
        parts.append(
            f"{len(found.pairs)} pairs will conflict"
            if len(found.pairs) > 1
            else "1 pair will conflict"
        )
    note = "↔: whoever completes second will have a conflict." if found.pairs else ""
    tone = Tone.BAD if found.conflicted else Tone.WARNING
    title = " and ".join(parts)
    return Reply((table_card(title, COLUMNS, rows, _list_buttons(found), tone, note=note),))


def _list_buttons(found: ListedConflicts) -> list[Action]:
    worst = [one.listed for one in found.conflicted] or [
        listed for pair in found.pairs[:1] for listed in (pair.first, pair.second)
    ]
    checks = [
        command_button(f"Check {one.number}", NAME, f"{one.connection}:{one.number}")
        for one in worst[:MOST_CHECKS]
    ]
    return [open_url_button(f"Open {worst[0].number}", page(worst[0])), *checks]


def _conflict_row(one: ListedConflict, now: datetime) -> tuple[str, str, str, str]:
    mark = " (draft)" if one.listed.is_draft else ""
    mark += " (my own finding)" if one.is_own_finding else ""
    return (
        f"**Conflicts**: {pull_request_link(one.listed)}{mark}",
        escape(one.listed.repository_name),
        _paths(one.paths),
        age(one.since, now),
    )


def _pair_row(pair: ListedPair, now: datetime) -> tuple[str, str, str, str]:
    return (
        f"{pull_request_link(pair.first)} ↔ {pull_request_link(pair.second)}",
        escape(pair.first.repository_name),
        _paths(pair.paths),
        age(pair.since, now),
    )


def _paths(paths: Sequence[str]) -> str:
    """The first file and how many there are besides."""
    if not paths:
        return "not known yet"
    first = escape(plain(paths[0].lstrip("/"), PATH_LENGTH))
    return first if len(paths) == 1 else f"{first} and {len(paths) - 1} more"


async def _check(invocation: Invocation, reference: Reference) -> Reply:
    services = invocation.services
    known = await load_known(invocation)
    connection = pick_connection(known, invocation.conversation_row, reference, NAME)
    try:
        checking = check_now(
            services,
            connection.name,
            reference.number,
            cause=invocation.cause,
            actor=actor_of(invocation.person),
        )
        verdict = await within(CHECK_WITHIN_S, checking)
    except NotFound:
        raise CommandRefused(
            f"There is no pull request {reference.number} in {connection.name}, or it is hidden "
            "from my account."
        ) from None

    def load(session: Session) -> tuple[PullRequestView, Sequence[ListedPair]]:
        found = verdict.pull_request_id
        return load_view(session, found, "", services.clock()), conflict_lists.pairs_of(
            session, found
        )

    view, pairs = await services.db.read(load)
    return verdict_reply(verdict, view, pairs if verdict.state.is_active else ())


COMMAND = Command(
    name=NAME,
    usage="conflicts [NUMBER | URL]",
    summary="List pull requests that cannot merge or soon will not, or check one now.",
    examples=("conflicts", "conflicts 12", "conflicts contoso:12"),
    parse=parse,
    run=run,
    aliases=("list conflicts", "show conflicts", "conflict"),
    is_slow=True,
    is_changing=False,
    details=(
        "Without a number: of the repositories that are followed here, longest blocked first, then "
        "pairs of open pull requests that will conflict with each other. With a number it is asked "
        "now; where Azure DevOps has not merged the newest target yet, I try it myself and say so."
    ),
)
