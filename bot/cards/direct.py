"""What one person is told directly, and the replies below a card, as messages."""

from collections.abc import Sequence

from microsoft_teams.cards import Action

from bot.cards.answers import text_card
from bot.cards.parts import Tone, open_url_button
from bot.cards.plain_text import escape, escape_message, plain
from bot.cards.view import PullRequestView
from bot.teams_model import OutgoingMessage

SENTENCE_LENGTH = 1_000
PAGE_TITLES = {"": "Open", "files": "Review", "conflicts": "Conflicts"}


def reply_message(text: str) -> OutgoingMessage:
    """A plain sentence as a message: nothing in it acts as markup."""
    sentence = plain(text, SENTENCE_LENGTH)
    return OutgoingMessage(text=escape_message(sentence), summary=sentence)


def direct_card(text: str, view: PullRequestView, *, page: str = "") -> OutgoingMessage:
    """A sentence about a pull request with the button for the next step."""
    buttons: Sequence[Action] = [open_url_button(PAGE_TITLES[page], view.page_url(page))]
    if page:
        buttons = [*buttons, open_url_button("Open", view.page_url())]
    repository = view.state.repository
    where = f"{escape(repository.project_name, 80)} / {escape(repository.name, 80)}"
    return text_card(text, [where], buttons, Tone.BAD if page == "conflicts" else Tone.INFO)
