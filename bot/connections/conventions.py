"""What a connection is set to: which services, repositories and tickets it is about."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from bot.model import (
    BuildHook,
    CommentHook,
    Hook,
    PullRequestHook,
    Pushed,
    Repository,
    RepositoryHook,
    TestHook,
    TicketHook,
    UnusedHook,
)
from storage.text import folded

SETTINGS = "conventions"
"""Key in a connection's settings."""

SERVICES = ("pull_requests", "tickets", "builds")
_AREA = "System.AreaPath"


@dataclass(frozen=True, slots=True)
class Conventions:
    """What an administrator chose for a connection. Names are compared in any case.

    ``repositories`` are ``Project/repository``; empty: all of the projects. ``ticket_types`` and
    ``area_paths`` say whose webhooks about tickets are taken; an area path holds what is below it;
    empty: all.
    """

    pull_requests: bool = True
    tickets: bool = True
    builds: bool = True
    repositories: tuple[str, ...] = ()
    ticket_types: tuple[str, ...] = ()
    area_paths: tuple[str, ...] = ()

    def wants_repository(self, project: str, name: str) -> bool:
        """Whether a repository is one of those chosen."""
        chosen = {folded(each) for each in self.repositories}
        return not chosen or folded(f"{project}/{name}") in chosen

    def wants(self, hook: Hook) -> bool:
        """Whether a webhook is about something that is switched on."""
        match hook:
            case PullRequestHook(snapshot=snapshot):
                return self.pull_requests and self._has(snapshot.repository)
            case CommentHook(snapshot=snapshot):
                in_chosen = snapshot is None or self._has(snapshot.repository)
                return self.pull_requests and in_chosen
            case Pushed(repository=repository):
                return self.pull_requests and self._has(repository)
            case TicketHook():
                return self.tickets and self._wants_ticket(hook)
            case BuildHook():
                return self.builds
            case RepositoryHook() | TestHook() | UnusedHook():
                return True

    def _has(self, repository: Repository) -> bool:
        return self.wants_repository(repository.project_name, repository.name)

    def _wants_ticket(self, hook: TicketHook) -> bool:
        """What a body does not tell is no reason to leave it out."""
        types = {folded(each) for each in self.ticket_types}
        if types and hook.type and folded(hook.type) not in types:
            return False
        area = folded(hook.fields.get(_AREA, ""))
        above = [folded(each) for each in self.area_paths]
        return not above or not area or any(_is_in(area, each) for each in above)


def conventions_of(settings: Mapping[str, Any]) -> Conventions:
    """The conventions in a connection's settings; what is not there is as by default."""
    stored = settings.get(SETTINGS) or {}
    return Conventions(
        **{name: bool(stored.get(name, True)) for name in SERVICES},
        repositories=tuple(stored.get("repositories", ())),
        ticket_types=tuple(stored.get("ticket_types", ())),
        area_paths=tuple(stored.get("area_paths", ())),
    )


def with_conventions(settings: Mapping[str, Any], conventions: Conventions) -> dict[str, Any]:
    """The settings of a connection with these conventions in them."""
    written = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in asdict(conventions).items()
    }
    return {**settings, SETTINGS: written}


def switched_on(conventions: Conventions) -> Iterable[str]:
    """The services that are on, in the words of people."""
    return [name.replace("_", " ") for name in SERVICES if getattr(conventions, name)]


def _is_in(area: str, above: str) -> bool:
    return area == above or area.startswith(f"{above.rstrip(chr(92))}\\")
