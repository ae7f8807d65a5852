"""Web addresses of Azure DevOps: reading those that people paste, and building our own.

Nothing here asks Azure DevOps; the shapes are those of its web pages and REST addresses
(dev.azure.com, {organisation}.visualstudio.com, and Server under any host).
"""

import re
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qs, quote, unquote, urlsplit

MAX_URL_LENGTH = 2000
MAX_NUMBER = 2**31 - 1
"""Azure DevOps' own limit: the numbers are 32-bit integers (its OpenAPI, int32)."""

SERVICES_HOST = "dev.azure.com"
OLD_SERVICES_SUFFIX = ".visualstudio.com"

_PULL_REQUEST_WORDS = frozenset({"pullrequest", "pullrequests"})
_TICKET_PAGES = frozenset({"_workitems", "_boards", "_backlogs", "_sprints", "_queries"})


@dataclass(frozen=True, slots=True)
class PullRequestLink:
    """A pasted address of a pull request.

    ``project`` and ``repository`` are names or GUIDs as they stand in the address, "" where it
    has none (a repository of the project's own name may leave the project out).
    """

    url: str
    number: int
    project: str = ""
    repository: str = ""


@dataclass(frozen=True, slots=True)
class TicketLink:
    """A pasted address of a work item; ``project`` is "" where the address has none."""

    url: str
    number: int
    project: str = ""


def parse_link(url: str) -> PullRequestLink | TicketLink | None:
    """What a pasted address points at, None when it is neither pull request nor work item."""
    parts = split_url(url)
    if parts is None:
        return None
    return _pull_request(parts) or _ticket(parts)


def is_under(url: str, base_url: str) -> bool:
    """Whether an address belongs to the connection of this base URL.

    Host, port and the organisation or collection must be the same;
    ``https://x.visualstudio.com`` and ``https://dev.azure.com/x`` are one organisation.
    """
    place, base = _place(url), _place(base_url)
    if place is None or base is None:
        return False
    return place[0] == base[0] and place[1][: len(base[1])] == base[1]


def trusted_url(url: str, base_url: str) -> str:
    """The address when it may be shown as a link (http or https, on the connection's host).

    Anything else gives "": addresses in bodies are data of somebody else.
    """
    parts, base = split_url(url), split_url(base_url)
    if parts is None or base is None or (parts.scheme != "https" and base.scheme == "https"):
        return ""
    return parts.geturl() if parts.netloc.lower() == base.netloc.lower() else ""


def repository_url(base_url: str, project: str, repository: str) -> str:
    """The web page of a repository."""
    return f"{base_url.rstrip('/')}/{_quoted(project)}/_git/{_quoted(repository)}"


def pull_request_url(base_url: str, project: str, repository: str, number: int) -> str:
    """The web page of a pull request."""
    return f"{repository_url(base_url, project, repository)}/pullrequest/{number}"


def ticket_url(base_url: str, project: str, number: int) -> str:
    """The web page of a work item."""
    return f"{base_url.rstrip('/')}/{_quoted(project)}/_workitems/edit/{number}"


def build_url(base_url: str, project: str, build_id: int) -> str:
    """The web page of a build's results."""
    return f"{base_url.rstrip('/')}/{_quoted(project)}/_build/results?buildId={build_id}"


def path_segments(parts: SplitResult) -> list[str]:
    """The decoded parts of an address' path, empty ones left out."""
    return [unquote(segment) for segment in parts.path.split("/") if segment]


def split_url(url: str) -> SplitResult | None:
    """The parts of a plain http(s) address without user name, None when it is not one."""
    text = url.strip()
    if len(text) > MAX_URL_LENGTH or re.search(r"[\x00-\x20\x7f\\]", text):
        return None
    try:
        parts = urlsplit(text)
        port_is_valid = parts.port is None or parts.port > 0
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_is_valid:
        return None
    # user@host hides the real host from the reader; Azure DevOps' own clone addresses have
    # it, so it is only tolerated on Microsoft's hosts, where the rest is checked anyway.
    if parts.username is not None and parts.hostname != SERVICES_HOST:
        return None
    return parts._replace(netloc=parts.netloc.rpartition("@")[2])


def _pull_request(parts: SplitResult) -> PullRequestLink | None:
    segments = path_segments(parts)
    names = [segment.lower() for segment in segments]
    for index, name in enumerate(names[:-1]):
        number = _number(segments[index + 1])
        if name not in _PULL_REQUEST_WORDS or number is None:
            continue
        if "_git" in names[:index]:
            git = names.index("_git")
            repository = segments[git + 1] if git + 1 < index else ""
            return PullRequestLink(parts.geturl(), number, _project(parts, git), repository)
        if "_apis" in names[:index] and "git" in names[:index]:
            repository = segments[index - 1] if names[index - 2] == "repositories" else ""
            project = _project(parts, names.index("_apis"))
            return PullRequestLink(parts.geturl(), number, project, repository)
    return None


def _ticket(parts: SplitResult) -> TicketLink | None:
    segments = path_segments(parts)
    names = [segment.lower() for segment in segments]
    page = next((i for i, name in enumerate(names) if name in _TICKET_PAGES or name == "_apis"), -1)
    if page < 0:
        return None
    number = None
    if names[page : page + 3] == ["_apis", "wit", "workitems"]:
        number = _number("".join(segments[page + 3 : page + 4]))
    elif names[page : page + 2] == ["_workitems", "edit"]:
        number = _number("".join(segments[page + 2 : page + 3]))
    elif names[page] != "_apis":
        arguments = {name.lower(): values[0] for name, values in parse_qs(parts.query).items()}
        number = _number(arguments.get("workitem", ""))
        if number is None and names[page] == "_workitems":
            number = _number(arguments.get("id", ""))
    return TicketLink(parts.geturl(), number, _project(parts, page)) if number else None


def organisation_depth(parts: SplitResult) -> int:
    """How many path segments name the organisation or collection.

    On Server this is a guess: the collection, or ``tfs`` (the usual virtual directory) and it.
    """
    first = "".join(path_segments(parts)[:1]).lower()
    if (parts.hostname or "").endswith(OLD_SERVICES_SUFFIX):
        return 1 if first == "defaultcollection" else 0
    return 2 if first == "tfs" and parts.hostname != SERVICES_HOST else 1


def _project(parts: SplitResult, page: int) -> str:
    """The segment before a page's word (``_git``, ``_workitems``), "" when there is none."""
    return path_segments(parts)[page - 1] if page > organisation_depth(parts) else ""


def _number(text: str) -> int | None:
    if not re.fullmatch(r"[0-9]{1,10}", text):
        return None
    number = int(text)
    return number if 0 < number <= MAX_NUMBER else None


def _place(url: str) -> tuple[str, list[str]] | None:
    """(host and port, path from the organisation on), in one spelling for both Services hosts."""
    parts = split_url(url)
    if parts is None:
        return None
    host = parts.netloc.lower().removesuffix(":443" if parts.scheme == "https" else ":80")
    path = [segment.lower() for segment in path_segments(parts)]
    if host.endswith(OLD_SERVICES_SUFFIX) and host.count(".") == 2:
        path = path[1:] if path[:1] == ["defaultcollection"] else path
        return SERVICES_HOST, [host.removesuffix(OLD_SERVICES_SUFFIX), *path]
    return host, path


def _quoted(name: str) -> str:
    return quote(name, safe="")
