"""Which names in filters are groups of Azure DevOps: asked once, when somebody subscribes."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlmodel import Session

from bot.commands.command import Invocation
from bot.commands.failures import ANSWER_WITHIN_S
from bot.model import Identity
from bot.notices.filters import BOTS, Filters
from bot.notices.patterns import NOT
from bot.ports import AzureDevOps, AzureDevOpsError
from bot.workflows.side_by_side import within
from storage.queries import identities, reviews

MOST_NAMES = 10
NOT_ASKED = (
    "I could not ask Azure DevOps whether a group is meant by {names}; each counts as a person for "
    "now."
)


@dataclass(frozen=True, slots=True)
class _Group:
    """A group by the name that a filter has for it."""

    name: str
    id: str
    members: Sequence[Identity]


async def with_groups(
    invocation: Invocation, connection: str, filters: Filters
) -> tuple[Filters, str]:
    """The filters with the groups among their names, and a sentence if that could not be asked."""
    named = dict.fromkeys(each.removeprefix(NOT) for each in (*filters.author, *filters.reviewer))
    names = await _unknown(invocation, connection, [name for name in named if _may_be(name)])
    if not names:
        return replace(filters, groups=()), ""
    try:
        found = await within(ANSWER_WITHIN_S, _groups(invocation, connection, names))
    except AzureDevOpsError:
        kept = tuple(pair for pair in filters.groups if pair[0] in names)
        unknown = [name for name in names if name not in dict(kept)]
        trouble = NOT_ASKED.format(names=", ".join(unknown)) if unknown else ""
        return replace(filters, groups=kept), trouble
    now = invocation.services.clock()

    def keep(session: Session) -> None:
        for group in found:
            reviews.keep_group(
                session, connection, group.id, [each.id for each in group.members], now=now
            )

    await invocation.services.db.write(keep)
    return replace(filters, groups=tuple((group.name, group.id) for group in found)), ""


def _may_be(name: str) -> bool:
    return bool(name) and not {"*", "?", "@"} & set(name) and name.casefold() not in BOTS


async def _unknown(invocation: Invocation, connection: str, names: Sequence[str]) -> list[str]:
    """Those that no person bears whom we know already."""
    people = await invocation.services.db.read(
        lambda s: identities.people_called(s, connection, names)
    )
    return [name for name in names if name not in people][:MOST_NAMES]


async def _groups(invocation: Invocation, connection: str, names: Sequence[str]) -> list[_Group]:
    azure = await invocation.services.azure_devops(connection)
    found = await asyncio.gather(*(_group(azure, name) for name in names))
    return [group for group in found if group is not None]


async def _group(azure: AzureDevOps, name: str) -> _Group | None:
    group = await azure.find_group(name)
    if group is None:
        return None
    return _Group(name, group.id, await azure.group_members(group.id))
