"""Small cards: what commands answer, and what one person is told."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from microsoft_teams.cards import (
    Action,
    CardElement,
    ChoiceSetInput,
    ColumnDefinition,
    ExecuteAction,
    Table,
    TableCell,
    TableRow,
)
from microsoft_teams.cards import Choice as CardChoice

from bot.cards.parts import (
    Tone,
    command_button,
    fits,
    header,
    line,
    markdown,
    message,
    open_url_button,
    run,
)
from bot.cards.plain_text import ELLIPSIS, escape, plain
from bot.teams_model import OutgoingMessage

__all__ = [
    "Tone",
    "choice_card",
    "command_button",
    "escape",
    "open_url_button",
    "table_card",
    "text_card",
    "time_text",
]

TITLE_LENGTH = 200
LINE_LENGTH = 3_000
MOST_ROWS = 20
CELL_LENGTH = 200
CHOICE_LENGTH = 120
MOST_CHOICES = 40
CHOICE_INPUT = "choice"

NARROW, WIDE = 7, 12
"""Letters of the narrowest and the widest column, of about 40 that a phone shows in a line."""

_CODE = re.compile(r"\\?`([^`\n]+?)\\?`")
"""Also where ``escape`` has been over it: a sentence is escaped with the words of others in it."""
_LINK = re.compile(r"\[((?:\\.|[^\]\\])*)\]\([^)]*\)")
_MARKS = re.compile(r"[\\*]")


def text_card(
    title: str,
    lines: Sequence[str],
    buttons: Sequence[Action] = (),
    tone: Tone = Tone.NEUTRAL,
    *,
    summary: str = "",
) -> OutgoingMessage:
    """A title and paragraphs.

    ``title`` is literal; ``lines`` are Markdown in which outside text went through ``escape``.
    """
    return _as_long_as_it_fits(
        title, [markdown(_cut(_quoted(each))) for each in lines], buttons, tone, summary
    )


def _quoted(line: str) -> str:
    """Commands are marked with backticks in our sentences; cards have no code spans for them."""
    return _CODE.sub("“\\1”", line)


def table_card(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    buttons: Sequence[Action] = (),
    tone: Tone = Tone.NEUTRAL,
    *,
    note: str = "",
    summary: str = "",
    most_rows: int = MOST_ROWS,
) -> OutgoingMessage:
    """A table. Cells are Markdown in which outside text went through ``escape``.

    At most ``most_rows`` are shown, and how many there are besides. ``note`` is a line below,
    Markdown.
    """
    shown = min(len(rows), most_rows)
    while True:
        more = f"and {len(rows) - shown} more" if shown < len(rows) else ""
        below = [markdown(_quoted(text), subtle=True) for text in (more, note) if text]
        table = [_table(columns, rows[:shown])] if shown else []
        sent = _card(title, [*table, *below], buttons, tone, summary)
        if fits(sent) or shown == 0:
            return sent
        shown -= 1


def choice_card(
    title: str,
    lines: Sequence[str],
    choices: Sequence[tuple[str, str]],
    *,
    command: str,
    arguments: str = "{choice}",
    button: str = "Choose",
    tone: Tone = Tone.NEUTRAL,
) -> OutgoingMessage:
    """A question with (literal title, value) choices; up to five are buttons, more are a list.

    A button runs ``command`` with ``arguments``, in which ``{choice}`` is the value. The list's
    button sends ``arguments`` as it is, and the chosen value as ``data["choice"]``.
    """
    texts: list[CardElement] = [markdown(_cut(_quoted(each))) for each in lines]
    if len(choices) <= 5:
        buttons: list[Action] = [
            command_button(label, command, arguments.replace("{choice}", value))
            for label, value in choices
        ]
        return _as_long_as_it_fits(title, texts, buttons, tone, "")
    listed = ChoiceSetInput(
        id=CHOICE_INPUT,
        style="compact",
        choices=[
            CardChoice(title=plain(label, CHOICE_LENGTH), value=value)
            for label, value in choices[:MOST_CHOICES]
        ],
        value=choices[0][1],
    )
    go: ExecuteAction = command_button(button, command, arguments)
    return _as_long_as_it_fits(title, [*texts, listed], [go], tone, "")


def time_text(moment: datetime) -> str:
    """A moment as Markdown that Teams shows in the reader's own time zone and language.

    For TextBlocks only: Teams' clients show it as it is in a TextRun. Upper case, no fractions of
    a second and no white space in the braces, or the reader sees the function itself.
    Source: https://learn.microsoft.com/adaptive-cards/authoring-cards/text-features
    """
    stamp = moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"
    return "{{DATE(" + stamp + ", SHORT)}} {{TIME(" + stamp + ")}}"


def _as_long_as_it_fits(
    title: str,
    items: list[CardElement],
    buttons: Sequence[Action],
    tone: Tone,
    summary: str,
) -> OutgoingMessage:
    """Paragraphs from the end are left out, with an ellipsis, when Teams would refuse the card."""
    sent = _card(title, items, buttons, tone, summary)
    while not fits(sent) and items:
        items = items[:-1]
        sent = _card(title, [*items, markdown(ELLIPSIS)], buttons, tone, summary)
    return sent


def _card(
    title: str,
    items: Sequence[CardElement],
    buttons: Sequence[Action],
    tone: Tone,
    summary: str,
) -> OutgoingMessage:
    heading = plain(title, TITLE_LENGTH)
    top = header(tone, line(run(heading or " ", bold=True, size="Medium")))
    return message([top, *items], buttons, summary=summary or heading)


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    heads = TableRow(cells=[TableCell(items=[markdown(name, bold=True)]) for name in columns])
    widths = _widths([columns, *rows])
    return Table(
        columns=[ColumnDefinition(width=width) for width in widths],
        show_grid_lines=False,
        rows=[
            heads,
            *(TableRow(cells=[TableCell(items=[markdown(_cut(c))]) for c in row]) for row in rows),
        ],
    )


def _widths(rows: Sequence[Sequence[str]]) -> list[int]:
    """Shares of the width by each column's longest word, so that a phone breaks few words.

    The first row is the bold heads, which are wider.
    """
    return [
        min(max(NARROW, 1 + _longest_word(cells[0]), *map(_longest_word, cells)), WIDE)
        for cells in zip(*rows, strict=True)
    ]


def _longest_word(cell: str) -> int:
    seen = _MARKS.sub("", _LINK.sub(r"\1", cell))
    return max(map(len, seen.split()), default=0) + cell.startswith("**")  # bold is wider


def _cut(text: str) -> str:
    """Our own Markdown is never this long; if it is, cutting must not leave half an escape."""
    if len(text) <= LINE_LENGTH:
        return text
    return text[:LINE_LENGTH].rstrip("\\") + ELLIPSIS
