"""``ticket N``: what a ticket says, from Azure DevOps, else from the stored copy."""

from datetime import datetime

from microsoft_teams.cards import Action

from bot.cards.answers import command_button, escape, open_url_button, text_card, time_text
from bot.commands.choosing import load_known, pick_connection
from bot.commands.command import Command, CommandRefused, Invocation, Reply, UsageError
from bot.commands.failures import ANSWER_WITHIN_S, explain
from bot.commands.text import Reference, parse_ticket, split_words
from bot.links import ticket_url, trusted_url
from bot.model import Ticket
from bot.ports import AzureDevOpsError, NotFound
from bot.workflows.side_by_side import within
from storage.queries import links, tickets
from storage.tables import Connection, PullRequestRow, TicketRow


def parse(arguments: str) -> Reference:
    """One ticket.

    Raises:
        UsageError: If it is not exactly one.
    """
    words = split_words(arguments)
    if len(words) != 1:
        raise UsageError("Say which ticket, by number or address.")
    return parse_ticket(words[0].text)


async def run(invocation: Invocation, wanted: Reference) -> Reply:
    """Read the ticket; when Azure DevOps does not answer, show the stored copy and say so."""
    services = invocation.services
    known = await load_known(invocation)
    connection = pick_connection(known, invocation.conversation_row, wanted, COMMAND.name)
    stored, linked = await services.db.read(
        lambda s: (
            tickets.get(s, connection.name, wanted.number),
            links.pull_requests_of_ticket(s, connection.name, wanted.number),
        )
    )
    try:
        client = await services.azure_devops(connection.name)
        ticket = await within(ANSWER_WITHIN_S, client.ticket(wanted.number))
    except NotFound:
        raise CommandRefused(
            f"There is no ticket {wanted.number} in {connection.name}, or it is hidden from my "
            "account."
        ) from None
    except AzureDevOpsError as error:
        if stored is None:
            raise
        return _card(connection, stored, linked, note=_stored_note(error, stored.as_of))
    row = ticket_row(ticket, services.clock())
    await services.db.write(lambda s: tickets.store(s, row))
    return _card(connection, row, linked)


def ticket_row(ticket: Ticket, now: datetime) -> TicketRow:
    """The ticket as it is stored."""
    assigned = ticket.assigned_to
    return TicketRow(
        connection=ticket.connection,
        number=ticket.number,
        rev=ticket.rev,
        project_name=ticket.project_name,
        type=ticket.type,
        title=ticket.title,
        state=ticket.state,
        assigned_to=assigned.display_name if assigned else "",
        web_url=ticket.web_url,
        as_of=now,
    )


def _stored_note(error: AzureDevOpsError, as_of: datetime) -> str:
    return f"{escape(explain(error))} This is the stored copy from {time_text(as_of)}."


def _card(
    connection: Connection, row: TicketRow, linked: list[PullRequestRow], note: str = ""
) -> Reply:
    people = escape(row.assigned_to) if row.assigned_to else "nobody"
    lines = [
        note,
        f"{escape(row.type)} in {escape(row.project_name)}, state **{escape(row.state)}**, "
        f"assigned to {people}",
        *(
            f"Pull request {each.number}: {escape(each.title)} ({escape(each.status)})"
            for each in linked
        ),
    ]
    url = trusted_url(row.web_url, connection.base_url) or ticket_url(
        connection.base_url, row.project_name, row.number
    )
    number = f"{connection.name}:{row.number}"
    buttons: list[Action] = [open_url_button("Open", url)]
    open_ones = [each for each in linked if each.status == "active"]
    if open_ones:
        target = f"{connection.name}:{open_ones[0].number}"
        buttons.append(command_button("Sync pull request", "sync pr", target))
    else:
        buttons.append(command_button("Start", "start ticket", number))
    title = f"Ticket {row.number}: {row.title}"
    return Reply((text_card(title, [line for line in lines if line], buttons=buttons),))


COMMAND = Command(
    name="ticket",
    usage="ticket NUMBER",
    summary="Show a ticket: title, state, who has it, and its pull requests.",
    examples=("ticket 123", "ticket AB#123"),
    parse=parse,
    run=run,
    aliases=("show ticket",),
    is_changing=False,
)
