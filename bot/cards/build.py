"""The message that a branch's build broke, is fixed, or has ended."""

from microsoft_teams.cards import Action

from bot.builds import BAD, GOOD
from bot.cards.answers import text_card
from bot.cards.direct import why_button
from bot.cards.parts import Tone, open_url_button
from bot.cards.plain_text import escape
from bot.model import Build
from bot.teams_model import OutgoingMessage

NAME_LENGTH = 80


def draw_build(text: str, build: Build, repository: str, *, why: str = "") -> OutgoingMessage:
    """A sentence, where it is, and the way to the build. ``text`` is plain.

    ``why``: arguments of the button that says to one person why it came, "" for none.
    """
    where = f"{escape(build.project_name, NAME_LENGTH)} / {escape(repository, NAME_LENGTH)}"
    buttons: list[Action] = []
    if build.web_url:
        buttons.append(open_url_button("Open build", build.web_url))
    if why:
        buttons.append(why_button(why))
    return text_card(text, [where], buttons, _tone(build))


def _tone(build: Build) -> Tone:
    if build.result in BAD:
        return Tone.BAD
    return Tone.GOOD if build.result in GOOD else Tone.NEUTRAL
