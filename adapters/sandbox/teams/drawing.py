"""Adaptive Cards and threads drawn in a terminal, with rich (the `demo` extra)."""

from collections.abc import Callable, Iterator
from typing import Any

from rich.box import HEAVY, ROUNDED, SIMPLE
from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from adapters.sandbox.teams.conversations import Conversation
from adapters.sandbox.teams.markdown_text import inline, message_text
from adapters.sandbox.teams.messages import Message

Json = dict[str, Any]

COLOURS = {
    "good": "green",
    "warning": "yellow",
    "attention": "red",
    "accent": "cyan",
    "light": "white",
    "dark": "bright_black",
}
BUTTON_COLOURS = {"positive": "green", "destructive": "red"}
BADGE_COLOURS = {"informative": "cyan", "subtle": "bright_black", "important": "magenta"}
# Where an unknown element may keep elements that can be drawn.
CHILDREN = ("body", "items", "columns", "cells", "rows", "pages", "images", "inlines")
INPUT_HINTS = {"Input.Date": "date", "Input.Time": "time", "Input.Number": "number"}


def draw(card: Json, *, title: str = "Pullcord", width: int | None = None) -> RenderableType:
    """Draw an Adaptive Card: a box with a title bar, its elements, its buttons in a row.

    Args:
        card: The card as it is on the wire. Elements this does not know are drawn by their
            children, their fallback or their name, never raised about.
        title: The title bar's text.
        width: Columns of the box; all there are without it.
    """
    parts = [*_elements(card.get("body")), *_buttons(card.get("actions"))]
    return Panel(
        Group(*parts) if parts else Text("(empty card)", "dim"),
        title=inline(title, "bold"),
        title_align="left",
        box=HEAVY,
        border_style="blue",
        padding=(0, 1),
        width=width,
    )


def draw_message(message: Message, *, bot_name: str = "Pullcord") -> RenderableType:
    """Draw a message with its author and cards, and its thread indented below it."""
    name = message.author.display_name if message.author else bot_name
    heading = inline(name, "bold cyan" if message.from_bot else "bold")
    heading.append(f"  {message.sent_at.astimezone():%H:%M}", "dim")
    if len(message.versions) > 1:
        heading.append("  edited", "dim")
    parts: list[RenderableType] = [heading]
    if message.deleted:
        parts.append(Text("This message was deleted.", "dim italic"))
    else:
        parts += [message_text(message.text)] if message.text else []
        parts += [draw(card, title=bot_name) for card in message.cards]
    parts += [Padding(draw_message(r, bot_name=bot_name), (0, 0, 0, 4)) for r in message.replies]
    return Group(*parts)


def draw_conversation(conversation: Conversation, *, bot_name: str = "Pullcord") -> RenderableType:
    """Draw all of a conversation under a rule with its name."""
    people = ", ".join(person.display_name for person in conversation.members)
    name = conversation.name or people
    if conversation.team is not None:
        name = f"{conversation.team.name} › {name}"
    drawn = [draw_message(message, bot_name=bot_name) for message in conversation.messages]
    return Group(Rule(inline(name)), *drawn)


def _elements(value: object) -> Iterator[RenderableType]:
    for element in _dicts(value):
        if element.get("isVisible") is False:
            continue
        if element.get("separator"):
            yield Rule(style="dim")
        draw_element = _DRAWN.get(str(element.get("type") or ""), _unknown)
        yield from draw_element(element)


def _text_block(element: Json) -> Iterator[RenderableType]:
    text = inline(str(element.get("text") or ""), _style(element))
    text.justify = {"center": "center", "right": "right"}.get(  # type: ignore[assignment]  # only rich's own words come out
        str(element.get("horizontalAlignment") or "").lower(), "left"
    )
    if element.get("wrap") is False:
        text.no_wrap, text.overflow = True, "ellipsis"
    yield text


def _rich_text_block(element: Json) -> Iterator[RenderableType]:
    """Literal text: Teams works out neither Markdown nor dates in a TextRun."""
    line = Text()
    for run in element.get("inlines") or ():
        if isinstance(run, str):
            line.append_text(inline(run, markdown=False))
        elif isinstance(run, dict):
            marks = [n for n in ("italic", "underline") if run.get(n)]
            marks += ["strike"] if run.get("strikethrough") else []
            style = " ".join([_style(run), *marks])
            line.append_text(inline(str(run.get("text") or ""), style, markdown=False))
    yield line


def _fact_set(element: Json) -> Iterator[RenderableType]:
    grid = Table.grid(padding=(0, 2))
    for fact in _dicts(element.get("facts")):
        grid.add_row(
            inline(str(fact.get("title") or ""), "bold"), inline(str(fact.get("value") or ""))
        )
    yield grid


def _column_set(element: Json) -> Iterator[RenderableType]:
    grid = Table.grid(padding=(0, 1), expand=True)
    cells: list[RenderableType] = []
    for column in _dicts(element.get("columns")):
        if column.get("isVisible") is False:
            continue
        width = column.get("width", "stretch")
        if width == "auto":
            grid.add_column()
        else:
            grid.add_column(ratio=_weight(width))
        cells.append(Group(*_elements(column.get("items"))))
    grid.add_row(*cells)
    yield grid


