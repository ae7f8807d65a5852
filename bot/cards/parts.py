"""The pieces that cards are made of, and the frame around them.

Text from outside goes into TextRuns, which know no Markdown, or through ``escape`` into TextBlocks.
"""

import json
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from microsoft_teams.cards import (
    Action,
    AdaptiveCard,
    CardElement,
    Container,
    ExecuteAction,
    OpenUrlAction,
    RichTextBlock,
    TeamsCardProperties,
    TextBlock,
    TextRun,
)
from microsoft_teams.cards.core import ContainerStyle, Spacing, TextColor, TextSize

from bot.cards.plain_text import plain
from bot.teams_model import Json, OutgoingMessage

MOST_BYTES = 28_000
"""Teams refuses messages of more than about 28 KB.

https://learn.microsoft.com/microsoftteams/platform/bots/how-to/format-your-bot-messages
"""

MOST_BUTTONS = 6  # Teams shows no more
ROW_WIDTH = 290
"""Pixels that a phone of 360 has for a card's buttons; they are made narrow, not wrapped."""
BUTTON_WIDTH, LETTER_WIDTH, MENU_WIDTH = 32, 7.2, 48
"""Pixels of a button without its title and with the space after it, of a letter, of the menu."""
TITLE_LENGTH = 60
SUMMARY_LENGTH = 250


class Tone(StrEnum):
    """What a card says before it is read, by the colour of its header."""

    NEUTRAL = "emphasis"
    INFO = "accent"
    GOOD = "good"
    WARNING = "warning"
    BAD = "attention"


_STYLES: dict[Tone, ContainerStyle] = {
    Tone.NEUTRAL: "emphasis",
    Tone.INFO: "accent",
    Tone.GOOD: "good",
    Tone.WARNING: "warning",
    Tone.BAD: "attention",
}


def open_url_button(title: str, url: str) -> OpenUrlAction:
    """A button that opens an address; check with ``bot.links.trusted_url`` what is from outside."""
    return OpenUrlAction(title=plain(title, TITLE_LENGTH), url=url)


def command_button(title: str, command: str, arguments: str = "") -> ExecuteAction:
    """A button that runs a command as if typed."""
    return ExecuteAction(
        title=plain(title, TITLE_LENGTH), verb=command, data={"arguments": arguments}
    )


def run(
    text: str,
    *,
    bold: bool = False,
    subtle: bool = False,
    mono: bool = False,
    color: TextColor | None = None,
    size: TextSize | None = None,
    url: str = "",
) -> TextRun:
    """Literal text in a line."""
    return TextRun(
        text=text,
        weight="Bolder" if bold else None,
        is_subtle=True if subtle else None,
        font_type="Monospace" if mono else None,
        color=color,
        size=size,
        select_action=OpenUrlAction(url=url) if url else None,
    )


def line(*runs: TextRun, spacing: Spacing | None = "Small") -> RichTextBlock:
    """One paragraph of literal text."""
    inlines: list[CardElement] = [*runs]
    return RichTextBlock(inlines=inlines, spacing=spacing)


def markdown(
    text: str, *, subtle: bool = False, bold: bool = False, spacing: Spacing | None = "Small"
) -> TextBlock:
    """A paragraph of our own Markdown; outside text in it is escaped by the caller."""
    return TextBlock(
        text=text or " ",
        wrap=True,
        is_subtle=True if subtle else None,
        weight="Bolder" if bold else None,
        spacing=spacing,
    )


def header(tone: Tone, *items: CardElement, url: str = "") -> Container:
    """The coloured top of a card; with ``url`` all of it opens that address."""
    return Container(
        style=_STYLES[tone],
        bleed=True,
        items=list(items),
        select_action=OpenUrlAction(url=url) if url else None,
    )


def message(
    body: Sequence[CardElement], actions: Sequence[Action], *, summary: str
) -> OutgoingMessage:
    """The whole card with its frame; ``summary`` is plain text for notifications and speech."""
    said = plain(summary, SUMMARY_LENGTH)
    card = AdaptiveCard(
        version="1.5",
        fallback_text=said,
        speak=said,
        msteams=TeamsCardProperties(width="full"),
        body=list(body),
        actions=in_one_row(actions[:MOST_BUTTONS]) or None,
    )
    return OutgoingMessage(card=card.model_dump(exclude_none=True, mode="json"), summary=said)


def in_one_row(actions: Sequence[Action]) -> list[Action]:
    """The buttons; those that have no room beside the first are in the card's menu.

    Source: https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/cards-format
    (overflow menu).
    """
    widths = [BUTTON_WIDTH + LETTER_WIDTH * len(as_json(action)["title"]) for action in actions]
    if sum(widths) <= ROW_WIDTH:
        return list(actions)
    room = ROW_WIDTH - MENU_WIDTH
    shown = max(sum(sum(widths[: end + 1]) <= room for end in range(len(widths))), 1)
    return [
        *actions[:shown],
        *(action.model_copy(update={"mode": "secondary"}) for action in actions[shown:]),
    ]


def size_of(card: Json | None) -> int:
    """Bytes of a card on the wire, counted as escaped JSON, the longest way to write it."""
    return len(json.dumps(card, ensure_ascii=True)) if card else 0


def fits(sent: OutgoingMessage) -> bool:
    """Whether Teams takes the message; room is left for the envelope."""
    return size_of(sent.card) <= MOST_BYTES - 2_000


def as_json(element: CardElement | Action) -> dict[str, Any]:
    """An element as it is on the wire."""
    dumped: dict[str, Any] = element.model_dump(exclude_none=True, mode="json")
    return dumped
