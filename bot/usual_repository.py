"""The repository that commands in a conversation mean when they name none. Pure.

People set it with ``use``; whoever connects Azure DevOps may name one for a conversation, for a
team, or for everywhere (``pullcord connect --default-repository``), before anybody has said a word
there.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bot.repository_names import named
from bot.teams_model import ConversationKind
from storage.tables import Connection, ConversationRow, RepositoryRow, TeamChannel
from storage.text import folded

SETTING = "default_repositories"
"""Key in a connection's settings: repositories by the conversation's name, "" for everywhere."""

EVERYWHERE = ""
GENERAL = "General"


def defaults_of(settings: Mapping[str, Any]) -> dict[str, str]:
    """What was named when connecting: ``{"Web/General": "Shop/web", "": "Shop/api"}``."""
    return dict(settings.get(SETTING) or {})


def usual_here(
    here: ConversationRow | None,
    connections: Sequence[Connection],
    repositories: Sequence[RepositoryRow],
) -> list[RepositoryRow]:
    """What ``use`` set, else what was named for this very conversation or its team."""
    if here is None:
        return []
    if here.default_repository:
        return _in(here.default_connection, here.default_repository, repositories)
    for name in filter(None, _names(here)):
        for connection, repository in _named(name, connections):
            if found := _in(connection, repository, repositories):
                return found
    return []


def usual_everywhere(
    connections: Sequence[Connection], repositories: Sequence[RepositoryRow]
) -> list[RepositoryRow]:
    """What was named for all conversations, of each connection."""
    return [
        row
        for connection, repository in _named(EVERYWHERE, connections)
        for row in _in(connection, repository, repositories)
    ]


def usual_connections(
    here: ConversationRow | None, connections: Sequence[Connection]
) -> frozenset[str]:
    """The connections that have a usual repository for this conversation."""
    if here is None:
        return frozenset()
    if here.default_connection:
        return frozenset({here.default_connection})
    for name in filter(None, _names(here)):
        if found := _named(name, connections):
            return frozenset(connection for connection, _ in found)
    return frozenset()


def unknown_places(
    settings: Mapping[str, Any],
    conversations: Iterable[ConversationRow],
    channels: Iterable[TeamChannel],
) -> list[str]:
    """What was named when connecting and is no team, channel or chat that is known, as written."""
    there = {folded(name) for row in conversations for name in _names(row)}
    for channel in channels:
        there |= {folded(name) for name in (channel.id, channel_name(channel), channel.team_name)}
    return [name for name in defaults_of(settings) if name and folded(name) not in there]


def channel_name(channel: TeamChannel) -> str:
    """A channel as it is named there: ``TEAM/CHANNEL``."""
    name = channel.name or (GENERAL if channel.id == channel.team_id else "")
    return f"{channel.team_name}/{name}"


def _names(here: ConversationRow) -> list[str]:
    """What the conversation may be called there, the narrowest first."""
    if here.kind != ConversationKind.CHANNEL.value:
        return [here.id, here.name]
    # The first channel, whose id is the team's, has no name: clients translate it.
    name = here.name or (GENERAL if here.id == here.team_id else "")
    return [here.id, f"{here.team_name}/{name}" if name else "", here.team_name]


def _named(name: str, connections: Sequence[Connection]) -> list[tuple[str, str]]:
    """(connection, repository) where this name stands; "" is everywhere, and no name."""
    return [
        (connection.name, repository)
        for connection in connections
        for key, repository in defaults_of(connection.settings).items()
        if folded(key) == folded(name)
    ]


def _in(
    connection: str, repository: str, repositories: Sequence[RepositoryRow]
) -> list[RepositoryRow]:
    there = [row for row in repositories if connection in ("", row.connection)]
    return [row for row in there if row.id == repository.lower()] or named(repository, there)
