"""Steps of "start ticket" on the ticket: whose it is, its state, its links. One call if it can."""

from dataclasses import dataclass
from typing import Any

from bot.model import Identity, Ticket
from bot.ports import Conflict, Rejected
from bot.ticket_links import (
    branch_link,
    linked_branches,
    linked_pull_requests,
    pull_request_link,
)
from bot.workflows.findings import Findings, is_same
from bot.workflows.run import Run
from bot.workflows.start_ticket_types import Outcome, Step

ATTEMPTS = 3
ASSIGNED_TO = "System.AssignedTo"
STATE = "System.State"
IN_PROGRESS = "InProgress"
NOT_STARTED = "Proposed"


@dataclass(frozen=True, slots=True)
class Part:
    """One step's share of the change; with nothing to change it is only recorded."""

    step: Step
    outcome: Outcome
    detail: str
    before: dict[str, Any] | None = None
    fields: tuple[tuple[str, str], ...] = ()
    relations: tuple[tuple[str, str], ...] = ()

    @property
    def changes_something(self) -> bool:
        """Whether Azure DevOps must be told."""
        return bool(self.fields or self.relations)


async def update_ticket(run: Run, found: Findings) -> None:
    """Assign, move to in progress and link, all in one call; then each alone if that is refused.

    Raises Rejected naming what a rule of the work item type did not let through, after the rest
    was done.
    """
    ticket = found.ticket
    for attempt in range(1, ATTEMPTS + 1):
        parts = _parts(run, found, ticket)
        try:
            await _send(run, ticket, parts)
        except Conflict:
            if attempt == ATTEMPTS:
                raise
            # It changed since it was read; what is still to be done may be different now.
            ticket = await run.azure.ticket(ticket.number)
        except Rejected:
            await _one_by_one(run, ticket, parts)
            return
        else:
            await _record(run, parts)
            return


async def _send(run: Run, ticket: Ticket, parts: list[Part]) -> None:
    fields = dict(pair for part in parts for pair in part.fields)
    relations = [pair for part in parts for pair in part.relations]
    if fields or relations:
        await run.azure.update_ticket(
            ticket.number,
            rev=ticket.rev if fields else None,
            fields=fields or None,
            add_relations=relations,
        )


async def _one_by_one(run: Run, ticket: Ticket, parts: list[Part]) -> None:
    refused: list[str] = []
    for part in parts:
        try:
            if part.changes_something:
                current = await run.azure.ticket(ticket.number)
                await _send(run, current, [part])
        except (Rejected, Conflict) as error:
            refused.append(str(error))
        else:
            await _record(run, [part])
    if refused:
        raise Rejected(" ".join(dict.fromkeys(refused)))


async def _record(run: Run, parts: list[Part]) -> None:
    for part in parts:
        await run.record(part.step, part.outcome, part.detail, before=part.before)


def _parts(run: Run, found: Findings, ticket: Ticket) -> list[Part]:
    """What is still to be done, from the ticket as it is now."""
    every = (
        _assignment(ticket, found.asker, anyway=run.request.anyway),
        _state(found, ticket),
        _links(run, ticket),
    )
    return [part for part in every if not run.is_done(part.step)]


def _assignment(ticket: Ticket, asker: Identity, *, anyway: bool) -> Part:
    owner = ticket.assigned_to
    if owner is not None and is_same(owner, asker):
        return Part(Step.ASSIGNED, Outcome.WAS_THERE, asker.display_name)
    if owner is not None and not anyway:
        detail = f"{owner.display_name} has it meanwhile"
        return Part(Step.ASSIGNED, Outcome.LEFT_OUT, detail)
    before = {"assigned_to": owner.display_name if owner else ""}
    fields = ((ASSIGNED_TO, asker.unique_name),)
    return Part(Step.ASSIGNED, Outcome.DONE, asker.display_name, before, fields)


def _state(found: Findings, ticket: Ticket) -> Part:
    wanted = ticket.state.casefold()
    category = next((s.category for s in found.states if s.name.casefold() == wanted), "")
    if category != NOT_STARTED:
        # InProgress, Resolved, Completed, or a state that the type no longer has: never back.
        return Part(Step.STATE, Outcome.WAS_THERE, ticket.state)
    target = next((s.name for s in found.states if s.category == IN_PROGRESS), "")
    if not target:
        detail = f"stays {ticket.state}: {ticket.type} has no state for work in progress"
        return Part(Step.STATE, Outcome.LEFT_OUT, detail)
    before = {"state": ticket.state}
    return Part(Step.STATE, Outcome.DONE, target, before, ((STATE, target),))


def _links(run: Run, ticket: Ticket) -> Part:
    repository = run.place.repository
    project, repo = repository.project_id, repository.id
    wanted: list[tuple[str, str]] = []
    if run.branch not in linked_branches(ticket.relations, repo):
        wanted.append((branch_link(project, repo, run.branch), "Branch"))
    number = run.made(Step.PULL_REQUEST, "number")
    is_linked = run.made(Step.PULL_REQUEST, "is_linked")
    if number and not is_linked and number not in linked_pull_requests(ticket.relations, repo):
        wanted.append((pull_request_link(project, repo, number), "Pull Request"))
    outcome = Outcome.DONE if wanted or is_linked else Outcome.WAS_THERE
    return Part(Step.LINKS, outcome, "", relations=tuple(wanted))
