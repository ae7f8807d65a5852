"""In which repository a ticket is to be started: given, usual here, or to be asked."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session

from bot.links import is_under
from bot.ports import AzureDevOpsError, ConnectionPaused
from bot.repository_discovery import discover_repositories
from bot.repository_names import covers, named, nearest, short_names
from bot.services import Services
from bot.usual_repository import usual_connections, usual_everywhere, usual_here
from bot.workflows.side_by_side import within
from bot.workflows.start_ticket_types import (
    Refusal,
    RepositoryWanted,
    StartRefused,
    StartTicketRequest,
)
from storage.queries import connections as stored_connections
from storage.queries import repositories, subscriptions, workflow_runs
from storage.tables import Connection, ConversationRow, RepositoryRow, Subscription

DISCOVERY_TIME_S = 8.0
MOST_SUGGESTED = 3
RUN_KIND = "start_ticket"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a ticket is started."""

    connection: Connection
    repository: RepositoryRow


@dataclass(frozen=True, slots=True)
class Known:
    """What is stored that bears on the choice.

    ``connections`` are those the order may mean; ``started_in`` the repositories (connection, id)
    in which this ticket was started before.
    """

    connections: Sequence[Connection]
    repositories: Sequence[RepositoryRow]
    subscriptions: Sequence[Subscription]
    conversation: ConversationRow | None
    started_in: frozenset[tuple[str, str]]


def run_key(connection: str, ticket: int, repository_id: str) -> str:
    """The key of the run that starts one ticket in one repository."""
    return f"{RUN_KIND}:{connection}:{ticket}:{repository_id}"


async def find_place(
    services: Services, request: StartTicketRequest
) -> Place | RepositoryWanted | StartRefused:
    """Decide the repository; Azure DevOps is asked only when what is stored does not answer."""
    known = await services.db.read(lambda s: _load(s, request))
    answer = choose_place(known, request)
    is_unknown = isinstance(answer, StartRefused) and answer.refusal is Refusal.NO_REPOSITORY
    if not is_unknown:
        return _unless_paused(answer, request)
    try:
        for connection in known.connections:
            await within(DISCOVERY_TIME_S, discover_repositories(services, connection))
    except AzureDevOpsError as error:
        return StartRefused(request.ticket, Refusal.UNAVAILABLE, str(error), error=error)
    known = await services.db.read(lambda s: _load(s, request))
    return _unless_paused(choose_place(known, request), request)


def _unless_paused(
    answer: Place | RepositoryWanted | StartRefused, request: StartTicketRequest
) -> Place | RepositoryWanted | StartRefused:
    if isinstance(answer, Place) and (reason := answer.connection.paused_reason):
        paused = ConnectionPaused(f"the connection {answer.connection.name!r} is paused: {reason}")
        return StartRefused(request.ticket, Refusal.UNAVAILABLE, str(paused), error=paused)
    return answer


def choose_place(
    known: Known, request: StartTicketRequest
) -> Place | RepositoryWanted | StartRefused:
    """The choice itself. Pure."""
    if not known.connections:
        return StartRefused(request.ticket, Refusal.NO_CONNECTION, _no_connection(request))
    if request.repository:
        found = named(request.repository, known.repositories)
        if not found:
            return _no_such_repository(known, request)
        return _only(known, found, request, f"Several are called {request.repository}.")
    usual = usual_here(known.conversation, known.connections, known.repositories)
    usual = usual or _started_before(known)
    if len(usual) == 1:
        return _only(known, usual, request, "")
    subscribed = [
        row for row in known.repositories if any(covers(each, row) for each in known.subscriptions)
    ]
    everywhere = usual_everywhere(known.connections, subscribed or known.repositories)
    if len(everywhere) == 1 and len(subscribed) != 1:
        return _only(known, everywhere, request, "")
    if subscribed:
        return _only(known, subscribed, request, "Several repositories are followed here.")
    if known.repositories:
        return _only(known, known.repositories, request, "I know several repositories.")
    return _no_such_repository(known, request)


def _only(
    known: Known, found: Sequence[RepositoryRow], request: StartTicketRequest, reason: str
) -> Place | RepositoryWanted:
    if len(found) > 1:
        all_names = dict(
            zip(
                ((row.connection, row.id) for row in known.repositories),
                short_names(known.repositories),
                strict=True,
            )
        )
        names = tuple(all_names[row.connection, row.id] for row in found)
        return RepositoryWanted(request.ticket, names, reason)
    row = found[0]
    connection = next(each for each in known.connections if each.name == row.connection)
    return Place(connection, row)


def _started_before(known: Known) -> list[RepositoryRow]:
    return [row for row in known.repositories if (row.connection, row.id) in known.started_in]


def _no_connection(request: StartTicketRequest) -> str:
    if request.url:
        return "That address belongs to no Azure DevOps that I am connected to."
    if request.connection:
        return f"I have no connection called {request.connection}."
    return (
        "I am not connected to an Azure DevOps yet: an operator runs `pullcord connect NAME "
        "--url … --project …`."
    )


def _no_such_repository(known: Known, request: StartTicketRequest) -> StartRefused:
    if not request.repository:
        message = "I see no repository there. Does my account have read access to its code?"
        return StartRefused(request.ticket, Refusal.NO_REPOSITORY, message)
    suggestions = nearest(request.repository, known.repositories)
    message = f"I know no repository called {request.repository}."
    if suggestions:
        message += f" The nearest is {suggestions[0]}."
    else:
        suggestions = tuple(short_names(known.repositories)[:MOST_SUGGESTED])
        message += f" I know {len(known.repositories)}; `repositories` shows what can be followed."
    return StartRefused(request.ticket, Refusal.NO_REPOSITORY, message, suggestions=suggestions)


def _load(session: Session, request: StartTicketRequest) -> Known:
    connections = stored_connections.all_connections(session)
    conversation = session.get(ConversationRow, request.conversation_id)
    followed = subscriptions.of_conversation(session, request.conversation_id)
    meant = _meant(connections, conversation, followed, request)
    names = [each.name for each in meant]
    started = {
        (name, run.key.rpartition(":")[2])
        for name in names
        for run in workflow_runs.with_prefix(session, run_key(name, request.ticket, ""))
    }
    return Known(
        connections=meant,
        repositories=repositories.in_connections(session, names),
        subscriptions=followed,
        conversation=conversation,
        started_in=frozenset(started),
    )


def _meant(
    connections: Sequence[Connection],
    conversation: ConversationRow | None,
    subscriptions: Sequence[Subscription],
    request: StartTicketRequest,
) -> Sequence[Connection]:
    """The connections that the order may mean: an address or name says which, else the place."""
    if request.url:
        return [each for each in connections if is_under(request.url, each.base_url)]
    if request.connection:
        wanted = request.connection.casefold()
        return [each for each in connections if each.name.casefold() == wanted]
    usual = usual_connections(conversation, connections) or {
        each.connection for each in subscriptions
    }
    here = [each for each in connections if each.name in usual]
    # A repository given by name may be anywhere; without a name the conversation's own count.
    return connections if request.repository or not here else here
