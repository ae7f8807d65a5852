"""Work items: reading, their states, fields and links."""

from collections.abc import Sequence
from typing import Any

from adapters.azure_devops.calls import Calls, reading_answer
from adapters.azure_devops.errors import RELATION_EXISTS
from adapters.azure_devops.fields import Fields
from adapters.azure_devops.http import segment
from adapters.azure_devops.mapping import identity
from adapters.azure_devops.people import parse_person
from bot.links import ticket_url
from bot.model import Identity, Ticket, TicketState
from bot.ports import Conflict

BATCH_SIZE = 200
"""Most ids that one batch may ask for (work items, Azure DevOps REST)."""

_WITH_RELATIONS = {"$expand": "relations"}

Patch = dict[str, Any]


class WorkItemCalls(Calls):
    """Calls about work items, by their number alone."""

    async def ticket(self, number: int) -> Ticket:
        """The ticket with relations."""
        answer = await self._http.get(f"_apis/wit/workitems/{number}", _WITH_RELATIONS)
        with reading_answer():
            return self._ticket(answer.fields())

    async def tickets(self, numbers: Sequence[int]) -> Sequence[Ticket]:
        """Tickets by number in batches of 200; those that are not there are left out."""
        wanted = list(dict.fromkeys(numbers))
        found: list[Ticket] = []
        for start in range(0, len(wanted), BATCH_SIZE):
            ids = wanted[start : start + BATCH_SIZE]
            batch = {"ids": ids, "$expand": "relations", "errorPolicy": "omit"}
            answer = await self._http.read_by_post("_apis/wit/workitemsbatch", batch)
            with reading_answer():
                found += [self._ticket(item) for item in answer.items()]
        return found

    async def ticket_states(self, project: str, type_: str) -> Sequence[TicketState]:
        """The states of a work item type in the order of its process."""
        place = f"{segment(project, 'project')}/_apis/wit/workitemtypes"
        answer = await self._http.get(f"{place}/{segment(type_, 'work item type')}/states")
        with reading_answer():
            return [
                TicketState(item.text("name"), item.text("category")) for item in answer.items()
            ]

    async def update_ticket(
        self,
        number: int,
        *,
        rev: int | None = None,
        fields: dict[str, str] | None = None,
        add_relations: Sequence[tuple[str, str]] = (),
        remove_relation_urls: Sequence[str] = (),
    ) -> Ticket:
        """Set fields and artifact links ((url, name) pairs). ``rev`` given: Conflict when it moved.

        A link that is there already is no error. ``System.AssignedTo`` takes a unique name:
        an id is refused by Azure DevOps.
        """
        removals: list[Patch] = []
        if remove_relation_urls:
            current = await self.ticket(number)
            removals = _removals(current, remove_relation_urls)
            # Links are removed by their place, so nothing may move between reading and writing.
            rev = current.rev if rev is None else rev
        values = [_set(name, value) for name, value in (fields or {}).items()]
        try:
            return await self._patch(number, rev, values + removals, add_relations)
        except Conflict as error:
            if error.code != RELATION_EXISTS:
                raise
        # A patch is done whole or not at all, so all of it has to be said again.
        current = await self.ticket(number)
        missing = [
            link
            for link in add_relations
            if not any(_is_same(link[0], there) for there in current.relations)
        ]
        if len(missing) < len(add_relations):
            return await self._patch(number, rev, values + removals, missing)
        return await self._one_by_one(number, rev, values + removals, add_relations)

    async def _one_by_one(
        self,
        number: int,
        rev: int | None,
        patches: list[Patch],
        links: Sequence[tuple[str, str]],
    ) -> Ticket:
        """Azure DevOps may write a link's address in its own way, so that none was recognised."""
        ticket = await self._patch(number, rev, patches, ())
        for link in links:
            try:
                ticket = await self._patch(number, None, [], [link])
            except Conflict as error:
                if error.code != RELATION_EXISTS:
                    raise
        return ticket

    async def _patch(
        self,
        number: int,
        rev: int | None,
        patches: list[Patch],
        links: Sequence[tuple[str, str]],
    ) -> Ticket:
        wanted = patches + [_link(url, name) for url, name in links]
        if not wanted:
            return await self.ticket(number)
        test = [] if rev is None else [{"op": "test", "path": "/rev", "value": rev}]
        place = f"_apis/wit/workitems/{number}"
        answer = await self._http.patch(place, test + wanted, _WITH_RELATIONS)
        with reading_answer():
            return self._ticket(answer.fields())

    def _ticket(self, item: Fields) -> Ticket:
        fields = item.object("fields")
        project, number = fields.text("System.TeamProject"), item.number("id")
        return Ticket(
            connection=self.connection,
            number=number,
            rev=item.number("rev"),
            project_name=project,
            type=fields.text("System.WorkItemType"),
            title=fields.text("System.Title"),
            state=fields.text("System.State"),
            description=fields.text("System.Description", ""),
            acceptance_criteria=fields.text("Microsoft.VSTS.Common.AcceptanceCriteria", ""),
            assigned_to=_assigned_to(fields),
            area_path=fields.text("System.AreaPath", ""),
            web_url=ticket_url(self.base_url, project, number),
            relations=tuple(relation.text("url") for relation in item.objects("relations")),
            markdown_fields=_markdown_fields(item),
        )


def _assigned_to(fields: Fields) -> Identity | None:
    """An object, or ``Name <mail>`` from an old Server."""
    value = fields.members.get("System.AssignedTo")
    if isinstance(value, str):
        name, unique_name = parse_person(value)
        return Identity(id="", display_name=name, unique_name=unique_name) if value else None
    found = fields.optional_object("System.AssignedTo")
    return identity(found) if found is not None else None


def _markdown_fields(item: Fields) -> frozenset[str]:
    formats = item.optional_object("multilineFieldsFormat")
    members = formats.members if formats is not None else {}
    return frozenset(
        name for name, format_ in members.items() if str(format_).lower() == "markdown"
    )


def _set(name: str, value: str) -> Patch:
    return {"op": "add", "path": f"/fields/{name}", "value": value}


def _link(url: str, name: str) -> Patch:
    relation: Patch = {"rel": "Hyperlink", "url": url, "attributes": {"comment": name}}
    if url.lower().startswith("vstfs:"):
        relation = {"rel": "ArtifactLink", "url": url, "attributes": {"name": name}}
    return {"op": "add", "path": "/relations/-", "value": relation}


def _removals(ticket: Ticket, urls: Sequence[str]) -> list[Patch]:
    """Removals by place, the last first: each one moves what stands behind it."""
    places = [
        place
        for place, there in enumerate(ticket.relations)
        if any(_is_same(url, there) for url in urls)
    ]
    return [{"op": "remove", "path": f"/relations/{place}"} for place in reversed(places)]


def _is_same(one: str, other: str) -> bool:
    """Azure DevOps writes ``%2F`` or ``%2f`` and names in any case as it likes."""
    return one.casefold() == other.casefold()
