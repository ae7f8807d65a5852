"""What stands below an address of Azure DevOps that somebody pastes into a Teams message.

Only from what is stored: Teams waits a few seconds, and a preview is worth no call. Only for people
who may look; for everybody else, and for what is not known, there is no preview and no word.
"""

from pydantic import TypeAdapter
from sqlmodel import Session

from bot.cards.answers import Tone, escape, open_url_button, text_card
from bot.held_roles import role_of
from bot.links import PullRequestLink, TicketLink, is_under, parse_link, ticket_url
from bot.people import Sender, standing_of_stored
from bot.pull_request_state import PullRequestState
from bot.roles import Role
from bot.services import Services
from bot.teams_model import LinkPasted, OutgoingMessage
from storage.queries import conflicts, connections, people, pull_requests, tickets
from storage.tables import Connection, PullRequestRow, TicketRow

_state = TypeAdapter(PullRequestState)


class LinkPreviews:
    """Draws previews (``bot.ports.PreviewLink``)."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def __call__(self, pasted: LinkPasted) -> OutgoingMessage | None:
        """The card for an address, None when there is nothing to show to this person."""
        link = parse_link(pasted.url)
        if link is None or not await self._may_look(pasted):
            return None
        return await self._services.db.read(lambda s: _preview(s, link))

    async def _may_look(self, pasted: LinkPasted) -> bool:
        """By what the rosters of our conversations said: here the bot may not even be."""
        sender = pasted.sender
        person = await self._services.db.read(
            lambda s: people.find(s, sender.id, sender.aad_object_id)
        )
        if person is None:
            return False
        known = Sender(person, standing_of_stored(person, self._services.clock()))
        held = await role_of(self._services, known, pasted.conversation.id)
        return held.role >= Role.READER


def _preview(session: Session, link: PullRequestLink | TicketLink) -> OutgoingMessage | None:
    for connection in connections.all_connections(session):
        if not is_under(link.url, connection.base_url):
            continue
        if isinstance(link, TicketLink):
            ticket = tickets.get(session, connection.name, link.number)
            return ticket_preview(connection, ticket) if ticket else None
        row = pull_requests.by_number(session, connection.name, link.number)
        if row is None:
            return None
        is_blocked = bool(conflicts.blocked_since(session, [row.id or 0]))
        return pull_request_preview(row, link.url, has_conflicts=is_blocked)
    return None


def pull_request_preview(row: PullRequestRow, url: str, *, has_conflicts: bool) -> OutgoingMessage:
    """Where a pull request stands, below its address."""
    state = _state.validate_python(row.state)
    repository = state.repository
    standing = "draft" if state.is_draft and state.is_active else state.status.value
    lines = [
        f"{escape(repository.project_name, 80)} / {escape(repository.name, 80)}, "
        f"**{escape(standing)}**, by {escape(state.author.display_name, 80)}",
        f"{escape(row.source_ref.removeprefix('refs/heads/'), 120)} → "
        f"{escape(row.target_ref.removeprefix('refs/heads/'), 120)}",
    ]
    tone = Tone.INFO if state.is_active else Tone.NEUTRAL
    if has_conflicts:
        lines.append("**It has merge conflicts.**")
        tone = Tone.BAD
    title = f"Pull request {row.number}: {row.title}"
    return text_card(title, lines, [open_url_button("Open", url)], tone)


def ticket_preview(connection: Connection, row: TicketRow) -> OutgoingMessage:
    """Where a ticket stands, below its address."""
    who = escape(row.assigned_to, 80) if row.assigned_to else "nobody"
    lines = [
        f"{escape(row.type, 60)} in {escape(row.project_name, 80)}, state "
        f"**{escape(row.state, 60)}**, assigned to {who}"
    ]
    url = ticket_url(connection.base_url, row.project_name, row.number)
    return text_card(f"Ticket {row.number}: {row.title}", lines, [open_url_button("Open", url)])
