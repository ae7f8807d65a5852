"""The base URL of a connection: one organisation of Services, one collection of a Server."""

from dataclasses import dataclass
from enum import Enum, auto
from urllib.parse import quote

from bot.links import (
    OLD_SERVICES_SUFFIX,
    SERVICES_HOST,
    organisation_depth,
    path_segments,
    split_url,
)


class Family(Enum):
    """Where Azure DevOps runs: it decides hosts and what exists there."""

    SERVICES = auto()
    OLD_SERVICES = auto()
    SERVER = auto()


@dataclass(frozen=True, slots=True)
class BaseUrl:
    """A base URL without a slash at its end."""

    url: str
    family: Family

    @property
    def identities_url(self) -> str:
        """Where identities are asked for: a host of its own on Services, the same on Server."""
        if self.family is Family.SERVER:
            return self.url
        host, _, path = self.url.removeprefix("https://").partition("/")
        if self.family is Family.SERVICES:
            return f"https://vssps.{SERVICES_HOST}/{path}"
        return f"https://{host.removesuffix(OLD_SERVICES_SUFFIX)}.vssps{OLD_SERVICES_SUFFIX}"


def base_url(text: str) -> BaseUrl:
    """A configured base URL as it is, its family recognised.

    Raises:
        ValueError: it is no plain http(s) address, or Services without https.
    """
    parts = split_url(text)
    if parts is None or parts.query or parts.fragment:
        raise ValueError("the base URL must be a plain http:// or https:// address")
    family = _family(parts.hostname or "")
    if family is not Family.SERVER and parts.scheme != "https":
        raise ValueError("Azure DevOps Services is only reached by https")
    if family is Family.SERVICES and not path_segments(parts):
        raise ValueError(
            "the base URL lacks the organisation: https://dev.azure.com/<organisation>"
        )
    return BaseUrl(f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}", family)


def base_url_from_page(text: str) -> BaseUrl:
    """The base URL that a pasted deeper address belongs to (a repository's page, a board, …).

    On Server the collection is taken to be the first part of the path, or the one behind
    ``tfs``, the usual virtual directory.

    Raises:
        ValueError: no base URL can be seen in it.
    """
    parts = split_url(text)
    if parts is None:
        raise ValueError("this is no http:// or https:// address")
    segments = path_segments(parts)[: organisation_depth(parts)]
    if any(segment.startswith("_") for segment in segments):
        raise ValueError("the address lacks the organisation or collection")
    path = "".join(f"/{quote(segment, safe='')}" for segment in segments)
    found = base_url(f"{parts.scheme}://{parts.netloc}{path}")
    if found.family is Family.SERVER and not segments:
        raise ValueError("the address lacks the collection")
    return found


def recognised(text: str) -> tuple[BaseUrl, str]:
    """The base URL that a person means, and a word about what was changed ("" when nothing).

    ``https://ORG.visualstudio.com`` becomes ``https://dev.azure.com/ORG``, which is the same
    organisation; what stands behind the organisation, or behind a Server's page, is left out.

    Raises:
        ValueError: no base URL can be seen in it.
    """
    parts = split_url(text if "://" in text else f"https://{text.strip()}")
    if parts is None:
        raise ValueError("the base URL must be a plain http:// or https:// address")
    host, segments = (parts.hostname or "").lower(), path_segments(parts)
    if host == SERVICES_HOST:
        parts = parts._replace(scheme="https")
    if host.endswith(OLD_SERVICES_SUFFIX):
        organisation = host.removesuffix(OLD_SERVICES_SUFFIX).removesuffix(".vsrm")
        found = base_url(f"https://{SERVICES_HOST}/{quote(organisation, safe='')}")
        return found, f"{host} is the old name of {found.url}, so that is used."
    is_page = any(segment.startswith("_") for segment in segments)
    is_deeper = len(segments) > organisation_depth(parts)
    if host == SERVICES_HOST or is_page or (is_deeper and segments[0].lower() == "tfs"):
        found = base_url_from_page(parts.geturl())
    else:
        found = base_url(parts._replace(query="", fragment="").geturl())
        if not segments:
            raise ValueError("the address lacks the collection: https://HOST/tfs/COLLECTION")
    is_same = found.url.casefold() == text.strip().rstrip("/").casefold()
    return found, "" if is_same else f"Taken from that address: {found.url}"


def _family(host: str) -> Family:
    if host == SERVICES_HOST:
        return Family.SERVICES
    return Family.OLD_SERVICES if host.endswith(OLD_SERVICES_SUFFIX) else Family.SERVER
