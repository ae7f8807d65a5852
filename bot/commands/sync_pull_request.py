"""``sync pr [N|URL|all]``."""

from dataclasses import dataclass

from sqlmodel import Session, select

from bot.cards.answers import Tone, command_button, escape, open_url_button, text_card
from bot.commands.choosing import Known, load_known, pick_connection
from bot.commands.command import Command, CommandRefused, Invocation, Reply, UsageError
from bot.commands.failures import explain
from bot.commands.own_identities import own_identities
from bot.commands.text import Reference, parse_pull_request, split_words
from bot.identities import actor_of
from bot.links import pull_request_url
from bot.ports import NotFound
from bot.recording import show_card
from bot.usual_repository import usual_here
from bot.workflows.sync_pull_request import (
    NotSynced,
    Synced,
    SyncedRepositories,
    sync_pull_requests,
    sync_repositories,
)
from storage.queries import open_pull_requests
from storage.tables import Connection, PostedCard, PullRequestRow, RepositoryRow

ALL = "all"
MOST_OWN = 20
MOST_LINES = 20
NOTHING = "Nothing to change: all was as in Azure DevOps."


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to sync: one pull request, ``all``, or (neither) what is meant here."""

    reference: Reference | None = None
    is_all: bool = False


def parse(arguments: str) -> Wanted:
    """Nothing, a pull request, or ``all``.

    Raises:
        UsageError: If it is something else.
    """
    words = split_words(arguments)
    if not words:
        return Wanted()
    if len(words) > 1:
        raise UsageError("Say one pull request, by number or address, or “all”.")
    if words[0].key == ALL:
        return Wanted(is_all=True)
    return Wanted(parse_pull_request(words[0].text))


async def run(invocation: Invocation, wanted: Wanted) -> Reply:
    """Read again from Azure DevOps and say what that changed."""
    if wanted.is_all:
        return await _sync_all(invocation)
    if wanted.reference is not None:
        known = await load_known(invocation)
        connection = _connection(known, invocation, wanted.reference)
        return await _sync_one(invocation, connection.name, wanted.reference.number)
    here = await _in_this_thread(invocation)
    if here is not None:
        return await _sync_one(invocation, *here)
    return await _sync_own(invocation)


def _connection(known: Known, invocation: Invocation, reference: Reference) -> Connection:
    return pick_connection(known, invocation.conversation_row, reference, COMMAND.name)


async def _sync_one(invocation: Invocation, connection: str, number: int) -> Reply:
    services = invocation.services
    actor = actor_of(invocation.person)
    (found,) = await sync_pull_requests(
        services, [(connection, number)], cause=invocation.cause, actor=actor
    )
    if isinstance(found, NotSynced):
        if isinstance(found.error, NotFound):
            raise CommandRefused(
                f"There is no pull request {number} in {connection}, or it is hidden from my "
                "account."
            )
        raise found.error
    now = services.clock()
    conversation_id = invocation.conversation.id
    await services.db.write(
        lambda s: show_card(s, conversation_id, found.pull_request_id, invocation.cause, now)
    )
    page = await services.db.read(lambda s: _page(s, found.pull_request_id))
    lines = [escape(change) for change in found.changes[:MOST_LINES]] or [NOTHING]
    buttons = [open_url_button("Open", page)] if page else []
    tone = Tone.GOOD if found.changes else Tone.NEUTRAL
    return Reply((text_card(f"Synced {found.title}", lines, buttons, tone),))


async def _sync_own(invocation: Invocation) -> Reply:
    identities = await own_identities(invocation)
    wanted = await invocation.services.db.read(lambda s: _open_of(s, identities))
    if not wanted:
        raise CommandRefused(
            "You have no open pull request that I know of. Say which one: `sync pr NUMBER`, or "
            "`sync pr all` for the repositories that are followed here."
        )
    results = await sync_pull_requests(
        invocation.services,
        wanted[:MOST_OWN],
        cause=invocation.cause,
        actor=actor_of(invocation.person),
    )
    changed = [one for one in results if isinstance(one, Synced) and one.changes]
    failures = [one for one in results if isinstance(one, NotSynced)]
    lines = [_line(one) for one in changed]
    lines += [
        f"{escape(str(one.number))}: not read. {escape(explain(one.error))}" for one in failures
    ]
    title = _counted(
        "your {} open pull request", "your {} open pull requests", len(results), len(failures)
    )
    return _summary(title, lines, has_failures=bool(failures))


async def _sync_all(invocation: Invocation) -> Reply:
    known = await load_known(invocation)
    rows = known.followed or usual_here(
        invocation.conversation_row, known.connections, known.repositories
    )
    if not rows:
        raise CommandRefused(
            "No repository is followed here. Say `subscribe PROJECT/REPOSITORY` first, or "
            "`sync pr NUMBER`."
        )
    result = await sync_repositories(
        invocation.services, rows, cause=invocation.cause, actor=actor_of(invocation.person)
    )
    return _all_reply(result)


def _all_reply(result: SyncedRepositories) -> Reply:
    lines = [_line(one) for one in result.changed]
    lines += [
        f"{escape(name)}: not read. {escape(explain(error))}" for name, error in result.failures
    ]
    failed = len(result.failures)
    title = _counted("{} repository", "{} repositories", result.repositories + failed, failed)
    return _summary(title, lines, has_failures=bool(result.failures))


def _counted(one: str, many: str, total: int, failed: int) -> str:
    """``Synced 2 repositories``; where nothing was read, that none was."""
    count = failed if failed == total else total - failed
    verb = "Could not sync" if failed == total else "Synced"
    return f"{verb} {(one if count == 1 else many).format(count)}"


def _summary(title: str, lines: list[str], *, has_failures: bool) -> Reply:
    shown = lines[:MOST_LINES] or [NOTHING]
    if len(lines) > MOST_LINES:
        shown.append(f"and {len(lines) - MOST_LINES} more")
    tone = Tone.WARNING if has_failures else Tone.GOOD if lines else Tone.NEUTRAL
    buttons = [command_button("Pull requests", "prs")]
    return Reply((text_card(title, shown, buttons, tone),))


def _line(one: Synced) -> str:
    return f"**{escape(one.title)}**: {escape('; '.join(one.changes))}"


async def _in_this_thread(invocation: Invocation) -> tuple[str, int] | None:
    """The pull request in whose thread this was said."""
    if not invocation.thread_id:
        return None
    conversation_id, thread_id = invocation.conversation.id, invocation.thread_id
    return await invocation.services.db.read(lambda s: _of_thread(s, conversation_id, thread_id))


def _of_thread(session: Session, conversation_id: str, thread_id: str) -> tuple[str, int] | None:
    row = session.exec(
        select(PullRequestRow)
        .join(PostedCard, PostedCard.pull_request_id == PullRequestRow.id)  # type: ignore[arg-type]  # a column comparison
        .where(PostedCard.conversation_id == conversation_id, PostedCard.activity_id == thread_id)
    ).first()
    return (row.connection, row.number) if row else None


def _open_of(session: Session, identities: list[tuple[str, str]]) -> list[tuple[str, int]]:
    return [
        (row.connection, row.number)
        for connection, identity_id in identities
        for row in open_pull_requests.open_of_author(session, connection, [identity_id])
    ]


def _page(session: Session, pull_request_id: int) -> str:
    row = session.get_one(PullRequestRow, pull_request_id)
    connection = session.get_one(Connection, row.connection)
    repository = session.get_one(RepositoryRow, (row.connection, row.repository_id))
    return pull_request_url(
        connection.base_url, repository.project_name, repository.name, row.number
    )


COMMAND = Command(
    name="sync pr",
    usage="sync pr [NUMBER | URL | all]",
    summary="Read a pull request again from Azure DevOps and repair links and cards.",
    examples=("sync pr 12", "sync pr", "sync pr all"),
    parse=parse,
    run=run,
    aliases=("sync",),
    is_slow=True,
    details=(
        "Without a number: the pull request in whose thread you are, else your own open ones. "
        "`all` means the repositories that are followed here. Links are found in Azure DevOps, in "
        "`#123` and `AB#123` in title and description, and in the branch's name; links that "
        "somebody took away stay away."
    ),
)