def _container(element: Json) -> Iterator[RenderableType]:
    inside = Group(*_elements(element.get("items")))
    style = str(element.get("style") or "default").lower()
    if style == "default":
        yield inside
    else:
        colour = COLOURS.get(style, "bright_black")
        yield Panel(inside, box=ROUNDED, border_style=colour, padding=(0, 1))


def _table(element: Json) -> Iterator[RenderableType]:
    rows = [_dicts(row.get("cells")) for row in _dicts(element.get("rows"))]
    drawn = [[Group(*_elements(cell.get("items"))) for cell in cells] for cells in rows]
    columns = max((len(cells) for cells in drawn), default=0)
    # The schema and the renderers disagree on the name.
    headed = element.get("firstRowAsHeader", element.get("firstRowAsHeaders", True))
    table = Table(box=SIMPLE, show_header=bool(headed) and bool(drawn), padding=(0, 1))
    for index in range(columns):
        heading = drawn[0][index] if headed and index < len(drawn[0]) else ""
        table.add_column(heading)
    for cells in drawn[1:] if headed else drawn:
        table.add_row(*cells)
    yield table


def _action_set(element: Json) -> Iterator[RenderableType]:
    yield from _buttons(element.get("actions"))


def _image(element: Json) -> Iterator[RenderableType]:
    yield inline(f"▣ {element.get('altText') or 'image'}", "dim")


def _badge(element: Json) -> Iterator[RenderableType]:
    style = str(element.get("style") or "").lower()
    colour = {**COLOURS, **BADGE_COLOURS}.get(style, "white")
    yield inline(f" {element.get('text') or ''} ", f"{colour} reverse")


def _code_block(element: Json) -> Iterator[RenderableType]:
    # Code is shown as it is, so Markdown in it means nothing.
    yield Panel(inline(str(element.get("codeSnippet") or ""), markdown=False), box=SIMPLE)


def _input(element: Json) -> Iterator[RenderableType]:
    if element.get("label"):
        mark = " *" if element.get("isRequired") else ""
        yield inline(f"{element['label']}{mark}", "bold")
    kind = str(element.get("type"))
    if kind == "Input.Toggle":
        ticked = str(element.get("value", "")) == str(element.get("valueOn", "true"))
        yield inline(f"{'☑' if ticked else '☐'} {element.get('title') or ''}")
    elif kind == "Input.ChoiceSet":
        chosen = str(element.get("value") or "").split(",")
        for choice in _dicts(element.get("choices")):
            mark = "◉" if str(choice.get("value")) in chosen else "○"
            yield inline(f"{mark} {choice.get('title') or ''}")
    else:
        shown = element.get("value") or element.get("placeholder") or INPUT_HINTS.get(kind, "…")
        yield inline(f"▏{shown}▕", "" if element.get("value") else "dim", markdown=False)


def _unknown(element: Json) -> Iterator[RenderableType]:
    children = [part for name in CHILDREN for part in _elements(element.get(name))]
    if children:
        yield from children
        return
    fallback = element.get("fallback")
    if isinstance(fallback, dict):
        yield from _elements([fallback])
        return
    words = element.get("text") or element.get("title") or element.get("type") or "element"
    yield inline(f"[{words}]", "dim")


def _buttons(value: object) -> Iterator[RenderableType]:
    boxes = []
    for action in _dicts(value):
        colour = BUTTON_COLOURS.get(str(action.get("style") or ""), "blue")
        title = str(action.get("title") or action.get("type") or "")
        arrow = " ↗" if action.get("type") == "Action.OpenUrl" else ""
        dim = "dim" if action.get("isEnabled") is False else ""
        label = inline(f"{title}{arrow}", dim, markdown=False)
        boxes.append(Panel.fit(label, box=ROUNDED, border_style=colour, padding=(0, 1)))
    if boxes:
        yield Columns(boxes, padding=(0, 1))


def _style(element: Json) -> str:
    """The rich style of a text's weight, size and colour."""
    words = []
    if str(element.get("weight") or "").lower() == "bolder":
        words.append("bold")
    size = str(element.get("size") or "").lower()
    if size in ("large", "extralarge") or element.get("style") == "heading":
        words.append("bold")
    colour = COLOURS.get(str(element.get("color") or "").lower())
    words += [colour] if colour else []
    words += ["dim"] if element.get("isSubtle") or size == "small" else []
    return " ".join(words)


def _weight(width: object) -> int:
    """A column's share; pixels and words count as one."""
    try:
        return max(int(float(str(width))), 1)
    except ValueError:
        return 1


def _dicts(value: object) -> list[Json]:
    return [child for child in value if isinstance(child, dict)] if isinstance(value, list) else []


_DRAWN: dict[str, Callable[[Json], Iterator[RenderableType]]] = {
    "TextBlock": _text_block,
    "RichTextBlock": _rich_text_block,
    "FactSet": _fact_set,
    "ColumnSet": _column_set,
    "Container": _container,
    "Table": _table,
    "ActionSet": _action_set,
    "Image": _image,
    "Badge": _badge,
    "CodeBlock": _code_block,
    "Input.Text": _input,
    "Input.Number": _input,
    "Input.Date": _input,
    "Input.Time": _input,
    "Input.Toggle": _input,
    "Input.ChoiceSet": _input,
}
