"""The message that something happened to a ticket."""

from bot.cards.answers import text_card
from bot.cards.parts import Tone, open_url_button
from bot.cards.plain_text import escape
from bot.teams_model import OutgoingMessage

NAME_LENGTH = 80
AREA_LENGTH = 160


def draw_ticket_news(text: str, *, url: str, project: str, area_path: str) -> OutgoingMessage:
    """A sentence, where it is, and the way to the ticket. ``text`` is plain."""
    where = escape(area_path, AREA_LENGTH) or escape(project, NAME_LENGTH)
    buttons = [open_url_button("Open ticket", url)] if url else []
    return text_card(text, [where] if where else [], buttons, Tone.INFO)
