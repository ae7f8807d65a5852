"""Which connection, repository or project the words of a command mean."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bot.commands.command import CommandRefused, Invocation
from bot.commands.text import Reference
from bot.likeness import most_alike
from bot.links import is_under
from bot.repository_names import covers
from bot.usual_repository import usual_connections
from storage.queries import connections, repositories, subscriptions
from storage.tables import Connection, ConversationRow, RepositoryRow, Subscription

NOT_CONNECTED = (
    "I am not connected to an Azure DevOps yet: an operator runs `pullcord connect NAME --url … "
    "--project …`."
)


@dataclass(frozen=True, slots=True)
class Known:
    """What is stored that a choice depends on; ``subscriptions`` are the conversation's own."""

    connections: Sequence[Connection]
    repositories: Sequence[RepositoryRow]
    subscriptions: Sequence[Subscription]

    @property
    def followed(self) -> list[RepositoryRow]:
        """The repositories that this conversation is subscribed to."""
        return [
            row
            for row in self.repositories
            if any(covers(each, row) for each in self.subscriptions)
        ]


async def load_known(invocation: Invocation) -> Known:
    """Read connections, their repositories and the conversation's subscriptions.

    Raises:
        CommandRefused: If there is no connection at all.
    """
    conversation_id = invocation.conversation.id
    known = await invocation.services.db.read(
        lambda s: Known(
            connections=(rows := connections.all_connections(s)),
            repositories=repositories.in_connections(s, [row.name for row in rows]),
            subscriptions=subscriptions.of_conversation(s, conversation_id),
        )
    )
    if not known.connections:
        raise CommandRefused(NOT_CONNECTED)
    return known


def pick_connection(
    known: Known, conversation: ConversationRow, reference: Reference, command: str
) -> Connection:
    """The connection that a number or address belongs to; ``command`` is for the hint.

    Raises:
        CommandRefused: If none fits, or several do and the conversation does not say which.
    """
    if reference.url:
        found = [row for row in known.connections if is_under(reference.url, row.base_url)]
        if not found:
            raise CommandRefused(
                "That address belongs to no Azure DevOps that I am connected to. I know "
                f"{_listed(row.base_url for row in known.connections)}."
            )
        return found[0]
    if reference.connection:
        return connection_named(known.connections, reference.connection)
    if len(known.connections) == 1:
        return known.connections[0]
    usual = usual_connections(conversation, known.connections) or {
        row.connection for row in known.subscriptions
    }
    here = [row for row in known.connections if row.name in usual]
    if len(here) == 1:
        return here[0]
    names = [row.name for row in known.connections]
    raise CommandRefused(
        f"I am connected to {_listed(names)}. Say which: `{command} {names[0]}:{reference.number}`."
    )


def connection_named(rows: Sequence[Connection], name: str) -> Connection:
    """The connection of this name in any case.

    Raises:
        CommandRefused: If there is none, with the nearest name.
    """
    by_name = {row.name.casefold(): row for row in rows}
    if name.casefold() in by_name:
        return by_name[name.casefold()]
    raise CommandRefused(
        f"I have no connection called “{name}”. I know {_listed(row.name for row in rows)}."
    )


def nearest_names(name: str, names: Iterable[str], count: int = 3) -> list[str]:
    """The names most like one that does not exist, nearest first."""
    by_key = {each.casefold(): each for each in names}
    found = most_alike(name.casefold()[:100], list(by_key), count, at_least=0.5)
    return [by_key[key] for key in found]


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
