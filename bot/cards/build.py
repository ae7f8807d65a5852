"""The message that a branch's build broke, is fixed, or has ended."""

from microsoft_teams.cards import Action

from bot.cards.answers import text_card
from bot.cards.direct import why_button
from bot.cards.parts import Tone, open_url_button
from bot.cards.plain_text import escape
from bot.model import Build
from bot.teams_model import OutgoingMessage

NAME_LENGTH = 80


def draw_build(
    text: str, build: Build, repository: str, *, is_bad: bool, why: str = ""
) -> OutgoingMessage:
    """A sentence, where it is, and the way to the build. ``text`` is plain.

    ``why``: arguments of the button that says to one person why it came, "" for none.
    """
    where = f"{escape(build.project_name, NAME_LENGTH)} / {escape(repository, NAME_LENGTH)}"
    buttons: list[Action] = []
    if build.web_url:
        buttons.append(open_url_button("Open build", build.web_url))
    if why:
        buttons.append(why_button(why))
    tone = Tone.BAD if is_bad else Tone.GOOD
    return text_card(text, [where], buttons, tone)
