"""Which api-version to speak: the newest of ours that the server has released.

Source: "REST API versioning" of Azure DevOps; an OPTIONS request on ``_apis`` lists every resource
with ``minVersion``, ``maxVersion`` and ``releasedVersion`` (as Microsoft's client libraries ask).
"""

from adapters.azure_devops.answers import Answer
from adapters.azure_devops.base_url import BaseUrl, Family
from adapters.azure_devops.calls import reading_answer
from adapters.azure_devops.http import Http
from bot.ports import BadAnswer, NotFound, Rejected

SPOKEN = ("7.1", "7.0", "6.0")
"""What the client is written for, newest first: Services and Server 2022.1; 2022; 2020."""

NEEDED = frozenset({("git", "pullrequests"), ("git", "repositories"), ("wit", "workitems")})


class TooOld(ValueError):
    """The server speaks none of our versions; ``str()`` says which it has."""


async def offered_version(http: Http, base: BaseUrl) -> str:
    """The api-version to use.

    Raises:
        AzureDevOpsError: it cannot be asked.
        TooOld: none of ours is offered.
    """
    if base.family is not Family.SERVER:
        return SPOKEN[0]
    try:
        newest = _released(await http.resource_areas())
    except (NotFound, Rejected, BadAnswer):  # a gateway may let no OPTIONS pass
        return await _tried(http)
    for version in SPOKEN:
        if _numbers(version) <= newest:
            return version
    raise TooOld(
        f"this server offers the api-version {newest[0]}.{newest[1]} at most; Pullcord needs "
        f"{SPOKEN[-1]}, which is Azure DevOps Server 2020"
    )


async def _tried(http: Http) -> str:
    """By asking for a list with each version: one that is too new is refused with 400."""
    for version in SPOKEN:
        try:
            await http.get("_apis/projects", {"$top": 1}, version=version)
        except Rejected:
            continue
        return version
    raise TooOld(f"this server takes none of the api-versions {', '.join(SPOKEN)}")


def _released(answer: Answer) -> tuple[int, int]:
    """The newest version in which everything that we need is released."""
    found: dict[tuple[str, str], tuple[int, int]] = {}
    with reading_answer():
        for item in answer.items():
            key = (item.text("area", "").lower(), item.text("resourceName", "").lower())
            version = _numbers(item.text("releasedVersion", ""))
            if key in NEEDED and version > (0, 0):
                found[key] = max(version, found.get(key, (0, 0)))
    if not found:
        raise BadAnswer("Azure DevOps' list of resources lacks those that are needed")
    return min(found.values())


def _numbers(version: str) -> tuple[int, int]:
    major, _, minor = version.partition(".")
    is_version = major.isdecimal() and minor.isdecimal()
    return (int(major), int(minor)) if is_version else (0, 0)
