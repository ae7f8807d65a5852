"""The message that something happened to a ticket."""

from microsoft_teams.cards import Action

from bot.cards.answers import text_card
from bot.cards.direct import why_button
from bot.cards.parts import Tone, open_url_button
from bot.cards.plain_text import escape
from bot.teams_model import OutgoingMessage

NAME_LENGTH = 80
AREA_LENGTH = 160


def draw_ticket_news(
    text: str, *, url: str, project: str, area_path: str, why: str = ""
) -> OutgoingMessage:
    """A sentence, where it is, and the way to the ticket. ``text`` is plain.

    ``why``: arguments of the button that says to one person why it came, "" for none.
    """
    where = escape(area_path, AREA_LENGTH) or escape(project, NAME_LENGTH)
    buttons: list[Action] = [open_url_button("Open ticket", url)] if url else []
    if why:
        buttons.append(why_button(why))
    return text_card(text, [where] if where else [], buttons, Tone.INFO)
