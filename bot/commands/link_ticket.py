"""``link ticket N to pr M`` and ``unlink ticket N from pr M``: here and in Azure DevOps.

Azure DevOps is changed first, so that nothing is stored that is not true there. Both may be given
again: what is done already is said, not done twice.
"""

from dataclasses import dataclass

from microsoft_teams.cards import Action
from sqlmodel import Session

from bot.cards.answers import command_button, open_url_button, text_card
from bot.commands.choosing import load_known, pick_connection
from bot.commands.command import Command, CommandRefused, Invocation, Reply, UsageError
from bot.commands.failures import ANSWER_WITHIN_S
from bot.commands.known_pull_request import pull_request_of
from bot.commands.text import Reference, parse_pull_request, parse_ticket, split_words
from bot.identities import actor_of
from bot.links import pull_request_url, ticket_url
from bot.model import Ticket
from bot.ports import AzureDevOps, NotFound
from bot.ticket_links import linked_pull_requests, pull_request_link
from bot.workflows.side_by_side import within
from storage import audit, enqueue
from storage.queries import links, pull_requests
from storage.tables import Connection, PullRequestRow, RepositoryRow

_FILLERS = frozenset({"to", "from", "with", "and", "pr", "ticket"})
LINK_NAME = "Pull Request"
"""``attributes.name`` of the artifact link (Azure DevOps REST, work item relations)."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A ticket and a pull request."""

    ticket: Reference
    pull_request: Reference


@dataclass(frozen=True, slots=True)
class Found:
    """What the pair means in the connection."""

    connection: Connection
    client: AzureDevOps
    repository: RepositoryRow
    pull_request: PullRequestRow
    ticket: Ticket

    @property
    def artifact(self) -> str:
        """The link as the ticket holds it."""
        return pull_request_link(
            self.repository.project_id, self.repository.id, self.pull_request.number
        )

    @property
    def is_linked_there(self) -> bool:
        """Whether the ticket has the link in Azure DevOps."""
        linked = linked_pull_requests(self.ticket.relations, self.repository.id)
        return self.pull_request.number in linked


def parse(arguments: str) -> Pair:
    """``12 to pr 3``, or ``pr 3 to ticket 12``; the words between may be left out.

    Raises:
        UsageError: If it is not a ticket and a pull request.
    """
    words = split_words(arguments)
    named_places = [place for place, word in enumerate(words) if word.key not in _FILLERS]
    if len(named_places) != 2:
        raise UsageError("Say which ticket and which pull request.")
    first, second = named_places
    if words[second - 1].key == "ticket" or (first and words[first - 1].key == "pr"):
        first, second = second, first
    pair = Pair(parse_ticket(words[first].text), parse_pull_request(words[second].text))
    named = {each.connection.casefold() for each in (pair.ticket, pair.pull_request)} - {""}
    if len(named) > 1:
        raise UsageError("The ticket and the pull request must be of one connection.")
    return pair


async def link(invocation: Invocation, pair: Pair) -> Reply:
    """Make the link in Azure DevOps and here."""
    found = await _find(invocation, pair, LINK.name)
    if not found.is_linked_there:
        await within(
            ANSWER_WITHIN_S,
            found.client.update_ticket(
                found.ticket.number, add_relations=[(found.artifact, LINK_NAME)]
            ),
        )
    is_new = await _record(invocation, found, is_linked=True)
    if not is_new and found.is_linked_there:
        title = f"{_pair_text(found)} were linked already."
        return _reply(found, title, is_linked=True, can_undo=False)
    return _reply(found, f"{_pair_text(found)} are now linked.", is_linked=True)


async def unlink(invocation: Invocation, pair: Pair) -> Reply:
    """Take the link away in Azure DevOps and here; the repair does not make it again."""
    found = await _find(invocation, pair, UNLINK.name)
    if found.is_linked_there:
        await within(
            ANSWER_WITHIN_S,
            found.client.update_ticket(found.ticket.number, remove_relation_urls=[found.artifact]),
        )
    was_there = await _record(invocation, found, is_linked=False)
    if not was_there and not found.is_linked_there:
        title = f"{_pair_text(found)} were not linked."
        return _reply(found, title, is_linked=False, can_undo=False)
    return _reply(found, f"{_pair_text(found)} are no longer linked.", is_linked=False)


