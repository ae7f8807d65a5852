"""Typed access to an activity's JSON; a failure names the path."""

from typing import Any

from bot.teams_model import Json


class BadActivity(ValueError):
    """The activity is not what its documentation says; the message names the field."""


def text(source: Json, name: str, path: str = "") -> str:
    """An optional text; absent and null are empty."""
    value = source.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadActivity(f"{path}{name} is not a text")
    return value


def required_text(source: Json, name: str, path: str = "") -> str:
    """A text that must be there."""
    value = text(source, name, path)
    if not value:
        raise BadActivity(f"{path}{name} is missing")
    return value


def nested(source: Json, name: str, path: str = "") -> Json:
    """An optional object; absent and null are empty."""
    value = source.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadActivity(f"{path}{name} is not an object")
    return value


def objects(source: Json, name: str, path: str = "") -> list[Json]:
    """An optional list of objects; absent and null are empty."""
    value: Any = source.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise BadActivity(f"{path}{name} is not a list of objects")
    return value
