"""Identities written as text: ``Name <mail>`` or ``Name <DOMAIN\\user>``."""

import re
from collections.abc import Mapping

_PERSON = re.compile(r"(?P<name>[^<>]*?)\s*<(?P<unique>[^<>]+)>")


def parse_person(text: str) -> tuple[str, str]:
    """(display name, unique name); the unique name is "" when the text has none."""
    match = _PERSON.fullmatch(text.strip())
    return (match["name"], match["unique"]) if match else (text.strip(), "")


def person_text(identity: Mapping[str, object]) -> str:
    """An identity object as ``Name <mail>``, as resource version 1.0 writes it.

    Resource version 3.1-preview.3 has that text in both of the object's names already.
    """
    name, unique = _text(identity, "displayName"), _text(identity, "uniqueName")
    if "<" in name or not unique or unique == name:
        return name or unique
    return unique if "<" in unique else f"{name} <{unique}>".strip()


def _text(identity: Mapping[str, object], key: str) -> str:
    value = identity.get(key)
    return value.replace("\x00", "\ufffd") if isinstance(value, str) else ""
