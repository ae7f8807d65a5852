"""Which tickets a pull request speaks of, and what that changes in the links we keep. Pure."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote

HIGHEST_TICKET = 2**31 - 1

_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`", re.DOTALL)
_MENTION = re.compile(r"(?<![\w&/#!.-])(?:AB)?#(\d{1,10})(?![\w-]|\.\d)", re.IGNORECASE)
_PULL_REQUEST = re.compile(r"vstfs:///git/pullrequestid/([^/]+)/([^/]+)/(\d+)", re.IGNORECASE)
_BRANCH = re.compile(r"vstfs:///git/ref/([^/]+)/([^/]+)/gb(.+)", re.IGNORECASE | re.DOTALL)

REMOVED_IN_AZURE_DEVOPS = "azure_devops"
"""``removed_by`` of a link that went away in Azure DevOps: it may come back the same way."""


def mentioned_tickets(*texts: str) -> tuple[int, ...]:
    """Numbers written as ``#123`` or ``AB#123``, in order, each once; code is left out.

    ``AB#`` is how Azure Boards is mentioned from outside (Azure Boards documentation).
    """
    numbers = (int(number) for text in texts for number in _MENTION.findall(_CODE.sub(" ", text)))
    return tuple(dict.fromkeys(n for n in numbers if 0 < n <= HIGHEST_TICKET))


def pull_request_link(project_id: str, repository_id: str, number: int) -> str:
    """The artifact URL by which a ticket links a pull request (ids are GUIDs)."""
    return f"vstfs:///Git/PullRequestId/{project_id}%2F{repository_id}%2F{number}"


def branch_link(project_id: str, repository_id: str, branch: str) -> str:
    """The artifact URL by which a ticket links a branch (name without ``refs/heads/``)."""
    return f"vstfs:///Git/Ref/{project_id}%2F{repository_id}%2FGB{quote(branch, safe='')}"


def linked_pull_requests(relations: Iterable[str], repository_id: str) -> tuple[int, ...]:
    """Numbers of the pull requests of one repository that a ticket's relations name."""
    matches = (_PULL_REQUEST.fullmatch(unquote(url)) for url in relations)
    return tuple(int(m[3]) for m in matches if m and m[2].lower() == repository_id.lower())


def linked_branches(relations: Iterable[str], repository_id: str) -> tuple[str, ...]:
    """Branches of one repository that a ticket's relations name."""
    matches = (_BRANCH.fullmatch(unquote(url)) for url in relations)
    return tuple(m[3] for m in matches if m and m[2].lower() == repository_id.lower())


@dataclass(frozen=True, slots=True)
class KnownLink:
    """A link of a pull request as stored. ``removed_by`` is empty while it stands."""

    ticket: int
    origin: str
    removed_by: str = ""


@dataclass(frozen=True, slots=True)
class LinkRepair:
    """What to change: ``add`` maps a ticket to the origin of its link, ``remove`` are tickets."""

    add: Mapping[int, str]
    remove: tuple[int, ...]


def repair_links(
    known: Iterable[KnownLink],
    *,
    in_azure_devops: Iterable[int] | None,
    in_text: Iterable[int],
    in_branch: int | None,
) -> LinkRepair:
    """Compare the stored links of a pull request with what it says itself.

    ``in_azure_devops`` None means that it could not be read: nothing is removed then. A link that
    a person took away is not made again. A link that came from Azure DevOps goes when it goes
    there; all others stay until somebody takes them away.
    """
    found: dict[int, str] = {}
    for ticket in in_azure_devops or ():
        found.setdefault(ticket, "azure_devops")
    if in_branch is not None and in_branch <= HIGHEST_TICKET:
        found.setdefault(in_branch, "branch_name")
    for ticket in in_text:
        found.setdefault(ticket, "text")

    links = tuple(known)
    standing = {link.ticket for link in links if not link.removed_by}
    by_hand = {
        link.ticket
        for link in links
        if link.removed_by and link.removed_by != REMOVED_IN_AZURE_DEVOPS
    }
    gone = (
        tuple(
            link.ticket
            for link in links
            if not link.removed_by and link.origin == "azure_devops" and link.ticket not in found
        )
        if in_azure_devops is not None
        else ()
    )
    wanted = {t: origin for t, origin in found.items() if t not in standing and t not in by_hand}
    return LinkRepair(add=wanted, remove=gone)
