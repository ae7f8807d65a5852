"""Find the buttons and inputs of an Adaptive Card."""

from collections.abc import Iterator, Mapping
from typing import Any

Json = dict[str, Any]


def actions_of(card: Json) -> list[Json]:
    """All actions a person can reach: buttons, ActionSets, selectAction, nested cards, menus."""
    return [node for node in _nodes(card) if _type(node).startswith("Action.")]


def find_action(card: Json, wanted: str) -> Json:
    """The action with this title, verb or id.

    Raises:
        LookupError: If there is none, or if several titles are the same; it names all there are.
    """
    actions = actions_of(card)
    for name in ("title", "verb", "id"):
        found = [action for action in actions if action.get(name) == wanted]
        if len(found) == 1:
            return found[0]
        if found:
            raise LookupError(f"{len(found)} actions have the {name} {wanted!r}")
    there = [action.get("title") or action.get("verb") for action in actions]
    raise LookupError(f"no action {wanted!r} on the card, there are: {there}")


def input_values(card: Json, filled: Mapping[str, str]) -> dict[str, str]:
    """What the card's inputs send: what was filled in, else the card's own values.

    Raises:
        LookupError: If something was filled in that the card does not ask for.
    """
    inputs = {
        node["id"]: str(node.get("value") or "")
        for node in _nodes(card)
        if _type(node).startswith("Input.") and node.get("id")
    }
    unknown = set(filled) - set(inputs)
    if unknown:
        raise LookupError(f"no inputs {sorted(unknown)} on the card, there are: {sorted(inputs)}")
    return inputs | dict(filled)


def _nodes(node: object) -> Iterator[Json]:
    """Every element of the card; not the data of actions, which may look like elements."""
    if isinstance(node, list):
        for child in node:
            yield from _nodes(child)
    elif isinstance(node, dict) and node.get("isVisible", True) is not False:
        yield node
        for key, child in node.items():
            if key not in ("data", "msteams", "fallback", "refresh"):
                yield from _nodes(child)


def _type(node: Json) -> str:
    return str(node.get("type") or "")
