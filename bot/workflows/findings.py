"""The reading half of "start ticket": everything that must be known before anything is made."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session

from bot.branch_template import branch_for
from bot.identities import Unmatched, find_identity
from bot.model import HEADS, Identity, PullRequestSnapshot, Ticket, TicketState, branch_name
from bot.ports import AzureDevOps, NotFound
from bot.repository_discovery import discover_repositories
from bot.services import Services
from bot.ticket_links import linked_branches, linked_pull_requests
from bot.workflows.place import Place
from bot.workflows.side_by_side import side_by_side
from bot.workflows.start_ticket_types import Refusal, StartRefused, StartTicketRequest
from storage.tables import RepositoryRow

FINISHED = frozenset({"Completed", "Removed"})
"""State categories in which nothing is left to do (Azure Boards, workflow state categories)."""


class Refused(Exception):
    """Nothing may be begun; carries the answer."""

    def __init__(self, answer: StartRefused) -> None:
        super().__init__(answer.message)
        self.answer = answer


@dataclass(frozen=True, slots=True)
class Findings:
    """What Azure DevOps said. ``active`` are the repository's active pull requests (summaries)."""

    ticket: Ticket
    states: Sequence[TicketState]
    base: str
    base_tip: str
    active: Sequence[PullRequestSnapshot]
    asker: Identity

    @property
    def category(self) -> str:
        """The category of the ticket's state, empty when its type does not know the state."""
        wanted = self.ticket.state.casefold()
        return next((s.category for s in self.states if s.name.casefold() == wanted), "")


async def look_up(
    services: Services, azure: AzureDevOps, place: Place, request: StartTicketRequest, base: str
) -> Findings:
    """Read it all, independent calls side by side. ``base`` is the branch to start from, if known.

    Raises Refused when the ticket, the branch or the asker is not to be found, AzureDevOpsError.
    """
    repository = place.repository
    (ticket, states), (base, tip), active, asker = await side_by_side(
        _ticket_and_states(azure, request),
        _base(services, azure, place, request, base),
        _active(azure, repository),
        _identity(services, azure.connection, request),
    )
    return Findings(ticket, states, base, tip, active, asker)


def refuse_unless_free(found: Findings, request: StartTicketRequest) -> None:
    """Raise Refused when the ticket is finished or somebody else's, unless it is wanted anyway."""
    if request.anyway:
        return
    ticket = found.ticket
    if found.category in FINISHED:
        raise Refused(
            StartRefused(
                request.ticket,
                Refusal.FINISHED,
                f"Ticket {ticket.number} is {ticket.state}. Reopen it first, or say "
                f"`start ticket {ticket.number} anyway`: its state stays as it is then.",
                ticket.web_url,
            )
        )
    if ticket.assigned_to is not None and not is_same(ticket.assigned_to, found.asker):
        raise Refused(
            StartRefused(
                request.ticket,
                Refusal.TAKEN,
                f"Ticket {ticket.number} is assigned to {ticket.assigned_to.display_name}. To take "
                f"it over, say `start ticket {ticket.number} anyway`.",
                ticket.web_url,
            )
        )


def is_same(one: Identity, other: Identity) -> bool:
    """Whether two identities are one person; older answers have no ids, only account names."""
    if one.id and other.id:
        return one.id.lower() == other.id.lower()
    return bool(one.unique_name) and one.unique_name.casefold() == other.unique_name.casefold()


async def choose_branch(
    azure: AzureDevOps, place: Place, found: Findings, request: StartTicketRequest
) -> str:
    """The branch for the ticket: one that is linked to it already, else by the template."""
    repository = place.repository
    relations = found.ticket.relations
    linked = linked_pull_requests(relations, repository.id)
    for pull_request in sorted(found.active, key=lambda each: -each.number):
        if pull_request.number in linked:
            return branch_name(pull_request.source_ref)
    protected = {found.base, branch_name(repository.default_branch or "")}
    for branch in linked_branches(relations, repository.id):
        if branch not in protected and await azure.branch_tip(repository.id, branch):
            return branch
    return branch_for(
        place.connection.branch_template,
        ticket=found.ticket.number,
        type_=found.ticket.type,
        title=found.ticket.title,
        user=request.asker.mail,
    )


def open_from(
    active: Sequence[PullRequestSnapshot], branch: str, base: str
) -> PullRequestSnapshot | None:
    """The active pull request from a branch, the one into ``base`` before others."""
    ours = [each for each in active if branch_name(each.source_ref) == branch]
    return min(
        ours, key=lambda each: (branch_name(each.target_ref) != base, -each.number), default=None
    )


async def _ticket_and_states(
    azure: AzureDevOps, request: StartTicketRequest
) -> tuple[Ticket, Sequence[TicketState]]:
    try:
        ticket = await azure.ticket(request.ticket)
    except NotFound:
        message = (
            f"There is no ticket {request.ticket} in {azure.connection}, or my account may not "
            "see it."
        )
        raise Refused(StartRefused(request.ticket, Refusal.NO_TICKET, message)) from None
    return ticket, await azure.ticket_states(ticket.project_name, ticket.type)


async def _base(
    services: Services, azure: AzureDevOps, place: Place, request: StartTicketRequest, base: str
) -> tuple[str, str]:
    repository = place.repository
    branch = base or branch_name(repository.default_branch or "")
    tip = await azure.branch_tip(repository.id, branch) if branch else None
    if tip is None and not base:
        # The default branch may have been renamed since we saw the repository.
        await discover_repositories(services, place.connection)
        branch = await services.db.read(lambda s: _default_branch(s, repository))
        tip = await azure.branch_tip(repository.id, branch) if branch else None
    if tip is None:
        message = (
            f"There is no branch {branch} in {repository.name}."
            if branch
            else f"{repository.name} has no branch yet: push a first commit."
        )
        raise Refused(StartRefused(request.ticket, Refusal.NO_BRANCH, message))
    return branch, tip


async def _active(azure: AzureDevOps, repository: RepositoryRow) -> Sequence[PullRequestSnapshot]:
    return await azure.pull_requests(project=repository.project_id, repository=repository.id)


async def _identity(services: Services, connection: str, request: StartTicketRequest) -> Identity:
    """Who asks, in Azure DevOps: without an identity the ticket could not become his."""
    row = await find_identity(services, request.asker, connection)
    if isinstance(row, Unmatched):
        message = (
            f"I do not know who you are in {connection}: {row} "
            "Say `link me as MAIL` with your mail in Azure DevOps."
        )
        raise Refused(StartRefused(request.ticket, Refusal.NOT_LINKED, message))
    return Identity(row.id, row.display_name, row.unique_name, row.is_group)


def _default_branch(session: Session, repository: RepositoryRow) -> str:
    row = session.get(RepositoryRow, (repository.connection, repository.id))
    return branch_name(row.default_branch or "") if row else ""


def whole_ref(branch: str) -> str:
    """``refs/heads/`` before a branch's name."""
    return branch if branch.startswith(HEADS) else HEADS + branch
