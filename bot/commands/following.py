"""Which project or repository the words of ``subscribe`` and ``unsubscribe`` mean."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.commands.choosing import Known, connection_named, nearest_names
from bot.commands.command import CommandRefused, UsageError
from bot.links import is_under, organisation_depth, path_segments, split_url
from bot.notices.patterns import matches_name
from bot.repository_names import nearest
from storage.tables import Connection, RepositoryRow, Subscription


@dataclass(frozen=True, slots=True)
class Target:
    """What to hear of, as written: ``[CONNECTION:]PROJECT[/REPOSITORY]`` or a URL."""

    name: str
    connection: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Following:
    """A project (``repository`` empty) or a repository, spelled as in Azure DevOps."""

    connection: str
    project: str
    repository: str = ""

    @property
    def label(self) -> str:
        """As people write it."""
        return f"{self.project}/{self.repository}" if self.repository else self.project


def parse_target(text: str) -> Target:
    """The words that name a project or repository; quotes are not part of a name.

    Raises:
        UsageError: If there are none.
    """
    name = text.replace('"', "").replace("'", "").strip()
    if not name:
        raise UsageError("Say which project or repository.")
    if "://" in name:
        return Target("", url=name)
    connection, colon, rest = name.partition(":")
    if not colon:
        return Target(_one_slash(name))
    if not rest.strip():
        raise UsageError("A project is missing after the connection.")
    return Target(_one_slash(rest), connection=connection.strip())


def find_following(known: Known, target: Target) -> Following | None:
    """What the words mean among what is known, None when there is no such thing.

    Raises:
        CommandRefused: If several things are meant, or the connection does not exist.
    """
    connections, name = _meant(known, target)
    found = list(dict.fromkeys(_candidates(known, connections, name)))
    if len(found) > 1:
        choices = ", ".join(f"{each.connection}:{each.label}" for each in found[:5])
        raise CommandRefused(f"Several are called “{name}”. Say which: {choices}.")
    return found[0] if found else None


def suggestions(known: Known, target: Target) -> list[str]:
    """The projects and repositories most like one that does not exist."""
    wanted = target.name or target.url.rpartition("/")[2]
    labels = {f"{row.project_name}/{row.name}" for row in known.repositories}
    projects = _projects(known.repositories, known.connections)
    close = nearest_names(wanted, labels | {project for _, project in projects})
    return close or list(nearest(wanted.rpartition("/")[2], known.repositories))


def label_of(subscription: Subscription) -> str:
    """A stored subscription as people write it."""
    return Following(subscription.connection, subscription.project, subscription.repository).label


def _meant(known: Known, target: Target) -> tuple[Sequence[Connection], str]:
    """The connections that may be meant, and PROJECT or PROJECT/REPOSITORY."""
    if target.url:
        for connection in known.connections:
            if is_under(target.url, connection.base_url):
                return [connection], _name_in_url(target.url)
        raise CommandRefused("That address belongs to no Azure DevOps that I am connected to.")
    if target.connection:
        return [connection_named(known.connections, target.connection)], target.name
    return known.connections, target.name


def _candidates(known: Known, connections: Sequence[Connection], name: str) -> list[Following]:
    names = {connection.name for connection in connections}
    rows = [row for row in known.repositories if row.connection in names]
    wanted = name.casefold()
    whole = [
        Following(connection, project)
        for connection, project in _projects(rows, connections)
        if project.casefold() == wanted
    ]
    exact = [
        Following(row.connection, row.project_name, row.name)
        for row in rows
        if f"{row.project_name}/{row.name}".casefold() == wanted
    ]
    by_repository = [
        Following(row.connection, row.project_name, row.name)
        for row in rows
        if row.name.casefold() == wanted
    ]
    return whole or exact or by_repository or _by_wildcard(rows, name)


def _by_wildcard(rows: Sequence[RepositoryRow], name: str) -> list[Following]:
    """``PROJECT/PATTERN``, if there is a repository that the pattern matches now."""
    project, slash, pattern = name.partition("/")
    if not slash or not {"*", "?"} & set(pattern):
        return []
    found = {
        (row.connection, row.project_name)
        for row in rows
        if row.project_name.casefold() == project.casefold() and matches_name(pattern, row.name)
    }
    return [Following(connection, known, pattern) for connection, known in sorted(found)]


def _projects(
    rows: Sequence[RepositoryRow], connections: Sequence[Connection]
) -> list[tuple[str, str]]:
    """(connection, project) of every repository and of every configured project, each once."""
    listed = [(row.connection, row.project_name) for row in rows]
    listed += [(each.name, project) for each in connections for project in each.projects]
    by_key = {
        (connection, project.casefold()): (connection, project)
        for connection, project in reversed(listed)
    }
    return list(by_key.values())


def _name_in_url(url: str) -> str:
    """``PROJECT/REPOSITORY`` of a ``_git`` address, else the project in it."""
    parts = split_url(url)
    if parts is None:
        return ""
    segments, depth = path_segments(parts), organisation_depth(parts)
    if "_git" not in segments:
        return segments[depth] if len(segments) > depth else ""
    git = segments.index("_git")
    repository = segments[git + 1] if git + 1 < len(segments) else ""
    # A repository of its project's own name has an address without the project.
    project = segments[git - 1] if git > depth else repository
    return f"{project}/{repository}"


def _one_slash(name: str) -> str:
    return "/".join(part.strip() for part in name.strip().strip("/").split("/"))