async def _find(invocation: Invocation, pair: Pair, command: str) -> Found:
    known = await load_known(invocation)
    row = invocation.conversation_row
    spoken = next(
        (each for each in (pair.pull_request, pair.ticket) if each.url or each.connection),
        pair.pull_request,
    )
    connection = pick_connection(known, row, spoken, command)
    if pair.ticket.url and pick_connection(known, row, pair.ticket, command) != connection:
        raise CommandRefused("The ticket and the pull request are not in one connection.")
    client = await invocation.services.azure_devops(connection.name)
    pull_request, repository = await pull_request_of(
        invocation, connection.name, client, pair.pull_request.number
    )
    try:
        ticket = await within(ANSWER_WITHIN_S, client.ticket(pair.ticket.number))
    except NotFound:
        raise CommandRefused(
            f"There is no ticket {pair.ticket.number} in {connection.name}, or it is hidden from "
            "my account."
        ) from None
    return Found(connection, client, repository, pull_request, ticket)


async def _record(invocation: Invocation, found: Found, *, is_linked: bool) -> bool:
    """Store the change with its audit, and draw the cards again; False when nothing changed."""
    now, actor = invocation.services.clock(), actor_of(invocation.person)
    pull_request, ticket = found.pull_request, found.ticket.number

    def store(session: Session) -> bool:
        arguments = (session, found.connection.name, ticket, pull_request.number)
        if is_linked:
            changed = links.link(*arguments, repository_id=found.repository.id, by=actor, at=now)
        else:
            changed = links.unlink(*arguments, by=actor, at=now)
        if changed or found.is_linked_there is not is_linked:
            audit.append(
                session,
                at=now,
                actor=actor,
                action="link.added" if is_linked else "link.removed",
                connection=found.connection.name,
                subject=f"pull_request/{found.connection.name}/{pull_request.number}",
                before={"ticket": ticket, "linked": not is_linked},
                after={"ticket": ticket, "linked": is_linked},
                cause=invocation.cause,
            )
        if changed:
            for conversation_id in pull_requests.shown_in(session, pull_request.id or 0):
                enqueue.card(
                    session,
                    conversation_id=conversation_id,
                    pull_request_id=pull_request.id or 0,
                    cause=invocation.cause,
                    now=now,
                )
        return changed

    return await invocation.services.db.write(store)


def _pair_text(found: Found) -> str:
    return f"Ticket {found.ticket.number} and pull request {found.pull_request.number}"


def _reply(found: Found, title: str, *, is_linked: bool, can_undo: bool = True) -> Reply:
    base, project = found.connection.base_url, found.repository.project_name
    number = found.pull_request.number
    opposite = UNLINK if is_linked else LINK
    name = found.connection.name
    between = "from" if is_linked else "to"
    undo = f"{name}:{found.ticket.number} {between} pr {name}:{number}"
    buttons: list[Action] = [
        open_url_button(
            "Open pull request", pull_request_url(base, project, found.repository.name, number)
        ),
        open_url_button(
            "Open ticket",
            ticket_url(base, found.ticket.project_name or project, found.ticket.number),
        ),
    ]
    if can_undo:
        buttons.append(command_button("Undo", opposite.name, undo))
    return Reply((text_card(title, [], buttons),))


LINK = Command(
    name="link ticket",
    usage="link ticket NUMBER to pr NUMBER",
    summary="Link a ticket and a pull request, here and in Azure DevOps.",
    examples=("link ticket 123 to pr 12",),
    parse=parse,
    run=link,
    aliases=("link",),
    is_slow=True,
)

UNLINK = Command(
    name="unlink ticket",
    usage="unlink ticket NUMBER from pr NUMBER",
    summary="Take a link between a ticket and a pull request away again.",
    examples=("unlink ticket 123 from pr 12",),
    parse=parse,
    run=unlink,
    aliases=("unlink",),
    is_slow=True,
)
