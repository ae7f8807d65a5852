"""Inputs of forms. What is filled in comes with the button that is pressed, by the input's id."""

from collections.abc import Sequence

from microsoft_teams.cards import Choice as CardChoice
from microsoft_teams.cards import ChoiceSetInput, TextInput

from bot.cards.plain_text import plain

LONGEST = 1_000
TITLE_LENGTH = 120


def text_field(name: str, label: str, value: str = "", *, hint: str = "") -> TextInput:
    """One line of text."""
    return TextInput(
        id=name,
        label=plain(label, TITLE_LENGTH),
        value=plain(value, LONGEST) or None,
        placeholder=plain(hint, TITLE_LENGTH) or None,
        max_length=LONGEST,
        spacing="Small",
    )


def choice_field(
    name: str, label: str, choices: Sequence[tuple[str, str]], value: str
) -> ChoiceSetInput:
    """One of several (literal title, value) choices, folded together."""
    return ChoiceSetInput(
        id=name,
        label=plain(label, TITLE_LENGTH),
        style="compact",
        choices=[
            CardChoice(title=plain(title, TITLE_LENGTH), value=each) for title, each in choices
        ],
        value=value,
        spacing="Small",
    )
