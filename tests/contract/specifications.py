"""Holds a REST answer against the Swagger 2.0 schema of its operation.

``required`` is empty throughout these specifications, so what is checked is: types, enumerations,
formats, and that no field is written that the definition does not list.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema

from tests.adapters.sandbox.azure_devops.scene import Reply

PROJECT_ROOT = Path(__file__).resolve().parents[2]
SPECS = Path(os.environ.get("PULLCORD_SPECS", PROJECT_ROOT.parent / "shared" / "specs"))

ALLOWED_UNKNOWN_FIELDS = {
    "_links": "the spec has a 'links' property; every real answer has the links themselves",
    "multilineFieldsFormat": "written by 7.1 for Markdown fields, listed only in newer specs",
    "lastSuccessfulAttemptDate": "in answers of the service hooks API, not in its 7.1 spec",
    "item": "Change.item is a bare object in the spec and a GitItem in answers",
    "properties": "PropertiesCollection is written as a plain map of names to typed values",
    "settings": "a policy's own JSON",
}
WRITTEN_AS_TEXT = {
    "IdentityDescriptor": "an object in the spec; the service writes 'identityType;identifier'",
}
FREE_JSON = {
    "JObject": "a policy's own settings or context; the spec lists the members of the .NET class",
}
FLAGS_ENUMS = {"changeType"}
"""Enumerations that are flags: several names, joined by a comma, are one value."""


@cache
def spec(name: str) -> dict[str, Any]:
    (path,) = SPECS.glob(f"{name}_*.json") if "." not in name else [SPECS / name]
    loaded: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return loaded


def operation(document: dict[str, Any], method: str, template: str) -> dict[str, Any]:
    wanted = template.casefold()
    for path, methods in document["paths"].items():
        if (
            path.casefold().replace("{collection}", "{organization}") == wanted
            and method.lower() in methods
        ):
            found: dict[str, Any] = methods[method.lower()]
            return found
    raise LookupError(f"the specification has no {method} {template}")


def all_properties(document: dict[str, Any], definition: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for base in definition.get("allOf", ()):
        found |= all_properties(document, resolve(document, base))
    found.update(definition.get("properties", {}))
    return found


def resolve(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        definitions: dict[str, dict[str, Any]] = document["definitions"]
        schema = definitions[schema["$ref"].rsplit("/", 1)[1]]
    return schema


def complaints(
    document: dict[str, Any], schema: dict[str, Any], value: Any, path: str
) -> Iterator[str]:
    """Yield what in ``value`` does not fit; null is taken for "not set", as the service writes."""
    if schema.get("$ref", "").rsplit("/", 1)[-1] in WRITTEN_AS_TEXT and isinstance(value, str):
        return
    if schema.get("$ref", "").rsplit("/", 1)[-1] in FREE_JSON:
        return
    schema = resolve(document, schema)
    if value is None or (schema.get("type") == "object" and not all_properties(document, schema)):
        values = schema.get("additionalProperties")
        if isinstance(values, dict) and isinstance(value, dict):
            for name, each in value.items():
                yield from complaints(document, values, each, f"{path}.{name}")
        return
    if schema.get("type") == "array":
        if not isinstance(value, list):
            yield f"{path}: not a list"
            return
        for index, each in enumerate(value):
            yield from complaints(document, schema["items"], each, f"{path}[{index}]")
    elif schema.get("type") == "object" or "properties" in schema or "allOf" in schema:
        yield from object_complaints(document, schema, value, path)
    else:
        yield from scalar_complaints(schema, value, path)


def object_complaints(
    document: dict[str, Any], schema: dict[str, Any], value: Any, path: str
) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{path}: not an object"
        return
    known = all_properties(document, schema)
    for name, each in value.items():
        if name in ALLOWED_UNKNOWN_FIELDS:
            continue
        if name not in known:
            yield f"{path}: unknown field {name}"
        else:
            yield from complaints(document, known[name], each, f"{path}.{name}")


def scalar_complaints(schema: dict[str, Any], value: Any, path: str) -> Iterator[str]:
    name = path.rsplit(".", 1)[-1]
    if "enum" in schema and name in FLAGS_ENUMS and isinstance(value, str):
        for part in value.split(", "):
            if part not in schema["enum"]:
                yield f"{path}: {part!r} is not one of the flags"
        return
    if schema.get("format") == "byte":
        return  # a .NET byte is a number on the wire and "string" in the specification
    plain = {key: schema[key] for key in ("type", "enum") if key in schema}
    for error in jsonschema.Draft4Validator(plain).iter_errors(value):
        yield f"{path}: {error.message}"
    formats = {
        "uuid": r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}",
        "date-time": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,7})?Z?",
    }
    pattern = formats.get(schema.get("format", ""))
    if pattern and isinstance(value, str) and re.fullmatch(pattern, value) is None:
        yield f"{path}: {value!r} is not a {schema['format']}"


def check(area: str, method: str, template: str, reply: Reply) -> None:
    """Hold an answer against the 200 schema of its operation; lists come in ``value``."""
    document = spec(area)
    responses = operation(document, method, template)["responses"]
    schema = responses["200"].get("schema")
    assert reply.status in (200, 201), reply.text
    assert schema is not None
    value = reply.json
    listed = isinstance(value, dict) and set(value) == {"value", "count"}
    if listed and schema.get("type") == "array":
        value = value["value"]
    elif listed:
        # Some lists are specified by their element only.
        schema, value = {"type": "array", "items": schema}, value["value"]
    assert value, "an empty answer proves nothing"
    found = list(complaints(document, schema, value, template.rsplit("/", 1)[-1]))
    assert not found, "\n".join(found)
