"""The words on a card, for assertions."""

from collections.abc import Iterator
from typing import Any

from adapters.sandbox.teams.messages import Message

Json = dict[str, Any]

# Where an element keeps what it shows, in the order of reading.
_CHILDREN = ("body", "items", "columns", "rows", "cells", "facts", "inlines", "images", "pages")


def render_text(shown: Message | Json | None) -> str:
    """All words of a message or card, one line per text, fact, table row or row of buttons.

    Texts stand as they were sent, Markdown and escapes included. Buttons are `[Title]`.
    """
    if shown is None:
        return ""
    if isinstance(shown, Message):
        parts = [shown.text, *(render_text(card) for card in shown.cards)]
        return "\n".join(part for part in parts if part)
    return "\n".join(line for line in _lines(shown) if line)


def _lines(node: Json) -> Iterator[str]:
    if node.get("isVisible") is False:
        return
    kind = str(node.get("type") or "")
    if kind == "FactSet":
        for fact in _dicts(node.get("facts")):
            yield f"{fact.get('title', '')}: {fact.get('value', '')}"
    elif kind == "RichTextBlock":
        runs = node.get("inlines") or ()
        yield "".join(_run_words(run) for run in runs)
    elif kind == "TableRow":
        cells = (filter(None, _lines(cell)) for cell in _dicts(node.get("cells")))
        yield " | ".join(" ".join(words) for words in cells)
    else:
        yield from _own_words(node)
        for name in _CHILDREN:
            for child in _dicts(node.get(name)):
                yield from _lines({"type": "TableRow", **child} if name == "rows" else child)
        yield " ".join(f"[{a.get('title', '')}]" for a in _dicts(node.get("actions")))


def _own_words(node: Json) -> Iterator[str]:
    for name in ("text", "title", "label", "altText", "placeholder", "codeSnippet"):
        value = node.get(name)
        if isinstance(value, str):
            yield value
    for choice in _dicts(node.get("choices")):
        yield f"- {choice.get('title', '')}"


def _run_words(run: object) -> str:
    return str(run.get("text") or "") if isinstance(run, dict) else str(run)


def _dicts(value: object) -> Iterator[Json]:
    for child in value if isinstance(value, list) else ():
        if isinstance(child, dict):
            yield child
